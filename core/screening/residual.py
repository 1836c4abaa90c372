"""The residual: what a treatment does not repair, per channel.

Treated and diseased images are moved to healthy, and the change is measured in the readouts of each
channel, in the spread of healthy images. d is the mean change of the diseased wells, t the mean
change of the treated wells. The residual is <t, d> / |d|^2; the restored share is 1 minus this.
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
# Share of the change of the channel that changes most; channels with less need no repair.
LEAST_SHARE = 0.1

# From a record to the change (C, R) of its readouts when it is moved to healthy; None: failed.
Move = Callable[[ImageRecord], FloatArray | None]


@dataclass(frozen=True)
class Intervals:
    """Level of the intervals, and the seed of the draws."""

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
    """Measure the residual: one row per treatment and channel.

    Channels that hardly change from diseased to healthy are left out.

    Parameters
    ----------
    chosen
        Images per condition, including the diseased condition.
    diseased
        Name of the diseased condition.
    channels
        C names.
    move
        Gives the change (C, R) of an image, in the spread of healthy images.
    intervals
        Wells of both conditions are drawn again; None with fewer than FEWEST_WELLS wells.
    report
        Receives the progress.
    """
    total, done = sum(len(v) for v in chosen.values()), 0
    changes: dict[str, dict[str, list[FloatArray]]] = {}
    for condition, records in chosen.items():
        for record in records:
            change = move(record)
            done += 1
            report(Progress(done, total, "Measuring the residual"))
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
    """One row, from changes (W, R) of treated and (V, R) of diseased wells in one channel."""
    low = high = None
    if len(own) >= FEWEST_WELLS:
        rng = np.random.default_rng(intervals.seed)
        means = [v[rng.integers(0, len(v), (DRAWS, len(v)))].mean(axis=1) for v in (own, base)]
        tail = (1 - intervals.level) / 2 * 100
        low, high = (float(v) for v in np.percentile(_restored(*means), [tail, 100 - tail]))
    restored = float(_restored(own.mean(axis=0), base.mean(axis=0)))
    return ResidualChange(condition, channel, restored, low, high, len(own))


def _restored(treated: FloatArray, diseased: FloatArray) -> FloatArray:
    """The restored share 1 - <t, d> / |d|^2 of changes (..., R)."""
    share: FloatArray = (treated * diseased).sum(axis=-1) / (diseased**2).sum(axis=-1)
    return 1 - share
