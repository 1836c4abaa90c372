"""How a change is drawn: as a share of the range or of the original, and from which size on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.domain import FloatArray
from leigh_gui.widgets.common.look import percent

LEAST_SHARE = 0.05  # of the range: what is darker than this above black counts as this


@dataclass(frozen=True)
class Change:
    """A move of one image, all C Y X in grey values, and what is needed to read it."""

    original: FloatArray
    image: FloatArray
    difference: FloatArray
    locked: tuple[str, ...] = ()
    noise: float = 0.0  # share of the range that a round trip may be off by

    @cached_property
    def largest(self) -> tuple[float, ...]:
        """(C,) largest size of the change in each channel, in grey values."""
        return tuple(float(max(plane.max(), -plane.min())) for plane in self.difference)


@dataclass(frozen=True)
class Drawing:
    """`relative`: to the original's own brightness. Below `threshold` nothing is drawn."""

    relative: bool = False
    threshold: float = 0.0


PLAIN = Drawing()


def drawn(change: Change, spans: Sequence[float], black: Sequence[float],
          how: Drawing) -> tuple[FloatArray, tuple[float, ...]]:  # fmt: skip
    """C Y X values to draw, and the span of each channel that counts as 100 %."""
    if how == PLAIN:
        return change.difference, tuple(spans)
    values = change.difference
    shares = tuple(spans)
    if how.relative:
        floor = np.array(black, np.float32)[:, None, None]
        least = np.array(spans, np.float32)[:, None, None] * np.float32(LEAST_SHARE)
        values = values / np.maximum(change.original - floor, least)
        shares = (1.0,) * len(spans)
    if how.threshold > 0:
        limits = np.array(shares, np.float32)[:, None, None] * np.float32(how.threshold)
        values = np.where(np.abs(values) >= limits, values, np.float32(0))
    return values, shares


def note_of(change: Change, index: int, name: str, span: float) -> tuple[str, bool]:
    """What to say of one channel's change, and whether it may be an error of the arithmetic."""
    largest = change.largest[index] / max(span, 1e-12)
    if largest == 0:
        return ("locked" if name in change.locked else "no change"), False
    if largest <= change.noise:
        return f"largest change {percent(largest, 3)}: within the round-trip error", True
    return largest_change(largest), False


def largest_change(share: float) -> str:
    """The largest change, as a share of the display range, in words."""
    return f"largest change {percent(share, 0 if share >= 0.1 else 1)}"
