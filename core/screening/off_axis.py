"""Off-axis distance: how far the wells of a treatment lie from the disease axis.

Noise alone gives the mean deviation of a few wells a length. For a normal error that is equal in
all D directions, |mean|^2 is noncentral chi-squared with mean |true|^2 + D s^2. So D s^2 is
subtracted, and the interval comes from this distribution.
"""

import numpy as np
from scipy import stats

from core.domain import FloatArray, IntArray
from core.screening.design import Design
from core.screening.discriminant import OffAxisSpace, class_means

PRIOR_WELLS = 4.0  # weight of the common variance in every treatment's variance, in wells


def off_axis(
    space: OffAxisSpace, design: Design, rescue: FloatArray, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(K,) off-axis distance, low and high end at `level`, in the spread of healthy wells."""
    off = space.off()  # (W, D), with diseased wells of every plate around 0
    dims = max(1, off.shape[1] - 1)
    mean = class_means(off, design.condition)
    mean = mean - np.outer(rescue, mean[design.healthy])  # the healthy mean has an error, too
    noise = _noise(off, design, rescue, dims)
    squared = (mean**2).sum(axis=1)
    excess = np.maximum(squared / noise - dims, 1e-9)
    tail = (1 - level) / 2
    ends = [stats.ncx2.ppf(q, dims, excess) * noise for q in (tail, 1 - tail)]
    value, low, high = (
        np.sqrt(np.maximum(v - dims * noise, 0)) / space.spread for v in (squared, *ends)
    )
    return value, low, high


def _noise(off: FloatArray, design: Design, rescue: FloatArray, dims: int) -> FloatArray:
    """(K,) variance of a mean deviation per direction, from own, healthy and diseased wells."""
    wells = design.counts.sum(axis=1)
    variance = _variances(off, design.condition, wells) / dims
    share = design.counts / np.maximum(wells, 1)[:, None]  # (K, P)
    own = variance / np.maximum(wells, 1)
    lever = share - rescue[:, None] * share[design.healthy]
    base = variance[design.diseased] / np.maximum(design.counts[design.diseased], 1)
    noise = own + rescue**2 * own[design.healthy] + lever**2 @ base
    controls = [design.diseased, design.healthy]
    noise[controls] = own[controls]
    floored: FloatArray = np.maximum(noise, 1e-12)
    return floored


def _variances(off: FloatArray, condition: IntArray, wells: IntArray) -> FloatArray:
    """(K,) variances summed over directions, moved toward the variance of all treatments."""
    squares = ((off - class_means(off, condition)[condition]) ** 2).sum(axis=1)
    freedom = np.maximum(wells - 1, 0)
    total = np.bincount(condition, squares, minlength=len(wells))
    common = float(total.sum() / max(freedom.sum(), 1))
    variances: FloatArray = (PRIOR_WELLS * common + total) / (PRIOR_WELLS + freedom)
    return variances
