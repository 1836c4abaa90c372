"""Moderated variance: the error of the mean of a few wells, with strength from all treatments.

Three wells say almost nothing about the variance of their treatment. As in limma, the variance of
every treatment is moved toward the common variance; the more the variances agree, the further
(Smyth 2004, doi:10.2202/1544-6115.1027, eqs. 2-6).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, polygamma

from core.domain import FloatArray, IntArray

MOST_AT_ONCE = 20_000_000  # numbers that are drawn in one step


@dataclass(frozen=True)
class Spread:
    """Means and moderated variances of T treatments."""

    mean: FloatArray  # (T,)
    variance: FloatArray  # (T,) moderated variance of one well
    freedom: FloatArray  # (T,) degrees of freedom of the variance
    wells: IntArray  # (T,) number of wells
    residuals: FloatArray  # (W',) of wells, in moderated standard deviations of the treatment


def spread_of(values: FloatArray, treatment: IntArray, count: int) -> Spread:
    """Means and moderated variances of (W,) values; `treatment` (W,) are numbers below `count`."""
    wells = np.bincount(treatment, minlength=count)
    mean = np.bincount(treatment, values, minlength=count) / np.maximum(wells, 1)
    rest = values - mean[treatment]
    own = np.bincount(treatment, rest**2, minlength=count) / np.maximum(wells - 1, 1)
    freedom = np.maximum(wells - 1, 0).astype(float)
    has_variance = freedom > 0
    prior, prior_freedom = prior_of(own[has_variance], freedom[has_variance])
    if np.isinf(prior_freedom):
        variance = np.full(count, prior)
    else:
        weighted = prior_freedom * prior + freedom * np.where(has_variance, own, 0)
        variance = weighted / (prior_freedom + freedom)
    rows = wells[treatment] > 1
    of = treatment[rows]
    scale = np.sqrt(wells / np.maximum(wells - 1, 1))  # residuals of few wells are too small
    standard = rest[rows] * scale[of] / np.sqrt(np.maximum(variance[of], 1e-300))
    total = np.minimum(prior_freedom + freedom, freedom.sum())
    return Spread(mean, variance, np.maximum(total, 1.0), wells, standard)


def prior_of(variances: FloatArray, freedom: FloatArray) -> tuple[float, float]:
    """Common variance and its degrees of freedom; infinite if variances differ only by chance."""
    positive = variances > 0
    if positive.sum() < 3:
        pooled = float((variances * freedom).sum() / max(freedom.sum(), 1.0))
        return pooled, float("inf")
    d = freedom[positive]
    logs = np.log(variances[positive]) - digamma(d / 2) + np.log(d / 2)
    excess = float(logs.var(ddof=1) - polygamma(1, d / 2).mean())
    if excess <= 0:
        return float(np.exp(logs.mean())), float("inf")
    prior_freedom = 2 * _trigamma_inverse(excess)
    log_prior = logs.mean() + digamma(prior_freedom / 2) - np.log(prior_freedom / 2)
    return float(np.exp(log_prior)), prior_freedom


def _trigamma_inverse(x: float) -> float:
    """y with trigamma(y) = x, by Newton steps on 1 / trigamma (Smyth 2004, appendix)."""
    y = 0.5 + 1 / x
    for _ in range(50):
        value = float(polygamma(1, y))
        step = value * (1 - value / x) / float(polygamma(2, y))
        y += step
        if -step / y < 1e-8:
            break
    return y


def redraw(
    spread: Spread, counts: IntArray, owner: IntArray, draws: int, rng: np.random.Generator
) -> FloatArray:
    """(draws, S) errors of the means of S sets of wells, from residuals of all treatments.

    With pooled residuals, the mean of three wells can be wrong by more than their own residuals.

    Parameters
    ----------
    spread
        Moderated variances of T treatments.
    counts
        (S,) number of wells of each set.
    owner
        (S,) treatment of each set.
    draws
        Number of draws.
    rng
        The random numbers.
    """
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    scale = np.sqrt(spread.variance[owner]) / np.maximum(counts, 1)
    errors = np.zeros((draws, len(counts)))
    if total == 0 or not len(spread.residuals):
        return errors
    pool = (spread.residuals - spread.residuals.mean()).astype(np.float32)
    pool /= max(float(pool.std()), 1e-12)
    at_once = max(1, MOST_AT_ONCE // total)
    starts = np.concatenate([[0], ends[:-1]])
    filled = counts > 0
    for a in range(0, draws, at_once):
        b = min(draws, a + at_once)
        picked = pool[rng.integers(0, len(pool), (b - a, total), dtype=np.int32)]
        errors[a:b][:, filled] = np.add.reduceat(picked, starts[filled], axis=1) * scale[filled]
    return errors
