"""Draw a sheet of original, counterfactual and truth, with the difference maps of all channels."""

# ruff: noqa: TID253 - the window never imports this module

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from benchmarks.cultures import Cultures, Way
from core.domain import FloatArray

WAYS: tuple[Way, ...] = (("DS", "WT"), ("WT", "DS"), ("MOR", "WT"), ("WT", "MOR"))
CULTURES_PER_WAY = 1
INCH = 1.15


def save_contact_sheet(
    path: Path, cultures: Cultures, mover: Any, ways: Sequence[Way] = WAYS
) -> None:
    """Draw one row per culture and direction; refused counterfactuals are marked."""
    matplotlib.use("Agg")
    card = mover.session.card
    channels = range(1, len(card.channels))  # without the nuclei, which never change
    titles = ["original", "counterfactual", "truth"]
    for c in channels:
        name = card.channels[c].name
        titles += [f"{name}\nchange", f"{name}\ntrue change"]
    rows = [(way, culture) for way in ways for culture in cultures.cultures[:CULTURES_PER_WAY]]
    figure = Figure(figsize=(INCH * len(titles), INCH * len(rows) + 0.45), facecolor="white")
    axes = figure.subplots(len(rows), len(titles), squeeze=False)
    for line, (way, culture) in zip(axes, rows):
        result = mover.move(culture, way)
        before, truth = culture.images[way[0]], culture.images[way[1]]
        for axis, image in zip(line, (before, result.image if result.valid else None, truth)):
            if image is None:
                axis.text(0.5, 0.5, "refused", ha="center", va="center", transform=axis.transAxes)
            else:
                axis.imshow(_composite(image, card), interpolation="none")
        pairs = [
            d[c] / card.preprocessing.span[c]
            for c in channels
            for d in (result.difference, truth - before)
        ]
        for axis, difference in zip(line[3:], pairs):
            axis.imshow(difference, cmap="RdBu_r", vmin=-0.5, vmax=0.5, interpolation="none")
        line[0].set_ylabel(f"{way[0]} → {way[1]}", fontsize=8)
    for axis in axes.ravel():
        axis.set_xticks([])
        axis.set_yticks([])
    for axis, title in zip(axes[0], titles):
        axis.set_title(title, fontsize=7)
    figure.subplots_adjust(0.04, 0.005, 0.995, 1 - 0.42 / (INCH * len(rows) + 0.45), 0.04, 0.04)
    figure.savefig(path, dpi=130)


def _composite(image: FloatArray, card: Any) -> FloatArray:
    """(C, Y, X) grey values -> (Y, X, 3) in the colours of the channels."""
    preprocessing = card.preprocessing
    low, span = (np.array(v)[:, None, None] for v in (preprocessing.low, preprocessing.span))
    shares = np.clip((image - low) / span, 0, 1)
    colours = np.array([to_rgb(c.colour) for c in card.channels])
    mixed: FloatArray = np.clip(np.einsum("cyx,cr->yxr", shares, colours), 0, 1)
    return mixed
