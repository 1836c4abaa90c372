"""Moves an image toward another condition and back, exactly; calibrates and measures how well."""
