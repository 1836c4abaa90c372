"""The nouns of the program: conditions, records, latents, counterfactuals, panels.

All are frozen; none knows torch or Qt. Images are C Y X, latents (N, D), logits (N, K).
Records say where pixels are and never hold pixels.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]

# Okabe-Ito: told apart by colour-blind readers. Beyond eight conditions the marker shape changes.
CONDITION_COLOURS = ("#009E73", "#D55E00", "#0072B2", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#999999")
CHANNEL_COLOURS = ("#3A6BFF", "#2ECC40", "#FF3B30", "#FFC300", "#FF3BD4", "#22D3EE", "#BBBBBB")


class Role(StrEnum):
    """What a condition is for the question asked."""

    HEALTHY = "healthy"
    DISEASED = "diseased"
    TREATED = "treated"
    OTHER = "other"


class Split(StrEnum):
    """Which part of the work a record serves. Whole groups only."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True)
class Condition:
    """One class of cultures: WT, DS, TT, or a drug at a dose."""

    name: str
    role: Role = Role.OTHER
    colour: str = CONDITION_COLOURS[-1]
    dose_um: float | None = None


@dataclass(frozen=True)
class Channel:
    """One stain."""

    name: str
    colour: str = "#BBBBBB"


LIGHTS = ("green", "amber", "red")  # from good to bad
CHECKS = ("model", "judges", "distance", "readouts", "rest")  # of every evidence card, in this order


@dataclass(frozen=True)
class Problem:
    """One thing that was left out or is doubtful, in words a biologist can act on."""

    item: str
    reason: str
    remedy: str = ""
    severity: str = "excluded"  # "excluded" | "warning"


@dataclass(frozen=True)
class ImageRecord:
    """One field of view: where its pixels are and where the culture stood.

    `files` are POSIX paths relative to the dataset's root: one file with all channels, or one per channel.
    `planes[c]` is the plane that is channel c: its index within its file's C axis (0 where a file has one plane).
    `group` is what must never be split: well, culture, donor or movie.
    """

    id: str
    files: tuple[str, ...]
    planes: tuple[int, ...]
    condition: str
    group: str
    well: str = ""
    plate: str = ""
    site: str = ""
    shape: tuple[int, int, int] = (0, 0, 0)  # C Y X
    dtype: str = "uint16"
    digest: str = ""  # blake2b over the bytes of all files
    flags: tuple[str, ...] = ()  # quality flags, e.g. "saturated 12 %"


@dataclass(frozen=True)
class Dataset:
    """A folder of records that share channels, with everything that was left out and why."""

    root: Path
    channels: tuple[Channel, ...]
    conditions: tuple[Condition, ...]
    records: tuple[ImageRecord, ...]
    problems: tuple[Problem, ...] = ()
    pixel_size_um: float | None = None
    plate_shape: tuple[int, int] | None = None  # rows, columns when wells are known

    @property
    def condition_names(self) -> tuple[str, ...]:
        """Names of the conditions in their fixed order; the class index is the position here."""
        return tuple(c.name for c in self.conditions)

    @property
    def digest(self) -> str:
        """Fingerprint of the images and their labels: same digest, same data."""
        lines = sorted(f"{r.id}\t{r.digest}\t{r.condition}\t{r.group}" for r in self.records)
        return blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()

    def of(self, names: Sequence[str]) -> "Dataset":
        """The part of it under these conditions."""
        conditions = tuple(c for c in self.conditions if c.name in names)
        return replace(self, conditions=conditions, records=tuple(r for r in self.records if r.condition in names))

    def record(self, record_id: str) -> ImageRecord:
        """The record with this id; raises KeyError."""
        for record in self.records:
            if record.id == record_id:
                return record
        raise KeyError(record_id)

    def condition(self, name: str) -> Condition:
        """The condition of this name; raises KeyError."""
        for condition in self.conditions:
            if condition.name == name:
                return condition
        raise KeyError(name)

    def counts(self) -> dict[str, int]:
        """Records per condition, in the order of the conditions."""
        counted = Counter(r.condition for r in self.records)
        return {name: counted.get(name, 0) for name in self.condition_names}


@dataclass(frozen=True)
class Recipe:
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
    growth: float = 5.0  # error of a picture moved to strength 1, in round-trip errors: geometric mean
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
    recipe: Recipe
    architecture: dict[str, Any]
    preset: str
    seed: int
    dataset_digest: str
    split: dict[str, str]  # group -> Split value
    training: dict[str, Any] = field(default_factory=dict)  # steps, seconds, peak memory, final loss
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
        """Split value of a record. Unknown groups are test, but not what was trained on and is grouped anew."""
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
        """Whether every row is a record of this dataset under the condition it had when it was read."""
        now = {r.id: r.condition for r in dataset.records}
        return all(now.get(i) == self.conditions[t] for i, t in zip(self.record_ids, self.truth, strict=True))

    @property
    def predicted(self) -> IntArray:
        """(N,) index of the most probable condition."""
        best: IntArray = np.argmax(self.probabilities, axis=1)
        return best


EXACT_PLANE = "exact plane"  # method of a projection of three conditions


@dataclass(frozen=True)
class Projection:
    """Frozen 2-D places of the records. Distances and cluster sizes are not effect sizes."""

    record_ids: tuple[str, ...]
    xy: FloatArray  # (N, 2)
    method: str  # "umap" | "exact plane" | "pca"
    settings: dict[str, Any]
    seed: int
    model_digest: str
    placed_by: FloatArray | None = None  # (N, K-1) semantic coordinates the places were made from
    strangers: tuple[str, ...] = ()  # records unlike all that the model learned from: their place says little

    def belongs_to(self, latents: LatentTable) -> bool:
        """Whether it shows these latents: of the same model and the same records, in their order."""
        return (self.model_digest, self.record_ids) == (latents.model_digest, latents.record_ids)


