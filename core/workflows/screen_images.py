"""What a screen measures of every image: readouts, nuclei, background, latents."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    pass


MOST_BACKGROUND = 400  # images of the controls whose background is read


@dataclass(frozen=True)
class ScreenImages:
    """What was measured of N images."""

    records: tuple[ImageRecord, ...]
    readouts: FloatArray  # (N, R)
    nuclei: FloatArray  # (N,) nan where no channel shows them
    intensity: FloatArray  # (N, C)
    background: FloatArray  # (N, 5 C) nan where not asked or nothing but cells
    features: FloatArray | None  # (N, F) of the network
    empty: BoolArray  # (N,) nothing but noise: neither nucleus nor cell


def measure_images(
    project: Project, card: ModelCard | None, device: str, report: Report
) -> ScreenImages:
    """Read every image once; then let the network read them, where there is one."""
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
    nuclear, nuclei = (
        nuclear_channel(dataset.channels),
        fit_nuclei(dataset.channels, records, preprocessing, read),
    )
    asked = _background_records(dataset)
    names = readout_names()
    mean, dark = names.index("mean"), names.index("p5")
    rows = []
    for i, record in enumerate(records):
        raw = read(record).astype(np.float32)
        values = readout_values(raw, preprocessing.downscale)
        per_channel = values.reshape(len(dataset.channels), len(names))
        count = np.nan
        if nuclear is not None and nuclei is not None:
            plane = shrink(raw[nuclear : nuclear + 1].astype(np.float64), preprocessing.downscale)[
                0
            ]
            count = float(len(np.unique(nuclei.labels(plane))) - 1)
        between = np.full(5 * len(raw), np.nan)
        cells = (
            cell_mask(raw, preprocessing, dataset.pixel_size_um)
            if record.id in asked or not count > 0
            else None
        )
        if cells is not None and record.id in asked:
            between = background_readouts(raw, cells)
        nothing = cells is not None and not count > 0 and not cells.any()
        rows.append((values, count, per_channel[:, mean] - per_channel[:, dark], between, nothing))
        report(Progress(i + 1, len(records), "Measuring images"))
    readouts, counts, intensity, background, empty = (
        np.array(column, np.float64) for column in zip(*rows)
    )
    features = None
    if card is not None:
        card, model = load_model(project, device)
        raw_features = read_features(model, records, card.preprocessing, read, report)
        features = (
            raw_features - model.feature_mean.cpu().numpy()
        ) / model.feature_scale.cpu().numpy()
    return ScreenImages(records, readouts, counts, intensity, background, features, empty > 0)


def with_cells(measured: ScreenImages) -> tuple[ScreenImages, tuple[str, ...]]:
    """Without the wells whose images hold nothing but noise, which have no place; and a word on
    them.
    """
    keys = [(r.plate, r.well or r.group) for r in measured.records]
    alive = {key for key, empty in zip(keys, measured.empty) if not empty}
    gone = {key: r.condition for key, r in zip(keys, measured.records) if key not in alive}
    if not gone:
        return measured, ()
    kept = np.array([key in alive for key in keys])
    names = ", ".join(f"{name} {count}" for name, count in Counter(gone.values()).most_common(6))
    where = ", ".join(" ".join(filter(None, key)) for key in list(gone)[:5]) + (
        "…" if len(gone) > 5 else ""
    )
    columns = (measured.readouts, measured.nuclei, measured.intensity, measured.background)
    readouts, nuclei, intensity, background = (v[kept] for v in columns)
    features = None if measured.features is None else measured.features[kept]
    records = tuple(r for r, k in zip(measured.records, kept) if k)
    left = ScreenImages(
        records, readouts, nuclei, intensity, background, features, measured.empty[kept]
    )
    return left, (
        (
            f"{len(gone)} wells without any cell were left out, as they have no place ({names}):"
            f" {where}"
        ),
    )


def _preprocessing(dataset: Dataset, read: Reader) -> Preprocessing:
    step = max(1, len(dataset.records) // PREPROCESSED_FIELDS)
    return fit_preprocessing([read(r).astype(np.float32) for r in dataset.records[::step]], 64)


def _background_records(dataset: Dataset) -> set[str]:
    """Images of the controls, evenly over their wells."""
    roles = {c.name: c.role for c in dataset.conditions}
    own = [r for r in dataset.records if roles[r.condition] in (Role.HEALTHY, Role.DISEASED)]
    return {r.id for r in own[:: max(1, len(own) // MOST_BACKGROUND)]}
