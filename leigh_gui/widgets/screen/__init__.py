"""The parts that show a screen."""
