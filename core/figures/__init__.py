"""Figure panels for papers, written with their provenance inside the file."""
