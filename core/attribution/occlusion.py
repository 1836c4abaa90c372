"""Occlusion: hide one window of one channel after another, and measure the loss of the score.

Zeiler & Fergus 2013, arXiv 1311.2901. The value of a pixel is the mean loss over the windows that
hide it. captum computes many windows at once for any network, which helps a GPU but hardly a CPU.
For the i-ResNet, a CPU computes only the pixels that a window reaches (core.models.patches): the
values are the same, for a fraction of the work.
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
NEIGHBOURS = 2  # windows that are computed together, because they reach nearly the same pixels
WHAT = "Hiding windows"


@dataclass(frozen=True)
class Score:
    """The explained score: a weighted sum of the network's logits."""

    network: Any  # logits(x): (N, C, H, W) -> (N, K)
    weights: Tensor  # (K,)

    def __call__(self, x: Tensor) -> Tensor:
        """The score (N,) of network input (N, C, Y, X)."""
        return self.of_logits(self.logits(x))

    def logits(self, x: Tensor) -> Tensor:
        """Logits (N, K) of network input (N, C, Y, X) of any size; the input is padded."""
        logits: Tensor = self.network.logits(pad_field(x)[0])
        return logits

    def of_logits(self, logits: Tensor) -> Tensor:
        """Logits (N, K) -> score (N,)."""
        return logits @ self.weights


def occlusion(score: Score, x: Tensor, empty: Tensor, side: int, report: Report = silent) -> Tensor:
    """Mean loss of the score (1, C, Y, X) per pixel.

    Parameters
    ----------
    score
        The explained score.
    x
        Network input (1, C, Y, X).
    empty
        Background (1, C, 1, 1) that hides the windows.
    side
        Side of the windows in pixels; windows are half a side apart and hide one channel.
    report
        Receives the progress; may raise Cancelled.
    """
    on_cpu = x.device.type == "cpu"
    if isinstance(score.network, IResNet) and score.network.levels is None and on_cpu:
        return patched_occlusion(score, x, empty, side, report)
    return whole_occlusion(score, x, empty, side, report, BATCH if on_cpu else GPU_BATCH)


@torch.no_grad()
def whole_occlusion(
    score: Score, x: Tensor, empty: Tensor, side: int, report: Report = silent, batch: int = BATCH
) -> Tensor:
    """`occlusion` for any network: every window needs a whole image.

    Parameters
    ----------
    score, x, empty, side, report
        As for `occlusion`.
    batch
        Number of images at once.
    """
    total = x.shape[1] * len(_starts(x.shape[2], side)) * len(_starts(x.shape[3], side))
    done = -1  # captum starts with the unchanged image

    def score_and_report(fields: Tensor) -> Tensor:
        nonlocal done
        report(Progress(max(0, done), total, WHAT))
        done += len(fields)
        return score(fields)

    sides = [min(side, size) for size in x.shape[2:]]
    strides = (1, *(max(1, s // 2) for s in sides))
    hide = Occlusion(score_and_report)
    values: Tensor = hide.attribute(
        x, (1, *sides), strides, baselines=empty.expand_as(x).clone(), perturbations_per_eval=batch
    )
    return values


@torch.no_grad()
def patched_occlusion(
    score: Score, x: Tensor, empty: Tensor, side: int, report: Report = silent
) -> Tensor:
    """`occlusion` for an i-ResNet: computes only the pixels that neighbouring windows reach.

    Parameters
    ----------
    score, x, empty, side, report
        As for `occlusion`.
    """
    padded, (height, width) = pad_field(x)
    reader = PatchReader(score.network, padded)
    before = score.of_logits(reader.logits(padded, (0, padded.shape[-2], 0, padded.shape[-1])))
    channels = x.shape[1]
    total, hidden = torch.zeros_like(x), torch.zeros_like(x)
    rows, columns = _starts(height, side), _starts(width, side)
    # Mirroring at the edges can change pixels far from the window: then the whole field is read.
    whole = (0, padded.shape[-2], 0, padded.shape[-1])
    for row, top in enumerate(rows):
        report(Progress(row, len(rows), WHAT))
        bottom = min(top + side, height)
        for some in (columns[k : k + NEIGHBOURS] for k in range(0, len(columns), NEIGHBOURS)):
            ends = [min(left + side, width) for left in some]
            box = _even_box(x, padded, (top, bottom, some[0], ends[-1]))
            t, b, le, r = box or (0, height, 0, width)
            fields = x[..., t:b, le:r].repeat(len(some) * channels, 1, 1, 1)
            for i, (left, right) in enumerate(zip(some, ends)):
                window = (slice(top - t, bottom - t), slice(left - le, right - le))
                for c in range(channels):
                    fields[i * channels + c, c, *window] = empty[0, c]
            crops = fields if box else pad_field(fields)[0]
            after = score.of_logits(reader.logits(crops, box or whole))
            lost = (before - after).view(len(some), channels, 1, 1)
            for i, (left, right) in enumerate(zip(some, ends)):
                total[0, :, top:bottom, left:right] += lost[i]
                hidden[0, :, top:bottom, left:right] += 1
    return total / hidden


def _even_box(x: Tensor, padded: Tensor, window: Box) -> Box | None:
    """The window, widened to even edges; None if mirroring at the field's edge repeats a part."""
    box = (window[0] // 2 * 2, -(-window[1] // 2) * 2, window[2] // 2 * 2, -(-window[3] // 2) * 2)
    for size, whole, end in zip(x.shape[2:], padded.shape[2:], (box[1], box[3])):
        if whole > size and end >= 2 * size - whole - 1:
            return None
    return box


def _starts(size: int, side: int) -> range:
    """First pixels of windows that are half a side apart and reach the edge, as in captum."""
    side = min(side, size)
    stride = max(1, side // 2)
    return range(0, stride * (-(-(size - side) // stride)) + 1, stride)
