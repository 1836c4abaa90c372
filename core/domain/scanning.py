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
class ImagePlace:
    """Where an image lies that is not a whole file: file, name of the field, time point from 1.

    `z` is max, mean or a plane from 1, "" for the maximum. `t` or `z` may be stains: all of them.
    """

    file: str
    scene: str = ""
    t: str = ""
    z: str = ""


@dataclass(frozen=True)
class Question:
    """What names and files do not say. Without a `default`, nothing is written until answered.

    `about` tells questions of one kind apart: a file whose name is like those that are asked about,
    or the plate map; "" where a kind is asked once. `examples` are choice -> word -> image: what a
    choice means in pictures. Images are POSIX paths relative to the folder that is read; `places`
    says where those lie that are not files.
    """

    kind: QuestionKind
    text: str
    choices: tuple[str, ...] = ()
    default: str | None = None
    examples: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    places: Mapping[str, ImagePlace] = field(default_factory=dict)
    about: str = ""

    @property
    def key(self) -> str:
        """What an answer to this question alone is stored under: `stain` or `stain:WT/a_1.tif`."""
        return answers_key(self.kind, self.about)


def answers_key(kind: str, about: str = "") -> str:
    """Kind, or kind and what the question is about, without a sign that ends it in an answer."""
    return f"{kind}:{about.replace('=', '-')}" if about else str(kind)


def answer_to(question: Question, answers: Mapping[str, str]) -> str:
    """The answer to this question, or else to all of its kind; "" for none."""
    return answers.get(question.key) or answers.get(question.kind, "")


@dataclass(frozen=True)
class NameRun:
    """A part of the example of `ReadAs`. `start` is its place in the path, -1 where none is known.

    `values` is how many different texts the folder has for this meaning.
    """

    text: str
    means: str
    start: int = -1
    values: int = 1


@dataclass(frozen=True)
class ProposedRole:
    """The role that a scan proposes for a condition, and the reason."""

    role: str
    why: str


@dataclass(frozen=True)
class ReadAs:
    """How the names of a folder were read: one file as an example, and what its parts mean.

    `scheme` is a maker's scheme, `found` (by what varies) or `pattern`. `questions` have a default
    and can still be answered. `roles` are condition -> proposed role.
    """

    scheme: str
    example: str
    runs: tuple[NameRun, ...] = ()
    questions: tuple[Question, ...] = ()
    roles: Mapping[str, ProposedRole] = field(default_factory=dict)


@dataclass(frozen=True)
class ScanOptions:
    """How a folder is scanned.

    `group_by` is well, plate, record or a column of the plate map. Conditions in `exclude` are left
    out. `pixel_size_um` replaces the pixel size of the files. `answers` are kinds of questions, or
    keys of single questions, with the choice that was taken.
    """

    pattern: str | None = None
    condition_from: str = "folder"
    plate_map: Path | None = None
    group_by: str = "well"
    exclude: Sequence[str] = ()
    pixel_size_um: float | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
