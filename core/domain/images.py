"""The images of a project: condition, channel, record, dataset and problem."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.domain.scanning import ReadAs, ScanOptions

AnyArray = NDArray[Any]
FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]

# Okabe-Ito colours, which colour-blind readers can distinguish. Beyond eight conditions the marker
# shape changes.
CONDITION_COLOURS = (
    "#009E73",
    "#D55E00",
    "#0072B2",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#F0E442",
    "#999999",
)


CHANNEL_COLOURS = ("#3A6BFF", "#2ECC40", "#FF3B30", "#FFC300", "#FF3BD4", "#22D3EE", "#BBBBBB")


class Role(StrEnum):
    """What a condition is for: healthy, diseased, treated or other."""

    HEALTHY = "healthy"
    DISEASED = "diseased"
    TREATED = "treated"
    OTHER = "other"


class Split(StrEnum):
    """What a record is used for; the same for all records of a group."""

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
    """One grey image of a record, one per stain."""

    name: str
    colour: str = "#BBBBBB"


class ProblemKind(StrEnum):
    """What is wrong, for programs; the reason says it for people."""

    UNREADABLE = "unreadable"
    CUT_SHORT = "cut-short"
    MISSING_PART = "missing-part"
    WRONG_CHANNELS = "wrong-channels"
    UNKNOWN_NAMES = "unknown-names"
    MASK = "mask"
    PROCESSED_COPY = "processed-copy"
    OVERLAY = "overlay"
    BINNED = "binned"
    CORRECTION_IMAGE = "correction-image"
    THUMBNAIL = "thumbnail"
    PROJECTION = "projection"
    Z_STACK = "z-stack"
    TIME_SERIES = "time-series"
    TIME_POINTS = "time-points"
    ALPHA = "alpha"
    RGB = "rgb"
    SATURATED = "saturated"
    BLANK = "blank"
    ZERO_TAIL = "zero-tail"
    MIXED_DEPTH = "mixed-depth"
    DEPTH_IS_CONDITION = "depth-is-condition"
    MIXED_SCALE = "mixed-scale"
    SCALE_IS_CONDITION = "scale-is-condition"
    PIXEL_SIZE_LOST = "pixel-size-lost"
    PIXEL_NOT_SQUARE = "pixel-not-square"
    MAGNIFICATION_IS_CONDITION = "magnification-is-condition"
    PLATE_IS_CONDITION = "plate-is-condition"
    WELL_IN_TWO_CONDITIONS = "well-in-two-conditions"
    DUPLICATE = "duplicate"
    SPELLING = "spelling"
    NOT_IN_MAP = "not-in-map"
    MAP_ROW = "map-row"
    MAP_COLUMN_UNUSED = "map-column-unused"
    MAP_CONTRADICTS_FOLDER = "map-contradicts-folder"
    OUTSIDE_FOLDER = "outside-folder"
    DAMAGED = "damaged"
    MAKER_FORMAT = "maker-format"
    OTHER_FILE = "other-file"
    UNTESTABLE = "untestable"  # a condition in a single group
    FEW_WELLS = "few-wells"  # a condition in so few groups that training and test share very few
    IMBALANCED = "imbalanced"  # a condition with far fewer images than another
    GROUPS = "groups"  # groups were taken from elsewhere than asked
    CONTROL = "control"  # the images were made for a control
    OTHER = "other"

    @property
    def is_confounder(self) -> bool:
        """Whether something else goes together with the condition: a network may learn this."""
        return self.value.endswith("-is-condition")


CONTRADICTIONS = (ProblemKind.WELL_IN_TWO_CONDITIONS, ProblemKind.MAP_CONTRADICTS_FOLDER)


@dataclass(frozen=True)
class Problem:
    """Something that was left out or is doubtful, with a remedy."""

    item: str
    reason: str
    remedy: str = ""
    severity: str = "excluded"  # "excluded" | "warning"
    kind: ProblemKind = ProblemKind.OTHER

    @property
    def sentence(self) -> str:
        """The reason as a sentence."""
        return f"{self.reason[:1].upper()}{self.reason[1:].rstrip('. ')}."

    @property
    def with_condition(self) -> bool:
        """Whether a network may learn this instead of the condition, or a wrong condition."""
        return self.kind.is_confounder or self.kind in CONTRADICTIONS

    @property
    def is_red(self) -> bool:
        """Whether this must be seen before anything is trained."""
        return self.severity == "excluded" or self.with_condition


@dataclass(frozen=True)
class ImageRecord:
    """One field of view: its files, its condition and its well.

    `files` are POSIX paths relative to the dataset's root: one file with all channels, or one per
    channel. `planes[c]` is the index of channel c in the C axis of its file (0 for a file with one
    plane). `group` is never split: a well, culture, donor or movie.

    A file may hold more than one image: `scene` names the field, `z` says how planes become one
    (max, mean, a number from 1, or stains), and `t` is the number of the time point, or stains.
    With a `depth` above 1 each file stands for as many files, one for each plane of a stack.
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
    scene: str = ""
    z: str = ""
    t: str = ""
    depth: int = 1


@dataclass(frozen=True)
class Dataset:
    """A folder of records with the same channels, and the problems of the scan."""

    root: Path
    channels: tuple[Channel, ...]
    conditions: tuple[Condition, ...]
    records: tuple[ImageRecord, ...]
    problems: tuple[Problem, ...] = ()
    pixel_size_um: float | None = None
    plate_shape: tuple[int, int] | None = None  # rows, columns when wells are known
    options: ScanOptions | None = None  # how the folder was read; None: by an earlier version
    read_as: ReadAs | None = None  # what its names mean; None: read by an earlier version
    known: tuple[str, ...] = ()  # findings that the user has read, in their words

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
        """The part of the dataset with these conditions."""
        conditions = tuple(c for c in self.conditions if c.name in names)
        return replace(
            self,
            conditions=conditions,
            records=tuple(r for r in self.records if r.condition in names),
        )

    @property
    def confounders(self) -> "tuple[Problem, ...]":
        """What goes together with the condition, such as bit depth or plate."""
        return tuple(p for p in self.problems if p.kind.is_confounder)

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
