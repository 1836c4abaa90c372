"""What a treatment has not repaired: the change that still leads from treated to healthy, beside that from diseased.

Per channel, the change is the mean absolute difference between an image and its counterfactual (smoothed, so that
grain does not count), per nucleus where nuclei are known. Restored is 1 - treated / diseased.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from core.domain import FloatArray, ImageRecord
from core.domain_screen import Unrepaired
from core.progress import Progress, Report, silent

SMOOTHING_PX = 2.0
IMAGES = 8  # of every condition, evenly over its wells
DRAWS = 2000
FEWEST_WELLS = 2
LEAST_SHARE = 0.05  # of the change of the channel that changes most, in display ranges; below, there is nothing

Move = Callable[[ImageRecord], FloatArray | None]  # the difference (C, Y, X) of its counterfactual, or None


def unrepaired(
    chosen: Mapping[str, Sequence[ImageRecord]],
    diseased: str,
    channels: Sequence[str],
    spans: Sequence[float],
    nuclei: Mapping[str, float],
    move: Move,
    *,
    level: float,
    seed: int = 0,
    report: Report = silent,
) -> tuple[Unrepaired, ...]:
    """Rows per treatment and channel; channels that hardly change from diseased to healthy are left out.

    `chosen` are images per condition, the diseased among them; `spans` the display ranges in grey values.
    """
    total, done = sum(len(v) for v in chosen.values()), 0
    changes: dict[str, dict[str, list[FloatArray]]] = {}
    for condition, records in chosen.items():
        for record in records:
            difference = move(record)
            done += 1
            report(Progress(done, total, "Looking for what is not repaired"))
            if difference is not None:
                count = max(nuclei.get(record.id, 1.0), 1.0)
                changes.setdefault(condition, {}).setdefault(record.group, []).append(_size(difference) / count)
    wells = {name: np.array([np.mean(v, axis=0) for v in groups.values()]) for name, groups in changes.items()}
    base = wells.pop(diseased, np.zeros((0, len(channels))))
    if len(base) < FEWEST_WELLS:
        return ()
    shares = base.mean(axis=0) / np.array(spans)
    moving = [c for c in range(len(channels)) if shares[c] > LEAST_SHARE * shares.max()]
    return tuple(
        _row(name, channels[c], own[:, c], base[:, c], level, seed) for name, own in wells.items() for c in moving
    )


def _size(difference: FloatArray) -> FloatArray:
    """(C,) absolute difference summed over the pixels of a smoothed map, in grey values."""
    out: FloatArray = np.array([np.abs(gaussian_filter(d.astype(np.float64), SMOOTHING_PX)).sum() for d in difference])
    return out


def _row(condition: str, channel: str, own: FloatArray, base: FloatArray, level: float, seed: int) -> Unrepaired:
    restored = float(1 - own.mean() / base.mean())
    low = high = None
    if len(own) >= FEWEST_WELLS:
        rng = np.random.default_rng(seed)
        drawn = [v[rng.integers(0, len(v), (DRAWS, len(v)))].mean(axis=1) for v in (own, base)]
        tail = (1 - level) / 2 * 100
        low, high = (float(v) for v in np.percentile(1 - drawn[0] / drawn[1], [tail, 100 - tail]))
    return Unrepaired(condition, channel, restored, low, high, len(own))
