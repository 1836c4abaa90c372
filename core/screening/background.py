"""Readouts of what lies between the cells: a control for networks that learn the background instead
of the cells.
"""

import numpy as np
from scipy.ndimage import binary_dilation

from core.domain import BoolArray, FloatArray

FEWEST_PIXELS = 64
MARGIN_PX = 3  # light of a cell reaches a little further than its mask


def background_readouts(raw: FloatArray, cells: BoolArray) -> FloatArray:
    """(5 C,) mean, spread, percentiles 5, 50, 95 per channel of (C, Y, X) outside the cells (Y, X);
    nan where full.
    """
    empty = ~binary_dilation(cells, iterations=MARGIN_PX)
    if empty.sum() < FEWEST_PIXELS:
        return np.full(5 * len(raw), np.nan)
    values = np.asarray(raw, np.float64)[:, empty]
    out: FloatArray = np.concatenate(
        [values.mean(axis=1), values.std(axis=1), *np.percentile(values, [5, 50, 95], axis=1)]
    )
    return out
