"""Move images toward a condition: two TIFF files and one row of evidence per record."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.domain import (
    Counterfactual,
    Dataset,
    Evidence,
    ImageRecord,
    Mix,
    ModelCard,
    Move,
    Project,
)
from core.errors import LeighError
from core.io.atomic import make_folder
from core.io.disk_errors import as_words
from core.io.tables import unique_name
from core.io.tiff import write_tiff
from core.progress import Progress, Report, silent
from core.workflows.project import images_of
from core.workflows.records import (
    ALL,
    RecordChoice,
    check_strength,
    choose_records,
    keep_off_images,
)
from core.workflows.result_table import Row, add_rows


@dataclass(frozen=True)
class CounterfactualOptions:
    """What to move, and how.

    `hold` names the channels to lock. None locks every channel whose features do not differ
    between source and target. `model` is "iresnet" (the project's own model) or the name of one of
    its autoencoders, see core.counterfactual.autoencoder.
    """

    to: str
    records: RecordChoice = ALL
    strength: float = 1.0
    hold: Sequence[str] | None = None
    model: str = "iresnet"
    device: str = "auto"


def counterfactuals(
    project: Project, out: Path, options: CounterfactualOptions, *, report: Report = silent
) -> tuple[list[Row], list[Row]]:
    """Move records toward a condition; a record that fails does not stop the others.

    Returns the rows of evidence.csv (one per record) and of directions.csv (one per source
    condition, over all its records).
    """
    from core.counterfactual.autoencoder import AutoencoderEngine
    from core.counterfactual.encode_decode import locked_mask
    from core.counterfactual.engine import Engine
    from core.io.models import condition_index

    dataset, to = images_of(project), options.to
    engine: Any = (
        Engine(project, options.device)
        if options.model == "iresnet"
        else AutoencoderEngine(project, options.model, options.device)
    )
    card = engine.card
    condition_index(card, to)
    if options.hold and options.model != "iresnet":
        raise LeighError(
            "An autoencoder draws all channels from one latent: none can be held.",
            "Leave out --hold.",
        )
    locked_mask(card, options.hold or ())
    keep_off_images(project, out)
    check_strength(options.strength)
    chosen = choose_records(dataset, card, to, options.records)
    make_folder(out, project.folder)
    rows: list[Row] = []
    moved: dict[str, list[Any]] = {}
    directions: list[Row] = []
    try:
        for i, record in enumerate(chosen):
            row, measured = _moved(engine, dataset, record, options, out)
            rows.append(row)
            if measured is not None:
                moved.setdefault(record.condition, []).append(measured)
            report(Progress(i + 1, len(chosen), f"Moving images to {to}"))
    finally:  # after a stop, the images that were moved keep their evidence
        add_rows(out / "evidence.csv", rows, ("record", "to"))
        for origin, items in moved.items():
            evidence = engine.evidence.direction(origin, to).assess(items)
            directions.append({"from": origin, "to": to, **_checked(evidence)})
        add_rows(out / "directions.csv", directions, ("from", "to"))
    if not any(row["valid"] for row in rows):
        raise LeighError(
            f"None of the {len(rows)} images could be moved: {rows[0]['reason']}",
            f"All are in {out / 'evidence.csv'}.",
        )
    return rows, directions


def _moved(
    engine: Any, dataset: Dataset, record: ImageRecord, options: CounterfactualOptions, out: Path
) -> tuple[Row, Any]:
    """Move one record and write its files.

    Returns the row of evidence.csv and the measurements of the move (None: not measured).
    """
    to, strength, hold = options.to, options.strength, options.hold
    card, measured = engine.card, None
    row: Row = {"record": record.id, "condition": record.condition, "group": record.group}
    row |= {"split": card.part_of(record), "to": to, "strength": strength}
    if record.condition == to:
        return row | {"valid": False, "reason": f"It is an image of {to} already."}, None
    try:
        locked = tuple(hold) if hold is not None else engine.automatic_locks(record.condition, to)
        before = engine.move(Move(record.id, Mix({to: 1.0}, 0.0), locked))
        after = engine.move(Move(record.id, Mix({to: 1.0}, strength), locked))
        if after.evidence is not None:
            measured = engine.evidence.measure(after)
        file = {}
        if after.valid:
            file["file"] = _write_pair(out, after, np.dtype(record.dtype), dataset)
        return row | _evidence(card, before, after) | file, measured
    except (LeighError, OSError) as failure:
        return row | {"valid": False, "reason": str(as_words(failure))}, None


def _evidence(card: ModelCard, before: Counterfactual, after: Counterfactual) -> dict[str, Any]:
    """One row of evidence.csv: the figures and checks of one counterfactual."""
    names = card.condition_names
    target = names.index(after.target)
    shares = after.channel_shares(card.preprocessing.span)
    row: dict[str, Any] = {
        "valid": after.valid,
        "reason": after.reason,
        "predicted_before": names[int(before.probabilities.argmax())],
        "predicted_after": names[int(after.probabilities.argmax())],
        "target_probability_before": float(before.probabilities[target]),
        "target_probability_after": float(after.probabilities[target]),
        "flipped": bool(after.valid and after.probabilities.argmax() == target),
        "roundtrip_error": after.roundtrip_error,
        "picture_error": after.picture_error,
        "contraction": after.contraction,
        "clipped_share": after.clipped,
        "exaggerated": after.strength > 1,
        "held": " ".join(after.locked),
    }
    row |= _checked(after.evidence) if after.evidence is not None else {"light": ""}
    for c, channel in enumerate(card.channels):
        row[f"change_share_{channel.name}"] = float(shares[c])
        row[f"mean_change_{channel.name}"] = float(after.difference[c].mean())
        if after.brightness:
            row[f"brightness_{channel.name}"] = after.brightness[c]
            row[f"background_{channel.name}"] = after.background[c]
    if after.brightness:
        row["pattern_moved"] = after.moves_pattern
    return row


def _checked(evidence: Evidence) -> dict[str, Any]:
    """The overall light, the light and finding of every check, and all figures behind them."""
    row: dict[str, Any] = {"light": evidence.light}
    for check in evidence.checks:
        row |= {f"{check.name}_light": check.light, f"{check.name}_says": check.words}
    return row | evidence.values


def _write_pair(out: Path, result: Counterfactual, dtype: Any, dataset: Dataset) -> str:
    """Write the counterfactual in the type of the user's file, and the difference as float32.

    Returns the name of the counterfactual's file.
    """
    image = result.image
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        image = np.clip(np.rint(image), limits.min, limits.max)
    stem = f"{unique_name(result.record_id)}_to_{unique_name(result.target)}"
    channels = [c.name for c in dataset.channels]
    direction = f"from {result.source} to {result.target}, strength {result.strength:g}"
    note = f"Generated by Leigh Explorer: {result.record_id} {direction}"
    pairs = (
        ("counterfactual", image.astype(dtype)),
        ("difference", result.difference.astype(np.float32)),
    )
    for kind, values in pairs:
        path = out / f"{stem}_{kind}.ome.tif"
        write_tiff(
            path,
            values,
            channel_names=channels,
            pixel_size_um=dataset.pixel_size_um,
            description=note,
        )
    return f"{stem}_counterfactual.ome.tif"
