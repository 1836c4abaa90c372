"""Scanning: from a folder of image files to a dataset with channels, wells and conditions."""
