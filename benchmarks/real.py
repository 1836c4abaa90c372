"""`leigh bench real`: known changes in real images, and how much of them counterfactuals recover.

Tiles of real cultures are dealt to two conditions, well by well, and those of one condition are
changed (benchmarks.real_changes). A network learns a few wells; tiles of the other wells are then
moved both ways. Next to it stand answers that need no network.
"""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.known_pictures import KnownPictures
from benchmarks.measures import change_measures
from benchmarks.real_changes import KINDS, Kind, to_type
from benchmarks.real_summary import summary
from core.domain import (
    Channel,
    Condition,
    Dataset,
    FloatArray,
    ImageRecord,
    Mix,
    Move,
    Precision,
    Role,
)
from core.errors import LeighError
from core.evidence.known_pictures import known_pictures
from core.io.digest import digest_record
from core.io.project import create_project
from core.io.read_field import read_record
from core.io.tiff import write_tiff
from core.progress import Report, silent

DATA = Path(__file__).parents[1].parent / "shared" / "data"
BEFORE, AFTER = "before", "after"
BACKGROUND_PERCENTILE = 0.5
TRAINING_WELLS = 3
MEASURED = 6  # tiles each way
EMPTY_SHARE = 20  # percent of the pixels, the darkest

Change = Callable[[FloatArray, tuple[str, str]], FloatArray]  # raw, way -> change


@dataclass(frozen=True)
class Tiles:
    """Real tiles (N C Y X) of several wells; background and span (C,) in grey values."""

    raw: FloatArray
    wells: tuple[str, ...]
    channels: tuple[Channel, ...]
    background: FloatArray
    span: FloatArray


def nf1_tiles() -> Tiles:
    """The 100 tiles of five wells. Raises LeighError where the images are not at hand."""
    import tifffile

    table = DATA / "nf1_schwann_3ch" / "labels.csv"
    if not table.exists():
        raise LeighError(f"{table} is not at hand.", "The real images lie next to the project.")
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    raw = np.stack([tifffile.imread(table.parent / row["file"]) for row in rows])
    names = (("DAPI", "#4C7DFF"), ("GFP", "#3ED07A"), ("RFP", "#FF5A4F"))
    values = np.moveaxis(raw, 1, 0).reshape(len(names), -1)[:, ::7]
    low, high = np.percentile(values, [BACKGROUND_PERCENTILE, 99.8], axis=1)
    channels = tuple(Channel(name, colour) for name, colour in names)
    return Tiles(raw, tuple(row["well"] for row in rows), channels, low, high - low)


def bench_real(
    work: Path,
    seeds: Sequence[int] = (0, 1, 2),
    kinds: Sequence[str] = (),
    preset: str = "quick",
    report: Report = silent,
) -> dict[str, Any]:
    """Medians over seeds for every kind, and the evidence card on known pictures.

    `seeds` has the figures of each seed.

    `work` keeps projects and models; existing ones are used again.
    """
    from core.io.project import open_project
    from core.workflows.train import TrainOptions, train

    tiles, of_seeds = nf1_tiles(), []
    wells = sorted(set(tiles.wells))
    for seed in seeds:
        order = [wells[i] for i in np.random.default_rng(seed).permutation(len(wells))]
        test = order[TRAINING_WELLS:]
        for kind in KINDS:
            if kinds and kind.name not in kinds:
                continue
            folder = work / f"{kind.name.replace(' ', '-')}-{preset}-{seed}"
            file = folder / "real.json"
            if not (folder / "project.json").exists():
                make_project(folder, tiles, kind, seed)
            if not any((folder / "models").glob("*/model.json")):
                options = TrainOptions(preset, seed, test, split_brightness=True)
                train(open_project(folder), options, report=report)
            if not file.exists():
                measured = {"kind": kind.name, "seed": seed, **measure(folder, tiles, kind, test)}
                file.write_text(json.dumps(measured), encoding="utf-8")
            of_seeds.append(json.loads(file.read_text(encoding="utf-8")))
    return summary(of_seeds) | {"preset": preset, "wells": TRAINING_WELLS, "seeds": of_seeds}


def make_project(folder: Path, tiles: Tiles, kind: Kind, seed: int) -> None:
    """Write all tiles, changed where their condition says so, and a project of them."""
    images, records = folder / "images", []
    for i, condition in enumerate(_dealt(tiles.wells, seed)):
        raw, well = tiles.raw[i], tiles.wells[i]
        if condition == AFTER:
            raw = to_type(kind.change(raw, tiles.background, tiles.span), raw.dtype)
        name = f"{condition}/{well}_{i}.ome.tif"
        (images / condition).mkdir(parents=True, exist_ok=True)
        write_tiff(images / name, raw, channel_names=[c.name for c in tiles.channels])
        planes = tuple(range(len(raw)))
        record = ImageRecord(f"{well}_{i}", (name,), planes, condition, well, shape=raw.shape)
        records.append(replace(record, digest=digest_record(images, record)))
    conditions = (
        Condition(BEFORE, Role.HEALTHY, "#3B9C6E"),
        Condition(AFTER, Role.DISEASED, "#C4463C"),
    )
    create_project(folder, Dataset(images, tiles.channels, conditions, tuple(records)), kind.name)


