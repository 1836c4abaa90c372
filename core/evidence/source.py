"""The evidence of one model: independent classifiers and features assess its counterfactuals."""

from pathlib import Path

import numpy as np

from core.domain import Counterfactual, Evidence, ModelCard
from core.domain.accuracy import cannot_draw, card_record_words
from core.errors import LeighError
from core.evidence.checks import Direction
from core.evidence.contrast import CounterfactualMeasurements
from core.evidence.empty_ground import change_in_ground
from core.evidence.reference import EvidenceModels, ImageMeasurements, ReferenceSet, load_reference
from core.io.models import condition_index


class EvidenceSource:
    """The independent classifiers and reference images of one model, or why there are none.

    Remembers the measurements of originals and of the last counterfactual.
    """

    def __init__(
        self,
        missing: str = "",
        card: ModelCard | None = None,
        panel: EvidenceModels | None = None,
        real: ReferenceSet | None = None,
    ) -> None:
        self.missing = missing  # why evidence is missing; "" where it exists
        self.card, self.panel, self.real = card, panel, real
        self.doubt = cannot_draw(card.accuracy) if card is not None else ""
        training = card.training if card is not None else {}
        self.record = card_record_words(training.get("card_record", {}))
        self._directions: dict[tuple[str, str], Direction] = {}
        self._originals: dict[str, ImageMeasurements] = {}
        self._last: tuple[Counterfactual, CounterfactualMeasurements] | None = None

    def direction(self, source: str, target: str) -> Direction:
        """One direction between two conditions. Raises LeighError without reference images."""
        if self.real is None or self.card is None:
            raise LeighError(self.missing, "Train the i-ResNet, or run `leigh evaluate`.")
        for name in (source, target):
            condition_index(self.card, name)
        key = (source, target)
        if key not in self._directions:
            doubt = self.doubt if self.card.draws(source, target) else ""
            self._directions[key] = Direction(self.real, source, target, doubt)
            if self.card.falls_short(source, target):
                self._directions[key].limit = f"Strength 1 may fall short of {target}"
        return self._directions[key]

    def automatic_locks(self, source: str, target: str) -> tuple[str, ...]:
        """Channels whose features do not differ between the two conditions."""
        has_direction = self.real is not None and source != target
        return self.direction(source, target).lockable if has_direction else ()

    def measure(self, result: Counterfactual) -> CounterfactualMeasurements:
        """Measure a counterfactual. Raises LeighError without evidence models."""
        if self.panel is None or self.card is None:
            raise LeighError(self.missing, "Train the i-ResNet, or run `leigh evaluate`.")
        if self._last is not None and self._last[0].image is result.image:
            return self._last[1]
        if result.record_id not in self._originals:
            self._originals[result.record_id] = self.panel.measure(result.original)
        moved = measured(self.panel, self.card, self._originals[result.record_id], result)
        self._last = (result, moved)
        return moved

    def assess(self, result: Counterfactual) -> Evidence | None:
        """The evidence card of one counterfactual; None for strength 0 and failed moves."""
        if self.panel is None or result.strength <= 0 or not result.valid:
            return None
        evidence = self.direction(result.source, result.target).assess([self.measure(result)])
        evidence.values["card_record"] = self.record
        return evidence


def load_evidence(folder: Path, card: ModelCard) -> EvidenceSource:
    """The evidence of the model in `folder`, or the reason why there is none."""
    try:
        panel, real = load_reference(folder, card)
    except LeighError as fault:
        return EvidenceSource(fault.message, card)
    return EvidenceSource("", card, panel, real)


def measured(
    panel: EvidenceModels, card: ModelCard, before: ImageMeasurements, result: Counterfactual
) -> CounterfactualMeasurements:
    """The measurements of a counterfactual, together with those of its original."""
    change = (result.difference / np.array(card.preprocessing.span)[:, None, None]) ** 2
    return CounterfactualMeasurements(
        before=before,
        after=panel.measure(result.image),
        probabilities=result.probabilities,
        difference=change.sum(axis=(1, 2), dtype=np.float64),
        cells=panel.cells(result.original, result.image),
        own_probabilities=result.own_probabilities,
        ground=change_in_ground(result.original, result.image, np.array(card.preprocessing.span)),
    )
