"""Logit coordinates: the K-1 dimensions of K logits in which conditions differ.

An isometric log-ratio (Egozcue 2003): an orthonormal Helmert basis of the logits without their
common constant. So posterior = softmax(H^T u) exactly, and boundaries in u are straight.
"""

import numpy as np
from scipy.linalg import helmert
from scipy.special import softmax

from core.domain import FloatArray


def coordinates_of(logits: FloatArray) -> FloatArray:
    """Logits (..., K) -> logit coordinates (..., K-1)."""
    basis = helmert(logits.shape[-1])  # (K-1, K)
    coordinates: FloatArray = (logits @ basis.T).astype(np.float32)
    return coordinates


def logits_of(coordinates: FloatArray) -> FloatArray:
    """Logit coordinates (..., K-1) -> logits (..., K) whose sum is 0; exact."""
    logits: FloatArray = (coordinates @ helmert(coordinates.shape[-1] + 1)).astype(np.float32)
    return logits


def probabilities_of(coordinates: FloatArray) -> FloatArray:
    """Logit coordinates (..., K-1) -> probabilities (..., K); exact."""
    posterior: FloatArray = softmax(logits_of(coordinates), axis=-1)
    return posterior
