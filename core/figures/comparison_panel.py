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
    """One image under several explanations: a row per channel, a column per explanation."""

    title: str
    channels: tuple[Channel, ...]
    card: ModelCard
    result: Counterfactual
    attributions: tuple[Attribution, ...]
    pixel_size_um: float | None

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height of the panel."""
        _, height, width = self.result.original.shape
        side = 0.8 * INCHES_PER_IMAGE
        return side * (2 + len(self.attributions)), side * len(self.channels) * height / width + 0.8

    def draw(self, figure: SubFigure) -> None:
        """Draw into `figure`."""
        result, preprocessing = self.result, self.card.preprocessing
        columns = 2 + len(self.attributions)
        axes = figure.subplots(
            len(self.channels), columns, squeeze=False, gridspec_kw={"wspace": 0.04, "hspace": 0.04}
        )
        limit = difference_limit(result.difference)
        for c, (row, channel) in enumerate(zip(axes, self.channels)):
            only = slice(c, c + 1)
            limits = (preprocessing.low[only], preprocessing.high[only])
            row[0].imshow(composite(result.original[only], [channel], *limits))
            row[0].set_ylabel(channel.name, fontsize=7)
            row[1].imshow(result.difference[c], cmap=DIFFERENCE_MAP, vmin=-limit, vmax=limit)
            for ax, attribution in zip(row[2:], self.attributions):
                if c < len(attribution.values):
                    most = difference_limit(attribution.values)
                    signed = attribution.method not in UNSIGNED
                    colours, least = (DIFFERENCE_MAP, -most) if signed else (SIZE_MAP, 0)
                    ax.imshow(attribution.values[c], cmap=colours, vmin=least, vmax=most)
                else:
                    _, height, width = result.original.shape
                    ax.set(facecolor="0.93", box_aspect=height / width)
                    words = "one map for\nall stains"
                    ax.text(0.5, 0.5, words, transform=ax.transAxes, fontsize=6, ha="center")
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
        has_autoencoder = any(a.method == AUTOENCODER for a in self.attributions)
        changes = "Counterfactual and autoencoder" if has_autoencoder else "Counterfactual"
        note = (
            f"{changes}: red is brighter, blue darker. Saliency: size only, violet. Others: red"
            " speaks for the target. Every column has its own scale."
        )
        figure.supxlabel(note, fontsize=6, x=0.01, ha="left")


def _attribution_head(attribution: Attribution, pixel_size_um: float | None) -> str:
    """Name of the method, window of occlusion, and name of the network."""
    if attribution.method == AUTOENCODER:
        return f"{attribution.network.replace('-', ' ').capitalize()}\n(to {attribution.target})"
    name = (
        "Grad-CAM"
        if attribution.method == "gradcam"
        else attribution.method.replace("-", " ").capitalize()
    )
    if side := attribution.settings.get("window_px"):
        name += f", {side * pixel_size_um:.1f} µm" if pixel_size_um else f", {side} px"
    return f"{name}\n({attribution.network})"
