"""A real but tiny project on disk, and an engine that needs no network: for tests of the window."""

import os
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from core.data.logit_coordinates import coordinates_of
from core.domain import (
    CHECKS,
    Attribution,
    AttributionRequest,
    Check,
    Counterfactual,
    CounterfactualPath,
    Dataset,
    DecisionMap,
    Evidence,
    ImageRecord,
    InverseQuality,
    LatentTable,
    Mix,
    ModelCard,
    Move,
    PathPoint,
    PathRequest,
    Precision,
    Preprocessing,
    Problem,
    Projection,
)
from core.errors import LeighError
from core.io.models import save_card
from core.io.project import (
    create_project,
    latents_path,
    maps_folder,
    model_folder,
    open_project,
    save_project,
)
from core.io.read_field import read_record
from core.io.tables import load_latents, load_map, save_latents, save_map
from core.io.tiff import write_tiff
from core.latent_map.ternary_plane import exact_plane
from core.progress import Progress, silent
from core.synthetic.cells import CHANNELS, DEMO_PHENOTYPES, demo_conditions, render

NAMES = tuple(DEMO_PHENOTYPES)[:5]


def make_dataset(
    folder: Path,
    wells: int = 4,
    fields: int = 2,
    size: int | tuple[int, int] = 96,
    stains: int = 3,
) -> Dataset:
    """Real TIFFs of (height, width) `size`: one folder per condition, with the last stains."""
    height, width = (size, size) if isinstance(size, int) else size
    channels = CHANNELS[-stains:]
    conditions = demo_conditions(NAMES)
    records = []
    for k, condition in enumerate(conditions):
        for w in range(wells):
            well = f"{chr(66 + k)}{w + 2:02d}"
            for f in range(fields):
                file = f"{condition.name}/{well}_s{f + 1}.tif"
                (folder / condition.name).mkdir(parents=True, exist_ok=True)
                phenotype = DEMO_PHENOTYPES[condition.name]
                image = render(1000 * k + 10 * w + f, phenotype, max(height, width))
                image = image[-stains:, :height, :width]
                write_tiff(
                    folder / file,
                    image,
                    channel_names=[c.name for c in channels],
                    pixel_size_um=0.65,
                )
                records.append(
                    ImageRecord(
                    f"{condition.name}_{well}_s{f + 1}", (file,), tuple(range(stains)),
                    condition.name, well, well, "1",
                        str(f + 1), tuple(image.shape), str(image.dtype))
                )  # fmt: skip
    problems = (
        Problem(
            "DS/C03_s9.tif",
            "The file ends early: 4 of 6 pages are there.",
            "Copy it again from the microscope.",
        ),
        Problem(
            "TT/D02_s1.tif",
            "12 % of the mitochondria pixels are saturated.",
            "Shorten the exposure.",
            "warning",
        ),
    )
    return Dataset(folder, channels, conditions, tuple(records), problems, 0.65, (8, 12))


def make_project(folder: Path, with_model: bool = True, **sizes: Any):
    """A project with images, and a model card, latents and a map that fit them."""
    dataset = make_dataset(folder / "images", **sizes)
    project = create_project(folder / "project", dataset, "Plate 1")
    if not with_model:
        return project
    names = dataset.condition_names
    split = {r.group: "test" if int(r.well[1:]) % 2 else "train" for r in dataset.records}
    preprocessing = Preprocessing(
        *((value,) * len(dataset.channels) for value in (100.0, 100.0, 0.0, 1.0, 100.0, 1000.0))
    )
    accuracy = {
        "accuracy": 0.95,
        "accuracy_low": 0.88,
        "accuracy_high": 0.99,
        "test_records": 20,
        "test_groups": 10,
        "group_accuracy": 1.0,
        "z_prime": {"logits": {"z_prime": 0.71}},
    }
    card = ModelCard(
        "iresnet",
        "iresnet",
        dataset.channels,
        dataset.conditions,
        preprocessing,
        {},
        "quick",
        0,
        "d",
        split,
        {"seconds": 240.0},
        accuracy,
        InverseQuality(20, 2e-5, 1e-6, (0.8,)),
        0.65,
        "digest",
    )
    save_card(model_folder(project, card.name), card)
    save_latents(latents_path(project), make_latents(dataset, split))
    save_map(maps_folder(project), *make_map(dataset, names))
    project = replace(project, model=card.name)
    save_project(project)
    return project


