"""Folders of the user's computer that the window writes to."""

from pathlib import Path


def log_folder() -> Path:
    """Where the log is written."""
    import platformdirs

    return platformdirs.user_log_path("leigh-explorer", appauthor=False)
