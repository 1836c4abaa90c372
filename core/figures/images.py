"""Images in figures: channels in colour, the scale of differences, and the scale bar."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from core.domain import Channel, FloatArray

NICE_UM = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def composite(
    image: FloatArray, channels: Sequence[Channel], low: Sequence[float], high: Sequence[float]
) -> FloatArray:
    """(Y, X, 3) sum of the channels in their colours, each stretched from `low` to `high`."""
    total = np.zeros((*image.shape[1:], 3))
    for plane, channel, lo, hi in zip(image, channels, low, high):
        stretched = np.clip((plane - lo) / (hi - lo), 0, 1)
        total += stretched[..., None] * np.array(to_rgb(channel.colour))
    clipped: FloatArray = np.clip(total, 0, 1)
    return clipped


def difference_limit(difference: FloatArray) -> float:
    """One limit for all channels: the 99.7th percentile of the absolute change (grey values)."""
    return max(float(np.percentile(np.abs(difference), 99.7)), 1e-6)


def scale_bar_um(width_px: int, pixel_size_um: float) -> float:
    """The largest round length up to a quarter of the image's width, in micrometres."""
    wanted = width_px * pixel_size_um / 4
    fitting = [n for n in NICE_UM if n <= wanted]
    return float(fitting[-1] if fitting else wanted)


def draw_scale_bar(ax: Axes, width_px: int, pixel_size_um: float) -> None:
    """Draw a white bar with its length in the lower right corner."""
    length_um = scale_bar_um(width_px, pixel_size_um)
    length = length_um / pixel_size_um
    height = ax.get_ylim()[0] + 0.5
    left, top = width_px * 0.95 - length, height * 0.93
    ax.add_patch(Rectangle((left, top), length, height * 0.018, color="w", lw=0))
    ax.text(
        left + length / 2,
        top - height * 0.02,
        f"{length_um:g} µm",
        color="w",
        fontsize=7,
        ha="center",
        va="bottom",
    )
