"""Measures real images and counterfactuals alike: hand-made readouts, an embedding, the judges' verdicts, nuclei."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.data.cells import Nuclei, lost_and_gained, nuclear_channel
from core.data.readouts import readouts
from core.data.recipe import shrink
from core.domain import BoolArray, Channel, FloatArray, ImageRecord, IntArray, Recipe, Split
from core.models.judges import Judges
from core.progress import Progress, Report, silent

CELLS_FROM = 24  # real images whose nuclei set the threshold


@dataclass(frozen=True)
class Measured:
    """What one image measures."""

    readouts: FloatArray  # (R,)
    embedding: FloatArray  # (D,)
    judged: FloatArray  # (J, K) probabilities of every judge


@dataclass(frozen=True)
class Real:
    """What real images measure, row by row; kept beside the model."""

    names: tuple[str, ...]  # R readouts
    channel: IntArray  # (R,) the channel a readout is of
    conditions: tuple[str, ...]
    truth: IntArray  # (N,)
    groups: tuple[str, ...]  # (N,)
    held_out: BoolArray  # (N,) images of groups that neither model nor judges were trained on
    readouts: FloatArray  # (N, R)
    embedding: FloatArray  # (N, D)
    judged: FloatArray  # (N, J, K)


class Panel:
    """The judges and readouts of one model. Images (C, Y, X) in raw grey values at the file's own size."""

    def __init__(self, judges: Judges, channels: Sequence[Channel], recipe: Recipe, nuclei: Nuclei | None) -> None:
        self.judges, self.recipe, self.nuclei = judges, recipe, nuclei
        self.nuclear = nuclear_channel(channels)

    def measure(self, raw: FloatArray) -> Measured:
        """Everything measured of one image."""
        values = np.array(list(readouts(self._small(raw)).values()))
        return Measured(values, self.judges.embedding(raw), self.judges.probabilities(raw))

    def cells(self, before: FloatArray, after: FloatArray) -> tuple[int, int, int] | None:
        """(nuclei, lost, gained) from one image to another; None where no channel is known to show nuclei."""
        if self.nuclear is None or self.nuclei is None:
            return None
        return lost_and_gained(self.nuclei, self._small(before)[self.nuclear], self._small(after)[self.nuclear])

    def _small(self, raw: FloatArray) -> FloatArray:
        return shrink(np.asarray(raw, np.float64), self.recipe.downscale)


def fit_nuclei(
    channels: Sequence[Channel],
    records: Sequence[ImageRecord],
    recipe: Recipe,
    read: Callable[[ImageRecord], FloatArray],
) -> Nuclei | None:
    """One threshold and size of nuclei for all images, from some real ones; None without a nuclear channel."""
    nuclear = nuclear_channel(channels)
    if nuclear is None:
        return None
    step = max(1, len(records) // CELLS_FROM)
    planes = [shrink(read(r)[nuclear : nuclear + 1].astype(np.float64), recipe.downscale)[0] for r in records[::step]]
    sides = tuple(min(p.shape[k] for p in planes) for k in (0, 1))
    return Nuclei(np.concatenate([p[: sides[0], : sides[1]] for p in planes], axis=1))


def measure_real(
    panel: Panel,
    records: Sequence[ImageRecord],
    conditions: tuple[str, ...],
    channels: Sequence[Channel],
    split: Mapping[str, str],
    read: Callable[[ImageRecord], FloatArray],
    report: Report = silent,
) -> Real:
    """Measure real images; the reference that counterfactuals are held against."""
    rows = []
    for i, record in enumerate(records):
        rows.append(panel.measure(read(record)))
        report(Progress(i + 1, len(records), "Measuring real images"))
    names = tuple(readouts(panel._small(read(records[0]))))
    per_channel = len(names) // len(channels)
    return Real(
        names=tuple(f"{channels[i // per_channel].name} {n.split('_', 1)[1]}" for i, n in enumerate(names)),
        channel=np.arange(len(names)) // per_channel,
        conditions=conditions,
        truth=np.array([conditions.index(r.condition) for r in records], np.int64),
        groups=tuple(r.group for r in records),
        held_out=np.array([split.get(r.group, Split.TEST) == Split.TEST for r in records]),
        readouts=np.stack([m.readouts for m in rows]),
        embedding=np.stack([m.embedding for m in rows]),
        judged=np.stack([m.judged for m in rows]),
    )
