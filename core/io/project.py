"""Create, open and save project folders, which can be moved to another PC.

Paths to images are stored relative to the project folder where possible, and also absolutely.
"""

import getpass
import json
import os
import shutil
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import psutil
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from core.domain import Dataset, ImageRecord, PanelSpec, Project
from core.errors import BadProject
from core.io.atomic import atomic_write_bytes, atomic_write_text, replacing
from core.io.digest import digest_record
from core.io.disk_errors import cause_of, remedy_for
from core.io.tables import plain, safe_name
from core.io.validation import first_fault
from core.version import __version__

__all__ = [
    "ProjectLock",
    "atomic_write_bytes",
    "atomic_write_text",
    "create_project",
    "exports_folder",
    "images_present",
    "latents_path",
    "log_folder",
    "maps_folder",
    "model_folder",
    "open_project",
    "relink",
    "save_project",
]

PROJECT_FILE, BACKUP_FILE, LOCK_FILE = "project.json", "project.json.bak", "project.lock"
PARTS = ("models", "maps", "exports", "log")  # folders of the project, next to project.json
FORMAT = "leigh-explorer project"
FORMAT_VERSION = 1
MAX_FILE_BYTES = 2_000_000_000
RELINK_SAMPLE = 20


class _Images(BaseModel):
    """The folder of the images, relative to the project and absolute."""

    relative: str | None
    absolute: str | None


class _Stored(BaseModel):
    """The content of project.json.

    Unknown fields are refused, because they would be lost on saving.
    """

    model_config = ConfigDict(extra="forbid")

    format: str
    format_version: int
    written_by: str
    name: str
    created: str
    saved: str
    model: str
    panels: tuple[PanelSpec, ...]
    images: _Images | None
    dataset: dict[str, Any] | None


def create_project(folder: Path, dataset: Dataset | None, name: str | None = None) -> Project:
    """Create a project folder and save the project.

    If this fails, no empty folders are left behind. Raises BadProject for a folder that already
    holds a project, and for a folder that cannot be written.
    """
    folder = Path(folder).absolute()
    if (folder / PROJECT_FILE).exists():
        raise BadProject(f"{folder} already holds a project.", "Open it, or choose another folder.")
    project = Project(folder, name or folder.name, dataset, created=_now())
    folders = [*reversed(folder.parents), folder, *(folder / part for part in PARTS)]
    new = [path for path in folders if not os.path.lexists(path)]
    try:
        for part in PARTS:
            (folder / part).mkdir(parents=True, exist_ok=True)
        save_project(project)
    except BaseException as error:
        for path in reversed(new):
            with suppress(OSError):  # not created, or no longer empty
                path.rmdir()
        if isinstance(error, OSError):
            raise _cannot_write(folder, error) from error
        raise
    return project


def save_project(project: Project) -> None:
    """Replace project.json in one step, and keep the previous file as project.json.bak.

    Raises BadProject for a folder that cannot be written, and for a project of a newer program.
    """
    path = project.folder / PROJECT_FILE
    stored = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "written_by": f"leigh-explorer {__version__}",
        "name": project.name,
        "created": project.created,
        "saved": _now(),
        "model": project.model,
        "panels": [asdict(panel) for panel in project.panels],
        "images": _image_folders(project),
        "dataset": _dataset_dict(project.dataset),
    }
    text = json.dumps(stored, default=plain, indent=1, ensure_ascii=False)
    try:
        if path.exists():
            _refuse_newer(path)
            with replacing(project.folder / BACKUP_FILE) as temporary:
                shutil.copyfile(path, temporary)
        atomic_write_text(path, text)
    except OSError as error:
        raise _cannot_write(project.folder, error) from error


def open_project(folder: Path) -> Project:
    """Open a project folder without changing any file.

    Raises BadProject, with cause and remedy, for a folder that is not a usable project.
    """
    folder = Path(folder).absolute()
    folder = folder.parent if folder.name == PROJECT_FILE else folder
    path = folder / PROJECT_FILE
    raw = _read_json(path)
    if raw.get("format") != FORMAT:
        raise BadProject(
            f"{path} is not a project of Leigh Explorer.", "Open the folder that holds the project."
        )
    version = raw.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise _newer(path, version)
    try:
        stored = _Stored.model_validate(raw)
        dataset = _dataset(stored, folder)
    except ValidationError as error:
        raise _damaged(path, first_fault(error)) from error
    return Project(folder, stored.name, dataset, stored.model, stored.created, stored.panels)


