"""From a folder of image files to a Dataset: names, channels, wells, conditions, plate maps."""
