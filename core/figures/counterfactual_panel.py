"""The counterfactual panel: original, counterfactual and one difference map per channel."""

from dataclasses import dataclass
from textwrap import wrap

from matplotlib.figure import SubFigure

from core.domain import (
    Channel,
    Counterfactual,
    ModelCard,
)
from core.figures.image_panel import (
    INCHES_PER_IMAGE,
    LETTERS_PER_INCH,
    draw_moved,
)
from core.figures.images import difference_limit, draw_scale_bar
from core.figures.words import evidence_words


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
        """Width and height of the panel."""
        _, height, width = self.result.original.shape
        return self._width, INCHES_PER_IMAGE * height / width + 0.75 + 0.2 * len(self._evidence)

    @property
    def _width(self) -> float:
        return INCHES_PER_IMAGE * (2 + len(self.channels)) + 0.7

    @property
    def _evidence(self) -> list[str]:
        """Lines under the images; none without evidence."""
        evidence = self.result.evidence
        if evidence is None:
            return []
        return wrap(evidence_words(evidence), int(self._width * LETTERS_PER_INCH))

    def draw(self, figure: SubFigure) -> None:
        """Draw into `figure`."""
        axes = figure.subplots(1, 2 + len(self.channels), gridspec_kw={"wspace": 0.06})
        result, limit = self.result, difference_limit(self.result.difference)
        draw_moved(figure, axes, result, self.channels, self.card.preprocessing, limit)
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
