"""Measure the background between the cells, to find networks that learn the background."""

import numpy as np
from scipy.ndimage import binary_dilation

from core.domain import BoolArray, FloatArray

FEWEST_PIXELS = 64
MARGIN_PX = 3  # the light of a cell reaches a little beyond its mask


def background_readouts(raw: FloatArray, cells: BoolArray) -> FloatArray:
    """(5 C,) mean, spread and percentiles 5, 50, 95 of each channel outside the cells.

    `raw` is (C, Y, X), `cells` (Y, X). All values are nan where cells cover the image.
    """
    empty = ~binary_dilation(cells, iterations=MARGIN_PX)
    if empty.sum() < FEWEST_PIXELS:
        return np.full(5 * len(raw), np.nan)
    values = np.asarray(raw, np.float64)[:, empty]
    percentiles = np.percentile(values, [5, 50, 95], axis=1)
    readouts: FloatArray = np.concatenate([values.mean(axis=1), values.std(axis=1), *percentiles])
    return readouts
