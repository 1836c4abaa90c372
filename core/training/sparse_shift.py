"""Which channels changed in brightness: the fewest that explain what was measured.

Images with more cells are brighter in every channel. So chance moves all channels together, and one
channel that moves alone is seen long before it stands out by itself. A channel counts as changed if
it explains the measured shifts better by SURE standard errors, given the others, and stands out by
SUGGESTED of its own.
"""

from itertools import combinations

import numpy as np

from core.domain import FloatArray

SURE, SUGGESTED = 3.0, 2.0  # standard errors
MOST_TOGETHER = 8  # channels of which every choice is tried; with more, each is asked alone


def sparse_shift(shift: FloatArray, covariance: FloatArray) -> FloatArray:
    """The shift (C,) of the channels that changed, given that the others did not; zero elsewhere.

    Generalised least squares for every choice of channels; the choice with the least misfit plus
    SURE squared per channel is taken.

    Parameters
    ----------
    shift
        (C,) measured shifts.
    covariance
        (C, C) of their errors.
    """
    alone = np.abs(shift) / np.sqrt(np.diag(covariance))
    suggested = [c for c in range(len(shift)) if alone[c] > SUGGESTED]
    if len(shift) > MOST_TOGETHER:
        return np.where(alone > SURE, shift, 0.0)
    best, found = np.inf, np.zeros_like(shift)
    for size in range(len(suggested) + 1):
        for changed in combinations(suggested, size):
            estimate, misfit = _given_that_others_stay(shift, covariance, list(changed))
            if misfit + SURE**2 * size < best:
                best, found = misfit + SURE**2 * size, estimate
    return found


def _given_that_others_stay(
    shift: FloatArray, covariance: FloatArray, changed: list[int]
) -> tuple[FloatArray, float]:
    """Estimate (C,) of the shifts of the changed channels, and the misfit of the others."""
    stays = [c for c in range(len(shift)) if c not in changed]
    estimate = np.zeros_like(shift)
    weighed = np.linalg.solve(covariance[np.ix_(stays, stays)], shift[stays])
    estimate[changed] = shift[changed] - covariance[np.ix_(changed, stays)] @ weighed
    return estimate, float(shift[stays] @ weighed)
