"""Check a project, or a folder of images: what is wrong, and what can be repaired."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from core.domain import Dataset, Project
from core.errors import BadImage, BadProject, LeighError
from core.io.atomic import TEMPORARY, remove_temporary, replacing
from core.io.digest import digest_record
from core.io.lock import LOCK_FILE, ProjectLock, is_ours, owner_of
from core.io.models import CARD_FILE, load_card, load_tensors
from core.io.network import Network
from core.io.project import (
    BACKUP_FILE,
    PARTS,
    PROJECT_FILE,
    model_folder,
    open_for_reading,
    open_project,
    stored_latents,
    stored_map,
)
from core.io.results import Stale, load_results
from core.io.screens import SCREEN_FILE, SCREEN_FOLDER, load_screen
from core.io.tables import load_latents, load_map
from core.progress import Progress, Report, silent

IN_USE = " (in use)"  # after the model that the project uses
NAMED = 5  # images that a finding names


class State(StrEnum):
    """How bad a finding is."""

    GOOD = "good"
    WARNING = "warning"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class Finding:
    """The state of one part; `repair` says what a repair would do, "" where it can do nothing."""

    part: str
    state: State
    message: str
    remedy: str = ""
    repair: str = ""


def check(folder: Path, *, repair: bool = False, report: Report = silent) -> list[Finding]:
    """Check every part of a project; a folder without a project is looked through for images.

    With `repair` the project is restored from its backup, damaged results are set aside under
    another name, and files of killed programs are deleted; nothing else is changed. Raises
    BadProject where the folder is missing, and for a repair while another program has the project.
    """
    folder = Path(folder).absolute()
    folder = folder.parent if folder.name == PROJECT_FILE else folder
    if not folder.is_dir():
        raise BadProject(f"{folder} is not there.", "Check the name, and whether a drive is gone.")
    if not any((folder / name).exists() for name in (PROJECT_FILE, BACKUP_FILE)):
        return list(_images_of_folder(folder, report))
    if repair:
        with ProjectLock(folder):
            _repair(folder, report)
    return list(_findings(folder, report))


def _findings(folder: Path, report: Report) -> Iterator[Finding]:
    yield from _project_file(folder)
    try:
        project = open_for_reading(folder, Network.LEAVE)
    except BadProject:  # said above
        project = None
    if project is not None:
        if project.untouched.images:
            yield Finding("images", State.WARNING, *_not_touched(project))
        elif project.dataset is not None:
            yield _images(project.dataset, report)
        yield from _models(project)
        yield from _results(project)
    yield from _left_over(folder)


def _not_touched(project: Project) -> tuple[str, str]:
    place = project.untouched.images
    return (
        f"They lie on another computer ({place}), which this project has not used from here.",
        "Open the project in the window, or run a verb with --allow-network.",
    )


def _project_file(folder: Path) -> Iterator[Finding]:
    try:
        project = open_project(folder, Network.LEAVE)
    except BadProject as fault:
        backup = _readable_backup(folder)
        repair = f"Use {BACKUP_FILE}; keep the damaged file under another name." if backup else ""
        newer = "newer program" in fault.message
        state = State.WARNING if newer else State.DAMAGED
        yield Finding(PROJECT_FILE, state, fault.message, fault.hint, "" if newer else repair)
        return
    records = len(project.dataset.records) if project.dataset else 0
    yield Finding(PROJECT_FILE, State.GOOD, f"{project.name}: {records} images.")


def _readable_backup(folder: Path) -> bool:
    try:
        return bool(open_for_reading(folder, Network.LEAVE).read_only)
    except BadProject:
        return False


def _images(dataset: Dataset, report: Report) -> Finding:
    missing, changed = [], []
    total = len(dataset.records)
    for i, record in enumerate(dataset.records):
        if not all((dataset.root / file).exists() for file in record.files):
            missing.append(record.id)
        elif record.digest and _digest(dataset, i) != record.digest:
            changed.append(record.id)
        report(Progress(i + 1, total, "Checking images"))
    if missing:
        return Finding(
            "images",
            State.WARNING,
            f"{len(missing)} of {total} images are missing in {dataset.root}: {_some(missing)}.",
            "Bring them back, or say where they are now: “Locate images…” in the menu, or `leigh"
            " relink`.",
        )
    if changed:
        return Finding(
            "images",
            State.DAMAGED,
            f"{len(changed)} of {total} images changed since the scan: {_some(changed)}.",
            "Bring the original files back, or scan the folder again.",
        )
    return Finding("images", State.GOOD, f"All {total} images are as they were scanned.")


def _digest(dataset: Dataset, index: int) -> str:
    try:
        return digest_record(dataset.root, dataset.records[index])
    except (OSError, BadImage):
        return ""


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _models(project: Project) -> Iterator[Finding]:
    from core.evidence.reference import load_reference

    for path in sorted((project.folder / "models").glob(f"*/{CARD_FILE}")):
        name = path.parent.name
        used = name == model_folder(project, project.model or " ").name
        part = f"model {name}" + (IN_USE if used else "")
        fault = _fault(load_tensors, path.parent)  # reads the card, too
        if fault:
            yield _damaged(part, fault, State.DAMAGED if used else State.WARNING)
            continue
        yield Finding(part, State.GOOD, "Card and weights belong together.")
        card = load_card(path.parent)
        if used and card.kind == "iresnet":
            fault = _fault(load_reference, path.parent, card)
            if fault:
                yield _damaged("evidence", fault, State.WARNING)


def _results(project: Project) -> Iterator[Finding]:
    latents, map_folder = stored_latents(project), stored_map(project)
    screen_folder = project.folder / SCREEN_FOLDER
    parts: tuple[tuple[str, Path, Callable[[], object]], ...] = (
        ("latents", latents, lambda: load_latents(latents)),
        ("map", map_folder / "map.npz", lambda: load_map(map_folder)),
        ("screen", screen_folder / SCREEN_FILE, lambda: load_screen(screen_folder)),
    )
    for part, path, load in parts:
        if path.exists():
            fault = _fault(load)
            repair = f"Set {path.name} aside as {path.name}.damaged." if fault else ""
            if fault:
                yield Finding(part, State.DAMAGED, fault.message, fault.hint, repair)
            else:
                yield Finding(part, State.GOOD, f"{path.name} can be read.")
    stale = load_results(project).stale
    if stale:
        what = "images" if stale == Stale.OTHER_IMAGES else "model"
        yield Finding(
            "latents",
            State.WARNING,
            f"Latents and map were made with another {what}.",
            "Run `leigh encode` and `leigh map`.",
        )


def _left_over(folder: Path) -> Iterator[Finding]:
    files = list(_temporaries(folder))
    if files:
        yield Finding(
            "temporary files",
            State.WARNING,
            f"{len(files)} files of killed programs are left ({_some([p.name for p in files])}).",
            "",
            "Delete them.",
        )
    if (folder / LOCK_FILE).exists() and not is_ours(folder):
        yield Finding("lock", State.WARNING, f"The project is open: {owner_of(folder)}.")


def _temporaries(folder: Path) -> Iterator[Path]:
    yield from folder.glob(f"{TEMPORARY}*")
    for part in PARTS:
        yield from (folder / part).rglob(f"{TEMPORARY}*")


def _images_of_folder(folder: Path, report: Report) -> Iterator[Finding]:
    from core.scanning.scan import ScanOptions, scan_folder

    dataset = scan_folder(folder, ScanOptions(), report=report)
    for problem in dataset.problems:
        state = State.DAMAGED if problem.severity == "excluded" else State.WARNING
        yield Finding(problem.item, state, problem.reason, problem.remedy)
    yield Finding("images", State.GOOD, f"{len(dataset.records)} images can be used.")


def _fault(load: Callable[..., object], *arguments: object) -> LeighError | None:
    try:
        load(*arguments)
    except LeighError as fault:
        return fault
    return None


def _damaged(part: str, fault: LeighError, state: State) -> Finding:
    return Finding(part, state, fault.message, fault.hint)


def _repair(folder: Path, report: Report) -> None:
    for finding in list(_findings(folder, report)):
        if not finding.repair:
            continue
        if finding.part == PROJECT_FILE:
            _set_aside(folder / PROJECT_FILE)
            with replacing(folder / PROJECT_FILE) as temporary:
                shutil.copyfile(folder / BACKUP_FILE, temporary)
        elif finding.part == "temporary files":
            for path in list(_temporaries(folder)):
                remove_temporary(path)
        else:
            project = open_for_reading(folder, Network.LEAVE)
            paths = {
                "latents": stored_latents(project),
                "map": stored_map(project) / "map.npz",
                "screen": project.folder / SCREEN_FOLDER / SCREEN_FILE,
            }
            _set_aside(paths[finding.part])


def _set_aside(path: Path) -> None:
    """Rename a damaged file, so that nothing is lost."""
    if not path.exists():
        return
    number, target = 1, path.with_name(f"{path.name}.damaged")
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.damaged-{number}")
    path.rename(target)
