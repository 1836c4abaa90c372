"""From a data set to a trained, measured model on disk."""
