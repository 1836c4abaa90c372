"""Try the evidence card on known pictures of the lab's own wells, and keep its record.

Images of one condition are dealt to "untouched" and to known changes, well by well. The
independent classifiers learn them in the training wells. Then right and wrong pictures of the
held-out wells are put through the card. The network's own check cannot be tried in this way,
because the network does not know the changes; the classifiers' mean belief takes its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.domain import FloatArray, ImageRecord, ModelCard, Role, Split
from core.evidence.checks import Direction
from core.evidence.contrast import CounterfactualMeasurements
from core.evidence.empty_ground import change_in_ground
from core.evidence.known_pictures import TRUTH, area_under_curve, known_pictures
from core.evidence.reference import EvidenceModels, ReferenceSet, reference_set
from core.progress import Progress, Report
from core.workflows.measure import MeasuredImages, measured_jitter
from core.workflows.spike_in_images import UNTOUCHED, Plant

STEPS = 100  # of the convolutional classifier: the changes are plain
DIMMER, BLUR_PX = 0.6, 2.0  # fold of the signal; pixels of the network
FEWEST_KNOWN, FEWEST_TESTED = 12, 3  # images outside the held-out wells, and in them
ENOUGH_FOR_TWO = 45  # images outside the held-out wells, for two changes; with fewer, one
LEARNED, TRIED = 60, 12  # at most so many
STAGE = "Testing the evidence card"


@dataclass(frozen=True)
class Trial:
    """The images of one condition, dealt to the changes of one channel."""

    images: MeasuredImages
    card: ModelCard
    condition: str
    channel: int
    plants: tuple[Plant, ...]
    records: tuple[ImageRecord, ...]  # their conditions are UNTOUCHED and the names of the plants

    @property
    def names(self) -> tuple[str, ...]:
        """The conditions of the trial."""
        return (UNTOUCHED, *(plant.name for plant in self.plants))

    def image(self, record: ImageRecord, condition: str) -> FloatArray:
        """The record's raw grey values (C Y X) under a condition of the trial."""
        raw = self.images.read(record)
        plant = next((p for p in self.plants if p.name == condition), None)
        offset = self.card.preprocessing.offset[self.channel]
        return raw if plant is None else plant.apply(raw, self.channel, offset)

    def read(self, record: ImageRecord) -> FloatArray:
        """The record's raw grey values (C Y X) under its own condition."""
        return self.image(record, record.condition)


def card_record(
    card: ModelCard, images: MeasuredImages, report: Report, jitter: FloatArray | None = None
) -> dict[str, Any]:
    """How many right and wrong pictures are green on the card; empty with too few images.

    `jitter` (R,) is that of the features, where it was measured before. Keys: `condition`,
    `changes`, `right`, `right_green`, `wrong`, `wrong_green`, `auc`.
    """
    trial = plan_trial(card, images)
    if trial is None:
        return {}
    panel, real = _learn(trial, report)
    jitter = measured_jitter(card, images) if jitter is None else jitter
    real = replace(real, jitter=jitter)
    lights: dict[str, list[str]] = {}
    tested = [r for r in trial.records if card.part_of(r) == Split.TEST]
    for i, record in enumerate(tested):
        _try_image(trial, panel, real, record, lights)
        report(Progress(i + 1, len(tested), STAGE))
    right = lights.pop(TRUTH)
    wrong = [light for of_kind in lights.values() for light in of_kind]
    return {
        "condition": trial.condition,
        "changes": [plant.name for plant in trial.plants],
        "right": len(right),
        "right_green": right.count("green"),
        "wrong": len(wrong),
        "wrong_green": wrong.count("green"),
        "auc": area_under_curve(right, wrong),
    }


