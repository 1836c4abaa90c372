"""How far two controls lie apart, as screeners judge an assay: Z'-factor, robust Z'-factor and SSMD
over wells.

All take one score per well. The score should be a logit or a latent axis, never a probability:
softmax presses the spread of both controls together and makes every assay look excellent.
"""

from typing import Any

import numpy as np

from core.domain import FloatArray

MAD_TO_SD = 1.4826  # of a normal distribution
BOOTSTRAPS = 2000


def z_prime(positive: FloatArray, negative: FloatArray) -> float | None:
    """Z'-factor 1 - 3 (s_p + s_n) / |m_p - m_n| (Zhang et al.

    1999); None with fewer than two wells a side.
    """
    if min(len(positive), len(negative)) < 2 or positive.mean() == negative.mean():
        return None
    return float(
        1
        - 3 * (positive.std(ddof=1) + negative.std(ddof=1)) / abs(positive.mean() - negative.mean())
    )


def robust_z_prime(positive: FloatArray, negative: FloatArray) -> float | None:
    """The same with medians and MAD x 1.4826; None with fewer than two wells a side."""
    if min(len(positive), len(negative)) < 2:
        return None
    middle = [float(np.median(v)) for v in (positive, negative)]
    if middle[0] == middle[1]:
        return None
    spread = sum(
        MAD_TO_SD * float(np.median(np.abs(v - m))) for v, m in zip((positive, negative), middle)
    )
    return float(1 - 3 * spread / abs(middle[0] - middle[1]))


def ssmd(positive: FloatArray, negative: FloatArray) -> float | None:
    """Strictly standardised mean difference (m_p - m_n) / sqrt(s_p^2 + s_n^2) (Zhang 2007); None as
    above.
    """
    if min(len(positive), len(negative)) < 2:
        return None
    spread = float(np.sqrt(positive.var(ddof=1) + negative.var(ddof=1)))
    return float((positive.mean() - negative.mean()) / spread) if spread > 0 else None


MEASURES = {"z_prime": z_prime, "robust_z_prime": robust_z_prime, "ssmd": ssmd}


def separation(positive: FloatArray, negative: FloatArray, *, seed: int = 0) -> dict[str, Any]:
    """All three with 95 % percentile intervals, wells drawn again on either side; no interval below
    four wells a side.

    Keys: z_prime, z_prime_low, z_prime_high and so on, and wells [positive, negative].
    """
    out: dict[str, Any] = {"wells": [len(positive), len(negative)]}
    enough = min(len(positive), len(negative)) >= 4
    rng = np.random.default_rng(seed)
    drawn = (
        [rng.integers(0, len(v), (BOOTSTRAPS, len(v))) for v in (positive, negative)]
        if enough
        else []
    )
    for name, measure in MEASURES.items():
        out[name] = measure(positive, negative)
        out[f"{name}_low"] = out[f"{name}_high"] = None
        if enough and out[name] is not None:
            again = [measure(positive[i], negative[j]) for i, j in zip(*drawn)]
            reported = [v for v in again if v is not None and np.isfinite(v)]
            out[f"{name}_low"], out[f"{name}_high"] = (
                float(v) for v in np.percentile(reported, [2.5, 97.5])
            )
    return out
