"""Baselines: other networks, trained on the same wells and measured in the same way.

A baseline never becomes the project's model: the Explore page and the map use the i-ResNet.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.data.batches import Reader
from core.data.latents import latents_of
from core.data.preprocessing import from_network, to_network
from core.data.split import split_by_group
from core.domain import Dataset, FloatArray, ImageRecord, LatentTable, ModelCard, Project, Split
from core.errors import LeighError
from core.io.atomic import make_folder
from core.io.digest import digest_bytes
from core.io.lock import ProjectLock
from core.io.models import list_cards, save_card, save_model
from core.io.project import model_folder
from core.progress import Progress, Report, silent
from core.workflows.project import images_of, peak_memory_bytes, reader
from core.workflows.train import (
    DEFAULTS,
    TrainOptions,
    fingerprint,
    labelled,
    remove_checkpoints,
    untrained_card,
)

if TYPE_CHECKING:
    from core.models.autoencoder import Autoencoder
    from core.models.resnext import ResNeXt
    from core.training.objectives import Labelled

FIELD_RECORDS = 40  # held-out images whose reconstruction is measured


def train_network(
    project: Project,
    kind: str,
    options: TrainOptions = DEFAULTS,
    *,
    weights: Path | None = None,
    report: Report = silent,
) -> ModelCard:
    """Train and measure a baseline; it is saved as models/KIND.

    An earlier network of the same kind is replaced only when the new one is complete.

    Parameters
    ----------
    project
        The open project; it is locked during the training.
    kind
        One of core.models.load.KINDS.
    options
        Preset, seed, test groups, device, and whether a stopped training is resumed.
    weights
        A file from which a resnext50 starts; None: from random weights.
    report
        Receives the progress.

    Raises
    ------
    LeighError
        For weights that do not fit, for test groups that differ from those of the other networks,
        and where a checkpoint of another training would be resumed.
    """
    dataset = images_of(project)
    if weights is not None and kind != "resnext50":
        raise LeighError(
            f"--weights does not go with {kind}.", "It is for resnext50; leave it out."
        )
    with ProjectLock(project.folder):
        split = common_split(project, dataset, options.seed, options.test_groups)
        card = _untrained(dataset, kind, options, split)
        folder = model_folder(project, kind)
        make_folder(folder, project.folder)
        return _train(card, dataset, Run(options, folder, weights), report)


@dataclass(frozen=True)
class Run:
    """How and where one network is trained."""

    options: TrainOptions
    folder: Path
    weights: Path | None


def _train(card: ModelCard, dataset: Dataset, run: Run, report: Report) -> ModelCard:
    import torch

    from core.models.load import choose_device, on_device, untrained, weights_of
    from core.models.resnext import ResNeXt, take_weights
    from core.training import trainer
    from core.training.presets import SCHEDULES

    began, options, weights = time.monotonic(), run.options, run.weights
    schedule = SCHEDULES[card.kind][options.preset]
    torch.manual_seed(options.seed)
    network = untrained(card)
    if weights is not None and isinstance(network, ResNeXt):
        take_weights(network, weights)
    network = on_device(network, choose_device(options.device))
    start = digest_bytes(weights.read_bytes()) if weights else ""
    identity = fingerprint(card, vars(schedule), options.seed, start)
    fields, validation = labelled(dataset, card)
    losses = trainer.train(
        network,
        _objective(network, fields, schedule.batch),
        schedule,
        trainer.Run(options.seed, run.folder, identity, options.resume),
        validation=_objective(network, validation, schedule.batch) if validation else None,
        report=report,
    )
    source = {"threads": torch.get_num_threads(), "weights": weights and weights.name}
    card = replace(card, training={**losses, **source})
    card = _measured(network, card, dataset, report)
    spent = {"total_seconds": time.monotonic() - began, "peak_memory_bytes": peak_memory_bytes()}
    card = replace(card, training={**card.training, **spent})
    card = save_model(run.folder, card, weights_of(network))
    remove_checkpoints(run.folder)
    return card


def common_split(
    project: Project, dataset: Dataset, seed: int, test_groups: Sequence[str] = ()
) -> dict[str, str]:
    """Group -> Split value, shared by all networks that are trained on these images.

    A new split is made where no network is trained yet. Raises LeighError where `test_groups`
    differ from the test groups of the trained networks: only the same wells allow a comparison.
    """
    for card in list_cards(project):
        if card.dataset_digest != dataset.digest:
            continue
        held_out = {g for g, part in card.split.items() if part == Split.TEST}
        if test_groups and set(test_groups) != held_out:
            raise LeighError(
                f"The network {card.name} of this project holds out"
                f" {', '.join(sorted(held_out)) or 'no group'}.",
                "Leave out --test-groups: all networks of a project are compared on the same"
                " wells.",
            )
        return card.split
    return split_by_group(dataset.records, seed=seed, test_groups=test_groups)


def evaluate_others(
    project: Project, *, device: str = "auto", report: Report = silent
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Measure every baseline on held-out wells and store the results on the model cards.

    Returns one row per network, the project's model included, and the reason for each network
    that could not be read.
    """
    with ProjectLock(project.folder):
        return _evaluate_others(project, device, report)


