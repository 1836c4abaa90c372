"""Create, open and save project folders, which can be moved to another PC.

Paths to images are stored relative to the project folder where possible, and also absolutely.
"""

import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from filelock import SoftFileLock, Timeout
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from core.domain import Dataset, ImageRecord, PanelSpec, Project
from core.domain.project import Reading, Untouched
from core.errors import BadImage, BadProject
from core.io.atomic import (
    atomic_write_bytes,
    atomic_write_text,
    cannot_write,
    folder_missing,
    replacing,
    sweep_temporaries,
)
from core.io.dataset_fault import dataset_fault
from core.io.digest import digest_bytes, digest_file, digest_record
from core.io.disk_errors import unreadable
from core.io.image_root import NO_IMAGES, Origin, at_its_root
from core.io.lock import now
from core.io.merge import merged
from core.io.network import Network, remember
from core.io.strict_json import parse_object
from core.io.tables import plain, safe_name
from core.io.validation import first_fault
from core.version import __version__

__all__ = [
    "atomic_write_bytes",
    "atomic_write_text",
    "create_project",
    "exports_folder",
    "free_model_name",
    "images_present",
    "latents_path",
    "log_folder",
    "maps_folder",
    "model_folder",
    "open_for_reading",
    "open_project",
    "relink",
    "save_project",
    "stored_latents",
    "stored_map",
]

PROJECT_FILE, BACKUP_FILE = "project.json", "project.json.bak"
WRITING_FILE = "project.json.lock"  # of the program that writes at this moment
PARTS = ("models", "maps", "exports", "log")  # folders of the project, next to project.json
FORMAT = "leigh-explorer project"
FORMAT_VERSION = 1
MAX_FILE_BYTES = 2_000_000_000
RELINK_SAMPLE = 20
FIRST_MODEL = "iresnet"
WRITING_SECONDS = 10.0  # how long a save waits for another save


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


class _StoredNewer(_Stored):
    """The content of a newer program: unknown fields are left out, so it cannot be saved."""

    model_config = ConfigDict(extra="ignore")


def create_project(folder: Path, dataset: Dataset | None, name: str | None = None) -> Project:
    """Create a project folder and save the project.

    If this fails, no empty folders are left behind. Raises BadProject for a folder that already
    holds a project, and for a folder that cannot be written.
    """
    folder = Path(folder).absolute()
    if (folder / PROJECT_FILE).exists():
        raise BadProject(f"{folder} already holds a project.", "Open it, or choose another folder.")
    project = Project(folder, name or folder.name, dataset, created=now())
    folders = [*reversed(folder.parents), folder, *(folder / part for part in PARTS)]
    new = [path for path in folders if not os.path.lexists(path)]
    try:
        for part in PARTS:
            (folder / part).mkdir(parents=True, exist_ok=True)
        return _write_project(project)
    except BaseException as error:
        for path in reversed(new):
            with suppress(OSError):  # not created, or no longer empty
                path.rmdir()
        if isinstance(error, OSError):
            raise cannot_write(folder, error) from error
        raise


def save_project(project: Project) -> Project:
    """Replace project.json in one step, and keep the previous file as project.json.bak.

    What another program changed since the project was read is kept; returns the project as it is
    on disk now. Raises BadProject for a folder that cannot be written, for a project of a newer
    program, and where both programs changed the same part; FolderMissing where the project is
    gone, for example with a drive that was removed.
    """
    if project.read_only:
        raise BadProject(
            f"{project.name} is open for reading only. {project.read_only}",
            "Run `leigh check --repair` on it, or save a copy.",
        )
    there = any((project.folder / name).is_file() for name in (PROJECT_FILE, BACKUP_FILE))
    if not project.folder.is_dir() or (project.read is not None and not there):
        raise folder_missing(project.folder)
    return _write_project(project)


def _write_project(project: Project) -> Project:
    path = project.folder / PROJECT_FILE
    try:
        with SoftFileLock(project.folder / WRITING_FILE, timeout=WRITING_SECONDS):
            if path.exists() and path.stat().st_size:
                _refuse_newer(path)
                project = _with_changes_of_others(project, digest_file(path))
                with replacing(project.folder / BACKUP_FILE) as temporary:
                    shutil.copyfile(path, temporary)
            data = _as_text(project).encode("utf-8")
            atomic_write_bytes(path, data)
    except Timeout as error:
        raise BadProject(
            f"{path} is being written by another program.", "Try again in a moment."
        ) from error
    except OSError as error:
        raise cannot_write(project.folder, error) from error
    if project.dataset is not None:  # only what was chosen or allowed here is a root
        remember(project.dataset.root, project.created)
        if project.dataset.options is not None and project.dataset.options.plate_map is not None:
            remember(project.dataset.options.plate_map, project.created)
    return _read_as(project, digest_bytes(data))


