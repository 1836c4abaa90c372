"""Convert raw grey values to network input and back, and changes to the size of the file."""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import zoom

from core.domain import FloatArray, Preprocessing
from core.errors import LeighError

CURVE_TOP = 6.0  # asinh(6) = 2.5: bright spots count about a third of a linear scale
LONGEST_SIDE = 512  # larger fields are averaged down for the network, by a whole factor
# Spread of the network input relative to the noise; at 0.7 the blocks contracted half as well.
GAIN = 0.5


def fit_preprocessing(
    fields: Sequence[FloatArray], crop: int, downscale: int | None = None
) -> Preprocessing:
    """Fit offsets, scales and gains to training fields (each C Y X, raw grey values).

    Raises LeighError for a channel with the same grey value everywhere.
    """
    factor = downscale or choose_downscale([f.shape[-2:] for f in fields])
    low, high = [], []
    for c in range(fields[0].shape[0]):
        values = np.concatenate([f[c].ravel()[:: max(1, f[c].size // 20_000)] for f in fields])
        lo, hi = (float(v) for v in np.percentile(values, [0.5, 99.8]))
        if hi <= lo:  # a channel so sparse that percentiles miss its signal
            lo, hi = float(values.min()), float(values.max())
        if hi <= lo:
            raise LeighError(
                f"Channel {c + 1} has the same grey value everywhere.",
                "Nothing can be learned from it; leave it out.",
            )
        low.append(lo)
        high.append(hi)
    scale = [(h - lo) / CURVE_TOP for lo, h in zip(low, high)]
    zeros, ones = (0.0,) * len(low), (1.0,) * len(low)
    blank = Preprocessing(
        tuple(low), tuple(scale), zeros, ones, tuple(low), tuple(high), downscale=factor
    )
    curved = [to_network(blank, f).reshape(len(low), -1)[:, ::7] for f in fields]
    mean, std = [], []
    for c in range(len(low)):
        mean.append(float(np.mean([x[c].mean() for x in curved])))
        variances = [np.mean((x[c] - mean[c]) ** 2) for x in curved]
        std.append(float(np.sqrt(np.mean(variances))))
    smallest = min(min(f.shape[-2:]) for f in fields) // factor
    return Preprocessing(
        offset=tuple(low),
        scale=tuple(scale),
        mean=tuple(mean),
        gain=tuple(GAIN / s for s in std),
        low=tuple(low),
        high=tuple(high),
        downscale=factor,
        crop=min(crop, smallest // 8 * 8),
    )


def choose_downscale(sides: Sequence[tuple[int, ...]]) -> int:
    """The smallest whole factor that makes the longest side at most LONGEST_SIDE pixels."""
    longest = max(max(s) for s in sides)
    return max(1, -(-longest // LONGEST_SIDE))


def to_network(preprocessing: Preprocessing, raw: FloatArray) -> FloatArray:
    """Raw grey values (C Y X) to network input (C Y/f X/f)."""
    if raw.shape[0] != len(preprocessing.offset):
        raise LeighError(
            f"The image has {raw.shape[0]} channels, the model was trained on"
            f" {len(preprocessing.offset)}.",
            "Check the channels on the Data page.",
        )
    x = shrink(raw.astype(np.float64), preprocessing.downscale)
    x = (x - _column(preprocessing.offset)) / _column(preprocessing.scale)
    x = np.arcsinh(x) if preprocessing.curve == "asinh" else x
    return ((x - _column(preprocessing.mean)) * _column(preprocessing.gain)).astype(np.float32)


def from_network(preprocessing: Preprocessing, x: FloatArray) -> FloatArray:
    """Network input (C Y X) back to raw grey values at the network's own resolution."""
    raw = x.astype(np.float64) / _column(preprocessing.gain) + _column(preprocessing.mean)
    raw = np.sinh(raw) if preprocessing.curve == "asinh" else raw
    return (raw * _column(preprocessing.scale) + _column(preprocessing.offset)).astype(np.float32)


def change_at_full_size(
    preprocessing: Preprocessing, before: FloatArray, after: FloatArray, shape: tuple[int, ...]
) -> FloatArray:
    """The change between two network images (C Y X), in raw grey values at the file's own size.

    Pixels without a change get exactly zero, so the original's pixels stay as they are.
    """
    old, new = from_network(preprocessing, before), from_network(preprocessing, after)
    return at_full_size(preprocessing, new.astype(np.float64) - old, shape)


def rescaled(
    preprocessing: Preprocessing,
    raw: FloatArray,
    background: FloatArray,
    new_background: FloatArray,
    factor: FloatArray,
) -> FloatArray:
    """Raw grey values (C Y X) with a new background and `factor` times the signal above it.

    Backgrounds (C,) are in units of the preprocessing's scale; `factor` is (C,).
    """
    scale, offset = _column(preprocessing.scale), _column(preprocessing.offset)
    before, after, times = (v[:, None, None] for v in (background, new_background, factor))
    grey = (raw.astype(np.float64) - offset) / scale
    scaled: FloatArray = offset + scale * (after + times * (grey - before))
    return np.where((times == 1) & (before == after), raw, scaled)


def at_full_size(
    preprocessing: Preprocessing, values: FloatArray, shape: tuple[int, ...]
) -> FloatArray:
    """Values per network pixel (C Y' X'), interpolated to the file's own size, as float32."""
    f = preprocessing.downscale
    if f == 1:
        return values.astype(np.float32)
    grown = zoom(values, (1, f, f), order=1, mode="nearest", grid_mode=True)
    missing = [(0, 0)] + [(0, max(0, s - g)) for s, g in zip(shape[1:], grown.shape[1:])]
    return np.pad(grown, missing, mode="edge")[:, : shape[1], : shape[2]].astype(np.float32)


def shrink(raw: FloatArray, factor: int) -> FloatArray:
    """Mean over blocks of factor x factor pixels; incomplete blocks at the edges are cut off."""
    if factor == 1:
        return raw
    channels, height, width = raw.shape
    rows, columns = height // factor, width // factor
    whole = raw[:, : rows * factor, : columns * factor]
    blocks = whole.reshape(channels, rows, factor, columns, factor)
    shrunk: FloatArray = blocks.mean(axis=(2, 4))
    return shrunk


def _column(values: tuple[float, ...]) -> FloatArray:
    return np.array(values)[:, None, None]
