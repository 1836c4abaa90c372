"""Where the name of each condition stands on the map: in its region, away from points and edges."""

import numpy as np
from scipy.ndimage import distance_transform_edt

from core.domain import DecisionMap, FloatArray

COARSE = 4  # every so many pixels of the map are tried
Place = tuple[float, float]


def label_places(decision: DecisionMap, xy: FloatArray) -> dict[str, Place]:
    """Condition -> the position of its name; none for a condition without a region.

    Of all positions in a region that has data, the one farthest from its edge and from the images
    (N, 2).
    """
    x0, x1, y0, y1 = decision.extent
    winner = decision.posterior.argmax(axis=2)[::COARSE, ::COARSE]
    inside = decision.support[::COARSE, ::COARSE]
    height, width = winner.shape
    free = np.ones((height + 2, width + 2), bool)
    shares = (xy - (x0, y0)) / (x1 - x0, y1 - y0)
    columns, rows = np.clip(shares, 0, 1 - 1e-9).T * ((width,), (height,))
    free[rows.astype(np.int64) + 1, columns.astype(np.int64) + 1] = False
    to_image = distance_transform_edt(free)[1:-1, 1:-1]
    places = {}
    for k, name in enumerate(decision.conditions):
        region = (winner == k) & inside
        if not region.any():
            continue
        to_edge = distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
        row, column = np.unravel_index(
            int((np.minimum(to_edge, 2 * to_image) * region).argmax()), region.shape
        )
        x = x0 + (column + 0.5) * (x1 - x0) / width
        y = y0 + (row + 0.5) * (y1 - y0) / height
        places[name] = (float(x), float(y))
    return places
