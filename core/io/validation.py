"""Describe the first fault that pydantic finds in a stored file."""

from pydantic import ValidationError


def first_fault(error: ValidationError) -> str:
    """The first fault, such as 'panels.0.strength: Input should be a valid number'."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    return f"{field}: {first['msg']}"
