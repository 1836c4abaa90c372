"""Everything Leigh Explorer computes: files, networks, explanations, figures. No Qt, no display."""

__version__ = "0.1.0"
