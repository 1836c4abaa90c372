"""Take out of the features of images what all stains share, such as the density of the cells.

Where cells are dense, every stain is brighter. What the other stains of an image say of this is
subtracted from the features of a stain; a stain that changes alone then stands out.
"""

from collections.abc import Sequence

import numpy as np

from core.domain import FloatArray, IntArray


def without_common_factor(
    features: FloatArray, channel: IntArray, cells: Sequence[tuple[int, str]]
) -> FloatArray:
    """(N, R) features, less what the first principal component of the other stains explains.

    The component and its slopes come from differences within cells only, so what differs between
    conditions or wells changes neither. Features of a single stain stay as they are.

    Parameters
    ----------
    features
        (N, R), one row per image.
    channel
        (R,) the channel of a feature.
    cells
        Condition and well of every image.
    """
    adjusted, within = features.copy(), _within(features, cells)
    spread = within.std(axis=0)
    for c in np.unique(channel):
        own, others = channel == c, (channel != c) & (spread > 0)
        if not others.any():
            continue
        component = np.linalg.svd(within[:, others] / spread[others], full_matrices=False)[2][0]
        factor, deviation = (
            values[:, others] / spread[others] @ component for values in (features, within)
        )
        slopes = deviation @ within[:, own] / max(float(deviation @ deviation), 1e-12)
        adjusted[:, own] -= np.outer(factor, slopes)
    return adjusted


def _within(features: FloatArray, cells: Sequence[tuple[int, str]]) -> FloatArray:
    """(N, R) features less the mean of their cell."""
    within = features.copy()
    names = np.array([f"{condition}/{well}" for condition, well in cells])
    for name in np.unique(names):
        within[names == name] -= features[names == name].mean(axis=0)
    return within
