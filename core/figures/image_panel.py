"""What panels with images share: sizes, colour maps, original and counterfactual
with its changes.
"""

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


SIZE_MAP = "Purples"  # of what has no sign


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
    """Original, counterfactual and its changes from -limit to limit (grey values), with their
    colour bar.
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
        shown = ax.imshow(change, cmap=DIFFERENCE_MAP, vmin=-limit, vmax=limit)
        held = " (held)" if channel.name in result.locked else ""
        ax.set_title(fill(f"Change in {channel.name}{held}", 26), fontsize=8)
    for ax in axes:
        ax.set(xticks=[], yticks=[])
    bar = figure.colorbar(
        shown, cax=axes[-1].inset_axes((1.05, 0, 0.06, 1)), extend="both"
    )  # as high as the image
    bar.set_label("Change (grey values)", fontsize=7)
    bar.ax.tick_params(labelsize=7)
