"""Limits that several parts of the program share, each once."""

LARGEST_STRENGTH = 5.0  # of a counterfactual; 1 is the target
PATH_FRAMES = 11  # strengths at which a path is drawn
