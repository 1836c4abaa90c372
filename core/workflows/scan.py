"""Scan a folder of images into a project."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from core.domain import Condition, Dataset, Problem, ProblemKind, Project, Role
from core.errors import LeighError
from core.io.lock import ProjectLock
from core.io.project import create_project, open_project, save_project
from core.progress import Report, silent
from core.scanning.plate_map import load_plate_map
from core.scanning.scan import ScanOptions, scan_folder

DEFAULTS = ScanOptions()


def scan(
    folder: Path,
    project_folder: Path,
    options: ScanOptions = DEFAULTS,
    *,
    report: Report = silent,
) -> Project:
    """Scan a folder of images into a new project, or again into an existing one.

    An existing project keeps its models, colours and roles, except where the plate map names a
    role. Raises LeighError where an existing project would lose all its images.
    """
    dataset = scan_folder(folder, options, report=report)
    dataset = replace(dataset, problems=(*dataset.problems, *_untestable(dataset)))
    if not (project_folder / "project.json").exists():
        return create_project(project_folder, dataset)
    before = open_project(project_folder)
    if before.dataset is not None and before.dataset.records and not dataset.records:
        first = dataset.problems[0] if dataset.problems else None
        raise LeighError(
            f"Nothing usable is left in {folder}; the project keeps what it had.",
            f"First problem: {first.item}: {first.reason}" if first else "Check the folder.",
        )
    known = {c.name: c for c in before.dataset.conditions} if before.dataset else {}
    roles = load_plate_map(options.plate_map).roles() if options.plate_map else {}
    conditions = tuple(
        _merged(c, known[c.name], roles) if c.name in known else c for c in dataset.conditions
    )
    with ProjectLock(project_folder):
        return save_project(replace(before, dataset=replace(dataset, conditions=conditions)))


def _merged(scanned: Condition, known: Condition, roles: Mapping[str, Role]) -> Condition:
    """A condition of the project, with the role and dose that the plate map names now."""
    dose_um = known.dose_um if scanned.dose_um is None else scanned.dose_um
    return replace(known, role=roles.get(known.name, known.role), dose_um=dose_um)


def _untestable(dataset: Dataset) -> list[Problem]:
    """A warning for each condition with a single group: this condition cannot be tested."""
    reason = "all its images are of one well or group, so what is learned of it cannot be tested"
    remedy, problems = "Add another well or culture.", []
    for name in dataset.condition_names:
        groups = {r.group for r in dataset.records if r.condition == name}
        if len(groups) == 1:
            problems.append(Problem(name, reason, remedy, "warning", ProblemKind.UNTESTABLE))
    return problems
