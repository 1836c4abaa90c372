"""How a folder is read: the choices of the user, and the questions that are open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class QuestionKind(StrEnum):
    """What a scan can ask."""

    STAIN = "stain"
    CONDITION = "condition"
    ROLE = "role"
    TIME = "time"
    Z = "z"
    WELL = "well"
    PLATE = "plate"
    GROUP = "group"
    SLICES = "slices"
    MAP = "map"
    KIND_OF_IMAGE = "kind-of-image"


@dataclass(frozen=True)
class Question:
    """What names and files do not say. Without a `default`, nothing is written until answered."""

    kind: QuestionKind
    text: str
    choices: tuple[str, ...] = ()
    default: str | None = None


@dataclass(frozen=True)
class ScanOptions:
    """How a folder is scanned.

    `group_by` is well, plate, record or a column of the plate map. Conditions in `exclude` are left
    out. `pixel_size_um` replaces the pixel size of the files. `answers` are kinds of questions with
    the choice that was taken.
    """

    pattern: str | None = None
    condition_from: str = "folder"
    plate_map: Path | None = None
    group_by: str = "well"
    exclude: Sequence[str] = ()
    pixel_size_um: float | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
