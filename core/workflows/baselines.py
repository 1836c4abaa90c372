"""The networks beside the i-ResNet: trained on the same wells, measured in the same way, listed
side by side.

None becomes the project's model: Explore and the map stay with the i-ResNet.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.data.batches import FieldStore, Reader
from core.data.logit_coordinates import coordinates_of
from core.data.preprocessing import from_network, to_network
from core.data.split import split_by_group
from core.domain import Dataset, FloatArray, ImageRecord, LatentTable, ModelCard, Project, Split
from core.errors import LeighError
from core.io.digest import digest_bytes
from core.io.models import CARD_FILE, load_card, save_card, save_model
from core.io.project import model_folder
from core.progress import Progress, Report, silent
from core.workflows.steps import peak_memory_bytes, reader, untrained_card, with_dataset

if TYPE_CHECKING:
    from core.models.autoencoder import Autoencoder
    from core.models.resnext import ResNeXt

FIELD_RECORDS = 40  # held-out images whose reconstruction is measured


def train_network(
    project_folder: Path,
    kind: str,
    *,
    preset: str = "quick",
    seed: int = 0,
    test_groups: Sequence[str] = (),
    resume: bool = False,
    weights: Path | None = None,
    device: str = "auto",
    report: Report = silent,
) -> ModelCard:
    """Train and measure a network of this kind (core.models.load.KINDS, but the i-ResNet) as
    models/KIND.

    It replaces the one that is there only when it is complete. `weights` is a file a resnext50
    starts from. Raises LeighError for weights that do not fit, for test groups other than those of
    the networks that are there already, and for a stopped training that was of something else.
    """
    import torch

    from core.models.load import choose_device, on_device, untrained, weights_of
    from core.models.resnext import ResNeXt, take_weights
    from core.training.checkpoint import CHECKPOINT, SET_ASIDE
    from core.training.presets import COURSES
    from core.training.trainer import descend

    began = time.monotonic()
    project, dataset = with_dataset(project_folder)
    if weights is not None and kind != "resnext50":
        raise LeighError(
            f"--weights does not go with {kind}.", "It is for resnext50; leave it out."
        )
    split = common_split(project, dataset, seed, test_groups)
    card, course = _untrained(dataset, kind, preset, split, seed), COURSES[kind][preset]
    torch.manual_seed(seed)
    network = untrained(card)
    if weights is not None and isinstance(network, ResNeXt):
        take_weights(network, weights)
    network = on_device(network, choose_device(device))
    folder = model_folder(project, kind)
    folder.mkdir(parents=True, exist_ok=True)
    read = reader(dataset)
    start = digest_bytes(weights.read_bytes()) if weights else ""
    identity = [card.dataset_digest, split, vars(course), seed, card.recipe.crop, kind, start]
    losses = descend(
        network,
        _loss_of(network),
        _fields(dataset, card, Split.TRAIN, read),
        course,
        seed=seed,
        folder=folder,
        identity=blake2b(json.dumps(identity).encode()).hexdigest(),
        validation=(
            _fields(dataset, card, Split.VALIDATION, read)
            if Split.VALIDATION in split.values()
            else None
        ),
        resume=resume,
        report=report,
    )
    card = replace(
        card,
        training={
            **losses,
            "threads": torch.get_num_threads(),
            "weights": weights and weights.name,
        },
    )
    card = _measured(network, card, dataset, read, report)
    spent = {"total_seconds": time.monotonic() - began, "peak_memory_bytes": peak_memory_bytes()}
    card = save_model(
        folder, replace(card, training={**card.training, **spent}), weights_of(network)
    )
    for suffix in (".safetensors", ".previous", SET_ASIDE):
        (folder / CHECKPOINT).with_suffix(suffix).unlink(missing_ok=True)
    return card


def common_split(
    project: Project, dataset: Dataset, seed: int, test_groups: Sequence[str] = ()
) -> dict[str, str]:
    """Group -> Split value: that of the networks trained on these very images, the i-ResNet first;
    else a new one.

    Raises LeighError where `test_groups` are others than theirs: side by side, all must be asked
    the same wells.
    """
    for card in sorted(trained_networks(project), key=lambda c: c.name != project.model):
        if card.dataset_digest != dataset.digest:
            continue
        theirs = {g for g, part in card.split.items() if part == Split.TEST}
        if test_groups and set(test_groups) != theirs:
            raise LeighError(
                f"The network {card.name} of this project holds out"
                f" {', '.join(sorted(theirs)) or 'no group'}.",
                "Leave out --test-groups: all networks of a project are compared on the same"
                " wells.",
            )
        return card.split
    return split_by_group(dataset.records, seed=seed, test_groups=test_groups)


def trained_networks(project: Project) -> list[ModelCard]:
    """The cards of all trained networks of a project, the current model first; damaged ones are
    left out.
    """
    cards = []
    for path in sorted((project.folder / "models").glob(f"*/{CARD_FILE}")):
        try:
            cards.append(replace(load_card(path.parent), name=path.parent.name))
        except LeighError:
            continue
    return sorted(cards, key=lambda c: c.name != model_folder(project, project.model or " ").name)


def evaluate_others(
    project_folder: Path, *, device: str = "auto", report: Report = silent
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Measure every network but the project's model anew on held-out wells, and keep it on their
    cards.

    Returns the rows of all networks, the project's model included, and for each that could not be
    read why.
    """
    from core.models.load import choose_device, open_network

    project, dataset = with_dataset(project_folder)
    read = reader(dataset)
    rows = []
    failed: dict[str, dict[str, Any]] = {}
    for card in trained_networks(project):
        folder = model_folder(project, card.name)
        if card.kind != "iresnet":
            try:
                card, network = open_network(folder, dataset, choose_device(device))
                card = _evaluated(
                    network, card, dataset, _latents(network, card, dataset.records, read, report)
                )
                save_card(folder, card)
            except LeighError as fault:
                failed[card.name] = {"kind": card.kind, "reason": str(fault)}
                continue
        rows.append(row_of(card))
    return rows, failed


