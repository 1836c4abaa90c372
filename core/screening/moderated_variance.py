"""How far the mean of a few wells can be trusted: spreads that borrow strength from all treatments,
and redrawn wells.

A treatment with three wells knows next to nothing of its own spread. As in limma, every treatment's
variance is drawn toward the common one by as much as the treatments' variances agree (Smyth 2004,
doi:10.2202/1544-6115.1027, eqs. 2-6).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, polygamma

from core.domain import FloatArray, IntArray

MOST_AT_ONCE = 20_000_000  # numbers redrawn in one step


@dataclass(frozen=True)
class Spread:
    """Per treatment, T of them."""

    mean: FloatArray  # (T,)
    variance: FloatArray  # (T,) moderated, of one well
    freedom: FloatArray  # (T,) degrees of freedom of that variance
    wells: IntArray  # (T,)
    residuals: FloatArray  # (W',) of wells, in units of the own treatment's moderated spread


def spread_of(values: FloatArray, treatment: IntArray, count: int) -> Spread:
    """Means and moderated variances of (W,) values; `treatment` (W,) are numbers below `count`."""
    wells = np.bincount(treatment, minlength=count)
    mean = np.bincount(treatment, values, minlength=count) / np.maximum(wells, 1)
    rest = values - mean[treatment]
    own = np.bincount(treatment, rest**2, minlength=count) / np.maximum(wells - 1, 1)
    freedom = np.maximum(wells - 1, 0).astype(float)
    known = freedom > 0
    prior, prior_freedom = prior_of(own[known], freedom[known])
    if np.isinf(prior_freedom):
        variance = np.full(count, prior)
    else:
        variance = (prior_freedom * prior + freedom * np.where(known, own, 0)) / (
            prior_freedom + freedom
        )
    some = wells[treatment] > 1
    scale = np.sqrt(
        wells / np.maximum(wells - 1, 1)
    )  # residuals of few wells are too small by this much
    standard = (
        rest[some] * scale[treatment[some]] / np.sqrt(np.maximum(variance[treatment[some]], 1e-300))
    )
    total = np.minimum(prior_freedom + freedom, freedom.sum())
    return Spread(mean, variance, np.maximum(total, 1.0), wells, standard)


def prior_of(variances: FloatArray, freedom: FloatArray) -> tuple[float, float]:
    """Common variance and its degrees of freedom (infinite where the variances differ no more than
    by chance).
    """
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
    return (
        float(np.exp(logs.mean() + digamma(prior_freedom / 2) - np.log(prior_freedom / 2))),
        prior_freedom,
    )


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
    """(draws, S) errors of means of `counts` (S,) wells of treatment `owner` (S,), wells drawn anew
    from all residuals.

    Pooling the residuals lets three wells err by more than their own three residuals could.
    """
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    scale = np.sqrt(spread.variance[owner]) / np.maximum(counts, 1)
    out = np.zeros((draws, len(counts)))
    if total == 0 or not len(spread.residuals):
        return out
    pool = (spread.residuals - spread.residuals.mean()).astype(np.float32)
    pool /= max(float(pool.std()), 1e-12)
    at_once = max(1, MOST_AT_ONCE // total)
    starts = np.concatenate([[0], ends[:-1]])
    filled = counts > 0
    for a in range(0, draws, at_once):
        b = min(draws, a + at_once)
        picked = pool[rng.integers(0, len(pool), (b - a, total), dtype=np.int32)]
        out[a:b][:, filled] = np.add.reduceat(picked, starts[filled], axis=1) * scale[filled]
    return out
