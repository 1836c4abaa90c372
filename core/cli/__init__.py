"""The command line `leigh`, with one file per verb."""
