"""Read and write files: images, tables, projects, models and screens."""
