"""Known changes of real images, for `leigh bench real`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates
from skimage.filters import threshold_otsu

from core.domain import FloatArray

OUTWARD_PX = 4.0

Make = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]  # raw, background, span -> raw


@dataclass(frozen=True)
class Kind:
    """One kind of change and the channels that it changes."""

    name: str
    channels: tuple[int, ...]
    change: Make


def _scaled(*channels: int, factor: float) -> Make:
    """The signal above the background, times `factor`."""

    def change(raw: FloatArray, background: FloatArray, span: FloatArray) -> FloatArray:
        moved = raw.astype(np.float64)
        for c in channels:
            moved[c] = background[c] + factor * (moved[c] - background[c])
        return moved

    return change


def _blurred(channel: int, sigma: float) -> Make:
    def change(raw: FloatArray, background: FloatArray, span: FloatArray) -> FloatArray:
        moved = raw.astype(np.float64)
        moved[channel] = gaussian_filter(moved[channel], sigma, mode="reflect")
        return moved

    return change


def _outward(channel: int, nuclei: int) -> Make:
    """A channel moved away from the nuclei by OUTWARD_PX."""

    def change(raw: FloatArray, background: FloatArray, span: FloatArray) -> FloatArray:
        moved = raw.astype(np.float64)
        smooth = gaussian_filter(moved[nuclei], 2.0)
        away = np.asarray(distance_transform_edt(smooth < threshold_otsu(smooth)), np.float64)
        rows, columns = np.gradient(gaussian_filter(away, 2.0))
        y, x = np.mgrid[0 : raw.shape[1], 0 : raw.shape[2]]
        places = [y - OUTWARD_PX * rows, x - OUTWARD_PX * columns]
        moved[channel] = map_coordinates(moved[channel], places, order=1, mode="reflect")
        return moved

    return change


def _lifted(channel: int, share: float) -> Make:
    """A channel over a background that is higher by a share of its span."""

    def change(raw: FloatArray, background: FloatArray, span: FloatArray) -> FloatArray:
        moved = raw.astype(np.float64)
        moved[channel] += share * span[channel]
        return moved

    return change


KINDS = (
    Kind("two dimmer", (1, 2), _scaled(1, 2, factor=0.6)),
    Kind("one brighter", (1,), _scaled(1, factor=1.5)),
    Kind("blur", (1,), _blurred(1, 2.0)),
    Kind("outward", (1,), _outward(1, 0)),
    Kind("background", (1,), _lifted(1, 0.1)),
    Kind("none", (), lambda raw, background, span: raw.astype(np.float64)),
)


def to_type(raw: FloatArray, dtype: Any) -> FloatArray:
    """Rounded and clipped to an integer type, as a camera would."""
    limits = np.iinfo(dtype)
    clipped: FloatArray = np.clip(np.rint(raw), limits.min, limits.max).astype(dtype)
    return clipped
