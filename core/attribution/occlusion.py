"""Occlusion: hide one window of one channel after another behind background, and see what becomes
of the score.

Zeiler & Fergus 2013, arXiv 1311.2901. A pixel's value is the mean, over the windows that hide it,
of what the score loses. Any network is asked through captum, many windows at once; that helps a GPU
and hardly a CPU. Of the i-ResNet a CPU computes only what a window reaches (core.models.patches):
the same values for a fraction of the work.
"""

from dataclasses import dataclass
from typing import Any

import torch
from captum.attr import Occlusion
from torch import Tensor

from core.models.iresnet import IResNet, pad_field
from core.models.patches import Box, PatchReader
from core.progress import Progress, Report, silent

BATCH, GPU_BATCH = 16, 128  # fields at once
NEIGHBOURS = 2  # windows read together: they reach nearly the same
WHAT = "Hiding windows"


@dataclass(frozen=True)
class Score:
    """The explained score: a weighted sum of the network's logits."""

    network: Any  # logits(x): (N, C, H, W) -> (N, K)
    weights: Tensor  # (K,)

    def __call__(self, x: Tensor) -> Tensor:
        """(N,) of network input (N, C, Y, X)."""
        return self.of_logits(self.logits(x))

    def logits(self, x: Tensor) -> Tensor:
        """(N, K) of network input (N, C, Y, X) of any size: it is padded as everywhere."""
        out: Tensor = self.network.logits(pad_field(x)[0])
        return out

    def of_logits(self, logits: Tensor) -> Tensor:
        """(N, K) -> (N,)."""
        return logits @ self.weights


def occlusion(score: Score, x: Tensor, empty: Tensor, side: int, report: Report = silent) -> Tensor:
    """(1, C, Y, X) of network input x of that shape; windows of `side` pixels, half a side apart,
    hide one channel.

    `empty` (1, C, 1, 1) is what hides. `report` may raise Cancelled.
    """
    if isinstance(score.network, IResNet) and x.device.type == "cpu":
        return patched_occlusion(score, x, empty, side, report)
    return whole_occlusion(
        score, x, empty, side, report, BATCH if x.device.type == "cpu" else GPU_BATCH
    )


@torch.no_grad()
def whole_occlusion(
    score: Score, x: Tensor, empty: Tensor, side: int, report: Report = silent, batch: int = BATCH
) -> Tensor:
    """`occlusion` of any network: every window is a whole image, `batch` of them at once."""
    total = x.shape[1] * len(_starts(x.shape[2], side)) * len(_starts(x.shape[3], side))
    done = -1  # captum looks at the unchanged image first

    def reported(fields: Tensor) -> Tensor:
        nonlocal done
        report(Progress(max(0, done), total, WHAT))
        done += len(fields)
        return score(fields)

    sides = [min(side, size) for size in x.shape[2:]]
    strides = (1, *(max(1, s // 2) for s in sides))
    hide = Occlusion(reported)
    values: Tensor = hide.attribute(
        x, (1, *sides), strides, baselines=empty.expand_as(x).clone(), perturbations_per_eval=batch
    )
    return values


@torch.no_grad()
def patched_occlusion(
    score: Score, x: Tensor, empty: Tensor, side: int, report: Report = silent
) -> Tensor:
    """`occlusion` of an i-ResNet: all channels of neighbouring windows at once, and only what these
    reach.
    """
    padded, (height, width) = pad_field(x)
    reader = PatchReader(score.network, padded)
    before = score.of_logits(reader.logits(padded, (0, padded.shape[-2], 0, padded.shape[-1])))
    channels = x.shape[1]
    total, hidden = torch.zeros_like(x), torch.zeros_like(x)
    rows, columns = _starts(height, side), _starts(width, side)
    for row, top in enumerate(rows):
        report(Progress(row, len(rows), WHAT))
        bottom = min(top + side, height)
        for some in (columns[k : k + NEIGHBOURS] for k in range(0, len(columns), NEIGHBOURS)):
            ends = [min(left + side, width) for left in some]
            box = _even_box(x, padded, (top, bottom, some[0], ends[-1]))
            whole = (
                0,
                padded.shape[-2],
                0,
                padded.shape[-1],
            )  # where the mirror image beyond the edge changes too
            t, b, le, r = box or (0, height, 0, width)
            fields = x[..., t:b, le:r].repeat(len(some) * channels, 1, 1, 1)
            for i, (left, right) in enumerate(zip(some, ends)):
                for c in range(channels):
                    fields[i * channels + c, c, top - t : bottom - t, left - le : right - le] = (
                        empty[0, c]
                    )
            crops = fields if box else pad_field(fields)[0]
            lost = (before - score.of_logits(reader.logits(crops, box or whole))).view(
                len(some), channels, 1, 1
            )
            for i, (left, right) in enumerate(zip(some, ends)):
                total[0, :, top:bottom, left:right] += lost[i]
                hidden[0, :, top:bottom, left:right] += 1
    return total / hidden


def _even_box(x: Tensor, padded: Tensor, window: Box) -> Box | None:
    """The window widened to even edges; None where mirroring at the edge of the field repeats a
    part of it.
    """
    box = (window[0] // 2 * 2, -(-window[1] // 2) * 2, window[2] // 2 * 2, -(-window[3] // 2) * 2)
    for size, whole, end in zip(x.shape[2:], padded.shape[2:], (box[1], box[3])):
        if whole > size and end >= 2 * size - whole - 1:
            return None
    return box


def _starts(size: int, side: int) -> range:
    """First pixels of windows half a side apart, the last of which reaches the edge: as captum has
    them.
    """
    side = min(side, size)
    stride = max(1, side // 2)
    return range(0, stride * (-(-(size - side) // stride)) + 1, stride)