@dataclass(frozen=True)
class DecisionMap:
    """The model's own decision regions on the map, with where there is data and how far to trust it."""

    extent: tuple[float, float, float, float]  # x0, x1, y0, y1 of the pixel grid's outer edges
    posterior: FloatArray  # (H, W, K); row 0 is y0
    coordinates: FloatArray  # (H, W, K-1) semantic coordinates of each pixel
    support: BoolArray  # (H, W): is there data here?
    conditions: tuple[str, ...]
    anchors: FloatArray  # (K, 2): where each condition typically lies
    fidelity: float  # share of held-out points whose region is the model's prediction
    fidelity_points: int
    held_out: bool  # False where no held-out points exist and training points were used
    model_digest: str
    rough: bool = False  # drawn at once by a kernel; the network that draws them better was not fitted


@dataclass(frozen=True)
class Check:
    """One line of an evidence card."""

    name: str  # one of CHECKS
    light: str  # "green" | "amber" | "red"
    words: str  # what was found, for people


@dataclass(frozen=True)
class Evidence:
    """What speaks for and against a counterfactual, or a whole direction. The light is the worst of its checks."""

    checks: tuple[Check, ...]
    values: dict[str, float | bool | str]  # every figure behind the checks, for tables

    @property
    def light(self) -> str:
        """green: every check holds; amber: at least one is doubtful; red: at least one fails."""
        return max((c.light for c in self.checks), key=LIGHTS.index, default="red")


@dataclass(frozen=True)
class Counterfactual:
    """One record moved toward other conditions. All images C Y X in raw grey values at the file's own size."""

    record_id: str
    source: str
    weights: dict[str, float]  # condition -> weight, sum 1
    strength: float  # 0 = original, 1 = as far as the target condition typically is
    original: FloatArray
    image: FloatArray
    difference: FloatArray
    probabilities: FloatArray  # (K,) of the re-encoded counterfactual
    coordinates: FloatArray  # (K-1,) of the re-encoded counterfactual
    roundtrip_error: float  # share of the range, worst channel
    valid: bool = True
    reason: str = ""  # why it is not shown, when not valid
    clipped: float = 0.0  # share of pixels outside the file's grey values
    xy: tuple[float, float] | None = None  # where it lands on the map, when there is one
    contraction: float = 0.0  # largest of all blocks, measured while this image was encoded
    held: tuple[str, ...] = ()  # channels that were not allowed to move
    evidence: Evidence | None = None  # None while dragging, and where the model has no judges
    picture_error: float = 0.0  # estimate of the largest error of `image` by the solver, share of the range
    draft: bool = False  # rough, for the screen while the handle moves; nothing else may use it

    def channel_shares(self, spans: tuple[float, ...]) -> FloatArray:
        """(C,) share of the change each channel carries: root mean square over its display range, summing to 1."""
        size = np.sqrt(np.square(self.difference, dtype=np.float64).mean(axis=(1, 2))) / np.maximum(spans, 1e-12)
        shares: FloatArray = size / size.sum() if size.sum() > 0 else size
        return shares

    @property
    def target(self) -> str:
        """The condition with the largest weight."""
        return max(self.weights, key=lambda name: self.weights[name])


METHODS = ("saliency", "integrated-gradients", "occlusion", "gradcam")  # of attribution
UNSIGNED = ("saliency",)  # of METHODS: a size, never below zero
AUTOENCODER = "autoencoder"  # beside them: what an autoencoder draws otherwise


@dataclass(frozen=True)
class Attribution:
    """Where a network looks when it tells `source` from `target`: how much every pixel speaks for the target."""

    method: str  # one of METHODS, or AUTOENCODER
    network: str  # name of the model that was asked
    record_id: str
    source: str
    target: str
    values: FloatArray  # (C, Y, X) at the file's own size; (1, Y, X) where the method knows no stains (Grad-CAM)
    settings: dict[str, Any] = field(default_factory=dict)  # window, baseline, seconds, shares: as for tables


@dataclass(frozen=True)
class PathPoint:
    """One step of the way from the original to the target."""

    strength: float
    probabilities: FloatArray  # (K,)
    xy: tuple[float, float] | None


@dataclass(frozen=True)
class CounterfactualPath:
    """The whole way of one record toward one target; `crossing` is the strength where the class changes."""

    record_id: str
    target: str
    points: tuple[PathPoint, ...]
    crossing: float | None


@dataclass(frozen=True)
class PanelSpec:
    """One figure panel the user collected, as words and numbers that can be computed again."""

    kind: str  # "counterfactual" | "map" | "path" | "confusion" | "comparison" | "ranking" | "residual"
    record_id: str = ""
    weights: dict[str, float] = field(default_factory=dict)
    strength: float = 1.0
    title: str = ""
    hold: tuple[str, ...] | None = None  # channels that must not move; None: those in which no readout differs
    plane: tuple[str, ...] = ()  # of a map: its three conditions; (): all
    network: str = ""  # of a comparison: whose decision is explained; "": the project's model
    window_um: float | None = None  # of a comparison: side of what occlusion hides; None: the usual one
    window_px: int | None = None  # the same in pixels of the file, where their size is not known


@dataclass(frozen=True)
class Project:
    """A folder with everything that belongs to one question."""

    folder: Path
    name: str
    dataset: Dataset | None = None
    model: str = ""  # name of the current model under models/
    created: str = ""
    panels: tuple[PanelSpec, ...] = ()
