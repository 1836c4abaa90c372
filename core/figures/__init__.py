"""Figure panels for the paper: drawn from domain objects, written with their provenance inside."""
