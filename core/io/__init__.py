"""Bytes to domain objects and back: images, tables, projects, models.

Knows neither torch nor Qt.
"""
