"""Measure a trained model: reference images, calibration, inverse, accuracy on held-out wells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.data.batches import Reader
from core.domain import BoolArray, Dataset, FloatArray, ImageRecord, LatentTable, ModelCard, Split
from core.progress import Progress, Report
from core.workflows.project import reader

if TYPE_CHECKING:
    from core.evidence.reference import EvidenceModels, ReferenceSet

COMPARED_IMAGES = 80  # real images per condition and part in the reference set


@dataclass(frozen=True)
class MeasuredImages:
    """The images of a project with the features of every record."""

    dataset: Dataset
    readouts: dict[str, FloatArray]  # record id -> readouts

    @property
    def read(self) -> Reader:
        """Reads a record's raw grey values (C Y X)."""
        return reader(self.dataset)

    def known_to(self, card: ModelCard) -> list[ImageRecord]:
        """Records of the conditions that the model knows."""
        return [r for r in self.dataset.records if r.condition in card.condition_names]


def calibrate_and_measure(
    model: Any, card: ModelCard, images: MeasuredImages, locks: BoolArray, report: Report
) -> tuple[ModelCard, LatentTable, tuple[EvidenceModels, ReferenceSet]]:
    """Fit what a new model needs after its training, and measure its inverse.

    Block schedule, classifier head, evidence models and guidance scale are fitted, in this order.

    Parameters
    ----------
    model
        The trained IResNet; schedule and head are set in place.
    card
        The card of the training.
    images
        The images of the project, with features.
    locks
        (C,) channels that are locked most often.
    report
        Receives the progress.

    Returns
    -------
    tuple
        The completed card, the latents of all records, and the evidence models with their
        reference set.
    """
    from core.counterfactual.block_schedule import measure_inverse, schedule_blocks
    from core.counterfactual.calibration import CalibrationImages, calibrate
    from core.counterfactual.features import latent_table, read_features
    from core.counterfactual.pattern_difference import alike_in_pattern
    from core.models.heads import fit_head
    from core.models.load import architecture_dict

    records, read, names = images.dataset.records, images.read, card.condition_names
    truth = np.array([names.index(r.condition) for r in records])
    part = np.array([card.split[r.group] for r in records])
    features = read_features(model, records, card.preprocessing, read, report)
    training_records = [r for r in records if card.split[r.group] == Split.TRAIN]
    validation = _validation_or_training(records, card)
    schedule_blocks(model, card, training_records, read, report, locks)
    card = replace(card, architecture=architecture_dict(model.architecture))
    fit, check = part == Split.TRAIN, part == Split.VALIDATION
    head = fit_head(model, features[fit], truth[fit], features[check], truth[check])
    latents = latent_table(model, card, records, features)
    panel, real = reference_images(card, images, latents, report)
    logits = latents.logits[[latents.row(r.id) for r in validation]]
    seen = [r for r in records if card.split[r.group] != Split.TEST]
    alike = alike_in_pattern(model, card, seen, read)
    checked = CalibrationImages(validation, logits, read, alike)
    gains = calibrate(model, card, real, checked, report)
    training = {**card.training, **head, "gains": gains, "judges": panel.oracles.accuracy}
    card = replace(card, training=training)
    inverse = measure_inverse(model, card, records, read, report)
    return replace(card, inverse=inverse), latents, (panel, real)


