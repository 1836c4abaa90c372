"""What `leigh bench` measures, each figure with its yardstick in the same run."""