def row_of(card: ModelCard) -> dict[str, Any]:
    """What the side-by-side table says of one network; None for what was not measured."""
    accuracy = card.accuracy
    z = accuracy.get("z_prime", {}).get("logits", {})
    keys = ("accuracy", "accuracy_low", "accuracy_high", "calibration_error")
    row = {"name": card.name, "kind": card.kind, **{key: accuracy.get(key) for key in keys}}
    row |= {"z_prime": z.get("z_prime"), "robust_z_prime": z.get("robust_z_prime")}
    row |= {key: accuracy.get(key, 0) for key in ("test_records", "test_groups")}
    held = sorted(g for g, part in card.split.items() if part == Split.TEST)
    return row | {"reconstruction": card.training.get("reconstruction_error"), "held_out": held}


def _untrained(
    dataset: Dataset, kind: str, preset: str, split: dict[str, str], seed: int
) -> ModelCard:
    from core.models.autoencoder import AutoencoderSettings
    from core.models.load import AUTOENCODERS, architecture_dict
    from core.models.resnext import ResNeXtSettings

    card = untrained_card(dataset, preset, split, seed)
    make = AutoencoderSettings if kind in AUTOENCODERS else ResNeXtSettings
    settings = make(kind, len(card.channels), len(card.conditions))
    return replace(card, name=kind, kind=kind, architecture=architecture_dict(settings))


def _loss_of(network: ResNeXt | Autoencoder) -> Any:
    from core.models.resnext import ResNeXt
    from core.training.autoencoder import drawing_loss
    from core.training.classifier import naming_loss

    return naming_loss(network) if isinstance(network, ResNeXt) else drawing_loss(network)


def _fields(dataset: Dataset, card: ModelCard, part: Split, read: Reader) -> tuple[FieldStore, Any]:
    """Fields and labels of the groups of one part."""
    records = [r for r in dataset.records if card.split[r.group] == part]
    labels = np.array([card.condition_names.index(r.condition) for r in records], np.int64)
    return FieldStore(records, card.recipe, read), labels