def reference_images(
    card: ModelCard, images: MeasuredImages, latents: LatentTable, report: Report
) -> tuple[EvidenceModels, ReferenceSet]:
    """Fit the independent classifiers, and measure some real images for the reference set."""
    from core.evidence.reference import EvidenceModels, fit_nuclei, reference_set
    from core.training.fit_oracles import LabelledRecords, fit_oracles
    from core.training.presets import PRESETS

    names, read, records = card.condition_names, images.read, images.known_to(card)
    labelled = LabelledRecords(records, card.split, card.preprocessing, read, names)
    steps = PRESETS[card.preset].oracle_steps
    oracles = fit_oracles(labelled, steps=steps, seed=card.seed, report=report)
    seen = [r for r in records if card.part_of(r) != Split.TEST]
    nuclei = fit_nuclei(card.channels, seen, card.preprocessing, read)
    panel = EvidenceModels(oracles, card.channels, card.preprocessing, nuclei)
    compared = some_of_each(records, card)
    rows = []
    for i, record in enumerate(compared):
        rows.append(panel.measure(read(record), images.readouts[record.id]))
        report(Progress(i + 1, len(compared), "Measuring reference images"))
    real = reference_set(rows, compared, names, card.channels, card.split)
    read_by_model = latents.probabilities[[latents.row(r.id) for r in compared]]
    return panel, replace(real, read=read_by_model, jitter=measured_jitter(card, images))


def measured_jitter(card: ModelCard, images: MeasuredImages) -> FloatArray:
    """(R,) jitter of the features, from images that were not held out."""
    from core.evidence.jitter import feature_jitter

    seen = [r for r in images.known_to(card) if card.part_of(r) != Split.TEST]
    return feature_jitter(seen, card.preprocessing, images.read, images.readouts, card.seed)


def readouts_alone(
    records: Sequence[ImageRecord], card: ModelCard, readouts: dict[str, FloatArray]
) -> ReferenceSet:
    """A reference set from features alone: before training, no independent classifier exists."""
    from core.evidence.reference import ImageMeasurements, reference_set

    nothing = np.zeros((0, len(card.conditions)))
    rows = [ImageMeasurements(readouts[r.id], np.zeros(0), nothing) for r in records]
    return reference_set(rows, records, card.condition_names, card.channels, card.split)


def some_of_each(records: Sequence[ImageRecord], card: ModelCard) -> list[ImageRecord]:
    """At most COMPARED_IMAGES per condition from held-out groups, and as many from the others."""
    taken: dict[tuple[str, bool], int] = {}
    chosen = []
    for i in np.random.default_rng(card.seed).permutation(len(records)):
        key = (records[i].condition, card.part_of(records[i]) == Split.TEST)
        taken[key] = taken.get(key, 0) + 1
        if taken[key] <= COMPARED_IMAGES:
            chosen.append(records[i])
    return sorted(chosen, key=lambda r: r.id)


def with_evaluation(
    model: Any, card: ModelCard, latents: LatentTable, images: MeasuredImages, report: Report
) -> ModelCard:
    """The card with the accuracy on held-out groups, the baseline and the generative classifier.

    Parameters
    ----------
    model
        The calibrated IResNet.
    card
        Its card.
    latents
        Latents of all records that are evaluated.
    images
        The images of the project, with features.
    report
        Receives the progress.
    """
    from core.counterfactual.generative_score import generative_report
    from core.training.evaluate import evaluation_report, simple_baseline

    dataset = images.dataset
    by_id = {r.id: r for r in dataset.records}
    records = [by_id[i] for i in latents.record_ids]
    test = np.array(latents.split) == Split.TEST
    result = evaluation_report(latents, [r.group for r in records], card.conditions)
    result["other_images"] = dataset.of(card.condition_names).digest != card.dataset_digest
    result["baseline"] = simple_baseline(records, test, images.readouts)
    result["generative"] = generative_report(model, card, records, images.read, report)
    names = card.condition_names
    if not any(card.draws(s, t) for s in names for t in names if s != t):
        result["generative"]["above_chance"] = None  # it need not draw anything
    return replace(card, accuracy=result)


def _validation_or_training(records: Sequence[ImageRecord], card: ModelCard) -> list[ImageRecord]:
    """Validation records; training records of the conditions that have no validation group."""
    validation = [r for r in records if card.split[r.group] == Split.VALIDATION]
    has_some = {r.condition for r in validation}
    training = [r for r in records if card.split[r.group] == Split.TRAIN]
    return validation + [r for r in training if r.condition not in has_some]
