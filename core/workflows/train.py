"""Train the invertible network, calibrate and measure it."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.data.batches import FieldStore
from core.data.preprocessing import fit_preprocessing
from core.data.split import split_by_group
from core.domain import Dataset, LatentTable, ModelCard, Preprocessing, Project, Split
from core.errors import LeighError
from core.io.atomic import make_folder
from core.io.lock import ProjectLock, now
from core.io.models import load_tensors, save_model
from core.io.project import (
    FIRST_MODEL,
    free_model_name,
    latents_path,
    model_folder,
    open_project,
    save_project,
)
from core.io.tables import save_latents
from core.progress import Report, silent
from core.workflows.measure import (
    MeasuredImages,
    calibrate_and_measure,
    readouts_alone,
    some_of_each,
    with_evaluation,
)
from core.workflows.project import images_of, peak_memory_bytes, reader

if TYPE_CHECKING:
    from core.training.level_shifts import Shifts
    from core.training.objectives import Labelled

PREPROCESSED_FIELDS = 60  # fields on which the preprocessing is fitted
SMALLEST_SIDE = 16  # network pixels: a smaller field cannot be cropped


@dataclass(frozen=True)
class TrainOptions:
    """How to train; no `conditions`: learn from all, no `test_groups`: hold out a quarter.

    `split_brightness`: move background and gain of each channel exactly, and let the network move
    only the pattern (core.models.levels).
    """

    preset: str = "quick"
    seed: int = 0
    test_groups: Sequence[str] = ()
    conditions: Sequence[str] = ()
    resume: bool = False
    device: str = "auto"
    split_brightness: bool = True


DEFAULTS = TrainOptions()


def train(
    project: Project, options: TrainOptions = DEFAULTS, *, report: Report = silent
) -> ModelCard:
    """Train, calibrate and measure a model; it becomes the project's model when it is complete.

    The model before stays in a folder of its own, with its latents and its map. Images of
    conditions outside the training can be screened but not moved. Raises LeighError for unknown
    conditions, and while another program has the project.
    """
    images_of(project)
    with ProjectLock(project.folder):  # two trainings of one project would overwrite each other
        return _train(project, options, report)


def _train(project: Project, options: TrainOptions, report: Report) -> ModelCard:
    import torch

    from core.evidence.reference import measure_readouts, save_reference
    from core.models.iresnet import Architecture, IResNet
    from core.models.load import choose_device, on_device, weights_of
    from core.workflows.card_record import card_record

    began = time.monotonic()
    dataset = _learned(images_of(project), options.conditions)
    split = split_by_group(dataset.records, seed=options.seed, test_groups=options.test_groups)
    card = untrained_card(dataset, options, split)
    torch.manual_seed(options.seed)
    architecture = Architecture(**card.architecture)
    model = on_device(IResNet(architecture), choose_device(options.device))
    begun = make_folder(model_folder(project, FIRST_MODEL), project.folder)  # holds the checkpoints
    readouts = measure_readouts(dataset.records, card.preprocessing, reader(dataset), report)
    images = MeasuredImages(dataset, readouts)
    card, locks = _fit(model, card, images, (begun, options), report)
    card, latents, reference = calibrate_and_measure(model, card, images, locks, report)
    card = with_evaluation(model, card, latents, images, report)
    record = {"card_record": card_record(card, images, report, reference[1].jitter)}
    spent = {"total_seconds": time.monotonic() - began, "peak_memory_bytes": peak_memory_bytes()}
    card = replace(card, training={**card.training, **record, **spent, "ended": now()})
    card = replace(card, name=free_model_name(project, FIRST_MODEL))
    folder = make_folder(model_folder(project, card.name), project.folder)
    card = save_model(folder, card, weights_of(model))
    save_reference(folder, *reference, card.digest)
    _use(project, card, latents)
    remove_checkpoints(begun)
    return card


def _use(project: Project, card: ModelCard, latents: LatentTable) -> None:
    """Make a complete model the project's model, once everything of it is on disk."""
    folder = model_folder(project, card.name)
    load_tensors(folder)  # raises BadModel for a model that cannot be opened again
    project = replace(open_project(project.folder), model=card.name)  # edited meanwhile, perhaps
    current = project.dataset.of(card.condition_names) if project.dataset is not None else None
    if current is not None and current.digest == card.dataset_digest:
        save_latents(latents_path(project), replace(latents, model_digest=card.digest))
    save_project(project)


def _fit(
    model: Any,
    card: ModelCard,
    images: MeasuredImages,
    folder_and_options: tuple[Path, TrainOptions],
    report: Report,
) -> tuple[ModelCard, Any]:
    """Train `model`; returns the card with the losses, and the channels that are often locked."""
    import torch

    from core.counterfactual.calibration import likely_locks
    from core.training.objectives import FlowMatching
    from core.training.presets import PRESETS
    from core.training.trainer import Run
    from core.training.trainer import train as train_network

    folder, options = folder_and_options
    settings = PRESETS[options.preset]
    compared = some_of_each(images.dataset.records, card)
    locks = likely_locks(card, readouts_alone(compared, card, images.readouts))
    how = [asdict(settings), options.seed, locks.tolist()]
    identity = fingerprint(card, *how, *["split"] * options.split_brightness)
    fields, validation = labelled(images.dataset, card)
    shifts: dict[str, Shifts] = {}
    if options.split_brightness:
        shifts = _split_brightness(model, card, fields, validation)
    losses = train_network(
        model,
        FlowMatching(fields, settings.batch, locks),
        settings.schedule,
        Run(options.seed, folder, identity, options.resume),
        validation=FlowMatching(validation, settings.batch, locks) if validation else None,
        report=report,
    )
    training = {**losses, "threads": torch.get_num_threads(), **shifts}
    return replace(card, training=training), locks


