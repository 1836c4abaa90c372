"""The verbs of the program as functions on a project folder; the command line and the window call
the same ones.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.data.batches import FieldStore, Reader
from core.data.preprocessing import fit_recipe
from core.data.split import split_by_group
from core.domain import (
    BoolArray,
    Condition,
    Dataset,
    DecisionMap,
    FloatArray,
    ImageRecord,
    LatentTable,
    ModelCard,
    Problem,
    Project,
    Projection,
    Recipe,
    Role,
    Split,
)
from core.errors import BadProject, LeighError
from core.io.models import check_fits, load_card, load_tensors, save_card, save_model
from core.io.project import (
    create_project,
    latents_path,
    maps_folder,
    model_folder,
    open_project,
    save_project,
)
from core.io.read_verified import read_unchanged
from core.io.tables import load_latents, load_map, save_latents, save_map
from core.progress import REFINING, Progress, Report, silent
from core.scanning.plate_map import load_plate_map
from core.scanning.scan import scan_folder

if TYPE_CHECKING:
    from core.evidence.reference import Panel, Real

    Measurements = tuple[Panel, Real]

MODEL_NAME = "iresnet"
COMPARED_IMAGES = 80  # real images per condition and part, against which counterfactuals are held
RECIPE_FIELDS = 60
SMALLEST_SIDE = 16  # network pixels: below it a field holds nothing to crop


def scan(folder: Path, project_folder: Path, *, report: Report = silent, **options: Any) -> Project:
    """Scan a folder of images into a new project, or anew into an existing one, whose models and
    colours stay.

    Roles stay, too, but where the plate map says them.
    """
    dataset = scan_folder(folder, report=report, **options)
    dataset = replace(dataset, problems=(*dataset.problems, *_untestable(dataset)))
    if (project_folder / "project.json").exists():
        before = open_project(project_folder)
        if before.dataset is not None and before.dataset.records and not dataset.records:
            first = dataset.problems[0] if dataset.problems else None
            raise LeighError(
                f"Nothing usable is left in {folder}; the project keeps what it had.",
                f"First problem: {first.item}: {first.reason}" if first else "Check the folder.",
            )
        known = {c.name: c for c in before.dataset.conditions} if before.dataset else {}
        told = load_plate_map(options["plate_map"]).roles() if options.get("plate_map") else {}
        conditions = tuple(
            _anew(c, known[c.name], told) if c.name in known else c for c in dataset.conditions
        )
        project = replace(before, dataset=replace(dataset, conditions=conditions))
        save_project(project)
        return project
    return create_project(project_folder, dataset)


def _anew(scanned: Condition, known: Condition, told: Mapping[str, Role]) -> Condition:
    """A condition the project knows, with the role and dose that the plate map says now."""
    dose_um = known.dose_um if scanned.dose_um is None else scanned.dose_um
    return replace(known, role=told.get(known.name, known.role), dose_um=dose_um)


def _untestable(dataset: Dataset) -> list[Problem]:
    """Conditions in a single group: they can be looked at, never tested."""
    homes = {
        c: {r.group for r in dataset.records if r.condition == c} for c in dataset.condition_names
    }
    reason = "all its images are of one well or group, so what is learned of it cannot be tested"
    return [
        Problem(c, reason, "Add another well or culture.", "warning")
        for c, g in homes.items()
        if len(g) == 1
    ]


def train(
    project_folder: Path,
    *,
    preset: str = "quick",
    seed: int = 0,
    test_groups: Sequence[str] = (),
    conditions: Sequence[str] = (),
    resume: bool = False,
    device: str = "auto",
    report: Report = silent,
) -> ModelCard:
    """Train, calibrate and measure a model; it replaces the project's model of that name only when
    it is complete.

    `conditions` are those to learn from; none: all. Images of others can be screened, not moved.
    """
    import torch

    from core.counterfactual.calibration import likely_holds
    from core.evidence.reference import measure_readouts, save_panel
    from core.models.iresnet import Architecture, IResNet
    from core.models.load import choose_device, on_device, weights_of
    from core.training.checkpoint import CHECKPOINT, SET_ASIDE
    from core.training.flow_matching import fit
    from core.training.presets import PRESETS

    began = time.monotonic()
    project, dataset = with_dataset(project_folder)
    dataset = _learned(dataset, conditions)
    settings = PRESETS[preset]
    read = reader(dataset)
    split = split_by_group(dataset.records, seed=seed, test_groups=test_groups)
    card = untrained_card(dataset, preset, split, seed)
    torch.manual_seed(seed)
    model = on_device(IResNet(Architecture(**card.architecture)), choose_device(device))
    folder = model_folder(project, MODEL_NAME)
    folder.mkdir(parents=True, exist_ok=True)
    readouts = measure_readouts(dataset.records, card.recipe, read, report)
    compared = _some_of_each(dataset.records, card)
    holds = likely_holds(card, _real_readouts(compared, card, readouts))
    identity = [
        card.dataset_digest,
        card.split,
        asdict(settings),
        seed,
        card.recipe.crop,
        holds.tolist(),
    ]
    names = list(card.condition_names)
    training = [r for r in dataset.records if card.split[r.group] == Split.TRAIN]
    losses = fit(
        model,
        FieldStore(training, card.recipe, read),
        np.array([names.index(r.condition) for r in training], np.int64),
        settings,
        seed=seed,
        folder=folder,
        identity=blake2b(json.dumps(identity).encode()).hexdigest(),
        holds=holds,
        validation=_validation(dataset, card.split, card.recipe, read, names),
        resume=resume,
        report=report,
    )
    card = replace(card, training={**losses, "threads": torch.get_num_threads()})
    card, latents, measurements = _finish(model, card, dataset, read, readouts, holds, report)
    card = _with_evaluation(model, card, latents, dataset, readouts, read, report)
    spent = {"total_seconds": time.monotonic() - began, "peak_memory_bytes": peak_memory_bytes()}
    card = save_model(folder, replace(card, training={**card.training, **spent}), weights_of(model))
    save_panel(folder, *measurements, card.digest)
    project = open_project(project_folder)  # it may have been edited meanwhile
    if (
        project.dataset is not None
        and project.dataset.of(card.condition_names).digest == card.dataset_digest
    ):
        save_latents(latents_path(project), replace(latents, model_digest=card.digest))
    save_project(replace(project, model=MODEL_NAME))
    for suffix in (".safetensors", ".previous", SET_ASIDE):
        (folder / CHECKPOINT).with_suffix(suffix).unlink(missing_ok=True)
    return card


def _learned(dataset: Dataset, conditions: Sequence[str]) -> Dataset:
    """The part of it to learn from. Raises LeighError for conditions it does not have."""
    if missing := [c for c in conditions if c not in dataset.condition_names]:
        raise LeighError(
            f"There is no condition {missing[0]}.",
            f"There are {', '.join(dataset.condition_names)}.",
        )
    return dataset.of(conditions) if conditions else dataset


def untrained_card(dataset: Dataset, preset: str, split: dict[str, str], seed: int) -> ModelCard:
    """What is settled before training: recipe, conditions, architecture, split."""
    from core.models.iresnet import NOISE_OF_ONE_STAIN, Architecture
    from core.models.load import architecture_dict
    from core.training.presets import PRESETS

    settings, read = PRESETS[preset], reader(dataset)
    training = [r for r in dataset.records if split[r.group] == Split.TRAIN]
    step = max(1, len(training) // RECIPE_FIELDS)
    recipe = fit_recipe([read(r).astype(np.float32) for r in training[::step]], settings.crop)
    known = {r.condition for r in dataset.records}
    conditions = tuple(c for c in dataset.conditions if c.name in known)
    architecture = Architecture(
        len(dataset.channels), len(conditions), settings.widths, settings.blocks
    )
    if len(dataset.channels) == 1:
        architecture = replace(architecture, t_noise=NOISE_OF_ONE_STAIN)
    return ModelCard(
        name=MODEL_NAME,
        kind="iresnet",
        channels=dataset.channels,
        conditions=conditions,
        recipe=replace(recipe, crop=_crop_that_fits(dataset, recipe)),
        architecture=architecture_dict(architecture),
        preset=preset,
        seed=seed,
        dataset_digest=dataset.digest,
        split=split,
        pixel_size_um=dataset.pixel_size_um,
        seen=tuple(sorted({r.digest for r in dataset.records if split[r.group] != Split.TEST})),
    )


def _validation(
    dataset: Dataset, split: dict[str, str], recipe: Recipe, read: Reader, names: list[str]
) -> tuple[FieldStore, Any] | None:
    """Fields and labels of the validation groups; None where there are none."""
    records = [r for r in dataset.records if split[r.group] == Split.VALIDATION]
    labels = np.array([names.index(r.condition) for r in records], np.int64)
    return (FieldStore(records, recipe, read), labels) if records else None


def _crop_that_fits(dataset: Dataset, recipe: Recipe) -> int:
    """The recipe's crop, or less where a record is smaller than the fields the recipe was fitted
    on.
    """
    smallest = min(dataset.records, key=lambda r: min(r.shape[1:]))
    side = min(smallest.shape[1:]) // recipe.downscale
    if side < SMALLEST_SIDE:
        raise LeighError(
            f"{smallest.id} is {smallest.shape[2]} x {smallest.shape[1]} pixels: too small beside"
            " the other images.",
            f"Leave out images below {SMALLEST_SIDE * recipe.downscale} pixels a side and scan"
            " again.",
        )
    return min(recipe.crop, side // 8 * 8)


def _finish(
    model: Any,
    card: ModelCard,
    dataset: Dataset,
    read: Reader,
    readouts: dict[str, FloatArray],
    holds: BoolArray,
    report: Report,
) -> tuple[ModelCard, LatentTable, Measurements]:
    """Classifier head, judges and measurements of real images, strength calibration, the measured
    inverse.
    """
    from core.counterfactual.block_schedule import measure_inverse, place_steps
    from core.counterfactual.calibration import calibrate
    from core.counterfactual.features import latent_table, read_features
    from core.models.heads import fit_head
    from core.models.load import architecture_dict

    records = dataset.records
    names = card.condition_names
    truth = np.array([names.index(r.condition) for r in records])
    part = np.array([card.split[r.group] for r in records])
    raw = read_features(model, records, card.recipe, read, report)
    known = [r for r in records if card.split[r.group] == Split.TRAIN]
    held = [r for r in records if card.split[r.group] == Split.VALIDATION]
    spared = {r.condition for r in held}
    held += [r for r in known if r.condition not in spared]
    place_steps(model, card, known, read, report, holds)
    card = replace(card, architecture=architecture_dict(model.architecture))
    head = fit_head(
        model,
        raw[part == Split.TRAIN],
        truth[part == Split.TRAIN],
        raw[part == Split.VALIDATION],
        truth[part == Split.VALIDATION],
    )
    latents = latent_table(model, card, records, raw)
    panel, real = _measurements(card, dataset, read, readouts, report)
    logits = latents.logits[[latents.row(r.id) for r in held]]
    gains = calibrate(model, card, real, held, logits, read, report)
    card = replace(
        card, training={**card.training, **head, "gains": gains, "judges": panel.judges.accuracy}
    )
    return (
        replace(card, inverse=measure_inverse(model, card, records, read, report)),
        latents,
        (panel, real),
    )


def _measurements(
    card: ModelCard, dataset: Dataset, read: Reader, readouts: dict[str, FloatArray], report: Report
) -> Measurements:
    """Independent judges, and what they and the `readouts` of all records say of some real images."""
    from core.evidence.fit_oracles import fit_judges
    from core.evidence.reference import Panel, fit_nuclei, real_images
    from core.training.presets import PRESETS

    names = card.condition_names
    records = [r for r in dataset.records if r.condition in names]
    steps = PRESETS[card.preset].judge_steps
    judges = fit_judges(
        records, card.split, card.recipe, read, names, steps=steps, seed=card.seed, report=report
    )
    known = [r for r in records if card.part_of(r) != Split.TEST]
    panel = Panel(
        judges, card.channels, card.recipe, fit_nuclei(card.channels, known, card.recipe, read)
    )
    compared = _some_of_each(records, card)
    rows = []
    for i, record in enumerate(compared):
        rows.append(panel.measure(read(record), readouts[record.id]))
        report(Progress(i + 1, len(compared), "Judging real images"))
    return panel, real_images(rows, compared, names, card.channels, card.split)


def _real_readouts(
    records: Sequence[ImageRecord], card: ModelCard, readouts: dict[str, FloatArray]
) -> Real:
    """Real images by their readouts alone, as no judge is there before training."""
    from core.evidence.reference import Measured, real_images

    rows = [
        Measured(readouts[r.id], np.zeros(0), np.zeros((0, len(card.conditions)))) for r in records
    ]
    return real_images(rows, records, card.condition_names, card.channels, card.split)


def _some_of_each(records: Sequence[ImageRecord], card: ModelCard) -> list[ImageRecord]:
    """At most COMPARED_IMAGES of each condition among held-out groups, and as many among the
    others.
    """
    taken: dict[tuple[str, bool], int] = {}
    chosen = []
    for i in np.random.default_rng(card.seed).permutation(len(records)):
        key = (records[i].condition, card.part_of(records[i]) == Split.TEST)
        taken[key] = taken.get(key, 0) + 1
        if taken[key] <= COMPARED_IMAGES:
            chosen.append(records[i])
    return sorted(chosen, key=lambda r: r.id)


def evaluate(
    project_folder: Path, *, device: str = "auto", report: Report = silent
) -> dict[str, Any]:
    """The report of the project's model on held-out groups, with inverse and baseline; also kept on
    the card.
    """
    from core.counterfactual.block_schedule import measure_inverse
    from core.evidence.reference import load_panel, measure_readouts, save_panel

    project, dataset = with_dataset(project_folder)
    card, model = load_model(project, dataset, device)
    read = reader(dataset)
    latents = _encode(model, card, dataset, read, report)
    card = replace(card, inverse=measure_inverse(model, card, dataset.records, read, report))
    known = [r for r in dataset.records if r.condition in card.condition_names]
    readouts = measure_readouts(known, card.recipe, read, report)
    card = _with_evaluation(model, card, latents, dataset, readouts, read, report)
    folder = model_folder(project, project.model)
    save_card(folder, card)
    try:
        load_panel(folder, card)
    except LeighError:  # lost or damaged
        if dataset.of(card.condition_names).digest == card.dataset_digest:
            save_panel(folder, *_measurements(card, dataset, read, readouts, report), card.digest)
    return evaluation_summary(card)


def evaluation_summary(card: ModelCard) -> dict[str, Any]:
    """Accuracy report and inverse in one dictionary, for the screen and for --json."""
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
    }


def encode(project_folder: Path, *, device: str = "auto", report: Report = silent) -> LatentTable:
    """Latents and logits of all records, written to the project."""
    project, dataset = with_dataset(project_folder)
    card, model = load_model(project, dataset, device)
    latents = _encode(model, card, dataset, reader(dataset), report)
    save_latents(latents_path(project), latents)
    return latents


def make_map(
    project_folder: Path, *, seed: int | None = None, refit: bool = False, report: Report = silent
) -> tuple[Projection, DecisionMap, int]:
    """The frozen map and its decision regions, written to the project; and how many images kept
    their former place.

    A map of the same model keeps its places, and new records are placed on it, unless it is to be
    `refit` or made with another `seed`; what is fitted anew is turned to look like the former one.
    """
    from core.latent_map.decision_regions import fit_decision
    from core.latent_map.projection import aligned, extended, fit_projection, strangers_of

    project, dataset = with_dataset(project_folder)
    card = load_card(model_folder(project, _model_of(project)))
    check_fits(card, dataset)
    path = latents_path(project)
    if not path.exists():
        raise BadProject(f"{project_folder} has no latents yet.", "Run `leigh encode` first.")
    latents = load_latents(path)
    if latents.model_digest != card.digest or not latents.describes(dataset):
        raise BadProject(
            "The latents were made with another model or other images.", "Run `leigh encode` again."
        )
    try:
        former = load_map(maps_folder(project))[0]
    except LeighError:  # there is none, or it is damaged
        former = None
    seed = seed if seed is not None else former.seed if former else 0
    keep = former is not None and former.seed == seed and not refit
    projection = extended(latents, former) if former and keep else None
    kept = (
        len(projection.record_ids) - _placed(projection) + _placed(former)
        if former and projection
        else 0
    )
    if projection is None:
        projection = fit_projection(latents, seed=seed, report=report)
        projection = aligned(projection, former) if former else projection
    projection = replace(projection, strangers=strangers_of(latents))
    if not kept:  # nothing better is lost, should this be stopped
        save_map(maps_folder(project), projection, fit_decision(latents, projection, at_once=True))
        report(Progress(2, 3, REFINING))
    decision = fit_decision(latents, projection)
    save_map(maps_folder(project), projection, decision)
    report(Progress(3, 3, "Map saved"))
    return projection, decision, kept


def _placed(projection: Projection) -> int:
    """How many images were placed on this map after it was fitted."""
    return int(projection.settings.get("placed", 0))


def load_model(project: Project, dataset: Dataset, device: str = "auto") -> tuple[ModelCard, Any]:
    """The project's model, checked against its images.

    Raises BadModel when channels or conditions differ.
    """
    from core.models.load import build, choose_device

    folder = model_folder(project, _model_of(project))
    card = load_card(folder)
    check_fits(card, dataset)
    return card, build(card, load_tensors(folder), choose_device(device))


def reader(dataset: Dataset) -> Reader:
    """Reads a record's raw grey values (C Y X)."""
    return lambda record: read_unchanged(dataset.root, record)


