"""How each stain is shown: its colour, its visibility, its darkest and brightest grey value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.domain import Channel, FloatArray


@dataclass(frozen=True)
class ChannelDisplay:
    """One channel as the screen shows it. `low` and `high` are raw grey values."""

    name: str
    colour: str
    low: float = 0.0
    high: float = 1.0
    visible: bool = True
    floor: float = 0.0  # ends of the contrast slider
    ceiling: float = 1.0

    @property
    def span(self) -> float:
        """Width of the display range in raw grey values."""
        return self.high - self.low


def displays(
    channels: Sequence[Channel], low: Sequence[float], high: Sequence[float]
) -> tuple[ChannelDisplay, ...]:
    """Displays with the model's own display range."""
    made = []
    for channel, lo, hi in zip(channels, low, high, strict=True):
        hi = max(hi, lo + 1e-6)
        made.append(
            ChannelDisplay(
                channel.name,
                channel.colour,
                lo,
                hi,
                floor=min(0.0, lo),
                ceiling=hi + (hi - lo) * 0.5,
            )
        )
    return tuple(made)


def automatic(
    current: Sequence[ChannelDisplay], image: FloatArray, other: FloatArray | None = None
) -> tuple[ChannelDisplay, ...]:
    """The same channels with low and high at the 0.5 and 99.8 percent of this image's pixels.

    With another image, the lower low and the higher high of both: neither is cut off.
    """
    made = []
    for k, display in enumerate(current):
        ends = [_ends(picture[k]) for picture in (image, other) if picture is not None]
        low = min(end[0] for end in ends)
        high = max(*(end[1] for end in ends), low + 1e-6)
        floor = min(display.floor, low, *(end[2] for end in ends))
        ceiling = max(display.ceiling, high, *(end[3] for end in ends))
        made.append(replace(display, low=low, high=high, floor=floor, ceiling=ceiling))
    return tuple(made)


def _ends(plane: FloatArray) -> tuple[float, float, float, float]:
    """Low, high, least and largest grey value of some of the pixels."""
    values = plane[:: max(plane.shape[0] // 256, 1), :: max(plane.shape[1] // 256, 1)]
    low, high = (float(v) for v in np.percentile(values, (0.5, 99.8)))
    return low, high, float(values.min()), float(values.max())


COLOUR_BLIND = ("#00E5FF", "#FF4DFF", "#FFE600", "#FFFFFF", "#E69F00", "#56B4E9")


def colour_blind(channels: Sequence[ChannelDisplay]) -> tuple[ChannelDisplay, ...]:
    """The same channels in cyan, magenta, yellow, which colour-blind readers tell apart."""
    return tuple(
        replace(c, colour=COLOUR_BLIND[k % len(COLOUR_BLIND)]) for k, c in enumerate(channels)
    )


def composite(image: FloatArray, channels: Sequence[ChannelDisplay]) -> np.ndarray:
    """C Y X grey values -> (Y, X, 4) uint8 B G R A: the sum of the visible channels' colours.

    Each channel has 256 levels; a look-up gives four 16-bit lanes at once, so that adding cannot
    overflow.
    """
    total = np.full(image.shape[1:], _lanes(0, 0, 0, 255)[0], dtype=np.uint64)
    for plane, channel in zip(image, channels, strict=True):
        if not channel.visible:
            continue
        level = (plane - np.float32(channel.low)) * np.float32(255 / max(channel.span, 1e-12))
        np.clip(level, 0, 255, out=level)
        level += 0.5
        red, green, blue = rgb(channel.colour)
        total += _lanes(blue, green, red, 0)[level.astype(np.uint8)]
    lanes = total.view(np.uint16).reshape(*image.shape[1:], 4)
    return np.minimum(lanes, 255).astype(np.uint8)


def _lanes(*colour: int) -> np.ndarray:
    """(256,) uint64: four 16-bit lanes with `colour` scaled by the level; alpha is constant."""
    if colour[:3] == (0, 0, 0):
        return np.array([colour], dtype=np.uint16).view(np.uint64).ravel()
    levels = np.arange(256)[:, None] * np.array(colour) / 255
    return np.ascontiguousarray(np.rint(levels).astype(np.uint16)).view(np.uint64).ravel()


def rgb(colour: str) -> tuple[int, int, int]:
    """'#RRGGBB' -> red, green, blue."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
