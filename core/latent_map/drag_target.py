"""Where on the map a handle is held, in terms of what the model can do: condition weights and a
strength.

A place stands for semantic coordinates; what is special about the image stays: u = u(y) + w(y) (u0
- u(y0)), where w is 1 at the image's own place y0 and fades with distance, so nothing jumps at the
grab. How far this image comes toward each condition was measured on it at several strengths; ways
bend, so all that they pass is searched for the nearest.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from core.domain import DecisionMap, FloatArray

STRENGTHS = (0.35, 0.7, 1.0, 1.25, 1.5)  # at which the image is measured
GRID = np.linspace(0, STRENGTHS[-1], 301)
SIMPLER = 0.1  # of the way asked: two conditions must come so much nearer than one
EXAGGERATED = 0.2  # of the way asked: a strength beyond 1 must come so much nearer
FADING = 0.15  # of the map's diagonal: where w is exp(-1/2)


def coordinates_at(decision: DecisionMap, x: float, y: float) -> FloatArray:
    """(K-1,) semantic coordinates under a place, between the pixels; outside the map, at its
    nearest edge.
    """
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
    """(K-1,) what a handle at `place` asks of an image that lies at `start` and has the coordinates
    `own`.
    """
    x0, x1, y0, y1 = decision.extent
    way = np.hypot(*np.subtract(place, start)) / np.hypot(x1 - x0, y1 - y0)
    special = np.exp(-0.5 * (way / FADING) ** 2) * (own - coordinates_at(decision, *start))
    out: FloatArray = coordinates_at(decision, *place) + special
    return out


def drag_target(
    own: FloatArray,
    reached: Mapping[str, Sequence[FloatArray]],
    wanted: FloatArray,
    asked: str = "",
) -> tuple[dict[str, float], float]:
    """Weights (sum 1) of one or two conditions and the strength that bring an image from `own`
    (K-1,) near `wanted`.

    `reached` are its coordinates at each of STRENGTHS toward each condition; of two, the mixture is
    taken to lie between. The condition that is `asked`, where given and reached, has at least half
    of the weight: the image is moved to what the place is called.
    """
    goal = np.asarray(wanted - own, np.float64)
    at = (0.0, *STRENGTHS)
    measured = {
        name: np.array([own, *points], np.float64) - own for name, points in reached.items()
    }
    ways = {
        n: np.stack([np.interp(GRID, at, v) for v in m.T], axis=1) for n, m in measured.items()
    }  # (S, K-1)
    length = np.linalg.norm(goal)
    best, weights, strength = np.inf, {next(iter(ways)): 1.0}, 0.0
    for a, b in (*((name, name) for name in ways), *combinations(ways, 2)):
        if asked in ways and asked not in (a, b):
            continue
        apart = ways[a] - ways[b]
        share = ((goal - ways[b]) * apart).sum(axis=1) / np.maximum((apart**2).sum(axis=1), 1e-12)
        share = np.clip(share, 0.5 if a == asked else 0.0, 0.5 if b == asked else 1.0)
        off = np.linalg.norm(goal - ways[b] - share[:, None] * apart, axis=1)
        off += length * (EXAGGERATED * (GRID > 1) + SIMPLER * (a != b))
        k = int(np.nan_to_num(off, nan=np.inf).argmin())
        if off[k] < best:
            best, strength = off[k], float(GRID[k])
            weights = {a: 1.0} if a == b else {a: float(share[k]), b: float(1 - share[k])}
    return weights, strength
