"""Assay quality: Z'-factor, robust Z'-factor and SSMD say how well two controls are separated.

All take one score per well. The score should be a logit or a latent axis, never a probability:
softmax reduces the spread of both controls, so that every assay looks excellent.
"""

from typing import Any

import numpy as np

from core.domain import FloatArray

MAD_TO_SD = 1.4826  # of a normal distribution
DRAWS = 2000
FEWEST_WELLS = 3  # a side, for an interval


def z_prime(positive: FloatArray, negative: FloatArray) -> float | None:
    """Z'-factor 1 - 3 (s_p + s_n) / |m_p - m_n| (Zhang et al. 1999).

    None with fewer than two wells a side.
    """
    if min(len(positive), len(negative)) < 2 or positive.mean() == negative.mean():
        return None
    spread = positive.std(ddof=1) + negative.std(ddof=1)
    return float(1 - 3 * spread / abs(positive.mean() - negative.mean()))


def robust_z_prime(positive: FloatArray, negative: FloatArray) -> float | None:
    """Z'-factor with medians and MAD x 1.4826; None with fewer than two wells a side."""
    if min(len(positive), len(negative)) < 2:
        return None
    medians = [float(np.median(v)) for v in (positive, negative)]
    if medians[0] == medians[1]:
        return None
    spread = sum(
        MAD_TO_SD * float(np.median(np.abs(v - m))) for v, m in zip((positive, negative), medians)
    )
    return float(1 - 3 * spread / abs(medians[0] - medians[1]))


def ssmd(positive: FloatArray, negative: FloatArray) -> float | None:
    """Strictly standardised mean difference (m_p - m_n) / sqrt(s_p^2 + s_n^2) (Zhang 2007).

    None with fewer than two wells a side.
    """
    if min(len(positive), len(negative)) < 2:
        return None
    spread = float(np.sqrt(positive.var(ddof=1) + negative.var(ddof=1)))
    return float((positive.mean() - negative.mean()) / spread) if spread > 0 else None


MEASURES = {"z_prime": z_prime, "robust_z_prime": robust_z_prime, "ssmd": ssmd}


def separation(positive: FloatArray, negative: FloatArray, *, seed: int = 0) -> dict[str, Any]:
    """All three measures with 95 % intervals, which need FEWEST_WELLS wells a side.

    Generalized confidence intervals (Weerahandi 1993) of normal scores: they hold with few wells,
    where wells drawn again (bootstrap) cover the truth in 60 % of cases.
    Keys: z_prime, z_prime_low, z_prime_high and so on, and wells [positive, negative].
    """
    quality: dict[str, Any] = {"wells": [len(positive), len(negative)]}
    rng = np.random.default_rng(seed)
    enough = min(len(positive), len(negative)) >= FEWEST_WELLS
    for name, measure in MEASURES.items():
        quality[name] = measure(positive, negative)
        quality[f"{name}_low"] = quality[f"{name}_high"] = None
        if enough and quality[name] is not None:
            robust = measure is robust_z_prime
            (m_p, s_p), (m_n, s_n) = (_drawn(v, robust, rng) for v in (positive, negative))
            spread = np.hypot(s_p, s_n) if measure is ssmd else s_p + s_n
            gap = m_p - m_n
            drawn = gap / spread if measure is ssmd else 1 - 3 * spread / np.abs(gap)
            low, high = (float(v) for v in np.percentile(drawn, [2.5, 97.5]))
            quality[f"{name}_low"], quality[f"{name}_high"] = low, high
    return quality


def _drawn(
    scores: FloatArray, robust: bool, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """(DRAWS,) centres and spreads that W scores leave possible: those of standard normal wells,
    turned around.
    """
    normal_centre, normal_spread = _centre_and_spread(
        rng.standard_normal((DRAWS, len(scores))), robust
    )
    centre, spread = _centre_and_spread(scores[None], robust)
    spreads = spread / normal_spread
    return centre - normal_centre * spreads, spreads


def _centre_and_spread(scores: FloatArray, robust: bool) -> tuple[FloatArray, FloatArray]:
    """(N,) means and standard deviations of N x W scores, or medians and MAD x 1.4826."""
    if not robust:
        return scores.mean(axis=1), scores.std(axis=1, ddof=1)
    centre = np.median(scores, axis=1)
    return centre, MAD_TO_SD * np.median(np.abs(scores - centre[:, None]), axis=1)
