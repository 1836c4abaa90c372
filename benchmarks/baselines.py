"""Simple explanations that need no training, and that the network must surpass."""

# ruff: noqa: TID253 - the window never imports this module

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.cultures import Culture, Way
from benchmarks.rival_models import class_statistics, from_pyramid, pyramid, transported
from core.data.batches import FieldStore
from core.data.preprocessing import from_network, to_network
from core.domain import FloatArray, ImageRecord, Split
from core.io.read_verified import read_verified

Change = Callable[[Culture, Way], FloatArray]


def _training(session: Any) -> tuple[list[ImageRecord], Callable[[ImageRecord], FloatArray]]:
    dataset = session.project.dataset
    records = [r for r in dataset.records if session.card.split[r.group] == Split.TRAIN]
    return records, lambda r: read_verified(dataset.root, r).astype(np.float32)


def class_ratio(session: Any) -> Change:
    """Multiply each channel by the ratio of the mean signals of both conditions."""
    records, read = _training(session)
    offset = np.array(session.card.preprocessing.offset)
    by_condition: dict[str, list[FloatArray]] = {}
    for record in records:
        by_condition.setdefault(record.condition, []).append(read(record).mean(axis=(1, 2)))
    means = {k: np.mean(v, axis=0) - offset for k, v in by_condition.items()}

    def change(culture: Culture, way: Way) -> FloatArray:
        s, t = (means[k] for k in way)
        signal = culture.images[way[0]] - offset[:, None, None]
        moved: FloatArray = signal * (t / s - 1)[:, None, None]
        return moved

    return change


def haar_pyramid(session: Any) -> Change:
    """Give each band of each channel the mean and the spread of the target."""
    card = session.card
    records, read = _training(session)
    names = card.condition_names
    labels = np.array([names.index(r.condition) for r in records])
    stats = class_statistics(
        pyramid, FieldStore(records, card.preprocessing, read), labels, len(names)
    )

    def change(culture: Culture, way: Way) -> FloatArray:
        x = torch.from_numpy(to_network(card.preprocessing, culture.images[way[0]]))[None]
        moved = from_pyramid(transported(pyramid(x), *(stats[names.index(k)] for k in way)))
        before, after = (from_network(card.preprocessing, v[0].numpy()) for v in (x, moved))
        return after - before

    return change