def make_latents(dataset: Dataset, split: dict[str, str]) -> LatentTable:
    """Latents that read every record right."""
    names = dataset.condition_names
    truth = np.array([names.index(r.condition) for r in dataset.records])
    noise = np.random.default_rng(1).normal(0, 0.4, (len(truth), len(names)))
    logits = (np.eye(len(names))[truth] * 4 + noise).astype(np.float32)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return LatentTable(
        tuple(r.id for r in dataset.records),
        names,
        truth,
        tuple(split[r.group] for r in dataset.records),
        logits,
        coordinates_of(logits),
        logits,
        shares,
        "digest",
    )


def make_map(
    dataset: Dataset, names: tuple[str, ...], pixels: int = 120
) -> tuple[Projection, DecisionMap]:
    """Conditions on a circle, regions by the nearest centre, support where the points are."""
    rng = np.random.default_rng(0)
    angle = np.linspace(0, 2 * np.pi, len(names), endpoint=False) + 2.6
    anchors = np.stack([4 * np.cos(angle), 3 * np.sin(angle)], axis=1).astype(np.float32)
    truth = np.array([names.index(r.condition) for r in dataset.records])
    xy = (anchors[truth] + rng.normal(0, 0.8, (len(truth), 2))).astype(np.float32)
    extent = (-7.0, 7.0, -5.5, 5.5)
    xs, ys = np.meshgrid(np.linspace(*extent[:2], pixels), np.linspace(*extent[2:], pixels))
    grid = np.stack([xs, ys], axis=-1)
    distance = ((grid[:, :, None, :] - anchors) ** 2).sum(axis=-1)
    weight = np.exp(-(distance - distance.min(axis=2, keepdims=True)) / 2)
    support = distance.min(axis=2) < 7.5
    decision = DecisionMap(
        extent,
        (weight / weight.sum(axis=2, keepdims=True)).astype(np.float32),
        np.zeros((pixels, pixels, len(names) - 1), np.float32),
        support,
        names,
        anchors,
        0.987,
        20,
        True,
        "digest",
    )
    return Projection(tuple(r.id for r in dataset.records), xy, "umap", {}, 0, "digest"), decision


WORDS = {
    "model": "The model calls it {target}",
    "judges": "{seen} of 3 independent classifiers see {target}",
    "distance": "0.43 of that of the original",
    "readouts": (
        "78% of 34 differing features came about as far as the target; all together moved 91% of"
        " the way"
    ),
    "rest": "nuclei: 12, lost 0, gained 0; 4% of the change in channels that should not change",
}


def make_evidence(target: str = "WT", seen: int = 3, **lights: str) -> Evidence:
    """Evidence in which every check passes but those named, e.g.

    `judges="red"`; `seen` of 3 classifiers see the target.
    """
    checks = (
        Check(n, lights.get(n, "green"), WORDS[n].format(target=target, seen=seen)) for n in CHECKS
    )
    flips = {f"judge{j + 1}_flip": float(j < seen) for j in range(3)}
    return Evidence(tuple(checks), {**flips, "distance": 0.43, "readouts_recovered": 0.78})


