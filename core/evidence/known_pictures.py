"""Pictures of which is known whether they are right, to try the light of the evidence card.

From an image and its true counterfactual follow pictures that are wrong in one way each: nothing
changed, the wrong amount, a change in the wrong place, a change in another channel.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import roc_auc_score

from core.domain import LIGHTS, FloatArray

TRUTH = "truth"
AMOUNTS = {"half": 0.5, "half as much again": 1.5, "twice": 2.0}
LEAK = 1.4  # fold of another channel
ALIKE = 0.5  # of the size of a change: a change that moves by less has no wrong place


def known_pictures(
    start: FloatArray, end: FloatArray, offset: FloatArray, changing: Sequence[int]
) -> dict[str, FloatArray]:
    """Name -> picture (C, Y, X) in grey values, from an image and its true counterfactual.

    `offset` (C,) is the background, `changing` are the channels that truly change. Without another
    channel nothing can leak, and a change that is the same everywhere has no wrong place.
    """
    start, end = start.astype(np.float64), end.astype(np.float64)
    change = end - start
    pictures = {TRUTH: end, "nothing": start}
    pictures |= {name: np.maximum(start + of * change, 0) for name, of in AMOUNTS.items()}
    elsewhere = np.roll(change, change.shape[-1] // 2, axis=-1)
    if np.square(elsewhere - change).mean() > ALIKE**2 * np.square(change).mean():
        pictures["wrong place"] = start + elsewhere
    others = [c for c in range(len(start)) if c not in changing]
    if others:
        leaked, c = end.copy(), others[-1]
        leaked[c] = offset[c] + LEAK * (leaked[c] - offset[c])
        pictures["leak"] = leaked
    return {name: picture.astype(np.float32) for name, picture in pictures.items()}


def area_under_curve(right: Sequence[str], wrong: Sequence[str]) -> float | None:
    """How often a right picture has a better light than a wrong one; equal lights count half."""
    if not right or not wrong:
        return None
    scores = [-LIGHTS.index(light) for light in (*right, *wrong)]
    return float(roc_auc_score([1] * len(right) + [0] * len(wrong), scores))
