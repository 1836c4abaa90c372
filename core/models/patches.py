"""Compute the i-ResNet's logits quickly after a change of one small patch of an image.

The classifier is convolutional up to its pooling. A changed patch changes only the pixels within
its reach, which grows from layer to layer, and the pooled means change by the sum of these changes.
The result equals that of the whole image up to rounding.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models.iresnet import IResNet
from core.models.velocity import ResBlock

Box = tuple[int, int, int, int]  # top, bottom, left, right; bottom and right are outside


@dataclass(frozen=True)
class Patch:
    """A layer's values (N, W, h, w) within `box`; outside, the layer is that of the whole image."""

    values: Tensor
    box: Box
    whole: Tensor  # (1, W, H, W') of the unchanged image

    def within(self, box: Box) -> Tensor:
        """Values (N, W, h, w) of a larger box; zero beyond the edge, as convolutions pad."""
        top, bottom, left, right = box
        height, width = self.whole.shape[-2:]
        t, b, le, r = max(0, top), min(height, bottom), max(0, left), min(width, right)
        seen = self.whole[..., t:b, le:r].expand(len(self.values), -1, -1, -1)
        values = seen.clone(memory_format=torch.channels_last)  # the memory order of the weights
        rows = slice(self.box[0] - t, self.box[1] - t)
        columns = slice(self.box[2] - le, self.box[3] - le)
        values[..., rows, columns] = self.values
        edges = (le - left, right - r, t - top, bottom - b)
        return functional.pad(values, edges) if any(edges) else values


class PatchReader:
    """Reads one image (1, C, H, W) once, then computes the logits with changed patches."""

    def __init__(self, network: IResNet, x: Tensor) -> None:
        self.network, self.x = network, x
        a, v = network.architecture, network.velocity
        self._scale = 1 - a.t_image
        self._context = v.context(torch.full((1,), a.t_image, device=x.device, dtype=x.dtype))
        self._wholes: list[Tensor] = []  # values of the unchanged image, step by step
        self._pooled: list[tuple[Tensor, Tensor]] = []
        self._reading = True
        everything = (0, x.shape[-2], 0, x.shape[-1])
        self._read(x, everything)
        self._reading = False

    def logits(self, crops: Tensor, box: Box) -> Tensor:
        """(N, K) logits of the image with `box` replaced by each of `crops` (N, C, h, w).

        All edges of the box are even numbers.
        """
        return self._read(crops, box)

    def _read(self, crops: Tensor, box: Box) -> Tensor:
        self._step, self._pool = 0, 0
        v = self.network.velocity
        half = (box[0] // 2, box[1] // 2, box[2] // 2, box[3] // 2)
        squeezed = self._patch(self._scale * self.network.squeeze(crops), half)
        fine = self._block(v.encode0, self._conv(v.enter, squeezed))
        middle = self._block(v.encode1, self._conv(v.down1, self._silu(fine)))
        pooled = self._moments(middle)
        coarse = self._conv(v.down2, self._silu(middle))
        for block in v.encode2:
            assert isinstance(block, ResBlock)
            coarse = self._block(block, coarse)
        features = torch.cat([*pooled, *self._moments(coarse)], dim=1)
        standardised = (features - self.network.feature_mean) / self.network.feature_scale
        logits: Tensor = self.network.head(standardised)
        return logits

    def _patch(self, values: Tensor, box: Box) -> Patch:
        """A step's values, together with those of the unchanged image from the first pass."""
        if self._reading:
            self._wholes.append(values)
        self._step += 1
        return Patch(values, box, self._wholes[self._step - 1])

    def _silu(self, patch: Patch) -> Patch:
        return self._patch(functional.silu(patch.values), patch.box)

    def _conv(self, conv: nn.Conv2d, patch: Patch) -> Patch:
        """A 3 x 3 convolution with padding 1 and stride 1 or 2, where the patch has an effect."""
        stride = conv.stride[0]
        sides = [-(-size // stride) for size in patch.whole.shape[-2:]]
        ranges = []
        for side, low, high in zip(sides, patch.box[::2], patch.box[1::2]):
            first = low // 2 if stride == 2 else low - 1
            last = high // 2 + 1 if stride == 2 else high + 1
            ranges.append((max(0, first), min(side, last)))
        (top, bottom), (left, right) = ranges
        rows = (stride * top - 1, stride * (bottom - 1) + 2)
        columns = (stride * left - 1, stride * (right - 1) + 2)
        seen = patch.within((*rows, *columns))
        values = functional.conv2d(seen, conv.weight, conv.bias, stride)
        return self._patch(values, (top, bottom, left, right))

    def _block(self, block: ResBlock, patch: Patch) -> Patch:
        """The same computation as `ResBlock`."""
        scale, shift = block.modulation(self._context)[..., None, None].chunk(2, dim=1)
        x = patch.values
        normed = functional.rms_norm(x.permute(0, 2, 3, 1), (x.shape[1],)).permute(0, 3, 1, 2)
        hidden = self._conv(block.first, self._silu(self._patch(normed, patch.box)))
        modulated = self._patch(hidden.values * (1 + scale) + shift, hidden.box)
        last = self._conv(block.second, self._silu(modulated))
        return self._patch(patch.within(last.box) + last.values, last.box)

    def _moments(self, patch: Patch) -> list[Tensor]:
        """Mean and root mean square over the whole field, each (N, W), as in `velocity.pool`."""
        active = functional.silu(patch.values)
        if self._reading:
            self._pooled.append((active.mean(dim=(2, 3)), active.square().mean(dim=(2, 3))))
        mean, square = self._pooled[self._pool]
        self._pool += 1
        if not self._reading:
            top, bottom, left, right = patch.box
            before = functional.silu(patch.whole[..., top:bottom, left:right])
            pixels = patch.whole.shape[-2] * patch.whole.shape[-1]
            mean = mean + (active - before).sum(dim=(2, 3)) / pixels
            square = square + (active.square() - before.square()).sum(dim=(2, 3)) / pixels
        return [mean, (square + 1e-6).sqrt()]
