"""Files that travel with the program: icons, figure style, demo plate and demo model."""