def _evaluate_others(
    project: Project, device: str, report: Report
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    from core.models.load import choose_device, open_network

    dataset = images_of(project)
    read = reader(dataset)
    rows = []
    failed: dict[str, dict[str, Any]] = {}
    for card in list_cards(project):
        folder = model_folder(project, card.name)
        if card.kind != "iresnet":
            try:
                card, network = open_network(folder, dataset, choose_device(device))
                latents = _latents(network, card, dataset.records, read, report)
                card = _evaluated(card, dataset, latents)
                save_card(folder, card)
            except LeighError as fault:
                failed[card.name] = {"kind": card.kind, "reason": str(fault)}
                continue
        rows.append(row_of(card))
    return rows, failed


def row_of(card: ModelCard) -> dict[str, Any]:
    """One row of the comparison table; None stands for a figure that was not measured."""
    accuracy = card.accuracy
    z = accuracy.get("z_prime", {}).get("logits", {})
    keys = ("accuracy", "accuracy_low", "accuracy_high", "calibration_error")
    row = {"name": card.name, "kind": card.kind, **{key: accuracy.get(key) for key in keys}}
    row |= {"z_prime": z.get("z_prime"), "robust_z_prime": z.get("robust_z_prime")}
    row |= {key: accuracy.get(key, 0) for key in ("test_records", "test_groups")}
    held_out = sorted(g for g, part in card.split.items() if part == Split.TEST)
    error = card.training.get("reconstruction_error")
    return row | {"reconstruction": error, "held_out": held_out}


def _untrained(
    dataset: Dataset, kind: str, options: TrainOptions, split: dict[str, str]
) -> ModelCard:
    from core.models.autoencoder import AutoencoderSettings
    from core.models.load import AUTOENCODERS, architecture_dict
    from core.models.resnext import ResNeXtSettings

    card = untrained_card(dataset, options, split)
    make = AutoencoderSettings if kind in AUTOENCODERS else ResNeXtSettings
    settings = make(kind, len(card.channels), len(card.conditions))
    return replace(card, name=kind, kind=kind, architecture=architecture_dict(settings))


def _objective(network: ResNeXt | Autoencoder, fields: Labelled, batch: int) -> Any:
    from core.models.resnext import ResNeXt
    from core.training.objectives import Classification, Reconstruction

    kind = Classification if isinstance(network, ResNeXt) else Reconstruction
    return kind(fields, batch)


def _measured(
    network: ResNeXt | Autoencoder, card: ModelCard, dataset: Dataset, report: Report
) -> ModelCard:
    """The card with classification settings, reconstruction error and accuracy of `network`."""
    from core.models.resnext import ResNeXt
    from core.training.read_out import fit_read_out, set_temperature

    read = reader(dataset)
    latents = _latents(network, card, dataset.records, read, report)
    parts = np.array(latents.split)
    if isinstance(network, ResNeXt):
        rows = parts == Split.VALIDATION
        temperature = set_temperature(network, latents.features[rows], latents.truth[rows])
        fitted = {"temperature": temperature}
    else:
        fitted = fit_read_out(network, latents.features, latents.truth, latents.split)
        fitted |= _reconstruction(network, card, dataset.records, read)
    card = replace(card, training={**card.training, **fitted})
    by_id = {r.id: r for r in dataset.records}
    records, features = [by_id[i] for i in latents.record_ids], latents.features
    latents = latents_of(card, records, features, _logits(network, features))
    return _evaluated(card, dataset, latents)


def _latents(
    network: Any, card: ModelCard, records: Sequence[ImageRecord], read: Reader, report: Report
) -> LatentTable:
    """Features and logits of whole fields, for all records of conditions that the card lists."""
    import torch

    classified = [r for r in records if r.condition in card.condition_names]
    device, rows = next(network.parameters()).device, []
    with torch.no_grad():
        for i, record in enumerate(classified):
            x = torch.from_numpy(to_network(card.preprocessing, read(record)))[None].to(device)
            rows.append(network.features(x).cpu().numpy())
            report(Progress(i + 1, len(classified), f"Reading images with {card.kind}"))
    features = np.concatenate(rows) if rows else np.zeros((0, 0), np.float32)
    return latents_of(card, classified, features, _logits(network, features))


def _logits(network: Any, features: FloatArray) -> FloatArray:
    """Logits (N, K) of features (N, F), with the present settings of the network."""
    import torch

    device = next(network.parameters()).device
    with torch.no_grad():
        logits: FloatArray = network.classify(torch.from_numpy(features).to(device)).cpu().numpy()
    return logits


def _evaluated(card: ModelCard, dataset: Dataset, latents: LatentTable) -> ModelCard:
    from core.training.evaluate import evaluation_report

    by_id = {r.id: r for r in dataset.records}
    groups = [by_id[i].group for i in latents.record_ids]
    result = evaluation_report(latents, groups, card.conditions)
    other_images = dataset.of(card.condition_names).digest != card.dataset_digest
    return replace(card, accuracy=result | {"other_images": other_images})


def _reconstruction(
    network: Autoencoder, card: ModelCard, records: Sequence[ImageRecord], read: Reader
) -> dict[str, float]:
    """Reconstruction error of held-out images (of all images where none is held out).

    Root mean square and the worst pixel: shares of the display range, medians over images.
    """
    from core.counterfactual.autoencoder import draw

    candidates = [r for r in records if card.part_of(r) == Split.TEST] or list(records)
    order = np.random.default_rng(card.seed).permutation(len(candidates))[:FIELD_RECORDS]
    span = np.array(card.preprocessing.span)[:, None, None]
    errors: list[tuple[float, float]] = []
    for i in order:
        x = to_network(card.preprocessing, read(candidates[i]))
        drawn = from_network(card.preprocessing, draw(network, x))
        error: FloatArray = (drawn - from_network(card.preprocessing, x)) / span
        root_mean_square = np.sqrt(np.square(error, dtype=np.float64).mean())
        errors.append((float(root_mean_square), float(np.abs(error).max())))
    typical, worst = np.median(errors, axis=0)
    return {"reconstruction_error": float(typical), "reconstruction_worst": float(worst)}
