"""Find the nuclei of a field, and count the nuclei that are lost or gained between two images."""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed

from core.domain import Channel, FloatArray, IntArray

NUCLEAR_WORDS = ("nucle", "dapi", "hoechst", "h2b", "dna", "draq", "chromatin")
SMOOTHING_PX = 1.5
SMALLEST_SHARE = 0.25  # of the median nucleus; smaller pieces are debris


def nuclear_channel(channels: Sequence[Channel]) -> int | None:
    """Index of the channel whose name stands for nuclei; None without such a name."""
    for c, channel in enumerate(channels):
        if any(word in channel.name.casefold() for word in NUCLEAR_WORDS):
            return c
    return None


class Nuclei:
    """Finds nuclei by a threshold from a reference image, the same for all images."""

    def __init__(self, reference: FloatArray, radius_px: float | None = None) -> None:
        smooth = gaussian_filter(np.asarray(reference, np.float64), SMOOTHING_PX)
        self.threshold = float(threshold_otsu(smooth)) if smooth.max() > smooth.min() else np.inf
        self.radius_px = radius_px or self._typical_radius(smooth)

    @classmethod
    def of(cls, threshold: float, radius_px: float) -> "Nuclei":
        """Nuclei with a stored threshold and radius."""
        nuclei = cls(np.zeros((2, 2)), radius_px)
        nuclei.threshold = threshold
        return nuclei

    def _typical_radius(self, smooth: FloatArray) -> float:
        from skimage.measure import label, regionprops_table

        areas = regionprops_table(label(smooth > self.threshold), properties=("area",))["area"]
        areas = areas[areas >= 12]
        return float(np.sqrt(np.median(areas) / np.pi)) if len(areas) else 4.0

    def labels(self, plane: FloatArray) -> IntArray:
        """Labels (Y, X) of the nuclei of one plane; a watershed separates touching nuclei."""
        smooth = gaussian_filter(np.asarray(plane, np.float64), SMOOTHING_PX)
        mask = smooth > self.threshold
        broad = gaussian_filter(np.asarray(plane, np.float64), 0.5 * self.radius_px)
        apart = max(1, int(0.9 * self.radius_px))
        peaks = peak_local_max(broad, min_distance=apart, labels=mask.astype(int))
        markers = np.zeros(plane.shape, np.int64)
        markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        labels: IntArray = watershed(-broad, markers, mask=mask)
        sizes = np.bincount(labels.ravel())
        tiny = np.flatnonzero(sizes < SMALLEST_SHARE * np.pi * self.radius_px**2)
        labels[np.isin(labels, tiny)] = 0
        return labels

    def places(self, plane: FloatArray) -> FloatArray:
        """Centres (N, 2) of the nuclei, y and x in pixels."""
        from skimage.measure import regionprops_table

        table = regionprops_table(self.labels(plane), properties=("centroid",))
        centres: FloatArray = np.stack([table["centroid-0"], table["centroid-1"]], axis=1)
        return centres


def lost_and_gained(nuclei: Nuclei, before: FloatArray, after: FloatArray) -> tuple[int, int, int]:
    """(nuclei before, lost, gained) between two planes of the same field.

    Nuclei are paired one to one at the smallest total distance, with at most one and a half radii
    per pair. Nuclei within a radius of the edge are not counted, because a small shift moves them
    out of the field.
    """
    old, new = nuclei.places(before), nuclei.places(after)
    if len(old) == 0 or len(new) == 0:
        lost_count = len(_inner(old, nuclei, before))
        return lost_count, lost_count, len(_inner(new, nuclei, before))
    distance = cdist(old, new)
    reach = 1.5 * nuclei.radius_px
    rows, columns = linear_sum_assignment(np.minimum(distance, 10 * reach))
    paired = distance[rows, columns] <= reach
    lost = np.delete(old, rows[paired], axis=0)
    gained = np.delete(new, columns[paired], axis=0)
    return (len(old), len(_inner(lost, nuclei, before)), len(_inner(gained, nuclei, before)))


def _inner(places: FloatArray, nuclei: Nuclei, plane: FloatArray) -> FloatArray:
    margin = nuclei.radius_px
    sides = np.array(plane.shape)
    inside: FloatArray = places[((places >= margin) & (places <= sides - 1 - margin)).all(axis=1)]
    return inside
