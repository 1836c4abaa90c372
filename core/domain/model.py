"""A model and what it reads from every record: preprocessing, card, latents."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from core.domain.images import Channel, Condition, Dataset, FloatArray, ImageRecord, IntArray, Split


@dataclass(frozen=True)
class Preprocessing:
    """How raw grey values become network input, exactly reversible per channel.

    x = (curve((raw - offset_c) / scale_c) - mean_c) * gain_c   with curve linear or asinh;
    `range_c` (raw grey values) is the channel's display range, to which errors are compared.
    `downscale` averages blocks of f x f pixels first; the change is brought back by interpolation.
    """

    offset: tuple[float, ...]
    scale: tuple[float, ...]
    mean: tuple[float, ...]
    gain: tuple[float, ...]
    low: tuple[float, ...]  # display range, raw grey values
    high: tuple[float, ...]
    curve: str = "asinh"
    downscale: int = 1
    crop: int = 96

    @property
    def span(self) -> tuple[float, ...]:
        """Width of the display range per channel, in raw grey values."""
        return tuple(h - lo for lo, h in zip(self.low, self.high, strict=True))


@dataclass(frozen=True)
class InverseQuality:
    """The inverse of the trained model, measured on its test records (not promised)."""

    records: int
    roundtrip_max: float  # largest |x - F^-1(F(x))| as share of the channel's range
    roundtrip_median: float
    contraction: tuple[float, ...]  # largest measured residual ratio per block
    failed: tuple[str, ...] = ()  # ids of records beyond a quarter grey level of 255
    evaluations: float = 0.0  # network evaluations per encoded record, mean
    growth: float = (
        5.0  # error of a picture moved to strength 1, in round-trip errors: geometric mean
    )
    screen_tolerance: float = (
        1.5e-4  # residual that is good enough for a screen, see core.counterfactual.block_schedule
    )


@dataclass(frozen=True)
class ModelCard:
    """What a model is, what it was trained on and how well it does. Stored as model.json."""

    name: str
    kind: str  # "iresnet"
    channels: tuple[Channel, ...]
    conditions: tuple[Condition, ...]
    preprocessing: Preprocessing
    architecture: dict[str, Any]
    preset: str
    seed: int
    dataset_digest: str
    split: dict[str, str]  # group -> Split value
    training: dict[str, Any] = field(
        default_factory=dict
    )  # steps, seconds, peak memory, final loss
    accuracy: dict[str, Any] = field(default_factory=dict)  # the evaluation report
    inverse: InverseQuality | None = None
    pixel_size_um: float | None = None
    digest: str = ""  # of the weights file
    seen: tuple[str, ...] = ()  # digests of the images of training and validation

    @property
    def condition_names(self) -> tuple[str, ...]:
        """Names of the conditions in class-index order."""
        return tuple(c.name for c in self.conditions)

    @cached_property
    def _seen(self) -> frozenset[str]:
        return frozenset(self.seen)

    def part_of(self, record: ImageRecord) -> str:
        """Split value of a record.

        Unknown groups are test, but not what was trained on and is grouped anew.
        """
        unknown = Split.TRAIN if record.digest in self._seen else Split.TEST
        return self.split.get(record.group, str(unknown))


@dataclass(frozen=True)
class LatentTable:
    """What the model reads from every record. Row order is that of `record_ids`."""

    record_ids: tuple[str, ...]
    conditions: tuple[str, ...]  # class order, K names
    truth: IntArray  # (N,) index into conditions
    split: tuple[str, ...]  # (N,) Split values
    features: FloatArray  # (N, D) pooled features
    coordinates: FloatArray  # (N, K-1) semantic coordinates
    logits: FloatArray  # (N, K)
    probabilities: FloatArray  # (N, K) calibrated
    model_digest: str

    def row(self, record_id: str) -> int:
        """Row of this record; raises ValueError."""
        return self.record_ids.index(record_id)

    def describes(self, dataset: Dataset) -> bool:
        """Whether every row is a record of this dataset under the condition it had when it was
        read.
        """
        now = {r.id: r.condition for r in dataset.records}
        return all(
            now.get(i) == self.conditions[t]
            for i, t in zip(self.record_ids, self.truth, strict=True)
        )

    @property
    def predicted(self) -> IntArray:
        """(N,) index of the most probable condition."""
        best: IntArray = np.argmax(self.probabilities, axis=1)
        return best
