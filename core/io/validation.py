"""What pydantic found wrong with a stored file, in one line of words."""

from pydantic import ValidationError


def first_fault(error: ValidationError) -> str:
    """Where the first fault is, and what it is: 'panels.0.strength: Input should be a valid
    number'.
    """
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}"
