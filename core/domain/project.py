"""A project: a folder with everything that belongs to one question."""

from dataclasses import dataclass, field
from pathlib import Path

from core.domain.figure import PanelSpec
from core.domain.images import Dataset


@dataclass(frozen=True)
class Reading:
    """What project.json held when it was read: what other programs changed since is merged."""

    digest: str  # blake2b of the file
    project: "Project"


@dataclass(frozen=True)
class Untouched:
    """Paths on other computers that a project names and nobody has allowed; "" for none."""

    images: str = ""
    plate_map: str = ""


@dataclass(frozen=True)
class Project:
    """A folder with everything that belongs to one question."""

    folder: Path
    name: str
    dataset: Dataset | None = None
    model: str = ""  # name of the current model under models/
    created: str = ""
    panels: tuple[PanelSpec, ...] = ()
    read: Reading | None = field(default=None, compare=False, repr=False)
    read_only: str = field(default="", compare=False)  # why it must not be saved
    untouched: Untouched = field(default=Untouched(), compare=False)
