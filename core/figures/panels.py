"""The kinds of panel and how each is drawn with matplotlib. Text stays text, images stay pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill, wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from core.domain import (
    AUTOENCODER,
    UNSIGNED,
    Attribution,
    Channel,
    Condition,
    Counterfactual,
    CounterfactualPath,
    ModelCard,
    Recipe,
)
from core.figures.decision_map import MapPanel
from core.figures.images import composite, difference_limit, draw_scale_bar
from core.figures.screen_panels import RankingPanel
from core.figures.words import blend_words, evidence_words

DIFFERENCE_MAP = "RdBu_r"
SIZE_MAP = "Purples"  # of what has no sign
INCHES_PER_IMAGE = 1.75
LETTERS_PER_INCH = 16  # of the smallest text


@dataclass(frozen=True)
class CounterfactualPanel:
    """Original, counterfactual and one difference map per channel."""

    title: str
    channels: tuple[Channel, ...]
    card: ModelCard
    result: Counterfactual
    pixel_size_um: float | None

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height the panel asks for."""
        _, height, width = self.result.original.shape
        return self._width, INCHES_PER_IMAGE * height / width + 0.75 + 0.2 * len(self._evidence)

    @property
    def _width(self) -> float:
        return INCHES_PER_IMAGE * (2 + len(self.channels)) + 0.7

    @property
    def _evidence(self) -> list[str]:
        """Lines under the images; none where nobody but the model was asked."""
        evidence = self.result.evidence
        return (
            []
            if evidence is None
            else wrap(evidence_words(evidence), int(self._width * LETTERS_PER_INCH))
        )

    def draw(self, figure: SubFigure) -> None:
        """Draw into `figure`."""
        axes = figure.subplots(1, 2 + len(self.channels), gridspec_kw={"wspace": 0.06})
        result, limit = self.result, difference_limit(self.result.difference)
        _draw_moved(figure, axes, result, self.channels, self.card.recipe, limit)
        if self.pixel_size_um:
            draw_scale_bar(axes[0], result.original.shape[2], self.pixel_size_um)
        reads = int(result.probabilities.argmax())
        verdict = (
            f"the model reads {self.card.condition_names[reads]}, {result.probabilities[reads]:.0%}"
        )
        figure.suptitle(
            f"{self.title or result.record_id}: {verdict}", fontsize=9, x=0.01, ha="left"
        )
        if self._evidence:
            figure.supxlabel("\n".join(self._evidence), fontsize=7, x=0.01, ha="left")


