"""Measure every image of a screen: features, nuclei, background and latents."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from core.data.batches import Reader
from core.data.preprocessing import fit_preprocessing
from core.domain import (
    BoolArray,
    Dataset,
    FloatArray,
    ImageRecord,
    ModelCard,
    Preprocessing,
    Project,
    Role,
)
from core.progress import Progress, Report
from core.workflows.project import images_of, load_model, reader
from core.workflows.train import PREPROCESSED_FIELDS

MOST_BACKGROUND = 400  # images of the controls whose background is measured


@dataclass(frozen=True)
class ScreenImages:
    """The measurements of N images."""

    records: tuple[ImageRecord, ...]
    readouts: FloatArray  # (N, R)
    nuclei: FloatArray  # (N,) nan where no channel shows nuclei
    intensity: FloatArray  # (N, C)
    background: FloatArray  # (N, 5 C) nan where not measured, or where cells cover the image
    features: FloatArray | None  # (N, F) of the network
    empty: BoolArray  # (N,) only noise: neither nucleus nor cell


def measure_images(
    project: Project, card: ModelCard | None, device: str, report: Report
) -> ScreenImages:
    """Read every image once; if there is a network, then compute its features as well."""
    from core.attribution.sanity_checks import cell_mask
    from core.counterfactual.features import read_features
    from core.data.nuclei import nuclear_channel
    from core.data.preprocessing import shrink
    from core.data.readouts import readout_names, readout_values
    from core.evidence.reference import fit_nuclei
    from core.screening.background import background_readouts

    dataset = images_of(project)
    read, records = reader(dataset), dataset.records
    preprocessing = card.preprocessing if card else _preprocessing(dataset, read)
    nuclear = nuclear_channel(dataset.channels)
    nuclei = fit_nuclei(dataset.channels, records, preprocessing, read)
    background_ids = _background_records(dataset)
    names = readout_names()
    mean, dark = names.index("mean"), names.index("p5")
    rows = []
    for i, record in enumerate(records):
        raw = read(record).astype(np.float32)
        values = readout_values(raw, preprocessing.downscale)
        per_channel = values.reshape(len(dataset.channels), len(names))
        count = np.nan
        if nuclear is not None and nuclei is not None:
            stain = raw[nuclear : nuclear + 1].astype(np.float64)
            plane = shrink(stain, preprocessing.downscale)[0]
            count = float(len(np.unique(nuclei.labels(plane))) - 1)
        between_cells = np.full(5 * len(raw), np.nan)
        cells = None
        if record.id in background_ids or not count > 0:
            cells = cell_mask(raw, preprocessing, dataset.pixel_size_um)
        if cells is not None and record.id in background_ids:
            between_cells = background_readouts(raw, cells)
        is_empty = cells is not None and not count > 0 and not cells.any()
        brightness = per_channel[:, mean] - per_channel[:, dark]
        rows.append((values, count, brightness, between_cells, is_empty))
        report(Progress(i + 1, len(records), "Measuring images"))
    readouts, counts, intensity, background, empty = (
        np.array(column, np.float64) for column in zip(*rows)
    )
    features = None
    if card is not None:
        card, model = load_model(project, device)
        mean_feature = model.feature_mean.cpu().numpy()
        scale = model.feature_scale.cpu().numpy()
        features = read_features(model, records, card.preprocessing, read, report)
        features = (features - mean_feature) / scale
    return ScreenImages(records, readouts, counts, intensity, background, features, empty > 0)


def with_cells(measured: ScreenImages) -> tuple[ScreenImages, tuple[str, ...]]:
    """Leave out wells without any cell, which cannot be scored; also returns a note on them."""
    keys = [(r.plate, r.well or r.group) for r in measured.records]
    alive = {key for key, empty in zip(keys, measured.empty) if not empty}
    gone = {key: r.condition for key, r in zip(keys, measured.records) if key not in alive}
    if not gone:
        return measured, ()
    is_alive = np.array([key in alive for key in keys])
    names = ", ".join(f"{name} {count}" for name, count in Counter(gone.values()).most_common(6))
    wells = ", ".join(" ".join(filter(None, key)) for key in list(gone)[:5])
    wells += "…" if len(gone) > 5 else ""
    columns = (measured.readouts, measured.nuclei, measured.intensity, measured.background)
    readouts, nuclei, intensity, background = (v[is_alive] for v in columns)
    features = None if measured.features is None else measured.features[is_alive]
    records = tuple(r for r, k in zip(measured.records, is_alive) if k)
    rest = ScreenImages(
        records, readouts, nuclei, intensity, background, features, measured.empty[is_alive]
    )
    note = (
        f"{len(gone)} wells without any cell were left out, as they cannot be scored ({names}):"
        f" {wells}"
    )
    return rest, (note,)


def _preprocessing(dataset: Dataset, read: Reader) -> Preprocessing:
    step = max(1, len(dataset.records) // PREPROCESSED_FIELDS)
    return fit_preprocessing([read(r).astype(np.float32) for r in dataset.records[::step]], 64)


def _background_records(dataset: Dataset) -> set[str]:
    """Ids of control images whose background is measured, evenly over the wells."""
    roles = {c.name: c.role for c in dataset.conditions}
    controls = [r for r in dataset.records if roles[r.condition] in (Role.HEALTHY, Role.DISEASED)]
    return {r.id for r in controls[:: max(1, len(controls) // MOST_BACKGROUND)]}
