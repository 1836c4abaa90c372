"""Merge the changes of two programs to one project, part by part, or refuse."""

from dataclasses import fields, replace
from typing import Any

from core.domain import Dataset, Project
from core.errors import BadProject

PROJECT_PARTS = ("name", "model", "panels")


class ProjectChanged(BadProject):
    """Two programs changed the same parts of a project; `parts` names them."""

    def __init__(self, project: Project, parts: tuple[str, ...]) -> None:
        super().__init__(
            f"Another program changed {project.folder} at the same time ({', '.join(parts)}).",
            "Open the project again to see its state, then repeat your change.",
        )
        self.parts = parts


def merged(mine: Project, disk: Project, base: Project) -> Project:
    """My changes since `base` together with those on disk.

    Raises ProjectChanged where both changed the same part in different ways.
    """
    clashes: list[str] = []
    values = {name: _part(name, mine, disk, base, clashes) for name in PROJECT_PARTS}
    values["dataset"] = _dataset(mine.dataset, disk.dataset, base.dataset, clashes)
    if clashes:
        raise ProjectChanged(mine, tuple(clashes))
    return replace(mine, **values)


def _dataset(
    mine: Dataset | None, disk: Dataset | None, base: Dataset | None, clashes: list[str]
) -> Dataset | None:
    if mine is None or disk is None or base is None:
        chosen: Dataset | None = _choice("images", (mine, disk, base), clashes)
        return chosen
    names = [field.name for field in fields(Dataset)]
    return replace(mine, **{name: _part(name, mine, disk, base, clashes) for name in names})


def _part(name: str, mine: Any, disk: Any, base: Any, clashes: list[str]) -> Any:
    return _choice(name, tuple(getattr(side, name) for side in (mine, disk, base)), clashes)


def _choice(name: str, sides: tuple[Any, Any, Any], clashes: list[str]) -> Any:
    """The side that changed since the base; the base where none did."""
    mine, disk, base = sides
    if mine == base:
        return disk
    if disk not in (base, mine):
        clashes.append(name.replace("_", " "))
    return mine
