"""Split brightness off an image, exactly: background and gain of every channel, and a pattern.

Grey values are b + exp(g) p: the background b and the log gain g are two numbers per channel, the
pattern p is an image. A change of brightness then moves only these numbers, and the network moves
only the pattern. Both numbers are measured in the image itself, so any image can be split, and
joined again.
"""

import math

import torch
from torch import Tensor, nn

from core.data.preprocessing import CURVE_TOP
from core.domain import Preprocessing
from core.models.detail import detail, with_detail

BACKGROUND, BRIGHTEST = 0.01, 0.999  # shares of the pixels: below the background, below the cap
# The noise of empty ground is not a signal. Its mean lies above the first percentile by a multiple
# of the distance from there to the tenth: 2.326 / (2.326 - 1.282), if it is normally distributed.
GROUND, NOISE = 0.1, 2.23
LEAST_SIGNAL = 0.25  # of what is above the background, where hardly any ground is empty
# Spreads of background and log gain between images that say nothing: one grey level of 255 of the
# display range, which is CURVE_TOP units wide; a gain of 5 %.
LEAST_BACKGROUND, LEAST_LOG_GAIN = CURVE_TOP / 255, 0.05
FAINTEST = 0.1  # of the typical signal: the noise of an empty channel is not taken for a signal


class BrightnessLevels(nn.Module):
    """Network images (N, C, H, W) <-> patterns (N, C, H, W) and levels (N, 2, C).

    Levels are the background, in units of the preprocessing's scale, and the natural logarithm of
    the gain, which is 0 in a typical training image.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mean: Tensor
        self.gain: Tensor
        self.typical: Tensor
        for name, value in (("mean", 0.0), ("gain", 1.0), ("typical", 1.0)):
            self.register_buffer(name, torch.full((channels,), value))

    def set_curve(self, preprocessing: Preprocessing) -> None:
        """Take the curve that the network images were made with."""
        self.mean.copy_(torch.tensor(preprocessing.mean))
        self.gain.copy_(torch.tensor(preprocessing.gain))

    def set_typical(self, moments: Tensor) -> None:
        """Take the typical signal from the moments (N, 2, C) of training images."""
        self.typical.copy_(signal_of(moments).median(dim=0).values.clamp_min(1e-6))

    def moments(self, x: Tensor) -> Tensor:
        """(N, 2, C) background, and the mean signal above empty ground, of network images.

        The brightest pixels are capped, so that a speck of dust counts little.
        """
        low, above, tenth = self._above(self._to_grey(x))
        signal = (above - NOISE * tenth).maximum(LEAST_SIGNAL * above)
        return torch.stack([low, signal], dim=1)

    def levels(self, moments: Tensor) -> Tensor:
        """Levels (N, 2, C) of moments (N, 2, C)."""
        relative = signal_of(moments) / self.typical
        log_gain = 0.5 * ((relative.square() + FAINTEST**2) / (1 + FAINTEST**2)).log()
        return torch.stack([moments[:, 0], log_gain], dim=1)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pattern and levels of network images."""
        levels = self.levels(self.moments(x))
        background, factor = _columns(levels)
        return self._from_grey((self._to_grey(x) - background) / factor), levels

    def join(self, pattern: Tensor, levels: Tensor) -> Tensor:
        """Network images from pattern and levels; the reverse of `split`."""
        background, factor = _columns(levels)
        return self._from_grey(background + factor * self._to_grey(pattern))

    def restore(self, pattern: Tensor, former: Tensor) -> Tensor:
        """`pattern` with the background, the ground and the light of `former`, both (N, C, H, W).

        What the blocks drew of brightness is taken back: only the levels move it. Blocks also draw
        faint haze where the ground is empty. So the darkest tenth of the pixels is brought back to
        the spread that it had, and what lies above is scaled to the light that it had.
        """
        grey, old = self._to_grey(pattern), self._to_grey(former)
        (low, light, ground), (old_low, old_light, old_ground) = (
            self._lights(grey),
            self._lights(old),
        )
        above = grey - low
        dark = above.minimum(ground)
        of_ground = old_ground / ground
        bright = self._mean_light(above - dark)
        factor = (old_light - of_ground * self._mean_light(dark)).clamp_min(0) / bright
        moved = (low != old_low) | (light != old_light) | (ground != old_ground)
        signal = of_ground * dark + factor * (above - dark)
        return torch.where(moved, self._from_grey(old_low + signal), pattern)

    def detail(self, pattern: Tensor) -> Tensor:
        """(N, B, C) log strength of the fine detail of patterns, see `core.models.detail`."""
        return detail(self._to_grey(pattern))

    def with_detail(self, pattern: Tensor, former: Tensor, shift: Tensor) -> Tensor:
        """`pattern` with the detail of `former` plus a shift (B, C) of its logarithm."""
        if not shift.any():
            return pattern
        grey, old = self._to_grey(pattern), self._to_grey(former)
        return self._from_grey(with_detail(grey, old, shift))

    def _lights(self, grey: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Background, mean above it, and spread of the ground, each (N, C, 1, 1)."""
        low, above, tenth = self._above(grey)
        return low[..., None, None], above[..., None, None], tenth.clamp_min(1e-9)[..., None, None]

    def _mean_light(self, above: Tensor) -> Tensor:
        """Mean (N, C, 1, 1) of light above a floor, the brightest pixels capped."""
        flat = above.flatten(2)
        high = flat.kthvalue(
            1 + math.floor(BRIGHTEST * (flat.shape[2] - 1)), dim=2, keepdim=True
        ).values
        return flat.minimum(high).mean(dim=2, keepdim=True)[..., None].clamp_min(1e-9)

    def _above(self, grey: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Background, mean above it, and how far the tenth percentile is above it, each (N, C)."""
        flat = grey.flatten(2)
        low, tenth, high = (
            flat.kthvalue(1 + math.floor(share * (flat.shape[2] - 1)), dim=2, keepdim=True).values
            for share in (BACKGROUND, GROUND, BRIGHTEST)
        )
        above = (flat.minimum(high) - low).clamp_min(0).mean(dim=2)
        return low[..., 0], above, (tenth - low)[..., 0]

    def _to_grey(self, x: Tensor) -> Tensor:
        return (x / self.gain[:, None, None] + self.mean[:, None, None]).sinh()

    def _from_grey(self, grey: Tensor) -> Tensor:
        return (grey.asinh() - self.mean[:, None, None]) * self.gain[:, None, None]


def signal_of(moments: Tensor) -> Tensor:
    """Signal (N, C): the mean of what is above empty ground.

    A change of shape, such as a blur, leaves it as it is.
    """
    return moments[:, 1]


def _columns(levels: Tensor) -> tuple[Tensor, Tensor]:
    """Background and factor, each (N, C, 1, 1)."""
    background, log_gain = levels.unbind(dim=1)
    return background[..., None, None], log_gain.exp()[..., None, None]
