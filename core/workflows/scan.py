"""Scan a folder of images into a project."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from core.data.split import split_by_group
from core.domain import (
    Condition,
    Dataset,
    Problem,
    ProblemKind,
    Project,
    Role,
    ScanOptions,
    Split,
)
from core.domain.accuracy import FEW_GROUPS, UNEQUAL
from core.domain.project import Untouched
from core.errors import BadProject, LeighError, NothingWritten
from core.io.lock import ProjectLock
from core.io.network import Network
from core.io.project import create_project, open_project, relink, save_project
from core.progress import Report, silent
from core.scanning.plate_map import load_plate_map
from core.scanning.scan import Scan, read_folder

DEFAULTS = ScanOptions()


@dataclass(frozen=True)
class Scanned:
    """The project of a scan, and how the folder was read."""

    project: Project
    scan: Scan


def scan(
    folder: Path,
    project_folder: Path,
    options: ScanOptions = DEFAULTS,
    *,
    replace_images: bool = False,
    report: Report = silent,
) -> Project:
    """Scan a folder of images into a new project, or again into an existing one.

    An existing project keeps its models, colours and roles, except where the plate map names a
    role. The same folder keeps what the user has said to know. `replace_images` allows another
    folder than that of the project. Raises NothingWritten where a question is open or nothing
    usable is left, and LeighError for another folder.
    """
    scanned = scan_into(
        folder, project_folder, options, replace_images=replace_images, report=report
    )
    return scanned.project


def scan_into(
    folder: Path,
    project_folder: Path,
    options: ScanOptions = DEFAULTS,
    *,
    replace_images: bool = False,
    report: Report = silent,
) -> Scanned:
    """As `scan`; returns also how the folder was read."""
    before = None
    if (project_folder / "project.json").exists():
        before = open_project(project_folder, Network.LEAVE if replace_images else Network.REFUSE)
        if not replace_images:
            _refuse_other_folder(before, folder)
    found = read_folder(folder, options, report=report)
    found = replace(found, dataset=_with_few(found.dataset))
    dataset = found.dataset
    if found.open:
        asked = " ".join(question.text for question in found.open)
        counts = Counter(question.kind for question in found.open)
        kinds = ", ".join(counts)
        keys = [q.key if counts[q.kind] > 1 else q.kind for q in found.open]
        raise NothingWritten(
            f"{folder} can be read in several ways ({kinds}): {asked} Nothing was written.",
            "Answer with --answer KIND=CHOICE. "
            + " ".join(
                f"{key}: {' | '.join(q.choices)}." for key, q in zip(keys, found.open, strict=True)
            ),
            dataset.problems,
            found.questions,
            dataset.read_as,
        )
    if not dataset.records:
        excluded = [p for p in dataset.problems if p.severity == "excluded"]
        first = next(iter(excluded or dataset.problems), None)
        kept = "; the project keeps what it had" if before is not None else ""
        raise NothingWritten(
            f"Nothing usable is left in {folder}{kept}.",
            f"First problem: {first.item}: {first.reason}" if first else "Check the folder.",
            dataset.problems,
            found.questions,
            dataset.read_as,
        )
    if before is None:
        return Scanned(create_project(project_folder, dataset), found)
    known = {c.name: c for c in before.dataset.conditions} if before.dataset else {}
    table = load_plate_map(options.plate_map) if options.plate_map else None
    roles = table.roles() if table is not None else {}
    conditions = tuple(
        _merged(c, known[c.name], roles, table is not None) if c.name in known else c
        for c in dataset.conditions
    )
    with ProjectLock(project_folder):
        again = before.dataset if _is_same_folder(before, dataset.root) else None
        findings = again.known if again is not None else ()
        dataset = replace(dataset, conditions=conditions, known=findings)
        project = replace(before, dataset=dataset, untouched=Untouched())
        return Scanned(save_project(project), found)


def stored_options(project_folder: Path) -> ScanOptions:
    """The choices of the last scan of this project; the usual ones where there was none."""
    if not (project_folder / "project.json").exists():
        return DEFAULTS
    dataset = open_project(project_folder).dataset
    return (dataset.options if dataset is not None else None) or DEFAULTS


def _refuse_other_folder(project: Project, folder: Path) -> None:
    """Raises LeighError where a project with images would get those of another folder."""
    if project.dataset is None or not project.dataset.records:
        return
    root = project.dataset.root
    if root.resolve() == Path(folder).resolve() or not Path(folder).is_dir():
        return
    if not root.is_dir():
        try:
            relink(project, folder)
        except BadProject:
            pass
        else:
            return  # the same images, which were moved
    raise LeighError(
        f"{project.folder} is a project of the images in {root}, not of those in {folder}.",
        "Make a new project, or replace the images of this one with --replace.",
    )


def _is_same_folder(project: Project, folder: Path) -> bool:
    return project.dataset is not None and project.dataset.root.resolve() == folder.resolve()


def _merged(
    scanned: Condition, known: Condition, roles: Mapping[str, Role], with_map: bool
) -> Condition:
    """A condition of the project, with the role and dose that the plate map names now."""
    keeps_dose = scanned.dose_um is None and not with_map
    dose_um = known.dose_um if keeps_dose else scanned.dose_um
    role = scanned.role if known.name in roles else known.role
    return replace(known, role=role, dose_um=dose_um)


def _with_few(dataset: Dataset) -> Dataset:
    """Warnings for conditions with few groups, or with far fewer images than another."""
    reason = "all its images are of one well or group, so what is learned of it cannot be tested"
    remedy, problems = "Add another well or culture.", []
    counts, parts = dataset.counts(), _parts(dataset)
    largest = max(counts, key=lambda name: counts[name], default="")
    for name in dataset.condition_names:
        groups = {r.group for r in dataset.records if r.condition == name}
        if len(groups) == 1:
            problems.append(Problem(name, reason, remedy, "warning", ProblemKind.UNTESTABLE))
        elif len(groups) < FEW_GROUPS and parts:
            few = f"only {len(groups)} wells or groups: {_shared_out(groups, parts)}"
            problems.append(Problem(name, few, remedy, "warning", ProblemKind.FEW_WELLS))
        if counts[largest] > UNEQUAL * counts[name] > 0:
            fewer = (
                f"{counts[name]} images against {counts[largest]} of {largest}: the network sees"
                " few different cells of it; the balanced accuracy is shown"
            )
            more = f"Add images of {name}."
            problems.append(Problem(name, fewer, more, "warning", ProblemKind.IMBALANCED))
    return replace(dataset, problems=(*dataset.problems, *problems))


def _parts(dataset: Dataset) -> dict[str, str]:
    """Group -> what a training with usual settings uses it for; {} where none can be made."""
    try:
        return split_by_group(dataset.records, seed=0)
    except LeighError:
        return {}


def _shared_out(groups: set[str], parts: Mapping[str, str]) -> str:
    used = Counter(parts[group] for group in groups)
    words = (
        (Split.TRAIN, "for training"),
        (Split.VALIDATION, "to validate"),
        (Split.TEST, "to test"),
    )
    return ", ".join(f"{used[part]} {what}" for part, what in words)
