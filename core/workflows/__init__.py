"""One file per verb, used by the command line, the window and notebooks alike."""
