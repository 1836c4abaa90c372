"""Images, their channels and contrast."""