def _measured(
    network: ResNeXt | Autoencoder, card: ModelCard, dataset: Dataset, read: Reader, report: Report
) -> ModelCard:
    """Temperature or read-out by whole fields, reconstruction error, and the report on held-out
    wells.
    """
    from core.models.resnext import ResNeXt
    from core.training.autoencoder import read_out
    from core.training.classifier import set_temperature

    latents = _latents(network, card, dataset.records, read, report)
    parts = np.array(latents.split)
    if isinstance(network, ResNeXt):
        held = parts == Split.VALIDATION
        fitted = {
            "temperature": set_temperature(network, latents.features[held], latents.truth[held])
        }
    else:
        fitted = read_out(network, latents.features, latents.truth, latents.split)
        fitted |= _reconstruction(network, card, dataset.records, read)
    card = replace(card, training={**card.training, **fitted})
    return _evaluated(network, card, dataset, _classified(network, card, latents))


def _latents(
    network: Any, card: ModelCard, records: Sequence[ImageRecord], read: Reader, report: Report
) -> LatentTable:
    """What the network reads from whole fields of the conditions it knows."""
    import torch

    known = [r for r in records if r.condition in card.condition_names]
    device, rows = next(network.parameters()).device, []
    with torch.no_grad():
        for i, record in enumerate(known):
            x = torch.from_numpy(to_network(card.recipe, read(record)))[None].to(device)
            rows.append(network.features(x).cpu().numpy())
            report(Progress(i + 1, len(known), f"Reading images with {card.kind}"))
    nothing = np.zeros((len(known), 0), np.float32)
    table = LatentTable(
        record_ids=tuple(r.id for r in known),
        conditions=card.condition_names,
        truth=np.array([card.condition_names.index(r.condition) for r in known], np.int64),
        split=tuple(card.part_of(r) for r in known),
        features=np.concatenate(rows) if rows else nothing,
        coordinates=nothing,
        logits=nothing,
        probabilities=nothing,
        model_digest=card.digest,
    )
    return _classified(network, card, table)


def _classified(network: Any, card: ModelCard, table: LatentTable) -> LatentTable:
    """The table with logits anew from its features."""
    import torch
    from scipy.special import softmax

    device = next(network.parameters()).device
    with torch.no_grad():
        logits = network.classify(torch.from_numpy(table.features).to(device)).cpu().numpy()
    probabilities = softmax(logits, axis=1).astype(np.float32)
    return replace(
        table, coordinates=coordinates_of(logits), logits=logits, probabilities=probabilities
    )


def _evaluated(network: Any, card: ModelCard, dataset: Dataset, latents: LatentTable) -> ModelCard:
    from core.training.evaluate import evaluation_report

    by_id = {r.id: r for r in dataset.records}
    groups = [by_id[i].group for i in latents.record_ids]
    result = evaluation_report(latents, groups, card.conditions, seed=card.seed)
    return replace(
        card,
        accuracy=result
        | {"other_images": dataset.of(card.condition_names).digest != card.dataset_digest},
    )


def _reconstruction(
    network: Autoencoder, card: ModelCard, records: Sequence[ImageRecord], read: Reader
) -> dict[str, float]:
    """Error of images drawn again, of held-out wells (of all where none is): root mean square and
    the worst pixel.

    As shares of the display range, medians over images.
    """
    from core.counterfactual.autoencoder import draw

    held = [r for r in records if card.part_of(r) == Split.TEST] or list(records)
    order = np.random.default_rng(card.seed).permutation(len(held))[:FIELD_RECORDS]
    span = np.array(card.recipe.span)[:, None, None]
    sizes: list[tuple[float, float]] = []
    for i in order:
        x = to_network(card.recipe, read(held[i]))
        off: FloatArray = (
            from_network(card.recipe, draw(network, x)) - from_network(card.recipe, x)
        ) / span
        sizes.append(
            (float(np.sqrt(np.square(off, dtype=np.float64).mean())), float(np.abs(off).max()))
        )
    typical, worst = np.median(sizes, axis=0)
    return {"reconstruction_error": float(typical), "reconstruction_worst": float(worst)}
