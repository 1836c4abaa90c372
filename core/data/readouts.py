"""Features of a field that a biologist would measure: brightness, texture and objects.

The command line calls them readouts. They are measured per channel, with scikit-image and scipy.
"""

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.filters import threshold_otsu
from skimage.measure import label, regionprops_table

from core.data.preprocessing import shrink
from core.domain import FloatArray

SCALES_PX = (1.0, 2.0, 4.0, 8.0)
# Grey values that include the background.
ABOVE_BACKGROUND = ("mean", "p50", "p95", "p99.5", "object_intensity_mean")
BRIGHTNESSES = (*ABOVE_BACKGROUND, "p5", "std")  # in grey values
OBJECT_PROPERTIES = (
    "area",
    "eccentricity",
    "solidity",
    "extent",
    "intensity_mean",
    "axis_major_length",
    "axis_minor_length",
)


def readouts(raw: FloatArray) -> dict[str, float]:
    """Named readouts of one field (C, Y, X) in raw grey values.

    The names depend only on the number of channels.
    """
    values: dict[str, float] = {}
    for c, plane in enumerate(raw.astype(np.float64)):
        for name, value in _channel(plane).items():
            values[f"channel{c + 1}_{name}"] = value
    return values


def readout_values(raw: FloatArray, downscale: int) -> FloatArray:
    """(R,) readouts of raw grey values (C, Y, X), measured at the resolution of the network."""
    return np.array(list(readouts(shrink(np.asarray(raw, np.float64), downscale)).values()))


def readout_names() -> tuple[str, ...]:
    """Names of the readouts of one channel, in the order of `readouts`."""
    return tuple(_channel(np.zeros((8, 8))))


def _channel(plane: FloatArray) -> dict[str, float]:
    percentiles = np.percentile(plane, [5, 50, 95, 99.5])
    out = {"mean": float(plane.mean()), "std": float(plane.std())}
    out |= {f"p{p}": float(v) for p, v in zip((5, 50, 95, 99.5), percentiles)}
    logged = np.log1p(np.maximum(plane - percentiles[0], 0))
    smooth = [logged, *(gaussian_filter(logged, s) for s in SCALES_PX)]
    for scale, fine, coarse in zip(SCALES_PX, smooth, smooth[1:]):
        out[f"texture_{scale:g}px"] = float(np.log((fine - coarse).std() + 1e-6))
    threshold = threshold_otsu(plane) if plane.max() > plane.min() else np.inf
    mask = gaussian_filter(plane, 1.0) > threshold
    out["covered"] = float(mask.mean())
    objects = regionprops_table(label(mask), plane, properties=OBJECT_PROPERTIES)
    big = objects["area"] >= 20
    out["objects"] = float(big.sum())
    weight = objects["area"][big]
    for name in OBJECT_PROPERTIES:
        values = objects[name][big]
        out[f"object_{name}"] = float(np.average(values, weights=weight)) if len(values) else 0.0
        if name in ("area", "solidity", "eccentricity"):
            out[f"largest_{name}"] = float(values[weight.argmax()]) if len(values) else 0.0
    y, x = np.mgrid[0 : plane.shape[0], 0 : plane.shape[1]]
    signal = np.maximum(plane - percentiles[1], 0) + 1e-9
    spread = np.hypot(y - np.average(y, weights=signal), x - np.average(x, weights=signal))
    out["radial_spread"] = float(np.average(spread, weights=signal))
    return out
