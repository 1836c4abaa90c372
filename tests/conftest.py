"""Fixtures that all tests may use."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real and broken example files, kept beside the repository; tests that need them skip where they are absent."""
    folder = Path(__file__).parents[1].parent / "shared"
    if not (folder / "formats").is_dir():
        pytest.skip("the folder shared/ with example files is not beside the repository")
    return folder
