"""How far images lie from real images of the target: the embedding in its main directions."""

import numpy as np
from scipy.linalg import sqrtm

from core.domain import FloatArray

EMBEDDED_DIMENSIONS = 8


class TargetSpace:
    """The embedding in its main directions, with real target images of training
    wells as reference.
    """

    def __init__(self, every: FloatArray, target: FloatArray) -> None:
        self._centre = every.mean(axis=0)
        _, sizes, axes = np.linalg.svd(every - self._centre, full_matrices=False)
        keep = min(EMBEDDED_DIMENSIONS, int((sizes > 1e-6 * sizes[0]).sum()))
        self._axes = axes[:keep] / (sizes[:keep, None] / np.sqrt(len(every)))
        placed = self.project(target)
        self._mean = placed.mean(axis=0)
        spread = np.cov(placed.T).reshape(keep, keep) if len(placed) > 1 else 0.0
        self._covariance = spread + 0.05 * np.eye(keep)

    def project(self, embedding: FloatArray) -> FloatArray:
        """(N, D) -> (N, d), every direction of unit spread over all real images."""
        out: FloatArray = (embedding - self._centre) @ self._axes.T
        return out

    def distances(self, points: FloatArray) -> FloatArray:
        """(N,) Mahalanobis distances from the target."""
        away = points - self._mean
        out: FloatArray = np.sqrt(
            np.einsum("nd,nd->n", away, np.linalg.solve(self._covariance, away.T).T)
        )
        return out

    def mean_distance(self, points: FloatArray) -> float:
        """Mean distance of a few points."""
        return float(self.distances(points).mean())

    def frechet(self, points: FloatArray) -> float:
        """Frechet distance of two Gaussians (Heusel et al. 2017, arXiv 1706.08500, eq. 6)."""
        covariance = np.cov(points.T) + 0.05 * np.eye(points.shape[1])
        between = np.real(sqrtm(covariance @ self._covariance))
        away = points.mean(axis=0) - self._mean
        return float(away @ away + np.trace(covariance + self._covariance - 2 * between))