def images_present(project: Project) -> bool:
    """Whether the files of the first and last record exist; if not, use `relink`."""
    if project.dataset is None or not project.dataset.records:
        return True
    ends = (project.dataset.records[0], project.dataset.records[-1])
    return all((project.dataset.root / file).is_file() for record in ends for file in record.files)


def relink(project: Project, new_root: Path) -> Project:
    """The project with its images at `new_root`; nothing is saved.

    Raises BadProject where a sample of the images is missing or differs.
    """
    if project.dataset is None:
        raise BadProject(
            f"Project {project.name} has no images yet.", "Scan a folder of images first."
        )
    root, records = Path(new_root).absolute(), project.dataset.records
    step = max(1, len(records) // RELINK_SAMPLE)
    sample = records[::step][:RELINK_SAMPLE]
    missing = [r.id for r in sample if not all((root / file).is_file() for file in r.files)]
    if missing:
        raise BadProject(
            f"{root} does not hold the images of this project: {len(missing)} of {len(sample)} are"
            f" missing (e.g. {missing[0]}).",
            f"Choose the folder in which {records[0].files[0]} lies.",
        )
    changed = [r.id for r in sample if r.digest and digest_record(root, r) != r.digest]
    if changed:
        raise BadProject(
            f"{len(changed)} of {len(sample)} images in {root} are not those of this project (e.g."
            f" {changed[0]}).",
            "Choose the folder with the original images, or make a new project.",
        )
    return replace(project, dataset=replace(project.dataset, root=root))


def model_folder(project: Project, name: str) -> Path:
    """The folder of the model with this name."""
    return project.folder / "models" / safe_name(name)


def latents_path(project: Project) -> Path:
    """The file with the latents of the current model."""
    return project.folder / "latents.npz"


def maps_folder(project: Project) -> Path:
    """The folder of the map."""
    return project.folder / "maps"


def exports_folder(project: Project) -> Path:
    """The folder for figures and tables."""
    return project.folder / "exports"


def log_folder(project: Project) -> Path:
    """The folder of the log."""
    return project.folder / "log"


@contextmanager
def ProjectLock(folder: Path) -> Iterator[None]:
    """Lock a project, so that only one program writes it.

    Raises BadProject, with user, computer and time, if another program has the lock. The lock of a
    program that no longer runs is taken over.
    """
    path = Path(folder) / LOCK_FILE
    owner = {"user": _user(), "host": socket.gethostname(), "pid": os.getpid(), "since": _now()}
    for attempt in (1, 2):
        try:
            with path.open("x", encoding="utf-8") as stream:
                json.dump(owner, stream)
            break
        except FileExistsError as error:
            holder = _lock_holder(path)
            if attempt == 2 or not _is_dead(holder):
                who = f"{holder.get('user', 'someone')} on {holder.get('host', 'another PC')}"
                raise BadProject(
                    f"The project is open: {who} since {holder.get('since', 'unknown')}.",
                    f"Close it there. If nobody has it open, delete {path}.",
                ) from error
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _cannot_write(Path(folder), error) from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _lock_holder(path: Path) -> dict[str, Any]:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}


