"""The comparison panel: one image through counterfactual, autoencoder and attributions."""

from dataclasses import dataclass

from matplotlib.figure import SubFigure

from core.domain import (
    AUTOENCODER,
    UNSIGNED,
    Attribution,
    Channel,
    Counterfactual,
    ModelCard,
)
from core.figures.image_panel import (
    DIFFERENCE_MAP,
    INCHES_PER_IMAGE,
    SIZE_MAP,
)
from core.figures.images import composite, difference_limit, draw_scale_bar


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
        columns, result, preprocessing = (
            2 + len(self.attributions),
            self.result,
            self.card.preprocessing,
        )
        axes = figure.subplots(
            len(self.channels), columns, squeeze=False, gridspec_kw={"wspace": 0.04, "hspace": 0.04}
        )
        limit = difference_limit(result.difference)
        for c, (row, channel) in enumerate(zip(axes, self.channels)):
            alone = (
                slice(c, c + 1),
                [channel],
                preprocessing.low[c : c + 1],
                preprocessing.high[c : c + 1],
            )
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
