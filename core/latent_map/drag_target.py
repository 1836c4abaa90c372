"""Turn a drag target on the map into condition weights and a strength.

A map position stands for logit coordinates. The image keeps what is special about it: u = u(y) +
w(y) (u0 - u(y0)). The weight w is 1 at the image's own position y0 and fades with distance, so the
image does not jump at the start of a drag. Response curves say how far this image comes toward each
condition; the nearest point on all curves is taken.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from core.domain import DecisionMap, FloatArray

STRENGTHS = (0.35, 0.7, 1.0, 1.25, 1.5)  # of the response curves
GRID = np.linspace(0, STRENGTHS[-1], 301)
# Shares of the wanted distance: how much nearer than one condition a mixture of two must come, and
# how much nearer a strength above 1.
SIMPLER = 0.1
EXAGGERATED = 0.2
FADING = 0.15  # share of the map's diagonal at which w is exp(-1/2)


def coordinates_at(decision: DecisionMap, x: float, y: float) -> FloatArray:
    """(K-1,) interpolated logit coordinates at a position; outside the map, at its edge."""
    x0, x1, y0, y1 = decision.extent
    height, width = decision.support.shape
    column = np.clip((x - x0) / (x1 - x0) * width - 0.5, 0, width - 1)
    row = np.clip((y - y0) / (y1 - y0) * height - 0.5, 0, height - 1)
    left, low = min(int(column), width - 2), min(int(row), height - 2)
    right_share, up_share = column - left, row - low
    square = decision.coordinates[low : low + 2, left : left + 2].astype(np.float64)
    below, above = square[:, 0] * (1 - right_share) + square[:, 1] * right_share
    coordinates: FloatArray = below * (1 - up_share) + above * up_share
    return coordinates


def wanted_coordinates(
    decision: DecisionMap, start: tuple[float, float], own: FloatArray, place: tuple[float, float]
) -> FloatArray:
    """(K-1,) the logit coordinates that a drag to `place` wants.

    The image lies at `start` and has the logit coordinates `own`.
    """
    x0, x1, y0, y1 = decision.extent
    distance = np.hypot(*np.subtract(place, start)) / np.hypot(x1 - x0, y1 - y0)
    weight = np.exp(-0.5 * (distance / FADING) ** 2)
    special = weight * (own - coordinates_at(decision, *start))
    wanted: FloatArray = coordinates_at(decision, *place) + special
    return wanted


def aim(
    own: FloatArray,
    reached: Mapping[str, Sequence[FloatArray]],
    wanted: FloatArray,
    asked: str = "",
) -> tuple[dict[str, float], float]:
    """Weights (sum 1) of one or two conditions, and the strength, that come nearest to `wanted`.

    `own` and `wanted` are logit coordinates (K-1,). `reached` is the response curve toward each
    condition: coordinates at each of STRENGTHS. A mixture of two conditions is taken to lie between
    their curves. The condition `asked`, if it has a curve, gets at least half of the weight, so
    that the image moves to the condition of the region.
    """
    goal = np.asarray(wanted - own, np.float64)
    at = (0.0, *STRENGTHS)
    measured = {
        name: np.array([own, *points], np.float64) - own for name, points in reached.items()
    }
    curves: dict[str, FloatArray] = {}  # (S, K-1) at each strength of GRID
    for name, points in measured.items():
        curves[name] = np.stack([np.interp(GRID, at, values) for values in points.T], axis=1)
    length = np.linalg.norm(goal)
    best, weights, strength = np.inf, {next(iter(curves)): 1.0}, 0.0
    for a, b in (*((name, name) for name in curves), *combinations(curves, 2)):
        if asked in curves and asked not in (a, b):
            continue
        apart = curves[a] - curves[b]
        share = ((goal - curves[b]) * apart).sum(axis=1) / np.maximum((apart**2).sum(axis=1), 1e-12)
        share = np.clip(share, 0.5 if a == asked else 0.0, 0.5 if b == asked else 1.0)
        distance = np.linalg.norm(goal - curves[b] - share[:, None] * apart, axis=1)
        distance += length * (EXAGGERATED * (GRID > 1) + SIMPLER * (a != b))
        k = int(np.nan_to_num(distance, nan=np.inf).argmin())
        if distance[k] < best:
            best, strength = distance[k], float(GRID[k])
            weights = {a: 1.0} if a == b else {a: float(share[k]), b: float(1 - share[k])}
    return weights, strength
