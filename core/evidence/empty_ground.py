"""How much of a change lies in empty ground, far from all cells.

Heat maps of classifiers lit up empty areas; a counterfactual must not. Empty ground is the darkest
fifth of the picture in every channel, before and after. A change that ignores the cells, such as
haze, noise or a higher background, puts a fifth of itself there; a change of cells nearly nothing.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from core.domain import FloatArray

DARKEST = 0.2  # share of the pixels
SMOOTHED_PX = 2.0
BACKGROUND_PERCENTILE = 1


def change_in_ground(before: FloatArray, after: FloatArray, span: FloatArray) -> float:
    """Share of the squared change in empty ground, relative to a change that ignores the cells.

    0: none; 1: as much as everywhere. Images are (C, Y, X), `span` (C,) is the display range.
    """
    unit = np.asarray(span, np.float64)[:, None, None]
    light = np.maximum(_light(before / unit), _light(after / unit)).max(axis=0)
    ground = light <= np.quantile(light, DARKEST)
    change = (((after - before) / unit) ** 2).sum(axis=0)
    return float(change[ground].sum() / max(float(change.sum()), 1e-12) / ground.mean())


def _light(relative: FloatArray) -> FloatArray:
    """(C, Y, X) light above the background, smoothed over the noise."""
    smooth = gaussian_filter(relative, (0, SMOOTHED_PX, SMOOTHED_PX))
    low = np.percentile(smooth, BACKGROUND_PERCENTILE, axis=(1, 2), keepdims=True)
    light: FloatArray = smooth - low
    return light
