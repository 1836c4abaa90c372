"""Limits that several parts of the program share."""

LARGEST_STRENGTH = 5.0  # of a counterfactual; 1 is the target
PATH_FRAMES = 11  # number of strengths of a path
