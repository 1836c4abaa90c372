"""A project: a folder with everything that belongs to one question."""

from dataclasses import dataclass
from pathlib import Path

from core.domain.figure import PanelSpec
from core.domain.images import Dataset


@dataclass(frozen=True)
class Project:
    """A folder with everything that belongs to one question."""

    folder: Path
    name: str
    dataset: Dataset | None = None
    model: str = ""  # name of the current model under models/
    created: str = ""
    panels: tuple[PanelSpec, ...] = ()
