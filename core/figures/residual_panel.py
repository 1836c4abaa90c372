"""The residual panel: what a treatment does not repair."""

from dataclasses import dataclass

from matplotlib.figure import SubFigure

from core.domain import (
    Channel,
    Counterfactual,
    ModelCard,
)
from core.figures.image_panel import (
    INCHES_PER_IMAGE,
    draw_moved,
)
from core.figures.images import difference_limit, draw_scale_bar


@dataclass(frozen=True)
class ResidualPanel:
    """Diseased to healthy above treated to healthy, on one scale."""

    title: str
    channels: tuple[Channel, ...]
    card: ModelCard
    diseased: Counterfactual
    treated: Counterfactual
    words: str  # restored shares of this treatment; "" without a screen
    pixel_size_um: float | None

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height of the panel."""
        _, height, width = self.treated.original.shape
        panel_width = INCHES_PER_IMAGE * (2 + len(self.channels)) + 0.7
        return panel_width, 2 * INCHES_PER_IMAGE * height / width + 1.4

    def draw(self, figure: SubFigure) -> None:
        """Draw into `figure`."""
        rows = figure.subplots(
            2, 2 + len(self.channels), gridspec_kw={"wspace": 0.06, "hspace": 0.02}
        )
        limit = max(difference_limit(r.difference) for r in (self.diseased, self.treated))
        for axes, result in zip(rows, (self.diseased, self.treated)):
            draw_moved(figure, axes, result, self.channels, self.card.preprocessing, limit)
            if self.pixel_size_um:
                draw_scale_bar(axes[0], result.original.shape[2], self.pixel_size_um)
        head = (
            f"What {self.treated.source} has not repaired: the lower row shows the remaining"
            f" change to {self.treated.target}"
        )
        figure.suptitle(self.title or head, fontsize=9, x=0.01, ha="left")
        if self.words:
            figure.supxlabel(self.words, fontsize=7, x=0.01, ha="left")
