"""Read JSON objects in which every key stands once."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

MAX_BYTES = 200_000_000


def read_object(path: Path, parse_constant: Callable[[str], float] | None = None) -> dict[str, Any]:
    """The object in a JSON file. Raises ValueError for anything else, and OSError.

    `parse_constant` is called for NaN and infinities.
    """
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES // 10**6} MB")
    return parse_object(path.read_bytes(), parse_constant)


def parse_object(
    data: bytes, parse_constant: Callable[[str], float] | None = None
) -> dict[str, Any]:
    """The object in the bytes of a JSON file. Raises ValueError for anything else."""
    try:
        stored = json.loads(
            data.decode("utf-8"), object_pairs_hook=_once, parse_constant=parse_constant
        )
    except RecursionError as error:
        raise ValueError("too many levels") from error
    if not isinstance(stored, dict):
        raise ValueError("not an object in braces")
    return stored


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands there twice")
    return values