def _with_changes_of_others(project: Project, digest: str) -> Project:
    """The project merged with the file on disk, if the file is not the one that was read."""
    if project.read is None or project.read.digest == digest:
        return project
    network = Network.LEAVE if project.untouched != Untouched() else Network.REFUSE
    found = merged(project, open_project(project.folder, network), project.read.project)
    fault = dataset_fault(found.dataset) if found.dataset is not None else ""
    if fault:
        raise BadProject(
            f"{project.folder / PROJECT_FILE} was changed by another program, and both changes do"
            f" not fit together ({fault}).",
            "Open the project again.",
        )
    return found


def _as_text(project: Project) -> str:
    stored = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "written_by": f"leigh-explorer {__version__}",
        "name": project.name,
        "created": project.created,
        "saved": now(),
        "model": project.model,
        "panels": [asdict(panel) for panel in project.panels],
        "images": _image_folders(project),
        "dataset": _dataset_dict(project),
    }
    return json.dumps(stored, default=plain, indent=1, ensure_ascii=False)


def _read_as(project: Project, digest: str) -> Project:
    """The project, with the file that it was read from or written to."""
    return replace(project, read=Reading(digest, replace(project, read=None)))


def open_project(folder: Path, network: Network = Network.REFUSE) -> Project:
    """Open a project folder without changing any file.

    Raises BadProject, with cause and remedy, for a folder that is not a usable project, and
    NetworkPath where it names another computer that nobody has allowed.
    """
    return _open(_project_file(folder), _Stored, network)


def open_for_reading(folder: Path, network: Network = Network.REFUSE) -> Project:
    """Open also a damaged project, from its backup, and the project of a newer program.

    `read_only` of the result says what is wrong; such a project cannot be saved. Raises BadProject
    where nothing can be read, and NetworkPath as `open_project`.
    """
    path = _project_file(folder)
    try:
        return _open(path, _Stored, network)
    except BadProject as fault:
        for file, form in (
            (path, _StoredNewer),
            (path.with_name(BACKUP_FILE), _Stored),
            (path.with_name(BACKUP_FILE), _StoredNewer),
        ):
            with suppress(BadProject):
                project = _open(file, form, network)
                if file == path:
                    why = f"{fault.message} It can be looked at, but not changed."
                else:
                    why = f"{fault.message} This is the state before, from {BACKUP_FILE}."
                return replace(project, read_only=why)
        raise


def _project_file(folder: Path) -> Path:
    folder = Path(folder).absolute()
    return folder if folder.name == PROJECT_FILE else folder / PROJECT_FILE


def _open(path: Path, form: type["_Stored"], network: Network) -> Project:
    """The project in this file, which has this form."""
    folder = path.parent
    raw, digest = _read_json(path)
    if raw.get("format") != FORMAT:
        raise BadProject(
            f"{path} is not a project of Leigh Explorer.", "Open the folder that holds the project."
        )
    version = raw.get("format_version")
    if not isinstance(version, int) or (version > FORMAT_VERSION and form is _Stored):
        raise _newer(path, version)
    try:
        stored = form.model_validate(raw)
        dataset, untouched = _dataset(stored, folder, network)
    except ValidationError as error:
        raise _damaged(path, first_fault(error)) from error
    project = Project(
        folder,
        stored.name,
        dataset,
        stored.model,
        stored.created,
        stored.panels,
        untouched=untouched,
    )
    return _read_as(project, digest)


def sweep_project(folder: Path) -> None:
    """Delete the temporary files that killed programs left in a project."""
    sweep_temporaries(folder)
    for part in PARTS:
        for place in (Path(folder, part), *Path(folder, part).glob("*/")):
            sweep_temporaries(place)


def images_present(project: Project) -> bool:
    """Whether the files of the first and last record exist; if not, use `relink`."""
    if project.dataset is None or not project.dataset.records:
        return True
    ends = (project.dataset.records[0], project.dataset.records[-1])
    return all((project.dataset.root / file).exists() for record in ends for file in record.files)


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
    missing = [r.id for r in sample if not all((root / file).exists() for file in r.files)]
    if missing:
        raise BadProject(
            f"{root} does not hold the images of this project: {len(missing)} of {len(sample)} are"
            f" missing (e.g. {missing[0]}).",
            f"Choose the folder in which {records[0].files[0]} lies.",
        )
    changed = [r.id for r in sample if r.digest and _digest(root, r) != r.digest]
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


