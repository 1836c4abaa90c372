"""Where on the map a handle is held, in terms of what the model can do: condition weights and a strength.

A place stands for semantic coordinates; what is special about the image stays: u = u(y) + w(y) (u0 - u(y0)), where w
is 1 at the image's own place y0 and fades with distance, so nothing jumps at the grab. How far this image comes toward
each condition was measured on it; of those directions the mixture that brings it nearest is taken (non-negative least
squares).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import nnls

from core.domain import DecisionMap, FloatArray
from core.explain.decision import LEAST_WEIGHT, MAX_STRENGTH

STRENGTHS = (0.5, 1.0, 1.5)  # at which the image is measured
ROUNDS = 4  # the directions bend with the strength
AS_GOOD_AS_ONE = 1.15  # a strength that looks like the whole way; beyond it is exaggeration
FADING = 0.15  # of the map's diagonal: where w is exp(-1/2)


def coordinates_at(decision: DecisionMap, x: float, y: float) -> FloatArray:
    """(K-1,) semantic coordinates under a place, between the pixels; outside the map, at its nearest edge."""
    x0, x1, y0, y1 = decision.extent
    height, width = decision.support.shape
    column = np.clip((x - x0) / (x1 - x0) * width - 0.5, 0, width - 1)
    row = np.clip((y - y0) / (y1 - y0) * height - 0.5, 0, height - 1)
    left, low = min(int(column), width - 2), min(int(row), height - 2)
    right_share, up_share = column - left, row - low
    square = decision.coordinates[low : low + 2, left : left + 2].astype(np.float64)
    below, above = square[:, 0] * (1 - right_share) + square[:, 1] * right_share
    out: FloatArray = below * (1 - up_share) + above * up_share
    return out


def wanted_coordinates(
    decision: DecisionMap, start: tuple[float, float], own: FloatArray, place: tuple[float, float]
) -> FloatArray:
    """(K-1,) what a handle at `place` asks of an image that lies at `start` and has the coordinates `own`."""
    x0, x1, y0, y1 = decision.extent
    way = np.hypot(*np.subtract(place, start)) / np.hypot(x1 - x0, y1 - y0)
    special = np.exp(-0.5 * (way / FADING) ** 2) * (own - coordinates_at(decision, *start))
    out: FloatArray = coordinates_at(decision, *place) + special
    return out


def aim(
    own: FloatArray, reached: Mapping[str, Sequence[FloatArray]], wanted: FloatArray
) -> tuple[dict[str, float], float]:
    """Weights (sum 1) and strength that bring an image from `own` (K-1,) nearest to `wanted`.

    `reached` are its coordinates at each of STRENGTHS toward each condition.
    """
    names = list(reached)
    ways = np.array([[own, *reached[name]] for name in names], np.float64)  # (T, S + 1, K-1)
    at = np.array([0.0, *STRENGTHS])
    share, strength = np.zeros(len(names)), 1.0
    for _ in range(ROUNDS):
        directions = np.array([[np.interp(strength, at, v) for v in way.T] for way in ways]) - own
        share, _ = nnls(directions.T / strength, wanted - own)
        share[share < LEAST_WEIGHT * share.max()] = 0.0
        strength = float(np.clip(share.sum(), 1e-3, MAX_STRENGTH))
    if 1 < strength <= AS_GOOD_AS_ONE:
        strength = 1.0
    if not share.sum() > 1e-6:
        return {names[0]: 1.0}, 0.0
    return {n: float(s / share.sum()) for n, s in zip(names, share) if s > 0}, strength