def _split_brightness(
    model: Any, card: ModelCard, fields: "Labelled", validation: "Labelled | None"
) -> "dict[str, Shifts]":
    """Let the network see patterns; how brightness and detail differ between the conditions."""
    import torch

    from core.training.detail_shifts import detail_shifts
    from core.training.level_shifts import level_shifts, of_fields, show_patterns

    model.levels.set_curve(card.preprocessing)
    stores = [part.store for part in (fields, validation) if part is not None]
    device = model.levels.mean.device
    moments = of_fields(model.levels.moments, stores, device)
    model.levels.set_typical(torch.from_numpy(moments))
    for store in stores:
        show_patterns(model, store)
    records = [record for store in stores for record in store.records]
    details = of_fields(model.levels.detail, stores, device)
    return {
        "level_shifts": level_shifts(moments, records),
        "detail_shifts": detail_shifts(details, records),
    }


def untrained_card(dataset: Dataset, options: TrainOptions, split: dict[str, str]) -> ModelCard:
    """The card before the training: preprocessing, conditions, architecture and split."""
    from core.models.iresnet import NOISE_OF_ONE_STAIN, Architecture
    from core.models.load import architecture_dict
    from core.training.presets import PRESETS

    settings, read = PRESETS[options.preset], reader(dataset)
    training = [r for r in dataset.records if split[r.group] == Split.TRAIN]
    step = max(1, len(training) // PREPROCESSED_FIELDS)
    preprocessing = fit_preprocessing(
        [read(r).astype(np.float32) for r in training[::step]], settings.crop
    )
    present = {r.condition for r in dataset.records}
    conditions = tuple(c for c in dataset.conditions if c.name in present)
    architecture = Architecture(
        len(dataset.channels),
        len(conditions),
        settings.widths,
        settings.blocks,
        levels=options.split_brightness,
    )
    if len(dataset.channels) == 1:
        architecture = replace(architecture, t_noise=NOISE_OF_ONE_STAIN)
    return ModelCard(
        name=FIRST_MODEL,
        kind="iresnet",
        channels=dataset.channels,
        conditions=conditions,
        preprocessing=replace(preprocessing, crop=_crop_that_fits(dataset, preprocessing)),
        architecture=architecture_dict(architecture),
        preset=options.preset,
        seed=options.seed,
        dataset_digest=dataset.digest,
        split=split,
        pixel_size_um=dataset.pixel_size_um,
        seen=tuple(sorted({r.digest for r in dataset.records if split[r.group] != Split.TEST})),
    )


def labelled(dataset: Dataset, card: ModelCard) -> tuple["Labelled", "Labelled | None"]:
    """Fields and class indices of the training groups, and of the validation groups if any."""
    from core.training.objectives import Labelled

    def part(wanted: Split) -> Labelled:
        records = [r for r in dataset.records if card.split[r.group] == wanted]
        labels = [card.condition_names.index(r.condition) for r in records]
        store = FieldStore(records, card.preprocessing, reader(dataset))
        return Labelled(store, np.array(labels, np.int64))

    validation = part(Split.VALIDATION)
    return part(Split.TRAIN), validation if len(validation.store) else None


def fingerprint(card: ModelCard, *settings: Any) -> str:
    """Fingerprint of data, split and settings; only a checkpoint with the same one is resumed."""
    parts = [card.dataset_digest, card.split, card.preprocessing.crop, card.kind, *settings]
    return blake2b(json.dumps(parts).encode()).hexdigest()


def remove_checkpoints(folder: Path) -> None:
    """Delete the checkpoints of a complete training."""
    from core.training.checkpoint import CHECKPOINT, DAMAGED, PREVIOUS, SET_ASIDE

    for suffix in (".safetensors", PREVIOUS, DAMAGED, SET_ASIDE):
        (folder / CHECKPOINT).with_suffix(suffix).unlink(missing_ok=True)


def _learned(dataset: Dataset, conditions: Sequence[str]) -> Dataset:
    """The records of these conditions. Raises LeighError for conditions without records."""
    if missing := [c for c in conditions if c not in dataset.condition_names]:
        raise LeighError(
            f"The images have no condition {missing[0]}.",
            f"They have {', '.join(dataset.condition_names)}.",
        )
    return dataset.of(conditions) if conditions else dataset


def _crop_that_fits(dataset: Dataset, preprocessing: Preprocessing) -> int:
    """The crop of the preprocessing, or less where a record is smaller than the crop."""
    smallest = min(dataset.records, key=lambda r: min(r.shape[1:]))
    side = min(smallest.shape[1:]) // preprocessing.downscale
    if side < SMALLEST_SIDE:
        raise LeighError(
            f"{smallest.id} is {smallest.shape[2]} x {smallest.shape[1]} pixels: too small next to"
            " the other images.",
            f"Leave out images below {SMALLEST_SIDE * preprocessing.downscale} pixels a side, then"
            " scan again.",
        )
    return min(preprocessing.crop, side // 8 * 8)
