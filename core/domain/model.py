"""A trained model: preprocessing, model card, quality of the inverse, and latents."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from core.domain.images import Channel, Condition, Dataset, FloatArray, ImageRecord, IntArray, Split
from core.domain.limits import LARGEST_GAIN

# Rows of a shift between conditions: background and log gain; fine detail, finest band first.
LEVELS, BANDS = 2, 3


@dataclass(frozen=True)
class Preprocessing:
    """From raw grey values to network input, exactly reversible per channel.

    x = (curve((raw - offset_c) / scale_c) - mean_c) * gain_c   with curve linear or asinh. `low`
    and `high` are the display range of each channel, with which errors are compared. `downscale`
    averages blocks of f x f pixels first; changes are interpolated back to full size.
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
    """The quality of the inverse of a trained model, measured on test records."""

    records: int
    roundtrip_max: float  # largest |x - F^-1(F(x))| as share of the channel's range
    roundtrip_median: float
    contraction: tuple[float, ...]  # largest Lipschitz estimate per block
    failed: tuple[str, ...] = ()  # ids of records with errors above a quarter grey level of 255
    evaluations: float = 0.0  # mean network evaluations per encoded record
    # Error of an image at strength 1 as a multiple of the round-trip error, geometric mean.
    growth: float = 5.0
    # Residual that is small enough for a display, see core.counterfactual.block_schedule.
    screen_tolerance: float = 1.5e-4


@dataclass(frozen=True)
class ModelCard:
    """Kind, training and accuracy of a model; stored as model.json."""

    name: str
    kind: str  # "iresnet", or a baseline
    channels: tuple[Channel, ...]
    conditions: tuple[Condition, ...]
    preprocessing: Preprocessing
    architecture: dict[str, Any]
    preset: str
    seed: int
    dataset_digest: str
    split: dict[str, str]  # group -> Split value
    training: dict[str, Any] = field(default_factory=dict)  # steps, seconds, memory, final loss
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

    def draws(self, source: str, target: str) -> bool:
        """Whether the network moves the pattern; not where only brightness or detail differ."""
        shifts = (self.training.get(name, {}) for name in ("level_shifts", "detail_shifts"))
        shifted = any(target in of_kind.get(source, {}) for of_kind in shifts)
        gain = self.training.get("gains", {}).get(source, {}).get(target)
        return not (shifted and gain == 0)

    def falls_short(self, source: str, target: str) -> bool:
        """Whether the calibration of the strength ended at its limit, short of the target."""
        gain = self.training.get("gains", {}).get(source, {}).get(target, 0.0)
        return bool(gain >= LARGEST_GAIN)

    def part_of(self, record: ImageRecord) -> str:
        """Split value of a record.

        Records of unknown groups are test records, unless the model was trained on the image.
        """
        unknown = Split.TRAIN if record.digest in self._seen else Split.TEST
        return self.split.get(record.group, str(unknown))


@dataclass(frozen=True)
class LatentTable:
    """The latents of N records, one per row, in the order of `record_ids`."""

    record_ids: tuple[str, ...]
    conditions: tuple[str, ...]  # class order, K names
    truth: IntArray  # (N,) index into conditions
    split: tuple[str, ...]  # (N,) Split values
    features: FloatArray  # (N, D) pooled features
    coordinates: FloatArray  # (N, K-1) logit coordinates
    logits: FloatArray  # (N, K)
    probabilities: FloatArray  # (N, K) calibrated
    model_digest: str

    def row(self, record_id: str) -> int:
        """Row of this record; raises ValueError."""
        return self.record_ids.index(record_id)

    def describes(self, dataset: Dataset) -> bool:
        """Whether every row is a record of this dataset, with the same condition."""
        now = {r.id: r.condition for r in dataset.records}
        rows = zip(self.record_ids, self.truth, strict=True)
        return all(now.get(record_id) == self.conditions[k] for record_id, k in rows)

    @property
    def predicted(self) -> IntArray:
        """(N,) index of the most probable condition."""
        best: IntArray = np.argmax(self.probabilities, axis=1)
        return best
