"""What the model reads in the images of the held-out wells: a table, and images right and wrong.

Everything comes from the latents and the report that training stored; no network runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

import numpy as np

from core.domain import Split

if TYPE_CHECKING:
    from core.domain import IntArray, LatentTable
    from leigh_gui.opened import Opened

MOST = 6  # pictures of each kind: one row


@dataclass(frozen=True)
class Row:
    """One condition: how often its held-out images are read as each condition."""

    condition: str
    read_as: tuple[int, ...]  # images, in the order of the conditions of the model
    right: int
    wells: int | None  # held out; None where nothing says so

    @property
    def images(self) -> int:
        """Held-out images of this condition."""
        return sum(self.read_as)


@dataclass(frozen=True)
class ReadImage:
    """A held-out image and the condition that the model reads in it."""

    record_id: str
    condition: str
    read: str
    probability: float


@dataclass(frozen=True)
class HeldOut:
    """What is known of the held-out images; empty without a report."""

    rows: tuple[Row, ...] = ()
    right: tuple[ReadImage, ...] = ()  # a few
    wrong: tuple[ReadImage, ...] = ()  # a few, the most certain first
    wrongs: int = 0  # of all
    missing: str = ""  # what to do, where something is missing


def held_out_images(opened: Opened | None) -> HeldOut:
    """The table of the report, and a few images of the latents."""
    card = opened.card if opened is not None else None
    if opened is None or card is None:
        return HeldOut(missing="Train a model to see which held-out images it reads right.")
    table = card.accuracy.get("confusion")
    if not table:
        reason = str(card.accuracy.get("reason") or "")
        return HeldOut(missing=reason or "Train again to see which held-out images are read right.")
    latents = opened.latents
    wells = _wells(opened, latents) if latents is not None else {}
    rows = tuple(
        Row(name, tuple(int(n) for n in counts), int(counts[k]), wells.get(name))
        for k, (name, counts) in enumerate(zip(card.condition_names, table, strict=True))
    )
    if latents is None:
        return HeldOut(rows, missing="Compute the map to see pictures of these images.")
    read = _read(opened, latents)
    wrong = sorted((r for r in read if r.read != r.condition), key=lambda r: -r.probability)
    right = _of_each([r for r in read if r.read == r.condition], card.condition_names)
    return HeldOut(rows, tuple(right[:MOST]), tuple(wrong[:MOST]), len(wrong))


def _test_rows(latents: LatentTable) -> IntArray:
    return np.flatnonzero(np.array(latents.split) == Split.TEST)


def _wells(opened: Opened, latents: LatentTable) -> dict[str, int]:
    """Condition -> number of held-out wells or groups."""
    dataset = opened.project.dataset
    groups = {r.id: r.group for r in dataset.records} if dataset is not None else {}
    found: dict[str, set[str]] = {}
    for row in _test_rows(latents):
        group = groups.get(latents.record_ids[row])
        if group is not None:
            found.setdefault(latents.conditions[latents.truth[row]], set()).add(group)
    return {name: len(of) for name, of in found.items()}


def _read(opened: Opened, latents: LatentTable) -> list[ReadImage]:
    dataset = opened.project.dataset
    there = {r.id for r in dataset.records} if dataset is not None else set()
    predicted, names = latents.predicted, latents.conditions
    return [
        ReadImage(
            latents.record_ids[row],
            names[latents.truth[row]],
            names[predicted[row]],
            float(latents.probabilities[row, predicted[row]]),
        )
        for row in _test_rows(latents)
        if latents.record_ids[row] in there
    ]


def _of_each(images: list[ReadImage], names: Sequence[str]) -> list[ReadImage]:
    """The images of all conditions in turn, the most certain first."""
    by_condition = [
        sorted((i for i in images if i.condition == name), key=lambda i: -i.probability)
        for name in names
    ]
    return [image for image in chain(*zip_longest(*by_condition)) if image is not None]
