"""Write attribution maps as TIFF files, and a table that says how far each can be trusted."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.domain import METHODS, Attribution, Dataset, ImageRecord, ModelCard, Project
from core.domain.limits import OCCLUSION_WINDOW_UM
from core.errors import LeighError
from core.io.atomic import make_folder
from core.io.disk_errors import as_words
from core.io.project import model_folder
from core.io.read_verified import read_verified
from core.io.tables import unique_name
from core.io.tiff import write_tiff
from core.progress import Progress, Report, silent
from core.workflows.project import images_of, model_of
from core.workflows.records import ALL, RecordChoice, choose_records, keep_off_images
from core.workflows.result_table import Row, add_rows


@dataclass(frozen=True)
class ExplainOptions:
    """Which decision to explain, and how.

    The decision is that of network `model` (default: the project's own) for condition `to`
    against the record's own condition. Without `to`: for the own condition against all others.
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
    """Explain records: one TIFF file and one row of attribution.csv per record.

    A record that fails does not stop the others. Returns the rows. Raises LeighError where no
    record could be explained.
    """
    from core.attribution.methods import Window
    from core.models.load import choose_device, open_network

    method = options.method
    if method not in METHODS:
        raise LeighError(
            f"No explanation is called {method}.", f"Choose one of {', '.join(METHODS)}."
        )
    dataset = images_of(project)
    folder = model_folder(project, options.model or model_of(project))
    card, network = open_network(folder, dataset, choose_device(options.device))
    keep_off_images(project, out)
    side = OCCLUSION_WINDOW_UM if options.window_um is None else options.window_um
    asked = Asked(network, card, dataset, method, options.to, Window(side, options.window_px))
    chosen = choose_records(dataset, card, options.to, options.records)
    make_folder(out, project.folder)
    rows: list[Row] = []
    try:
        for i, record in enumerate(chosen):
            rows.append(_explained(asked, record, out, report))
            report(Progress(i + 1, len(chosen), f"Explaining by {method}"))
    finally:  # after a stop, the images that were explained keep their rows
        add_rows(out / "attribution.csv", rows, ("record", "method", "model", "target"))
    if not any(row["valid"] for row in rows):
        raise LeighError(
            f"None of the {len(rows)} images could be explained: {rows[0]['reason']}",
            f"All are in {out / 'attribution.csv'}.",
        )
    return rows


@dataclass(frozen=True)
class Asked:
    """The network and the question, the same for every record."""

    network: Any
    card: ModelCard
    dataset: Dataset
    method: str
    to: str
    window: Any  # core.attribution.methods.Window


def _explained(asked: Asked, record: ImageRecord, out: Path, report: Report) -> Row:
    """Explain one record, write its file and return its row of attribution.csv."""
    from core.attribution.methods import Question, attribute

    network, card, dataset = asked.network, asked.card, asked.dataset
    method, to, window = asked.method, asked.to, asked.window
    row: Row = {"record": record.id, "condition": record.condition, "group": record.group}
    row |= {"split": card.part_of(record), "method": method, "model": card.name, "target": to}
    try:
        raw, began = read_verified(dataset.root, record), time.perf_counter()
        question = Question(method, record.condition, to, record.id, window, dataset.pixel_size_um)
        attribution = attribute(network, card, raw, question, report)
        measured = {"valid": True, "reason": "", "seconds": time.perf_counter() - began}
        measured |= _checks(network, card, dataset, raw, attribution)
        return row | measured | {"file": _write(out, attribution, dataset)}
    except (LeighError, OSError) as failure:
        return row | {"valid": False, "reason": str(as_words(failure))}


def _checks(network: Any, card: Any, dataset: Dataset, raw: Any, attribution: Attribution) -> Row:
    """Where the attribution lies in the image, and what its pixels do to the network."""
    from core.attribution.methods import network_input, score_of
    from core.attribution.sanity_checks import at_network_size, deletion_insertion, empty_shares

    x, empty = network_input(network, card, raw)
    own = card.condition_names.index(attribution.source)
    score = score_of(network, card, attribution.source, attribution.target)
    deleted, inserted = deletion_insertion(
        score, own, x, empty, at_network_size(attribution.values, card.preprocessing)
    )
    row: Row = {**empty_shares(attribution.values, raw, card.preprocessing, dataset.pixel_size_um)}
    row |= {
        "deletion_auc": deleted,
        "insertion_auc": inserted,
        "explained": attribution.settings["score"],
    }
    columns = ("window_px", "baseline", "steps", "completeness_gap")
    return row | {key: attribution.settings.get(key, "") for key in columns}


def _write(out: Path, attribution: Attribution, dataset: Dataset) -> str:
    """Write one float32 page per channel, or one page for a method without channels.

    Returns the file's name.
    """
    per_channel = len(attribution.values) == len(dataset.channels)
    channels = [c.name for c in dataset.channels] if per_channel else ["all channels"]
    to = f"_to_{unique_name(attribution.target)}" if attribution.target else ""
    record, network = unique_name(attribution.record_id), unique_name(attribution.network)
    name = f"{record}{to}_{attribution.method}_{network}.ome.tif"
    note = (
        f"Generated by Leigh Explorer: {attribution.method} of {attribution.record_id},"
        f" {attribution.settings['score']}"
    )
    values = attribution.values.astype(np.float32)
    write_tiff(
        out / name,
        values,
        channel_names=channels,
        pixel_size_um=dataset.pixel_size_um,
        description=note,
    )
    return name
