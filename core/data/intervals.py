"""95 % intervals of the share of images that are right, where images come from few wells.

Images of one well are alike, so wells are counted and not images. The error comes from the spread
between wells (Taylor series, as in surveys of clusters). It says how many independent images would
be as certain; the interval is that of Clopper and Pearson (1934) for so many images, with Student's
t for few wells (Korn and Graubard 1998). Drawing wells again (bootstrap) covers the truth in only
75 % to 85 % of cases with three wells.
"""

from collections.abc import Sequence

import numpy as np
from scipy import stats
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from core.domain import FloatArray, IntArray
from core.domain.accuracy import FEWEST_GROUPS

LEVEL = 0.95

Interval = tuple[float | None, float | None]
NONE: Interval = (None, None)


def interval_over_groups(right: FloatArray, groups: Sequence[str]) -> Interval:
    """Interval of the mean of `right` (N,), 0 or 1 for each image; `groups` are wells.

    (None, None) with fewer than FEWEST_GROUPS groups. Where all images are right or all are wrong,
    wells show no spread: the interval is then one-sided, with each group as one image.
    """
    return _interval(right, groups, np.zeros(len(right), int))


def balanced_interval(right: FloatArray, truth: IntArray, groups: Sequence[str]) -> Interval:
    """As `interval_over_groups`, of the mean over conditions of the share that is right.

    (None, None) also where a condition of `truth` (N,) has a single group.
    """
    names = np.asarray(groups)
    if min(len(set(names[truth == k])) for k in np.unique(truth)) < 2:
        return NONE
    return _interval(right, groups, truth)


def _separate(stratum: IntArray, group: IntArray) -> int:
    """Number of sets of conditions that share no group; each costs a degree of freedom."""
    conditions = stratum.max() + 1
    size = conditions + group.max() + 1
    shared = coo_array((np.ones(len(group)), (stratum, conditions + group)), shape=(size, size))
    return int(connected_components(shared, directed=False)[0])


def _interval(right: FloatArray, groups: Sequence[str], strata: IntArray) -> Interval:
    names, group = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < FEWEST_GROUPS:
        return NONE
    if right.min() == right.max():
        bound = (1 - LEVEL) ** (1 / len(names))
        return (bound, 1.0) if right[0] else (0.0, 1 - bound)
    _, stratum, counts = np.unique(strata, return_inverse=True, return_counts=True)
    weights = 1 / (len(counts) * counts[stratum])
    means = np.bincount(stratum, right) / counts
    mean, freedom = float(means.mean()), len(names) - _separate(stratum, group)
    errors = np.bincount(group, weights * (right - means[stratum]))
    variance = float(len(names) / freedom * (errors**2).sum())
    images = 1 / float((weights**2).sum())
    if variance > 0:  # wells that differ less than chance allows prove nothing more
        images = min(images, mean * (1 - mean) / variance)
    tail = (1 - LEVEL) / 2
    images *= float(stats.norm.ppf(tail) / stats.t.ppf(tail, freedom)) ** 2
    hits = images * mean
    low, high = (
        stats.beta.ppf(tail, hits, images - hits + 1),
        stats.beta.isf(tail, hits + 1, images - hits),
    )
    return float(low), float(high)
