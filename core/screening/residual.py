"""What a treatment has not repaired: the change that still leads from treated to healthy, beside
that from diseased.

Images of both are moved to healthy, and what changes is measured in the readouts of each channel,
brightness and shape alike, in the spread of healthy images. Of the mean change d of the diseased
wells, the share that the mean change t of the treated wells still has is <t, d> / |d|^2; restored
is the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.domain import FloatArray, ImageRecord
from core.domain.screen import ResidualChange
from core.progress import Progress, Report, silent

IMAGES = 8  # of every condition, evenly over its wells
DRAWS = 2000
FEWEST_WELLS = 2
LEAST_SHARE = (
    0.1  # of the change of the channel that changes most; below, there is nothing to restore
)

Move = Callable[
    [ImageRecord], FloatArray | None
]  # (C, R) change of an image's readouts on its way to healthy, or None


@dataclass(frozen=True)
class Intervals:
    """Level of the intervals, and the seed of the wells drawn again."""

    level: float = 0.9
    seed: int = 0


def unrepaired(
    chosen: Mapping[str, Sequence[ImageRecord]],
    diseased: str,
    channels: Sequence[str],
    move: Move,
    *,
    intervals: Intervals,
    report: Report = silent,
) -> tuple[ResidualChange, ...]:
    """Rows per treatment and channel; `chosen` are images per condition, the diseased among them.

    `move` gives changes in the spread of healthy images. Channels that hardly change from diseased
    to healthy are left out. Intervals: wells of both drawn again; None with fewer than
    FEWEST_WELLS.
    """
    total, done = sum(len(v) for v in chosen.values()), 0
    changes: dict[str, dict[str, list[FloatArray]]] = {}
    for condition, records in chosen.items():
        for record in records:
            change = move(record)
            done += 1
            report(Progress(done, total, "Looking for what is not repaired"))
            if change is not None:
                changes.setdefault(condition, {}).setdefault(record.group, []).append(change)
    wells = {
        name: np.array([np.mean(v, axis=0) for v in groups.values()])
        for name, groups in changes.items()
    }
    base = wells.pop(diseased, np.zeros((0, len(channels), 1)))  # (W, C, R)
    if len(base) < FEWEST_WELLS:
        return ()
    sizes = np.linalg.norm(base.mean(axis=0), axis=1)
    moving = [c for c in range(len(channels)) if sizes[c] > LEAST_SHARE * sizes.max()]
    return tuple(
        _row(name, channels[c], own[:, c], base[:, c], intervals)
        for name, own in wells.items()
        for c in moving
    )


def _row(
    condition: str, channel: str, own: FloatArray, base: FloatArray, intervals: Intervals
) -> ResidualChange:
    """Of changes (W, R) of treated and (V, R) of diseased wells in one channel."""
    low = high = None
    if len(own) >= FEWEST_WELLS:
        rng = np.random.default_rng(intervals.seed)
        means = [v[rng.integers(0, len(v), (DRAWS, len(v)))].mean(axis=1) for v in (own, base)]
        tail = (1 - intervals.level) / 2 * 100
        low, high = (float(v) for v in np.percentile(_restored(*means), [tail, 100 - tail]))
    restored = float(_restored(own.mean(axis=0), base.mean(axis=0)))
    return ResidualChange(condition, channel, restored, low, high, len(own))


def _restored(treated: FloatArray, diseased: FloatArray) -> FloatArray:
    """1 - <t, d> / |d|^2 of changes (..., R)."""
    share: FloatArray = (treated * diseased).sum(axis=-1) / (diseased**2).sum(axis=-1)
    return 1 - share
