"""Cells of a field: nuclei found and followed from one image to another, and what they measure per
cell.
"""

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
    """Index of the channel that shows nuclei, by its name; None where no name says so."""
    for c, channel in enumerate(channels):
        if any(word in channel.name.casefold() for word in NUCLEAR_WORDS):
            return c
    return None


class Nuclei:
    """Finds nuclei by one threshold fixed on a reference image, so that source and counterfactual
    are held equal.
    """

    def __init__(self, reference: FloatArray, radius_px: float | None = None) -> None:
        smooth = gaussian_filter(np.asarray(reference, np.float64), SMOOTHING_PX)
        self.threshold = float(threshold_otsu(smooth)) if smooth.max() > smooth.min() else np.inf
        self.radius_px = radius_px or self._typical_radius(smooth)

    @classmethod
    def of(cls, threshold: float, radius_px: float) -> "Nuclei":
        """With a threshold and a radius found earlier."""
        found = cls(np.zeros((2, 2)), radius_px)
        found.threshold = threshold
        return found

    def _typical_radius(self, smooth: FloatArray) -> float:
        from skimage.measure import label, regionprops_table

        areas = regionprops_table(label(smooth > self.threshold), properties=("area",))["area"]
        areas = areas[areas >= 12]
        return float(np.sqrt(np.median(areas) / np.pi)) if len(areas) else 4.0

    def labels(self, plane: FloatArray) -> IntArray:
        """Labelled nuclei (Y, X) of one plane; touching ones are parted at their
        necks (watershed).
        """
        smooth = gaussian_filter(np.asarray(plane, np.float64), SMOOTHING_PX)
        mask = smooth > self.threshold
        broad = gaussian_filter(np.asarray(plane, np.float64), 0.5 * self.radius_px)
        peaks = peak_local_max(
            broad, min_distance=max(1, int(0.9 * self.radius_px)), labels=mask.astype(int)
        )
        markers = np.zeros(plane.shape, np.int64)
        markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        found: IntArray = watershed(-broad, markers, mask=mask)
        sizes = np.bincount(found.ravel())
        tiny = np.flatnonzero(sizes < SMALLEST_SHARE * np.pi * self.radius_px**2)
        found[np.isin(found, tiny)] = 0
        return found

    def places(self, plane: FloatArray) -> FloatArray:
        """Centres (N, 2) of the nuclei, y and x in pixels."""
        from skimage.measure import regionprops_table

        table = regionprops_table(self.labels(plane), properties=("centroid",))
        centres: FloatArray = np.stack([table["centroid-0"], table["centroid-1"]], axis=1)
        return centres


def lost_and_gained(nuclei: Nuclei, before: FloatArray, after: FloatArray) -> tuple[int, int, int]:
    """(nuclei before, lost, gained) between two planes of the same field.

    Nuclei are paired one to one at smallest total distance, a pair at most one and a half radii
    apart. A nucleus whose centre is within a radius of the edge is left out on both sides: there a
    shift is no loss.
    """
    old, new = nuclei.places(before), nuclei.places(after)
    if len(old) == 0 or len(new) == 0:
        return (
            len(_inner(old, nuclei, before)),
            len(_inner(old, nuclei, before)),
            len(_inner(new, nuclei, before)),
        )
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
