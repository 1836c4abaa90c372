"""The i-ResNet's logits after a change of one small patch, without reading the rest of the image
again.

The classifier is convolutional up to its pooling: a changed window changes what lies within reach
of it, which grows from layer to layer, and the pooled means by the sum of these changes. The result
is that of the whole image to float error.
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
    """A layer's values (N, W, h, w) within `box`; outside it they are those of the unchanged image
    `whole`.
    """

    values: Tensor
    box: Box
    whole: Tensor  # (1, W, H, W')

    def within(self, box: Box) -> Tensor:
        """Values (N, W, h, w) of a larger box; beyond the edge of the layer they are zero, as
        convolutions pad.
        """
        top, bottom, left, right = box
        height, width = self.whole.shape[-2:]
        t, b, le, r = max(0, top), min(height, bottom), max(0, left), min(width, right)
        seen = self.whole[..., t:b, le:r].expand(len(self.values), -1, -1, -1)
        out = seen.clone(
            memory_format=torch.channels_last
        )  # the order of the weights: nothing is turned around
        out[..., self.box[0] - t : self.box[1] - t, self.box[2] - le : self.box[3] - le] = (
            self.values
        )
        edges = (le - left, right - r, t - top, bottom - b)
        return functional.pad(out, edges) if any(edges) else out


class PatchReader:
    """Reads one whole image (1, C, H, W) once; then logits of that image with patches changed."""

    def __init__(self, network: IResNet, x: Tensor) -> None:
        self.network, self.x = network, x
        a, v = network.architecture, network.velocity
        self._scale = 1 - a.t_image
        self._context = v.context(torch.full((1,), a.t_image, device=x.device, dtype=x.dtype))
        self._wholes: list[Tensor] = []  # of every step, in their order
        self._pooled: list[tuple[Tensor, Tensor]] = []
        self._reading = True
        everything = (0, x.shape[-2], 0, x.shape[-1])
        self._read(x, everything)
        self._reading = False

    def logits(self, crops: Tensor, box: Box) -> Tensor:
        """(N, K) of the image with `box` replaced by each of `crops` (N, C, h, w); all edges of the
        box are even.
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
        out: Tensor = self.network.head(
            (features - self.network.feature_mean) / self.network.feature_scale
        )
        return out

    def _patch(self, values: Tensor, box: Box) -> Patch:
        """A step's values beside those of the unchanged image, which are remembered on the first
        pass.
        """
        if self._reading:
            self._wholes.append(values)
        self._step += 1
        return Patch(values, box, self._wholes[self._step - 1])

    def _silu(self, patch: Patch) -> Patch:
        return self._patch(functional.silu(patch.values), patch.box)

    def _conv(self, conv: nn.Conv2d, patch: Patch) -> Patch:
        """A 3 x 3 convolution with padding 1 and stride 1 or 2: all that the patch reaches."""
        stride = conv.stride[0]
        sides = [-(-size // stride) for size in patch.whole.shape[-2:]]
        (top, bottom), (left, right) = (
            (
                max(0, low // 2 if stride == 2 else low - 1),
                min(side, high // 2 + 1 if stride == 2 else high + 1),
            )
            for side, low, high in zip(sides, patch.box[::2], patch.box[1::2])
        )
        seen = (
            stride * top - 1,
            stride * (bottom - 1) + 2,
            stride * left - 1,
            stride * (right - 1) + 2,
        )
        values = functional.conv2d(patch.within(seen), conv.weight, conv.bias, stride)
        return self._patch(values, (top, bottom, left, right))

    def _block(self, block: ResBlock, patch: Patch) -> Patch:
        """What `ResBlock` does."""
        scale, shift = block.modulation(self._context)[..., None, None].chunk(2, dim=1)
        x = patch.values
        normed = functional.rms_norm(x.permute(0, 2, 3, 1), (x.shape[1],)).permute(0, 3, 1, 2)
        hidden = self._conv(block.first, self._silu(self._patch(normed, patch.box)))
        modulated = self._patch(hidden.values * (1 + scale) + shift, hidden.box)
        last = self._conv(block.second, self._silu(modulated))
        return self._patch(patch.within(last.box) + last.values, last.box)

    def _moments(self, patch: Patch) -> list[Tensor]:
        """Mean and root mean square over the whole field, each (N, W), as
        `velocity.pool` has them.
        """
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
