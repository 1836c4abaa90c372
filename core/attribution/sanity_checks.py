"""Whether an attribution means anything: where it lies, whether it depends on what was learned,
what its pixels do.
"""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr
from skimage.filters import threshold_li
from skimage.morphology import dilation, disk, remove_small_objects
from torch import Tensor, nn

from core.attribution.occlusion import Score
from core.data.preprocessing import shrink
from core.domain import BoolArray, FloatArray, Preprocessing

CELL_UM, MARGIN_UM = (
    6.0,
    2.0,
)  # smallest diameter of a cell; what lies this near to it belongs to it
UNKNOWN_PIXEL_UM = 0.65  # where the pixel size is not known
SMOOTHING_PX = 1.0
LEAST_CONTRAST = (
    4.0  # of cells, in spreads of smoothed noise; noise alone has 1.5, real cells have 40 and more
)
CURVE_STEPS = 12
STAGES = (0.1, 0.4, 0.7, 1.0)  # share of the layers that are randomised, from the top down


def cell_mask(
    raw: FloatArray, preprocessing: Preprocessing, pixel_size_um: float | None
) -> BoolArray:
    """(Y, X) where cells are, in an image (C, Y, X): Li's threshold (Li and Tam 1998) on the sum of
    all channels.

    Every channel is taken over its display range; specks are left out, and a margin belongs to the
    cell. A field of nothing but noise has no cells.
    """
    low, span = (
        np.array(v, np.float32)[:, None, None] for v in (preprocessing.low, preprocessing.span)
    )
    light = np.clip((raw - low) / span, 0, 1).sum(axis=0)
    signal = gaussian_filter(light, SMOOTHING_PX)
    if np.ptp(signal) == 0:
        return np.zeros(signal.shape, bool)
    bright = signal > threshold_li(signal)
    if np.median(signal[bright]) - np.median(signal[~bright]) < LEAST_CONTRAST * _smoothed_noise(
        light
    ):
        return np.zeros(signal.shape, bool)
    pixel_um = pixel_size_um or UNKNOWN_PIXEL_UM
    smallest = max(1, round(np.pi / 4 * (CELL_UM / pixel_um) ** 2))
    mask = remove_small_objects(bright, max_size=smallest)
    out: BoolArray = dilation(mask, disk(max(1, round(MARGIN_UM / pixel_um)))).astype(bool)
    return out


def _smoothed_noise(light: FloatArray) -> float:
    """Standard deviation that independent noise of pixels (Y, X) keeps after smoothing; estimated
    from neighbours.
    """
    noise = 1.4826 * np.median(np.abs(np.diff(light, axis=1))) / np.sqrt(2)
    return float(noise / (2 * np.sqrt(np.pi) * SMOOTHING_PX))


def share_outside(values: FloatArray, cells: BoolArray) -> float:
    """Share of |values| (C, Y, X) that lies outside `cells` (Y, X); beside the share of the area
    that tells chance.
    """
    size = np.abs(values, dtype=np.float64).sum(axis=0)
    return float(size[~cells].sum() / max(size.sum(), 1e-30))


def empty_shares(
    values: FloatArray, raw: FloatArray, preprocessing: Preprocessing, pixel_size_um: float | None
) -> dict[str, float]:
    """How much of `values` (C or 1, Y, X) lies outside the cells of an image (C, Y, X), beside how
    much of the area.
    """
    cells = cell_mask(raw, preprocessing, pixel_size_um)
    return {
        "share_outside_cells": share_outside(values, cells),
        "area_outside_cells": float((~cells).mean()),
    }


@torch.no_grad()
def deletion_insertion(
    score: Score, own: int, x: Tensor, empty: Tensor, values: FloatArray
) -> tuple[float, float]:
    """Mean probability of the image's `own` condition while its pixels are deleted, and while they
    are inserted.

    Pixels of network input x (1, C, Y, X) give way to background `empty` (1, C, 1, 1), or come
    back, the largest of |values| (C or 1, Y, X) first. Low deletion and high insertion: these
    pixels matter (Petsiuk et al. 2018, arXiv 1806.07421).
    """
    size = torch.from_numpy(np.abs(values)).to(x.device).expand_as(x[0]).flatten()
    rank = torch.empty_like(size)
    rank[size.argsort(descending=True)] = torch.arange(len(size), device=x.device, dtype=size.dtype)
    blank, curves = empty.expand_as(x), []
    for before, after in ((x, blank), (blank, x)):
        seen = []
        for step in range(CURVE_STEPS + 1):
            changed = (rank < len(size) * step / CURVE_STEPS).reshape(x.shape)
            logits = score.logits(torch.where(changed, after, before))
            seen.append(float(logits.softmax(dim=1)[0, own]))
        curves.append(float(np.trapezoid(seen, dx=1 / CURVE_STEPS)))
    return curves[0], curves[1]


def randomised(network: nn.Module, x: Tensor, seed: int = 0) -> Iterator[tuple[float, Any]]:
    """Copies of the network with random weights from the top down, one per share in STAGES.

    Cascading randomisation (Adebayo et al. 2018, arXiv 1810.03292): an attribution that stays the
    same does not explain what was learned. New weights are normal, as large as the old; `x` (1, C,
    Y, X) tells the order of layers.
    """
    layers = _layers(network, x)
    for share in STAGES:
        other = copy.deepcopy(network)
        there = dict(other.named_modules())
        for name in layers[-max(1, round(share * len(layers))) :]:
            weight = there[name].weight
            draw = torch.Generator().manual_seed(seed + layers.index(name))
            noise = torch.randn(weight.shape, generator=draw).to(weight.device)
            with torch.no_grad():
                weight.copy_(noise * weight.std() if weight.numel() > 1 else noise)
        yield share, other


def similarity(one: FloatArray, other: FloatArray) -> float:
    """Spearman's rank correlation of |one| and |other|; 0 where either is constant."""
    a, b = np.abs(one).ravel(), np.abs(other).ravel()
    return float(spearmanr(a, b).statistic) if np.ptp(a) > 0 and np.ptp(b) > 0 else 0.0


@torch.no_grad()
def _layers(network: Any, x: Tensor) -> list[str]:
    """Names of the layers with weights that `logits` passes, in their order."""
    order: list[str] = []
    hooks = [
        module.register_forward_hook(lambda *_, name=name: order.append(name))
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    try:
        network.logits(x)
    finally:
        for hook in hooks:
            hook.remove()
    return list(dict.fromkeys(order))


def at_network_size(values: FloatArray, preprocessing: Preprocessing) -> FloatArray:
    """Values (C, Y, X) at the file's size, brought to network pixels."""
    return shrink(values.astype(np.float64), preprocessing.downscale).astype(np.float32)
