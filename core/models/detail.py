"""How much fine detail a pattern has, per channel and size, and the same pattern with more or less.

A picture is the sum of bands, each what is lost from one blur to the next, and of the rest (a
Laplacian pyramid at full size; Burt and Adelson 1983, The Laplacian pyramid as a compact image
code). A blur in the microscope, or mitochondria that become less granular, weaken fine bands.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

BLURS_PX = (0.7, 1.4, 2.8)  # standard deviations, in pixels of the network: B bands
FAINTEST = 1e-6  # root mean square of a band, relative to a typical signal: an empty channel
ROUNDS = 4  # after these, the detail is as wanted to about a percent
MOST_LOG_GAIN = 2.0  # beyond this, sharpening shows noise only


def detail(grey: Tensor) -> Tensor:
    """(N, B, C) natural logarithm of the root mean square of every band of grey values."""
    return _strengths(_bands(grey)[0])


def with_detail(grey: Tensor, former: Tensor, shift: Tensor) -> Tensor:
    """Grey values (N, C, H, W) that have the detail of `former` plus a shift (B, C).

    Bands whose shift is 0 stay as they are.
    """
    if not shift.any():
        return grey
    (bands, rest), wanted = _bands(grey), detail(former) + shift
    now, log_gain = _strengths(bands), torch.zeros_like(wanted)
    moved = grey
    for _ in range(ROUNDS):  # bands overlap: what is done to one shows in its neighbours
        log_gain = torch.where(shift != 0, log_gain + wanted - now, 0.0).clamp(max=MOST_LOG_GAIN)
        gain = log_gain.exp()[..., None, None]
        moved = rest + sum(band * gain[:, b] for b, band in enumerate(bands))
        now = detail(moved)
    return moved


def _bands(grey: Tensor) -> tuple[list[Tensor], Tensor]:
    """Bands, finest first, and the rest, each (N, C, H, W)."""
    smooth = [grey, *(_blurred(grey, sigma) for sigma in BLURS_PX)]
    return [fine - coarse for fine, coarse in pairwise(smooth)], smooth[-1]


def _strengths(bands: list[Tensor]) -> Tensor:
    squares = [band.square().mean(dim=(2, 3)) for band in bands]
    return 0.5 * torch.stack(squares, dim=1).clamp_min(FAINTEST**2).log()


def _blurred(grey: Tensor, sigma: float) -> Tensor:
    """Every channel blurred by a Gaussian; the image is mirrored at its borders."""
    channels, radius = grey.shape[1], min(math.ceil(3 * sigma), min(grey.shape[2:]) - 1)
    places = torch.arange(-radius, radius + 1, dtype=grey.dtype, device=grey.device)
    weights = (-places.square() / (2 * sigma**2)).exp()
    weights = (weights / weights.sum()).repeat(channels, 1, 1, 1)
    padded = pad(grey, [radius] * 4, mode="reflect")
    across = conv2d(padded, weights, groups=channels)
    return conv2d(across, weights.transpose(2, 3), groups=channels)
