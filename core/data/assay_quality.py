"""Assay quality: Z'-factor, robust Z'-factor and SSMD say how well two controls are separated.

All take one score per well. The score should be a logit or a latent axis, never a probability:
softmax reduces the spread of both controls, so that every assay looks excellent.
"""

from typing import Any

import numpy as np

from core.domain import FloatArray

MAD_TO_SD = 1.4826  # of a normal distribution
BOOTSTRAPS = 2000


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
    """All three measures with 95 % intervals from redrawn wells.

    Intervals need at least four wells a side. Keys: z_prime, z_prime_low, z_prime_high and so on,
    and wells [positive, negative].
    """
    quality: dict[str, Any] = {"wells": [len(positive), len(negative)]}
    enough = min(len(positive), len(negative)) >= 4
    rng = np.random.default_rng(seed)
    drawn = []
    if enough:
        drawn = [rng.integers(0, len(v), (BOOTSTRAPS, len(v))) for v in (positive, negative)]
    for name, measure in MEASURES.items():
        quality[name] = measure(positive, negative)
        quality[f"{name}_low"] = quality[f"{name}_high"] = None
        if enough and quality[name] is not None:
            redrawn = [measure(positive[i], negative[j]) for i, j in zip(*drawn)]
            finite = [v for v in redrawn if v is not None and np.isfinite(v)]
            low, high = (float(v) for v in np.percentile(finite, [2.5, 97.5]))
            quality[f"{name}_low"], quality[f"{name}_high"] = low, high
    return quality