def with_dataset(folder: Path) -> tuple[Project, Dataset]:
    project = open_project(folder)
    if project.dataset is None:
        raise BadProject(
            f"{folder} has no images yet.", "Run `leigh scan FOLDER --project DIR` first."
        )
    return project, project.dataset


def _model_of(project: Project) -> str:
    if not project.model:
        raise BadProject(
            f"{project.folder} has no trained model.", "Run `leigh train --project DIR` first."
        )
    return project.model


def _encode(
    model: Any, card: ModelCard, dataset: Dataset, read: Reader, report: Report
) -> LatentTable:
    from core.counterfactual.features import encode_records

    return encode_records(model, card, dataset.records, read, report)


def _with_evaluation(
    model: Any,
    card: ModelCard,
    latents: LatentTable,
    dataset: Dataset,
    readouts: dict[str, FloatArray],
    read: Reader,
    report: Report,
) -> ModelCard:
    from core.counterfactual.generative_score import second_opinion
    from core.training.evaluate import evaluation_report, simple_baseline

    by_id = {r.id: r for r in dataset.records}
    records = [by_id[i] for i in latents.record_ids]
    result = evaluation_report(latents, [r.group for r in records], card.conditions, seed=card.seed)
    result["other_images"] = dataset.of(card.condition_names).digest != card.dataset_digest
    result["baseline"] = simple_baseline(records, np.array(latents.split) == Split.TEST, readouts)
    result["generative"] = second_opinion(model, card, records, read, report)
    return replace(card, accuracy=result)


def peak_memory_bytes() -> int:
    """Peak resident memory of this process."""
    if os.name == "posix":
        import resource
        import sys

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return int(peak if sys.platform == "darwin" else peak * 1024)
    import psutil

    return int(getattr(psutil.Process().memory_info(), "peak_wset", 0))