def _is_dead(holder: dict[str, Any]) -> bool:
    pid = holder.get("pid")
    return (
        holder.get("host") == socket.gethostname()
        and isinstance(pid, int)
        and not psutil.pid_exists(pid)
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "someone"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _image_folders(project: Project) -> dict[str, str | None] | None:
    if project.dataset is None:
        return None
    root = project.dataset.root.absolute()
    try:
        relative: str | None = Path(os.path.relpath(root, project.folder)).as_posix()
    except ValueError:  # another drive on Windows
        relative = None
    # Images inside the project move together with it: the absolute path is not needed.
    inside = root.is_relative_to(project.folder)
    return {"relative": relative, "absolute": None if inside else str(root)}


def _dataset_dict(dataset: Dataset | None) -> dict[str, Any] | None:
    if dataset is None:
        return None
    stored = asdict(dataset)
    del stored["root"]
    return stored


def _dataset(stored: _Stored, folder: Path) -> Dataset | None:
    if stored.dataset is None:
        return None
    raw = {**stored.dataset, "root": folder}
    dataset = TypeAdapter(Dataset).validate_python(raw)
    for record in dataset.records:
        for file in record.files:
            if not is_inside(file):
                raise BadProject(
                    f"Record {record.id} points outside the image folder ({file!r}).", "Not opened."
                )
    images = stored.images or _Images(relative=None, absolute=None)
    candidates = [folder / images.relative] if images.relative is not None else []
    candidates += [Path(images.absolute)] if images.absolute else []
    fault = _fault(dataset) if candidates else "images: it does not say where they are"
    if fault:
        raise _damaged(folder / PROJECT_FILE, fault)
    candidates = [Path(os.path.normpath(path)) for path in candidates]
    return replace(dataset, root=_root(candidates, dataset.records))


def _fault(dataset: Dataset) -> str:
    """The first contradiction in a dataset whose fields have the right types; "" without any."""
    names = set(dataset.condition_names)
    for record in dataset.records:
        if not record.files or len(record.files) not in (1, len(record.planes)):
            return f"record {record.id}: {len(record.files)} files for {len(record.planes)} planes"
        if len(record.planes) != len(dataset.channels) or min(record.planes, default=-1) < 0:
            return (
                f"record {record.id}: planes {list(record.planes)} for {len(dataset.channels)}"
                " channels"
            )
        if record.condition not in names:
            return (
                f"record {record.id}: its condition {record.condition!r} is not among the"
                " conditions"
            )
    twice = [name for name, count in Counter(r.id for r in dataset.records).items() if count > 1]
    return f"record {twice[0]} is there more than once" if twice else ""


def _root(folders: list[Path], records: tuple[ImageRecord, ...]) -> Path:
    """The first folder with the scanned images, judged by a sample; else the first with any image.

    A neighbouring plate may have the same file names. Images that have changed are refused later,
    when they are read.
    """
    if not records:
        return next((folder for folder in folders if folder.exists()), folders[0])
    # A sample of three, because opening must be quick.
    sample = [records[i] for i in sorted({0, len(records) // 2, len(records) - 1})]
    present: dict[Path, list[ImageRecord]] = {}
    for folder in folders:
        present[folder] = [r for r in sample if all((folder / f).is_file() for f in r.files)]
    same = [p for p, there in present.items() if any(_is_same(p, record) for record in there)]
    with_images = [p for p, there in present.items() if there]
    return next(iter([*same, *with_images]), folders[0])


def _is_same(root: Path, record: ImageRecord) -> bool:
    try:
        return not record.digest or digest_record(root, record) == record.digest
    except OSError:  # reported when the image is read
        return True


def is_inside(file: str) -> bool:
    """Whether a path is relative and stays below its root, on every operating system."""
    windows, posix = PureWindowsPath(file), PurePosixPath(file.replace("\\", "/"))
    return bool(file) and not (
        windows.drive or windows.root or posix.is_absolute() or ".." in posix.parts
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise _damaged(path, "it is larger than 2 GB")
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        message = f"{path.parent} is not a project: it has no {PROJECT_FILE}."
        hint = "Open a project folder, or scan images into a new one."
        if (path.parent / BACKUP_FILE).is_file():
            hint = f"Its backup is there: copy {BACKUP_FILE} to {PROJECT_FILE} and open it again."
        raise BadProject(message, hint) from error
    except OSError as error:
        raise BadProject(
            f"{path} cannot be read: {error.strerror or error}.", "Check disk and rights."
        ) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(raw, dict):
        raise _damaged(path, "it does not hold a project")
    return raw


def _refuse_newer(path: Path) -> None:
    """Raises BadProject for the file of a newer program: saving would lose its new fields."""
    try:
        version = json.loads(path.read_text(encoding="utf-8")).get("format_version")
    except (OSError, ValueError, RecursionError, AttributeError):
        return
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise _newer(path, version)


def _newer(path: Path, version: object) -> BadProject:
    return BadProject(
        f"{path} was written by a newer program (format {version}, this program knows"
        f" {FORMAT_VERSION}).",
        "Update Leigh Explorer. Nothing was changed.",
    )


def _damaged(path: Path, why: str) -> BadProject:
    backup = path.with_name(BACKUP_FILE)
    hint = "Restore the folder from a backup; the file was left as it is."
    if backup.is_file():
        when = datetime.fromtimestamp(backup.stat().st_mtime).strftime("%Y-%m-%d %H:%M")
        hint = (
            f"The file was left as it is. The state before ({when}) is {BACKUP_FILE}: copy it to"
            f" {PROJECT_FILE}."
        )
    return BadProject(f"{path} is damaged ({why}).", hint)


def _cannot_write(folder: Path, error: OSError) -> BadProject:
    hint = remedy_for(error) or "Choose another place."
    return BadProject(f"{error.filename or folder} cannot be written: {cause_of(error)}.", hint)
