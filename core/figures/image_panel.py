"""Shared by panels with images: sizes, colour maps, and a row of images with their changes."""

from collections.abc import Sequence
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from core.domain import (
    Channel,
    Counterfactual,
    Preprocessing,
)
from core.figures.images import composite
from core.figures.words import blend_words

DIFFERENCE_MAP = "RdBu_r"
SIZE_MAP = "Purples"  # for values without a sign
INCHES_PER_IMAGE = 1.75
LETTERS_PER_INCH = 16  # of the smallest text


def draw_moved(
    figure: SubFigure,
    axes: Sequence[Axes],
    result: Counterfactual,
    channels: Sequence[Channel],
    preprocessing: Preprocessing,
    limit: float,
) -> None:
    """Draw original, counterfactual and changes, with a colour bar.

    Parameters
    ----------
    figure
        Gets the colour bar.
    axes
        Two axes, and one per channel.
    result
        The counterfactual.
    channels
        C channels.
    preprocessing
        Gives the display range of each channel.
    limit
        Changes are drawn from -limit to limit, in grey values.
    """
    strength = f"strength {result.strength:g}" + (" (exaggerated)" if result.strength > 1 else "")
    heads = (
        f"Original ({result.source})",
        f"Generated: to {blend_words(result.weights)}\n{strength}",
    )
    for ax, image, head in zip(axes, (result.original, result.image), heads):
        ax.imshow(composite(image, channels, preprocessing.low, preprocessing.high))
        ax.set_title(head, fontsize=8)
    for ax, change, channel in zip(axes[2:], result.difference, channels):
        picture = ax.imshow(change, cmap=DIFFERENCE_MAP, vmin=-limit, vmax=limit)
        locked = " (locked)" if channel.name in result.locked else ""
        ax.set_title(fill(f"Change in {channel.name}{locked}", 26), fontsize=8)
    for ax in axes:
        ax.set(xticks=[], yticks=[])
    as_high_as_image = axes[-1].inset_axes((1.05, 0, 0.06, 1))
    bar = figure.colorbar(picture, cax=as_high_as_image, extend="both")
    bar.set_label("Change (grey values)", fontsize=7)
    bar.ax.tick_params(labelsize=7)