class StandInEngine:
    """Brightens the mitochondria in proportion to the strength; as slow as LEIGH_STAND_IN_SECONDS
    says.

    It locks the nuclei unless asked otherwise; its classifiers never see a treated culture.
    """

    def __init__(self, folder: Path, device: str = "auto") -> None:
        if os.environ.get("LEIGH_STAND_IN_DIES_LOADING"):
            os._exit(9)
        self.project = open_project(folder)
        self.projection, self.decision = None, None
        if any(maps_folder(self.project).iterdir()):
            self.projection, self.decision = load_map(maps_folder(self.project))
        self.names = self.project.dataset.condition_names
        self.device = "cpu"
        missing = os.environ.get("LEIGH_STAND_IN_NO_EVIDENCE", "")
        self.evidence = SimpleNamespace(missing=missing)
        self.calls = 0

    def prepare(self, interrupted) -> bool:
        """Nothing takes long here."""
        return False

    def move(self, move: Move) -> Counterfactual:
        """The record with brighter mitochondria, on the map toward the nearest condition."""
        mix = move.goal if isinstance(move.goal, Mix) else self._nearest(move)
        record_id, weights, strength = move.record_id, dict(mix.weights), mix.strength
        time.sleep(float(os.environ.get("LEIGH_STAND_IN_SECONDS", "0")))
        self.calls += 1
        if weights.get("crash"):
            os._exit(9)
        if weights.get("refuse"):
            raise LeighError("This image cannot be moved.", "Try another one.")
        record = self.project.dataset.record(record_id)
        original = np.asarray(read_record(self.project.dataset.root, record), dtype=np.float32)
        difference = np.zeros_like(original)
        channels = self.project.dataset.channels
        difference[-1] = (original[-1] - 100) * 0.9 * strength
        difference[1:-1] = -(original[1:-1] - 100) * 0.2 * strength
        held = ("Nuclei",) if move.locked is None else move.locked
        difference[[c.name in held for c in channels]] = 0
        source = self.names.index(record.condition)
        weights = weights or {next(n for n in self.names if n != record.condition): 1.0}
        mixed = np.full(len(self.names), 0.02, np.float32)
        mixed[source] += max(1 - strength, 0)
        for name, weight in weights.items():
            mixed[self.names.index(name)] += strength * weight
        place = None
        if self.projection is not None:
            start = self.projection.xy[self.projection.record_ids.index(record_id)]
            goal = sum(w * self.decision.anchors[self.names.index(n)] for n, w in weights.items())
            place = tuple(map(float, start + strength * (goal - start)))
        valid = strength < 1.4
        target = max(weights, key=lambda n: weights[n])
        evidence = (
            make_evidence(target, 1, judges="red") if target == "TT" else make_evidence(target)
        )
        exact = move.precision == Precision.EXACT
        oracle_probabilities = exact and strength > 0 and valid and not self.evidence.missing
        precision = move.precision if strength > 0 else max(move.precision, Precision.DISPLAY)
        return Counterfactual(
            record_id,
            record.condition,
            weights,
            strength,
            original,
            original + difference,
            difference,
            mixed / mixed.sum(),
            mixed[1:],
            2e-6,
            valid,
            "" if valid else "It left the range of real images.",
            0.0004,
            place,
            0.83,
            held,
            evidence if oracle_probabilities else None,
            precision=precision,
        )

    def _nearest(self, move: Move) -> Mix:
        projection, decision, plane = self.projection, self.decision, move.goal.plane
        if plane:
            latents = load_latents(latents_path(self.project))
            projection, decision, ternary = exact_plane(latents, plane)
            start = ternary.places(latents.coordinates[latents.row(move.record_id)])
        else:
            start = projection.xy[projection.record_ids.index(move.record_id)]
        own = self.project.dataset.record(move.record_id).condition
        distance = ((decision.anchors - move.goal.xy) ** 2).sum(axis=1)
        distance[[name == own for name in decision.conditions]] = np.inf
        nearest = int(distance.argmin())
        way = decision.anchors[nearest] - start
        share = np.dot(move.goal.xy - start, way) / max(np.dot(way, way), 1e-9)
        return Mix({decision.conditions[nearest]: 1.0}, float(np.clip(share, 0, 1.5)))

    def path(self, request: PathRequest, report=silent) -> CounterfactualPath:
        """As many pictures as there are frames."""
        points = []
        for i, strength in enumerate(np.linspace(0, 1, request.frames)):
            report(Progress(i, request.frames, "Following the path"))
            mix = replace(request.mix, strength=float(strength))
            result = self.move(Move(request.record_id, mix, request.locked))
            points.append(PathPoint(float(strength), result.probabilities, result.xy, result.image))
        first = next((p.strength for p in points if p.read != points[0].read), None)
        crossing = (first, request.exact)
        return CounterfactualPath(request.record_id, request.mix.target, tuple(points), *crossing)

    def explain(self, request: AttributionRequest, report=silent) -> Attribution:
        """As bright as the image; one map where the method knows no stains.

        Occlusion takes many steps.
        """
        record = self.project.dataset.record(request.record_id)
        values = np.asarray(read_record(self.project.dataset.root, record), dtype=np.float32) - 100
        for i in range(40 if request.method == "occlusion" else 1):
            report(Progress(i, 40, "Covering windows", seconds_left=float(40 - i)))
            time.sleep(float(os.environ.get("LEIGH_STAND_IN_SECONDS", "0")))
        if request.network == "broken":
            raise LeighError("This network cannot be explained.", "Train it again.")
        settings = {"seconds": 1.5, "share_outside_cells": 0.12, "area_outside_cells": 0.6}
        settings |= {"window_um": request.window_um, "window_px": request.window_px}
        values = values[:1] if request.method == "gradcam" else values
        names = request.method, request.network, record.id, record.condition, request.target
        return Attribution(*names, values, settings)
