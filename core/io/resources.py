"""Find the files that are part of the program, such as the demo and the icons."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def resource(*parts: str) -> Path:
    """Path of a file of the program: inside the wheel, or next to `core` in a checkout."""
    inside = PACKAGE / "_resources"
    root = inside if inside.exists() else PACKAGE.parent / "resources"
    return root.joinpath(*parts)
