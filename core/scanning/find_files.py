"""Find the image files below a folder, without leaving the folder."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from core.domain import Problem, ProblemKind
from core.errors import BadImage, LeighError
from core.io.disk_errors import cause_of, remedy_for, unreadable
from core.io.fields import INSTALL
from core.io.ome_zarr import is_zarr, zarr_images
from core.io.project import PARTS, PROJECT_FILE
from core.io.read_field import FORMATS, ZARR, readable_suffixes
from core.progress import Progress, Report, silent
from core.scanning.index_files import is_index

IMAGE_SUFFIXES = {".tif", ".tiff", ".png", ".lsm", ".stk", ".btf", ".tf8"}
PICTURE_SUFFIXES = {".jpg", ".jpeg", ".bmp", ".gif", ".webp"}
FOREIGN_SUFFIXES = {
    ".czi",
    ".lif",
    ".nd2",
    ".oib",
    ".oif",
    ".vsi",
    ".ims",
    ".mrxs",
    ".svs",
    ".c01",
    ".dib",
    ".h5",
    ".flex",
    ".zvi",
    ".dv",
    ".xlef",
    ".lof",
    ".lei",
    ".mrc",
    ".ndpi",
    ".qptiff",
    ".oir",
    ".ets",
    ".scn",
    ".vms",
    ".bif",
    ".stm",
    ".liff",
    ".ipl",
    ".r3d",
    ".sld",
    ".gel",
}
QUIET_SUFFIXES = {
    ".csv",
    ".tsv",
    ".txt",
    ".xlsx",
    ".xls",
    ".json",
    ".md",
    ".xml",
    ".pdf",
    ".htm",
    ".html",
    ".htd",
    ".nd",
}
PLACES_OF_SYSTEMS = {"__MACOSX", "$RECYCLE.BIN", "System Volume Information", "lost+found"}
MAX_DEPTH = 16
MAX_FILES = 2_000_000
TELL_EVERY = 2000


@dataclass
class Found:
    """Image paths relative to the root (POSIX, sorted), problems, and other files."""

    images: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    junk: list[str] = field(default_factory=list)
    thumbnails: list[str] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)


def find_images(root: Path, report: Report = silent) -> Found:
    """Find the images below `root`.

    Links that leave `root`, loops and projects are not entered. An image of OME-Zarr is a folder.
    If `root` is a project itself, then the folders of this project are not entered. Raises
    LeighError where more than MAX_FILES files and folders lie below `root`.
    """
    files = Found()
    inside = root.resolve()
    for entry, relative in _walk(root, inside, files, report):
        _sort_in(entry, relative, inside, files)
    files.images.sort()
    files.problems += _reported(files)
    return files


def _walk(
    root: Path, inside: Path, files: Found, report: Report
) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Every file below `root` with its relative path."""
    looked = _Counter(root, report)
    waiting, seen = [(root, "", 0)], {inside}
    while waiting:
        folder, prefix, depth = waiting.pop()
        try:
            entries = sorted(looked.through(folder), key=lambda e: e.name)
        except OSError as error:
            if not prefix:
                raise LeighError(*unreadable(root, error)) from error
            _leave_out(files, prefix.rstrip("/"), "folder cannot be read", error)
            continue
        is_project = any(e.name == PROJECT_FILE for e in entries)
        if prefix and is_project:
            continue  # a project's own exports are not new images
        for entry in entries:
            relative = prefix + entry.name
            if is_project and entry.name in PARTS:
                continue
            if not _can_be_written(entry.name):
                shown = os.fsencode(relative).decode("utf-8", "replace")
                _leave_out(files, shown, "its name cannot be written; rename it")
                continue
            try:
                is_folder = entry.is_dir()
            except OSError as error:  # a link to itself, or through a folder that is locked
                _leave_out(files, relative, "the link cannot be followed", error)
                continue
            if not is_folder:
                yield entry, relative
                continue
            target = _target(entry, relative, inside, files)
            if target is None or target in seen:
                continue
            if depth == MAX_DEPTH:
                _leave_out(files, relative, f"more than {MAX_DEPTH} folders deep; not looked into")
                continue
            seen.add(target)
            waiting.append((Path(entry.path), relative + "/", depth + 1))


@dataclass
class _Counter:
    """Counts files and folders while they are listed, so that the search can be stopped."""

    root: Path
    report: Report
    count: int = 0

    def through(self, folder: Path) -> Iterator[os.DirEntry[str]]:
        """The entries of a folder."""
        with os.scandir(folder) as entries:
            for entry in entries:
                if self.count % TELL_EVERY == 0:
                    self.report(Progress(0, max(self.count, 1), "Looking for images"))
                self.count += 1
                if self.count > MAX_FILES:
                    raise LeighError(
                        f"{self.root} holds more than {MAX_FILES} files and folders.",
                        "Choose a folder further down.",
                    )
                yield entry


