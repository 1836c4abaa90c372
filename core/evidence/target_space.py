"""Measure how far images lie from real target images, in the main directions of the embedding."""

import numpy as np
from scipy.linalg import sqrtm

from core.domain import FloatArray

EMBEDDED_DIMENSIONS = 8


class TargetSpace:
    """The main directions of the embedding, with real target images of training wells."""

    def __init__(self, every: FloatArray, target: FloatArray) -> None:
        self._centre = every.mean(axis=0)
        _, sizes, axes = np.linalg.svd(every - self._centre, full_matrices=False)
        keep = min(EMBEDDED_DIMENSIONS, int((sizes > 1e-6 * sizes[0]).sum()))
        self._axes = axes[:keep] / (sizes[:keep, None] / np.sqrt(len(every)))
        points = self.project(target)
        self._mean = points.mean(axis=0)
        spread = np.cov(points.T).reshape(keep, keep) if len(points) > 1 else 0.0
        self._covariance = spread + 0.05 * np.eye(keep)

    def project(self, embedding: FloatArray) -> FloatArray:
        """(N, D) -> (N, d), every direction with unit spread over all real images."""
        points: FloatArray = (embedding - self._centre) @ self._axes.T
        return points

    def distances(self, points: FloatArray) -> FloatArray:
        """(N,) Mahalanobis distances from the target."""
        away = points - self._mean
        whitened = np.linalg.solve(self._covariance, away.T).T
        distances: FloatArray = np.sqrt(np.einsum("nd,nd->n", away, whitened))
        return distances

    def mean_distance(self, points: FloatArray) -> float:
        """Mean distance of a few points."""
        return float(self.distances(points).mean())

    def frechet(self, points: FloatArray) -> float:
        """Frechet distance of two Gaussians (Heusel et al. 2017, arXiv 1706.08500, eq. 6)."""
        covariance = np.cov(points.T) + 0.05 * np.eye(points.shape[1])
        between = np.real(sqrtm(covariance @ self._covariance))
        away = points.mean(axis=0) - self._mean
        return float(away @ away + np.trace(covariance + self._covariance - 2 * between))