def free_model_name(project: Project, name: str) -> str:
    """`name`, or `name-2` and so on: the first that no complete model of the project has."""
    number = 1
    free = name
    while (model_folder(project, free) / "model.json").exists():
        number += 1
        free = f"{name}-{number}"
    return free


def latents_path(project: Project) -> Path:
    """Where the latents of the current model are written."""
    name = _own_name(project)
    return project.folder / (f"latents.{name}.npz" if name else "latents.npz")


def maps_folder(project: Project) -> Path:
    """The folder in which the map of the current model is written."""
    return project.folder / "maps" / _own_name(project)


def stored_latents(project: Project) -> Path:
    """Where latents are read; version 0.1 had one place for all models."""
    own = latents_path(project)
    return own if own.exists() else project.folder / "latents.npz"


def stored_map(project: Project) -> Path:
    """The folder in which the map is read, also for the map of a former model."""
    own = maps_folder(project)
    return own if own.is_dir() else project.folder / "maps"


def _own_name(project: Project) -> str:
    """The model's name in the names of its results; the first model of a project needs none."""
    return "" if project.model in ("", FIRST_MODEL) else safe_name(project.model)


def exports_folder(project: Project) -> Path:
    """The folder for figures and tables."""
    return project.folder / "exports"


def log_folder(project: Project) -> Path:
    """The folder of the log."""
    return project.folder / "log"


def _image_folders(project: Project) -> dict[str, str | None] | None:
    if project.dataset is None:
        return None
    root = project.dataset.root.absolute()
    if project.untouched.images and root == project.folder / NO_IMAGES:
        return {"relative": None, "absolute": project.untouched.images}
    try:
        relative: str | None = Path(os.path.relpath(root, project.folder)).as_posix()
    except ValueError:  # another drive on Windows
        relative = None
    # Images inside the project move together with it: the absolute path is not needed.
    inside = root.is_relative_to(project.folder)
    return {"relative": relative, "absolute": None if inside else str(root)}


def _dataset_dict(project: Project) -> dict[str, Any] | None:
    if project.dataset is None:
        return None
    stored = asdict(project.dataset)
    del stored["root"]
    if stored["options"] is not None and stored["options"]["plate_map"] is None:
        stored["options"]["plate_map"] = project.untouched.plate_map or None
    return stored


def _dataset(stored: _Stored, folder: Path, network: Network) -> tuple[Dataset | None, Untouched]:
    """The images, and what of them lies on other computers and is not touched."""
    if stored.dataset is None:
        return None, Untouched()
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
    fault = dataset_fault(dataset) if candidates else "images: it does not say where they are"
    if fault:
        raise _damaged(folder / PROJECT_FILE, fault)
    candidates = [Path(os.path.normpath(path)) for path in candidates]
    maker = Origin(folder, stored.name, stored.created)
    return at_its_root(dataset, candidates, maker, network)


def _digest(root: Path, record: ImageRecord) -> str:
    """The present fingerprint; "" for an image that cannot be read as it was."""
    try:
        return digest_record(root, record)
    except BadImage:
        return ""


def is_inside(file: str) -> bool:
    """Whether a path is relative and stays below its root, on every operating system."""
    windows, posix = PureWindowsPath(file), PurePosixPath(file.replace("\\", "/"))
    return (
        bool(file)
        and "\0" not in file
        and not (windows.drive or windows.root or posix.is_absolute() or ".." in posix.parts)
    )


def _read_json(path: Path) -> tuple[dict[str, Any], str]:
    """The content of project.json, and the digest of the file."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise _damaged(path, "it is larger than 2 GB")
        data = path.read_bytes()
        raw = parse_object(data)
    except (FileNotFoundError, NotADirectoryError) as error:
        message = f"{path.parent} is not a project: it has no {PROJECT_FILE}."
        hint = "Open a project folder, or scan images into a new one."
        if (path.parent / BACKUP_FILE).is_file():
            hint = f"Its backup is there: copy {BACKUP_FILE} to {PROJECT_FILE} and open it again."
        raise BadProject(message, hint) from error
    except OSError as error:
        raise BadProject(*unreadable(path, error)) from error
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    return raw, digest_bytes(data)


def _refuse_newer(path: Path) -> None:
    """Raises BadProject for the file of a newer program: saving would lose its new fields."""
    try:
        version = _read_json(path)[0].get("format_version")
    except BadProject:  # damaged: the file is replaced, and kept as backup
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
