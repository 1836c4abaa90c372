"""Check an attribution: where it lies, whether it depends on the weights, what its pixels do."""

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

CELL_UM, MARGIN_UM = 6.0, 2.0  # smallest diameter of a cell; margin that belongs to the cell
UNKNOWN_PIXEL_UM = 0.65  # without a known pixel size
SMOOTHING_PX = 1.0
# Least contrast of cells, in spreads of smoothed noise. Noise alone has 1.5, real cells at least
# 40.
LEAST_CONTRAST = 4.0
CURVE_STEPS = 12
STAGES = (0.1, 0.4, 0.7, 1.0)  # shares of the layers that are randomised, from the top down


def cell_mask(
    raw: FloatArray, preprocessing: Preprocessing, pixel_size_um: float | None
) -> BoolArray:
    """(Y, X) mask of the cells in an image (C, Y, X).

    Li's threshold (Li and Tam 1998) is applied to the sum of all channels, each over its display
    range. Small objects are removed, and a margin belongs to each cell. A field with only noise has
    no cells.
    """
    ranges = (preprocessing.low, preprocessing.span)
    low, span = (np.array(values, np.float32)[:, None, None] for values in ranges)
    light = np.clip((raw - low) / span, 0, 1).sum(axis=0)
    signal = gaussian_filter(light, SMOOTHING_PX)
    if np.ptp(signal) == 0:
        return np.zeros(signal.shape, bool)
    bright = signal > threshold_li(signal)
    contrast = np.median(signal[bright]) - np.median(signal[~bright])
    if contrast < LEAST_CONTRAST * _smoothed_noise(light):
        return np.zeros(signal.shape, bool)
    pixel_um = pixel_size_um or UNKNOWN_PIXEL_UM
    smallest = max(1, round(np.pi / 4 * (CELL_UM / pixel_um) ** 2))
    mask = remove_small_objects(bright, max_size=smallest)
    cells: BoolArray = dilation(mask, disk(max(1, round(MARGIN_UM / pixel_um)))).astype(bool)
    return cells


def _smoothed_noise(light: FloatArray) -> float:
    """Standard deviation of pixel noise after smoothing, from differences between neighbours."""
    noise = 1.4826 * np.median(np.abs(np.diff(light, axis=1))) / np.sqrt(2)
    return float(noise / (2 * np.sqrt(np.pi) * SMOOTHING_PX))


def share_outside(values: FloatArray, cells: BoolArray) -> float:
    """Share of |values| (C, Y, X) outside `cells` (Y, X); by chance it is the share of the area."""
    size = np.abs(values, dtype=np.float64).sum(axis=0)
    return float(size[~cells].sum() / max(size.sum(), 1e-30))


def empty_shares(
    values: FloatArray, raw: FloatArray, preprocessing: Preprocessing, pixel_size_um: float | None
) -> dict[str, float]:
    """Shares of `values` (C or 1, Y, X) and of the area outside the cells of an image (C, Y, X)."""
    cells = cell_mask(raw, preprocessing, pixel_size_um)
    return {
        "share_outside_cells": share_outside(values, cells),
        "area_outside_cells": float((~cells).mean()),
    }


@torch.no_grad()
def deletion_insertion(
    score: Score, own: int, x: Tensor, empty: Tensor, values: FloatArray
) -> tuple[float, float]:
    """Mean probability of the own condition while pixels are deleted, and while they are inserted.

    Pixels with the largest |values| come first. Low deletion and high insertion mean that these
    pixels matter (Petsiuk et al. 2018, arXiv 1806.07421).

    Parameters
    ----------
    score
        Gives the logits.
    own
        Class index of the image's condition.
    x
        Network input (1, C, Y, X).
    empty
        Background (1, C, 1, 1) that replaces deleted pixels.
    values
        The attribution (C or 1, Y, X).
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
    same does not depend on the trained weights. New weights are normal with the old spread. `x` (1,
    C, Y, X) is used to find the order of the layers.
    """
    layers = _layers(network, x)
    for share in STAGES:
        other = copy.deepcopy(network)
        modules = dict(other.named_modules())
        for name in layers[-max(1, round(share * len(layers))) :]:
            weight = modules[name].weight
            draw = torch.Generator().manual_seed(seed + layers.index(name))
            noise = torch.randn(weight.shape, generator=draw).to(weight.device)
            with torch.no_grad():
                weight.copy_(noise * weight.std() if weight.numel() > 1 else noise)
        yield share, other


def similarity(one: FloatArray, other: FloatArray) -> float:
    """Spearman's rank correlation of |one| and |other|; 0 if one of them is constant."""
    a, b = np.abs(one).ravel(), np.abs(other).ravel()
    return float(spearmanr(a, b).statistic) if np.ptp(a) > 0 and np.ptp(b) > 0 else 0.0


@torch.no_grad()
def _layers(network: Any, x: Tensor) -> list[str]:
    """Names of the layers with weights that `logits` uses, in their order."""
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
    """Values (C, Y, X) at the file's size, averaged to network pixels."""
    return shrink(values.astype(np.float64), preprocessing.downscale).astype(np.float32)
