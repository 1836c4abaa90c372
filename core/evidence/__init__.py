"""What speaks for and against a counterfactual: independent classifiers, readouts, distance to real
images.
"""
