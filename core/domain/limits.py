"""Limits that several parts of the program share."""

LARGEST_STRENGTH = 5.0  # of a counterfactual; 1 is the target
LARGEST_DRAGGED_STRENGTH = 1.5  # on map, path and mix; beyond 1 is exaggeration
PATH_FRAMES = 11  # strengths at which a path is drawn
OCCLUSION_WINDOW_UM = 8.0  # side of what occlusion hides; about a nucleus
GREY_LEVEL = 1 / 255  # of a channel's display range
EXACT_TO = GREY_LEVEL / 4  # a round trip within it is exact to the eye
PLATE_SHAPES = ((2, 3), (3, 4), (4, 6), (6, 8), (8, 12), (16, 24), (32, 48))  # 6 to 1536 wells
# Guidance scale: from 1.8 on, independent classifiers no longer saw the target; beyond 2.5, cells
# were erased (simulated perturbations). A calibration that wants more ends here.
LARGEST_GAIN = 1.6