def _target(entry: os.DirEntry[str], relative: str, inside: Path, files: Found) -> Path | None:
    """The real path of a folder whose images are read; None for all others."""
    target = Path(entry.path).resolve()
    if not target.is_relative_to(inside):
        files.problems.append(
            Problem(
                relative,
                "the link leads out of the folder; not followed",
                kind=ProblemKind.OUTSIDE_FOLDER,
            )
        )
        return None
    if is_zarr(Path(entry.path)):
        _sort_in_zarr(Path(entry.path), relative, files)
        return None
    if Path(entry.name).suffix.lower() == ".files" and target.with_suffix("").is_file():
        return None  # the planes of an OIF file
    return None if entry.name.startswith((".", "@")) or entry.name in PLACES_OF_SYSTEMS else target


def _sort_in_zarr(folder: Path, relative: str, files: Found) -> None:
    """The images of a folder of OME-Zarr, each a folder of its own."""
    if find_spec(ZARR) is None:
        kind = ProblemKind.MAKER_FORMAT
        files.problems.append(Problem(relative, "an OME-Zarr folder", INSTALL, kind=kind))
        return
    try:
        found = zarr_images(folder)
    except BadImage as error:
        problem = Problem(relative, error.message, error.hint, kind=ProblemKind(error.kind))
        files.problems.append(problem)
        return
    for image in found.images:
        inside = image.relative_to(folder).as_posix()
        files.images.append(relative if inside == "." else f"{relative}/{inside}")
    if not found.images and not found.missing:
        reason = "a Zarr folder without images of OME"
        files.problems.append(Problem(relative, reason, kind=ProblemKind.MAKER_FORMAT))
    if found.missing:
        names = ", ".join(found.missing[:4])
        reason = f"{len(found.missing)} images that it declares are missing ({names})"
        remedy = "Copy the whole folder again."
        kind = ProblemKind.MISSING_PART
        files.problems.append(Problem(relative, reason, remedy, "warning", kind))


def _leave_out(files: Found, item: str, reason: str, error: OSError | None = None) -> None:
    """A problem for something that cannot be read at all."""
    if error is not None:
        reason = f"{reason}: {cause_of(error)}"
    remedy = remedy_for(error) if error is not None else ""
    files.problems.append(Problem(item, reason, remedy, kind=ProblemKind.UNREADABLE))


def _can_be_written(name: str) -> bool:
    """Whether a name is valid text; on Linux a name is bytes that may not be UTF-8."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _sort_in(entry: os.DirEntry[str], relative: str, inside: Path, files: Found) -> None:
    suffix = Path(entry.name).suffix.lower()
    if entry.name.startswith(".") or entry.name.lower() in ("thumbs.db", "desktop.ini"):
        files.junk.append(entry.name)
    elif "_thumb" in entry.name.lower():
        files.thumbnails.append(relative)
    elif entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(inside):
        files.problems.append(
            Problem(
                relative,
                "the link leads out of the folder; not followed",
                kind=ProblemKind.OUTSIDE_FOLDER,
            )
        )
    elif is_index(entry.name):
        files.indexes.append(relative)
    elif suffix in IMAGE_SUFFIXES | readable_suffixes():
        files.images.append(relative)
    elif suffix in PICTURE_SUFFIXES or suffix in FOREIGN_SUFFIXES:
        files.other[suffix] += 1
    elif suffix and suffix not in QUIET_SUFFIXES:
        files.junk.append(entry.name)


def _reported(files: Found) -> Iterator[Problem]:
    for suffix, count in sorted(files.other.items()):
        if suffix in PICTURE_SUFFIXES:
            reason = "rendered pictures, not raw data: intensities are not comparable"
            yield Problem(
                f"{count} {suffix} files",
                reason,
                "Use the microscope's grey TIFF files.",
                kind=ProblemKind.RGB,
            )
        else:
            reason = "a microscope maker's own format, not read here"
            remedy = INSTALL if suffix in FORMATS else "Export them as OME-TIFF."
            yield Problem(f"{count} {suffix} files", reason, remedy, kind=ProblemKind.MAKER_FORMAT)
    if files.thumbnails:
        count = len(files.thumbnails)
        yield Problem(
            f"{files.thumbnails[0]} and {count - 1} others" if count > 1 else files.thumbnails[0],
            "thumbnails, not images",
            kind=ProblemKind.THUMBNAIL,
        )
    if files.junk:
        names = ", ".join(list(dict.fromkeys(files.junk))[:3])
        yield Problem(
            f"{len(files.junk)} other files",
            f"not images, passed over ({names})",
            "",
            "warning",
            ProblemKind.OTHER_FILE,
        )