def plan_trial(card: ModelCard, images: MeasuredImages) -> Trial | None:
    """Deal the images of one condition; None where there are too few."""
    name = _condition(card, images)
    mine = sorted(
        (r for r in images.known_to(card) if r.condition == name), key=lambda r: (r.group, r.id)
    )
    known = _some([r for r in mine if card.part_of(r) != Split.TEST], LEARNED)
    tested = _some([r for r in mine if card.part_of(r) == Split.TEST], TRIED)
    if len(known) < FEWEST_KNOWN or len(tested) < FEWEST_TESTED:
        return None
    channel = _changed_channel(card)
    stain = card.channels[channel].name
    plants: tuple[Plant, ...] = (
        Plant(stain, "factor", DIMMER),
        Plant(stain, "blur", BLUR_PX * card.preprocessing.downscale),
    )
    if len(known) < ENOUGH_FOR_TWO:
        plants = plants[:1]
    conditions = (UNTOUCHED, *(plant.name for plant in plants))
    dealt = [
        replace(record, condition=conditions[i % len(conditions)])
        for part in (known, tested)
        for i, record in enumerate(part)
    ]
    return Trial(images, card, name, channel, plants, tuple(dealt))


def _condition(card: ModelCard, images: MeasuredImages) -> str:
    """The healthy condition; the one with the most images where none is healthy."""
    records = images.known_to(card)
    healthy = {c.name for c in card.conditions if c.role == Role.HEALTHY}
    counts = {c: sum(r.condition == c for r in records) for c in card.condition_names}
    return max(counts, key=lambda name: (name in healthy, counts[name]))


def _changed_channel(card: ModelCard) -> int:
    """The last channel that is not nuclear: its change leaves the nuclei countable."""
    from core.data.nuclei import nuclear_channel

    nuclear = nuclear_channel(card.channels)
    return next((c for c in reversed(range(len(card.channels))) if c != nuclear), 0)


def _some(records: Sequence[ImageRecord], most: int) -> list[ImageRecord]:
    """At most so many, spread over all."""
    step = max(1, -(-len(records) // most))
    return list(records[::step])


def _learn(trial: Trial, report: Report) -> tuple[EvidenceModels, ReferenceSet]:
    """Classifiers of the changes, and the measurements of the images as they were dealt."""
    from core.evidence.reference import fit_nuclei
    from core.training.fit_oracles import LabelledRecords, fit_oracles
    from core.training.presets import PRESETS

    card = trial.card
    labelled = LabelledRecords(
        trial.records, card.split, card.preprocessing, trial.read, trial.names
    )
    steps = min(STEPS, PRESETS[card.preset].oracle_steps)
    oracles = fit_oracles(labelled, steps=steps, seed=card.seed, report=report)
    known = [r for r in trial.records if card.part_of(r) != Split.TEST]
    nuclei = fit_nuclei(card.channels, known, card.preprocessing, trial.read)
    panel = EvidenceModels(oracles, card.channels, card.preprocessing, nuclei)
    rows = []
    for i, record in enumerate(trial.records):
        untouched = record.condition == UNTOUCHED
        readouts = trial.images.readouts[record.id] if untouched else None
        rows.append(panel.measure(trial.read(record), readouts))
        report(Progress(i + 1, len(trial.records), STAGE))
    real = reference_set(rows, trial.records, trial.names, card.channels, card.split)
    return panel, replace(real, read=real.oracle_probabilities.mean(axis=1))


def _try_image(
    trial: Trial,
    panel: EvidenceModels,
    real: ReferenceSet,
    record: ImageRecord,
    lights: dict[str, list[str]],
) -> None:
    """Add the lights of all known pictures of one held-out image, on its ways there or back."""
    card, source = trial.card, record.condition
    targets = trial.names[1:] if source == UNTOUCHED else (UNTOUCHED,)
    start = trial.read(record)
    before = panel.measure(start)
    span, offset = (np.array(v) for v in (card.preprocessing.span, card.preprocessing.offset))
    for target in targets:
        direction = Direction(real, source, target)
        end = trial.image(record, target)
        pictures = known_pictures(start, end, offset, [trial.channel])
        for name, picture in pictures.items():
            after = panel.measure(picture)
            moved = CounterfactualMeasurements(
                before,
                after,
                after.oracle_probabilities.mean(axis=0),
                (((picture - start) / span[:, None, None]) ** 2).sum(axis=(1, 2)),
                panel.cells(start, picture),
                before.oracle_probabilities.mean(axis=0),
                change_in_ground(start, picture, span),
            )
            lights.setdefault(name, []).append(direction.assess([moved]).light)
