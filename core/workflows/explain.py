"""What other explanations leave the program: attribution maps as TIFFs, and a table of how far each
can be trusted.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.domain import METHODS, Attribution, Dataset, ImageRecord, ModelCard, Project
from core.domain.limits import OCCLUSION_WINDOW_UM
from core.errors import LeighError
from core.io.project import model_folder
from core.io.read_verified import read_verified
from core.io.tables import unique_name
from core.io.tiff import write_tiff
from core.progress import Progress, Report, silent
from core.workflows.project import images_of, model_of
from core.workflows.records import ALL, RecordChoice, Row, add_rows, choose_records, keep_off_images


@dataclass(frozen=True)
class ExplainOptions:
    """What to explain, and how.

    The decision of network `model` (default: the project's own) for `to` against the record's own
    condition; without `to`, for its own against the others.
    """

    method: str  # one of METHODS
    records: RecordChoice = ALL
    to: str = ""
    model: str = ""
    window_um: float | None = None
    window_px: int | None = None
    device: str = "auto"


def explain(
    project: Project, out: Path, options: ExplainOptions, *, report: Report = silent
) -> list[Row]:
    """Explain records: per record a TIFF and a row of attribution.csv; a bad one stops no other.

    Returns the rows. Raises LeighError where nothing could be explained.
    """
    from core.attribution.methods import Window
    from core.models.load import choose_device, open_network

    method = options.method
    if method not in METHODS:
        raise LeighError(
            f"There is no explanation called {method}.", f"Known are {', '.join(METHODS)}."
        )
    dataset = images_of(project)
    folder = model_folder(project, options.model or model_of(project))
    card, network = open_network(folder, dataset, choose_device(options.device))
    keep_off_images(project, out)
    side = OCCLUSION_WINDOW_UM if options.window_um is None else options.window_um
    asked = Asked(network, card, dataset, method, options.to, Window(side, options.window_px))
    chosen = choose_records(dataset, card, options.to, options.records)
    out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    try:
        for i, record in enumerate(chosen):
            rows.append(_explained(asked, record, out, report))
            report(Progress(i + 1, len(chosen), f"Explaining by {method}"))
    finally:  # what was explained before a stop keeps its row
        add_rows(out / "attribution.csv", rows, ("record", "method", "model", "target"))
    if not any(row["valid"] for row in rows):
        raise LeighError(
            f"None of the {len(rows)} images could be explained: {rows[0]['reason']}",
            f"All are in {out / 'attribution.csv'}.",
        )
    return rows


@dataclass(frozen=True)
class Asked:
    """The network and the question that every record is asked."""

    network: Any
    card: ModelCard
    dataset: Dataset
    method: str
    to: str
    window: Any  # core.attribution.methods.Window


def _explained(asked: Asked, record: ImageRecord, out: Path, report: Report) -> Row:
    """Explain one record and write its file; its row of attribution.csv."""
    from core.attribution.methods import Question, attribute

    network, card, dataset = asked.network, asked.card, asked.dataset
    method, to, window = asked.method, asked.to, asked.window
    row: Row = {"record": record.id, "condition": record.condition, "group": record.group}
    row |= {"split": card.part_of(record), "method": method, "model": card.name, "target": to}
    try:
        raw, began = read_verified(dataset.root, record), time.perf_counter()
        question = Question(method, record.condition, to, record.id, window, dataset.pixel_size_um)
        question = Question(method, record.condition, to, record.id, window, dataset.pixel_size_um)
        found = attribute(network, card, raw, question, report)
        seconds = time.perf_counter() - began
        checks = _checks(network, card, dataset, raw, found)
        return (
            row
            | {"valid": True, "reason": "", "seconds": seconds}
            | checks
            | {"file": _write(out, found, dataset)}
        )
    except (LeighError, OSError) as failure:
        return row | {"valid": False, "reason": str(failure)}


def _checks(network: Any, card: Any, dataset: Dataset, raw: Any, found: Attribution) -> Row:
    """Where it lies, and what its pixels do to the network."""
    from core.attribution.methods import network_input, score_of
    from core.attribution.sanity_checks import at_network_size, deletion_insertion, empty_shares

    x, empty = network_input(network, card, raw)
    own = card.condition_names.index(found.source)
    score = score_of(network, card, found.source, found.target)
    deleted, inserted = deletion_insertion(
        score, own, x, empty, at_network_size(found.values, card.preprocessing)
    )
    row: Row = {**empty_shares(found.values, raw, card.preprocessing, dataset.pixel_size_um)}
    row |= {
        "deletion_auc": deleted,
        "insertion_auc": inserted,
        "explained": found.settings["score"],
    }
    kept = ("window_px", "baseline", "steps", "completeness_gap")
    return row | {key: found.settings.get(key, "") for key in kept}


def _write(out: Path, found: Attribution, dataset: Dataset) -> str:
    """One page per channel, float32; a method that knows no channels has one page.

    Returns the file's name.
    """
    channels = (
        [c.name for c in dataset.channels]
        if len(found.values) == len(dataset.channels)
        else ["all channels"]
    )
    to = f"_to_{unique_name(found.target)}" if found.target else ""
    name = f"{unique_name(found.record_id)}{to}_{found.method}_{unique_name(found.network)}.ome.tif"
    note = (
        f"Generated by Leigh Explorer: {found.method} of {found.record_id},"
        f" {found.settings['score']}"
    )
    values = found.values.astype(np.float32)
    write_tiff(
        out / name,
        values,
        channel_names=channels,
        pixel_size_um=dataset.pixel_size_um,
        description=note,
    )
    return name
