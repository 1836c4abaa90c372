"""Planes and times of one field: which of them are read, and how planes become one image."""

from collections.abc import Iterable, Sequence

import numpy as np

from core.domain import AnyArray
from core.errors import BadImage

MAXIMUM, MEAN = "max", "mean"
STAINS = "stains"  # the planes or times of a file are its stains
PLANES = "planes"  # they are not
PROJECTION = "projection"  # stacks are left out; their projections next to them are read
MAX_STAINS = 8


def project(planes: Iterable[AnyArray], how: str) -> AnyArray:
    """Equally large planes as one: the maximum or the mean of each pixel, in the planes' own type.

    Takes one plane at a time. Means of whole numbers are rounded to even.
    """
    each = iter(planes)
    first = next(each)
    if how != MEAN:
        brightest = first.copy()
        for plane in each:
            np.maximum(brightest, plane, out=brightest)
        return brightest
    total, count = first.astype(np.float64), 1
    for plane in each:
        total += plane
        count += 1
    mean = total / count
    return (np.rint(mean) if first.dtype.kind in "iu" else mean).astype(first.dtype)


def chosen_planes(depth: int, z: str, name: str) -> Sequence[int]:
    """Indices of the planes that `z` means: max, mean or stains all; a number from 1 that one.

    Raises BadImage for a plane that the stack does not have.
    """
    if z in (MAXIMUM, MEAN, STAINS) or depth == 1:
        return range(depth)
    return [_number(depth, z, name, "planes")]


def chosen_time(times: int, t: str, name: str) -> int:
    """Index of the time point `t`, a number from 1. Raises BadImage for one that is not there."""
    return 0 if times == 1 else _number(times, t, name, "time points")


def _number(count: int, text: str, name: str, what: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= count:
        return int(text) - 1
    raise BadImage(
        f"{name} has {count} {what}; {text!r} is none of them.", "Scan the folder again."
    )


def stack_error(name: str, depth: int, times: int) -> BadImage:
    """The refusal of a file of several planes or times for which nothing was chosen."""
    parts = [f"a time series of {times}"] if times > 1 else []
    parts += [f"a z-stack of {depth}"] if depth > 1 else []
    hint = "Keep one plane per channel. Are these channels? Then store them as channels."
    kind = "z-stack" if depth > 1 else "time-series"
    return BadImage(f"{name} is {' and '.join(parts)}: project it first.", hint, kind)
