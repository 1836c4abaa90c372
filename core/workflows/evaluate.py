"""Measure the project's model on held-out wells."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from core.domain import LatentTable, ModelCard, Project
from core.errors import LeighError
from core.io.lock import ProjectLock
from core.io.models import save_card
from core.io.project import model_folder
from core.progress import Report, silent
from core.workflows.measure import (
    MeasuredImages,
    measured_jitter,
    reference_images,
    with_evaluation,
)
from core.workflows.project import images_of, load_model, reader


def evaluate(project: Project, *, device: str = "auto", report: Report = silent) -> dict[str, Any]:
    """Measure the project's model on held-out groups: accuracy, inverse and a simple baseline.

    The results are also stored on the model card.
    """
    with ProjectLock(project.folder):
        return _evaluate(project, device, report)


def _evaluate(project: Project, device: str, report: Report) -> dict[str, Any]:
    from core.counterfactual.block_schedule import measure_inverse
    from core.counterfactual.features import encode_records
    from core.evidence.reference import measure_readouts
    from core.workflows.card_record import card_record

    dataset = images_of(project)
    card, model = load_model(project, device)
    read = reader(dataset)
    latents = encode_records(model, card, dataset.records, read, report)
    card = replace(card, inverse=measure_inverse(model, card, dataset.records, read, report))
    records = [r for r in dataset.records if r.condition in card.condition_names]
    images = MeasuredImages(dataset, measure_readouts(records, card.preprocessing, read, report))
    card = with_evaluation(model, card, latents, images, report)
    folder = model_folder(project, project.model)
    if "card_record" not in card.training:  # a model of an earlier version
        record = card_record(card, images, report)
        card = replace(card, training={**card.training, "card_record": record})
    save_card(folder, card)
    if dataset.of(card.condition_names).digest == card.dataset_digest:
        _complete_reference(folder, card, images, latents, report)
    return evaluation_summary(card)


def _complete_reference(
    folder: Path, card: ModelCard, images: MeasuredImages, latents: LatentTable, report: Report
) -> None:
    """Measure the reference images again if they are lost, or what an earlier version left out."""
    from core.evidence.reference import load_reference, save_reference

    try:
        panel, real = load_reference(folder, card)
    except LeighError:  # lost or damaged
        panel, real = reference_images(card, images, latents, report)
    else:
        if real.jitter is not None:
            return
        real = replace(real, jitter=measured_jitter(card, images))
    save_reference(folder, panel, real, card.digest)


def evaluation_summary(card: ModelCard) -> dict[str, Any]:
    """Accuracy and inverse in one dictionary, for the printed report and for --json."""
    inverse = card.inverse
    return {
        "model": card.name,
        "preset": card.preset,
        **card.accuracy,
        "roundtrip_error": inverse.roundtrip_max if inverse else None,
        "roundtrip_records": inverse.records if inverse else 0,
        "roundtrip_failed": list(inverse.failed) if inverse else [],
        "contraction_max": max(inverse.contraction) if inverse else None,
        "judges": card.training.get("judges", {}),
        "card_record": card.training.get("card_record", {}),
    }