def _draw_moved(
    figure: SubFigure,
    axes: Sequence[Axes],
    result: Counterfactual,
    channels: Sequence[Channel],
    recipe: Recipe,
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
        ax.imshow(composite(image, channels, recipe.low, recipe.high))
        ax.set_title(head, fontsize=8)
    for ax, change, channel in zip(axes[2:], result.difference, channels):
        shown = ax.imshow(change, cmap=DIFFERENCE_MAP, vmin=-limit, vmax=limit)
        held = " (held)" if channel.name in result.held else ""
        ax.set_title(fill(f"Change in {channel.name}{held}", 26), fontsize=8)
    for ax in axes:
        ax.set(xticks=[], yticks=[])
    bar = figure.colorbar(
        shown, cax=axes[-1].inset_axes((1.05, 0, 0.06, 1)), extend="both"
    )  # as high as the image
    bar.set_label("Change (grey values)", fontsize=7)
    bar.ax.tick_params(labelsize=7)


@dataclass(frozen=True)
class ResidualPanel:
    """What a treatment has not repaired: treated to healthy under diseased to healthy, on one
    scale.
    """

    title: str
    channels: tuple[Channel, ...]
    card: ModelCard
    diseased: Counterfactual
    treated: Counterfactual
    words: str  # the table's rows of this treatment, "" where no screen was made
    pixel_size_um: float | None

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height the panel asks for."""
        _, height, width = self.treated.original.shape
        return (
            INCHES_PER_IMAGE * (2 + len(self.channels)) + 0.7,
            2 * INCHES_PER_IMAGE * height / width + 1.4,
        )

    def draw(self, figure: SubFigure) -> None:
        """Draw into `figure`."""
        rows = figure.subplots(
            2, 2 + len(self.channels), gridspec_kw={"wspace": 0.06, "hspace": 0.02}
        )
        limit = max(difference_limit(r.difference) for r in (self.diseased, self.treated))
        for axes, result in zip(rows, (self.diseased, self.treated)):
            _draw_moved(figure, axes, result, self.channels, self.card.recipe, limit)
            if self.pixel_size_um:
                draw_scale_bar(axes[0], result.original.shape[2], self.pixel_size_um)
        head = (
            f"What {self.treated.source} has not repaired: below, what still leads to"
            f" {self.treated.target}"
        )
        figure.suptitle(self.title or head, fontsize=9, x=0.01, ha="left")
        if self.words:
            figure.supxlabel(self.words, fontsize=7, x=0.01, ha="left")


@dataclass(frozen=True)
class PathPanel:
    """Probabilities along the way to the target, with the crossing marked."""

    title: str
    conditions: tuple[Condition, ...]
    path: CounterfactualPath

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height the panel asks for."""
        return 4.2, 2.8

    def draw(self, figure: SubFigure) -> None:
        """Draw into `figure`."""
        ax = figure.subplots()
        strengths = [p.strength for p in self.path.points]
        values = np.stack([p.probabilities for p in self.path.points])
        for k, condition in enumerate(self.conditions):
            if values[:, k].max() > 0.02:
                ax.plot(strengths, values[:, k], color=condition.colour, label=condition.name)
        if self.path.crossing is not None:
            ax.axvline(self.path.crossing, color="0.3", lw=0.8, ls="--")
            side = "left" if self.path.crossing < 0.5 else "right"
            words = f" class first changes at {self.path.crossing:.2f} "
            ax.annotate(words, (self.path.crossing, 1.05), fontsize=7, ha=side, va="center")
        ax.set_xlabel(f"Strength toward {self.path.target} (0 = original, 1 = target)", fontsize=8)
        ax.set_ylabel("Probability", fontsize=8)
        ax.set(xlim=(strengths[0], strengths[-1]), ylim=(0, 1.1))
        ax.tick_params(labelsize=7)
        ax.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        figure.suptitle(self.title or self.path.record_id, fontsize=9, x=0.01, ha="left")


@dataclass(frozen=True)
class ConfusionPanel:
    """Held-out images by true and predicted condition."""

    title: str
    names: tuple[str, ...]
    accuracy: dict[str, Any]

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height the panel asks for."""
        side = max(3.0, 0.33 * len(self.names) + 1.6)
        return side + 0.6, side

    def draw(self, figure: SubFigure) -> None:
        """Draw into `figure`."""
        ax = figure.subplots()
        table = np.array(self.accuracy["confusion"])
        share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        ax.imshow(share, cmap="Greys", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(table):
            if count:
                ax.text(
                    column,
                    row,
                    str(count),
                    ha="center",
                    va="center",
                    fontsize=7,
                    color="w" if share[row, column] > 0.5 else "k",
                )
        ticks = range(len(self.names))
        ax.set_xticks(ticks, self.names, rotation=45, ha="right", fontsize=7)
        ax.set_yticks(ticks, self.names, fontsize=7)
        ax.set_xlabel("Predicted", fontsize=8)
        ax.set_ylabel("True", fontsize=8)
        a = self.accuracy
        if a.get("accuracy") is not None:
            interval = f"[{a['accuracy_low']:.2f}-{a['accuracy_high']:.2f}]"
            ax.set_title(
                f"Accuracy {a['accuracy']:.3f} {interval}\n{a['interval']}", fontsize=7, loc="left"
            )
        if self.title:
            figure.suptitle(self.title, fontsize=9, x=0.01, ha="left")


@dataclass(frozen=True)
class ComparisonPanel:
    """One image through several explanations: a row per stain, a column per explanation."""

    title: str
    channels: tuple[Channel, ...]
    card: ModelCard
    result: Counterfactual
    attributions: tuple[Attribution, ...]
    pixel_size_um: float | None

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height the panel asks for."""
        _, height, width = self.result.original.shape
        side = 0.8 * INCHES_PER_IMAGE
        return side * (2 + len(self.attributions)), side * len(self.channels) * height / width + 0.8

    def draw(self, figure: SubFigure) -> None:
        """Draw into `figure`."""
        columns, result, recipe = 2 + len(self.attributions), self.result, self.card.recipe
        axes = figure.subplots(
            len(self.channels), columns, squeeze=False, gridspec_kw={"wspace": 0.04, "hspace": 0.04}
        )
        limit = difference_limit(result.difference)
        for c, (row, channel) in enumerate(zip(axes, self.channels)):
            alone = (slice(c, c + 1), [channel], recipe.low[c : c + 1], recipe.high[c : c + 1])
            row[0].imshow(composite(result.original[alone[0]], *alone[1:]))
            row[0].set_ylabel(channel.name, fontsize=7)
            row[1].imshow(result.difference[c], cmap=DIFFERENCE_MAP, vmin=-limit, vmax=limit)
            for ax, found in zip(row[2:], self.attributions):
                if c < len(found.values):
                    most, signed = difference_limit(found.values), found.method not in UNSIGNED
                    colours = DIFFERENCE_MAP if signed else SIZE_MAP
                    ax.imshow(found.values[c], cmap=colours, vmin=-most if signed else 0, vmax=most)
                else:
                    ax.set(
                        facecolor="0.93",
                        box_aspect=result.original.shape[1] / result.original.shape[2],
                    )
                    ax.text(
                        0.5,
                        0.5,
                        "one map for\nall stains",
                        transform=ax.transAxes,
                        fontsize=6,
                        ha="center",
                    )
        heads = [
            "Original",
            f"Counterfactual\n(to {result.target})",
            *(_attribution_head(a, self.pixel_size_um) for a in self.attributions),
        ]
        for ax, head in zip(axes[0], heads):
            ax.set_title(head, fontsize=7)
        for ax in axes.flat:
            ax.set(xticks=[], yticks=[])
        if self.pixel_size_um:
            draw_scale_bar(axes[-1][0], result.original.shape[2], self.pixel_size_um)
        figure.suptitle(self.title or result.record_id, fontsize=9, x=0.01, ha="left")
        drawn = any(a.method == AUTOENCODER for a in self.attributions)
        note = (
            f"Counterfactual{' and autoencoder' if drawn else ''}: red is brighter, blue darker. "
        )
        note += (
            "Saliency: size only, violet. Others: red speaks for the target. Every column has its"
            " own scale."
        )
        figure.supxlabel(note, fontsize=6, x=0.01, ha="left")


def _attribution_head(found: Attribution, pixel_size_um: float | None) -> str:
    """Name of the method, of what occlusion hides, and of the network it was asked of."""
    if found.method == AUTOENCODER:
        return f"{found.network.replace('-', ' ').capitalize()}\n(to {found.target})"
    name = "Grad-CAM" if found.method == "gradcam" else found.method.replace("-", " ").capitalize()
    if side := found.settings.get("window_px"):
        name += f", {side * pixel_size_um:.1f} µm" if pixel_size_um else f", {side} px"
    return f"{name}\n({found.network})"


Panel = CounterfactualPanel | MapPanel | PathPanel | ConfusionPanel | ComparisonPanel | RankingPanel
