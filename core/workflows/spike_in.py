"""Positive control: counterfactuals must show a known change that was made in real images."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from core.counterfactual.engine import Engine
from core.data.batches import Reader
from core.domain import (
    CONDITION_COLOURS,
    Condition,
    Dataset,
    FloatArray,
    ImageRecord,
    Mix,
    ModelCard,
    Move,
    Problem,
    ProblemKind,
    Project,
    Role,
    Split,
)
from core.domain.accuracy import interval_words
from core.errors import LeighError
from core.io.atomic import atomic_write_text, make_folder
from core.io.digest import digest_record
from core.io.lock import ProjectLock
from core.io.models import load_card
from core.io.project import FIRST_MODEL, create_project, model_folder, open_project
from core.io.tables import write_csv
from core.io.tiff import MADE_HERE, write_tiff
from core.progress import Progress, Report, silent
from core.training.checkpoint import has_checkpoint
from core.workflows.project import images_of, reader
from core.workflows.records import keep_off_images
from core.workflows.spike_in_images import UNTOUCHED, Control, Piece, Plant, parse_plants, plan
from core.workflows.train import TrainOptions, train

Row = dict[str, Any]
SIGMA_PX = 3.0  # maps are also compared after smoothing, because single pixels are noise


@dataclass(frozen=True)
class SpikeInOptions:
    """Which condition gets the changes (`source` None: automatic), and how to train."""

    source: str | None = None
    preset: str = "quick"
    seed: int = 0
    device: str = "auto"


DEFAULTS = SpikeInOptions()


def positive_control(
    project: Project,
    out: Path,
    words: Sequence[str],
    options: SpikeInOptions = DEFAULTS,
    *,
    report: Report = silent,
) -> dict[str, Any]:
    """Make known changes in copies of one condition, train, and measure what the model recovers.

    One model is trained on all changes and the untouched images. Then every held-out image is
    moved, and its difference map is compared with the known change.

    Parameters
    ----------
    project
        The open project; its images are only read.
    out
        Gets the images, a project, truth.csv and recovered.csv.
    words
        The changes, as for parse_plants.
    options
        Source condition, preset, seed and device.
    report
        Receives the progress.

    Raises
    ------
    LeighError
        For a change that cannot be made, for too few images, and where `out` holds other files.
    """
    dataset, seed = images_of(project), options.seed
    plants = parse_plants(words, dataset.channels)
    control = plan(dataset, plants, source=options.source, seed=seed, report=report)
    settings = {"plants": [p.name for p in plants], "preset": options.preset, "seed": seed}
    folder = _make_project(project, out, control, settings, report)
    card = _trained(folder, options, report)
    with ProjectLock(folder):
        rows = _recovered(folder, control, reader(dataset), options.device, report)
    write_csv(out / "recovered.csv", rows)
    planted = [
        _summary(rows, plant.name, direction) for plant in plants for direction in ("there", "back")
    ]
    keys = ("accuracy", "accuracy_low", "accuracy_high")
    result = {
        "planted": planted,
        **{k: card.accuracy.get(k) for k in keys},
        "condition": control.condition,
    }
    return {**result, "out": str(out), "text": _recovery_text(control, planted, card, out)}


def _make_project(
    project: Project, out: Path, control: Control, settings: dict[str, Any], report: Report
) -> Path:
    """Write images, plate_map.csv, truth.csv and the project under `out`; returns its folder.

    A control that was stopped goes on: files of a control with the same `settings` are kept.
    Raises LeighError where `out` holds anything else.
    """
    dataset = images_of(project)
    settings = {**settings, "condition": control.condition, "images": dataset.digest}
    _claim(project, out, json.dumps(settings, indent=1, ensure_ascii=False))
    folder = out / "project"
    if (folder / "project.json").exists():
        return folder
    read, rows, records = reader(dataset), [], []
    for i, piece in enumerate(control.pieces):
        record, row = _write(out / "images", control, piece, read, dataset)
        records.append(record)
        rows.append(row)
        report(Progress(i + 1, len(control.pieces), "Planting"))
    columns = ("file", "condition", "group", "well", "plate")
    write_csv(out / "plate_map.csv", [{k: row[k] for k in columns} for row in rows])
    write_csv(out / "truth.csv", rows)
    conditions = [Condition(UNTOUCHED, Role.HEALTHY, CONDITION_COLOURS[0])]
    for k, plant in enumerate(control.plants):
        colour = CONDITION_COLOURS[1 + k % (len(CONDITION_COLOURS) - 1)]
        conditions.append(Condition(plant.name, Role.OTHER, colour))
    reported = Problem(
        "all images",
        f"a positive control: planted in copies of {control.condition}",
        "",
        "warning",
        ProblemKind.CONTROL,
    )
    made = replace(
        dataset,
        root=out / "images",
        conditions=tuple(conditions),
        records=tuple(records),
        problems=(reported,),
    )
    create_project(folder, made, f"{out.name}: planted in {control.condition}")
    return folder


def _claim(project: Project, out: Path, settings: str) -> None:
    """Mark `out` as the folder of this control; it must be empty or hold the same control."""
    keep_off_images(project, out)
    mark = out / "control.json"
    if mark.exists() and mark.read_text(encoding="utf-8", errors="replace") == settings:
        return
    if out.exists() and any(out.iterdir()):
        what = "another control" if mark.exists() else "other files"
        raise LeighError(f"{out} holds {what} already.", "Choose an empty folder.")
    make_folder(out, project.folder)
    atomic_write_text(mark, settings)


def _write(
    images: Path, control: Control, piece: Piece, read: Reader, dataset: Dataset
) -> tuple[ImageRecord, dict[str, Any]]:
    """Write one image and return its record and its row of truth.csv."""
    record = piece.record
    raw = piece.cut(read(piece.source))
    plant = next((p for p in control.plants if p.name == record.condition), None)
    image = control.planted(plant, raw) if plant else raw
    row: dict[str, Any] = {
        "file": f"images/{record.files[0]}",
        "condition": record.condition,
        "group": record.group,
    }
    row |= {"well": record.well, "plate": record.plate, "source": piece.source.id}
    row |= {
        "top": piece.top,
        "left": piece.left,
        "height": record.shape[1],
        "width": record.shape[2],
    }
    row |= {"split": control.split[record.group]}
    row |= {"channel": plant.channel, plant.kind: plant.amount} if plant else {}
    if plant:
        row["background"] = control.background[
            [c.name for c in control.channels].index(plant.channel)
        ]
    path = images / record.files[0]
    make_folder(path.parent, images.parent)
    what = f"{plant.name} planted in" if plant else "copy of"
    write_tiff(
        path,
        image,
        channel_names=[c.name for c in control.channels],
        pixel_size_um=dataset.pixel_size_um,
        description=f"{MADE_HERE}: {what} {piece.source.id}",
    )
    record = replace(record, dtype=str(image.dtype))
    return replace(record, digest=digest_record(images, record)), row


def _trained(folder: Path, options: SpikeInOptions, report: Report) -> ModelCard:
    """The model of the control; a stopped training is resumed, a complete model is kept."""
    project = open_project(folder)
    if project.model:
        return load_card(model_folder(project, project.model))
    stopped = has_checkpoint(model_folder(project, FIRST_MODEL))
    how = TrainOptions(options.preset, options.seed, resume=stopped, device=options.device)
    return train(project, how, report=report)


def _recovered(
    folder: Path, control: Control, read: Reader, device: str, report: Report
) -> list[Row]:
    """One row per held-out image and move: untouched to every change, changed ones back."""
    session = Engine(open_project(folder), device, with_evidence=False)
    held_out = [p for p in control.pieces if control.split[p.record.group] == Split.TEST]
    rows: list[Row] = []
    for i, piece in enumerate(held_out):
        raw = piece.cut(read(piece.source))
        for plant in control.plants:
            if piece.record.condition in (UNTOUCHED, plant.name):
                rows.append(_row(session, control, piece, plant, raw))
        report(Progress(i + 1, len(held_out), "Moving held-out images"))
    return rows


def _row(session: Engine, control: Control, piece: Piece, plant: Plant, raw: FloatArray) -> Row:
    """What the model recovers of one change in one image; `raw` (C Y X) is the original."""
    there = piece.record.condition == UNTOUCHED
    row: Row = {"record": piece.record.id, "source": piece.source.id, "group": piece.record.group}
    row |= {"plant": plant.name, "way": "there" if there else "back"}
    truth = control.planted(plant, raw).astype(np.float64) - raw
    goal = Mix({plant.name if there else UNTOUCHED: 1.0})
    moved = session.move(Move(piece.record.id, goal))
    reason = moved.reason if truth.any() else "The plant changes nothing in this image."
    if reason:
        return row | {"valid": False, "reason": reason}
    unit = np.array(session.card.preprocessing.span)[:, None, None]
    channel = [c.name for c in control.channels].index(plant.channel)
    change = moved.difference / unit
    expected = (truth if there else -truth) / unit
    return row | {"valid": True, "reason": ""} | recovery(change, expected, channel)


def recovery(change: FloatArray, truth: FloatArray, channel: int) -> dict[str, float]:
    """How much of a true change in one channel a model's change recovers (C Y X, display ranges).

    Effectiveness <d, d*> / |d*|^2, the length of d along d* (TEA, MICCAI 2025): 1 is the whole
    change, 0 nothing. Off channel: share of |d|^2 outside `channel`. Correlation in `channel`, both
    smoothed by SIGMA_PX.
    """
    d, t = change.astype(np.float64), truth.astype(np.float64)
    total = float((d**2).sum())
    smooth_d, smooth_t = (gaussian_filter(v[channel], SIGMA_PX) for v in (d, t))
    correlation = off_channel = 0.0
    if smooth_d.std() > 0 and smooth_t.std() > 0:
        correlation = float(np.corrcoef(smooth_d.ravel(), smooth_t.ravel())[0, 1])
    if total > 0:
        off_channel = float((np.delete(d, channel, axis=0) ** 2).sum()) / total
    return {
        "effectiveness": float((d * t).sum() / (t**2).sum()),
        "smoothed_corr": correlation,
        "off_channel": off_channel,
    }


def _summary(rows: Sequence[Row], plant: str, direction: str) -> Row:
    """Median and quartiles over images; None where no image was valid."""
    moves = [r for r in rows if (r["plant"], r["way"]) == (plant, direction)]
    valid = [r for r in moves if r["valid"]]
    summary: Row = {"plant": plant, "way": direction, "images": len(moves), "valid": len(valid)}
    for key in ("effectiveness", "smoothed_corr", "off_channel"):
        summary[key] = float(np.median([r[key] for r in valid])) if valid else None
    quartiles = (
        np.percentile([r["effectiveness"] for r in valid], [25, 75]) if valid else (None, None)
    )
    for key, value in zip(("effectiveness_low", "effectiveness_high"), quartiles):
        summary[key] = None if value is None else float(value)
    return summary


def _recovery_text(control: Control, planted: Sequence[Row], card: ModelCard, out: Path) -> str:
    words = {p.name: p.words for p in control.plants}
    lines = []
    for row in planted:
        start = f"{words[row['plant']]} was" if row["way"] == "there" else "  and on the way back"
        if not row["valid"]:
            lines.append(f"{start} not measured: none of {row['images']} held-out images was valid")
            continue
        recovered = "recovered " if row["way"] == "there" else ""
        low, high = row["effectiveness_low"], row["effectiveness_high"]
        size = f"{row['effectiveness']:.2f}-fold [{low:.2f}{'-' if low >= 0 else ' to '}{high:.2f}]"
        lines.append(
            f"{start} {recovered}{size} in {row['valid']} of {row['images']} held-out images;"
            f" correlation {row['smoothed_corr']:.2f}, {row['off_channel']:.0%} of the change in"
            " other channels"
        )
    lines.append("1 is the whole planted change; median over images, quartiles in brackets.")
    cut = f", its fields cut into {control.cuts} x {control.cuts} tiles" if control.cuts > 1 else ""
    lines.append(f"Planted in images of {control.condition}{cut}. {_accuracy_words(card)}")
    lines.append(f"Images, truth.csv and recovered.csv are in {out}")
    return "\n".join(lines)


def _accuracy_words(card: ModelCard) -> str:
    reported = card.accuracy
    if reported.get("accuracy") is None:
        return f"Accuracy: not claimed. {reported.get('reason', '')}"
    where = f"{reported['test_records']} images in {reported['test_groups']} held-out groups"
    low, chance = reported.get("accuracy_low"), 1 / len(card.conditions)
    end = "."
    if (reported["accuracy"] if low is None else low) <= chance:
        end = ": it does not tell them apart, so it cannot show what was planted; train longer."
    accuracy = f"{reported['accuracy']:.2f}{interval_words(reported)}"
    return f"The model names the plant with accuracy {accuracy} on {where}{end}"
