"""Evidence for a counterfactual: independent classifiers, features and distance to real images."""