def _dealt(wells: Sequence[str], seed: int) -> list[str]:
    """Condition of every tile: half of each well is changed."""
    rng, conditions = np.random.default_rng(seed), [""] * len(wells)
    for turn, well in enumerate(sorted(set(wells))):
        rows = [i for i, w in enumerate(wells) if w == well]
        for n, k in enumerate(rng.permutation(len(rows))):
            conditions[rows[k]] = (BEFORE, AFTER)[(n + turn) % 2]
    return conditions


def measure(folder: Path, tiles: Tiles, kind: Kind, test: Sequence[str]) -> dict[str, Any]:
    """Medians over held-out tiles and both ways, for the network and for simple answers."""
    from core.counterfactual.engine import Engine

    engine = Engine(folder, with_evidence=False)
    card = KnownPictures(engine)
    dataset = engine.project.dataset
    assert dataset is not None
    answers = simple_answers(dataset, tiles, test)
    rows: dict[str, list[dict[str, float]]] = {}
    failed = 0
    for record in _some(dataset, test):
        clean = tiles.raw[int(record.id.rpartition("_")[2])]
        changed = to_type(kind.change(clean, tiles.background, tiles.span), clean.dtype)
        there = record.condition == BEFORE
        start, end = (clean, changed) if there else (changed, clean)
        way = (record.condition, AFTER if there else BEFORE)
        moved = engine.move(Move(record.id, Mix({way[1]: 1.0}), precision=Precision.DISPLAY))
        failed += not moved.valid
        changes = {name: answer(start, way) for name, answer in answers.items()}
        changes |= {"network": moved.difference} if moved.valid else {}
        for name, change in changes.items():
            row = _figures(start, change, tiles.span)
            if kind.channels:
                truth = end.astype(np.float64) - start
                row |= change_measures(change, truth, tiles.span, kind.channels)
            rows.setdefault(name, []).append(row)
        if kind.channels:
            card.add(way, start, known_pictures(start, end, tiles.background, kind.channels))
    medians = {
        name: {key: float(np.median([row[key] for row in of])) for key in of[0]}
        for name, of in rows.items()
    }
    accuracy, training = engine.card.accuracy, engine.card.training
    return {
        "failed": failed,
        "accuracy": accuracy.get("accuracy"),
        "generative": accuracy.get("generative"),
        "gains": training.get("gains"),
        "level_shifts": training.get("level_shifts"),
        "seconds": training.get("total_seconds"),
        "answers": medians,
        "card": card.record() if kind.channels else None,
    }


def _some(dataset: Dataset, test: Sequence[str]) -> list[ImageRecord]:
    held_out = [r for r in dataset.records if r.group in test]
    of_each = [[r for r in held_out if r.condition == k] for k in (BEFORE, AFTER)]
    return [r for records in of_each for r in records[:: max(1, len(records) // MEASURED)]]


def _figures(start: FloatArray, change: FloatArray, span: FloatArray) -> dict[str, float]:
    """Size of a change, and that in empty ground, as shares of the span."""
    relative = np.abs(change / span[:, None, None])
    dark = start <= np.percentile(start, EMPTY_SHARE, axis=(1, 2), keepdims=True)
    return {"size": float(np.sqrt((relative**2).mean())), "empty": float(relative[dark].mean())}


def simple_answers(dataset: Dataset, tiles: Tiles, test: Sequence[str]) -> dict[str, Change]:
    """Nothing; the ratio of class means; quantiles of the target; the nearest real tile."""
    learned = [r for r in dataset.records if r.group not in test]
    images = {
        k: np.stack([read_record(dataset.root, r) for r in learned if r.condition == k])
        for k in (BEFORE, AFTER)
    }
    low, grid = tiles.background, np.linspace(0, 100, 1001)
    means = {k: v.mean(axis=(0, 2, 3)) - low for k, v in images.items()}
    quantiles = {
        k: np.percentile(v[..., ::3, ::3], grid, axis=(0, 2, 3)) for k, v in images.items()
    }

    def ratio(raw: FloatArray, way: tuple[str, str]) -> FloatArray:
        factor = means[way[1]] / means[way[0]] - 1
        change: FloatArray = (raw - low[:, None, None]) * factor[:, None, None]
        return change

    def transport(raw: FloatArray, way: tuple[str, str]) -> FloatArray:
        planes = []
        for c, plane in enumerate(raw):
            source, target = (quantiles[k][:, c] for k in way)
            rising = np.flatnonzero(np.diff(source, prepend=source[0] - 1) > 0)
            planes.append(np.interp(plane, source[rising], target[rising]))
        return np.stack(planes) - raw

    def nearest(raw: FloatArray, way: tuple[str, str]) -> FloatArray:
        apart = [
            (((x.astype(float) - raw) / tiles.span[:, None, None]) ** 2).sum()
            for x in images[way[1]]
        ]
        change: FloatArray = images[way[1]][int(np.argmin(apart))].astype(np.float64) - raw
        return change

    return {
        "nothing": lambda raw, way: np.zeros(raw.shape),
        "ratio of class means": ratio,
        "transport": transport,
        "nearest real": nearest,
    }
