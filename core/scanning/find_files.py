"""Find the image files below a folder, without leaving the folder."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.domain import Problem, ProblemKind
from core.errors import LeighError
from core.io.disk_errors import cause_of, remedy_for, unreadable
from core.io.project import PARTS, PROJECT_FILE
from core.progress import Progress, Report, silent

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
    other: Counter[str] = field(default_factory=Counter)


def find_images(root: Path, report: Report = silent) -> Found:
    """Find the images below `root`.

    Links that leave `root`, loops, projects and OME-Zarr folders are not entered. If `root` is a
    project itself, then the folders of this project are not entered.
    """
    files = Found()
    inside = root.resolve()
    for number, (entry, relative) in enumerate(_walk(root, inside, files)):
        if number % TELL_EVERY == 0:
            report(Progress(0, max(number, 1), "Looking for images"))
        if number >= MAX_FILES:
            raise LeighError(
                f"{root} holds more than {MAX_FILES} files.", "Choose a folder further down."
            )
        _sort_in(entry, relative, inside, files)
    files.images.sort()
    files.problems += _reported(files)
    return files


def _walk(root: Path, inside: Path, files: Found) -> Iterator[tuple[os.DirEntry[str], str]]:
    waiting, seen = [(root, "", 0)], {inside}
    while waiting:
        folder, prefix, depth = waiting.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda e: e.name)
        except OSError as error:
            if not prefix:
                raise LeighError(*unreadable(root, error)) from error
            files.problems.append(
                Problem(
                    prefix.rstrip("/"),
                    f"folder cannot be read: {cause_of(error)}",
                    remedy_for(error),
                    kind=ProblemKind.UNREADABLE,
                )
            )
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
                files.problems.append(
                    Problem(
                        shown, "its name cannot be written; rename it", kind=ProblemKind.UNREADABLE
                    )
                )
                continue
            if not entry.is_dir():
                yield entry, relative
                continue
            target = Path(entry.path).resolve()
            if entry.name.lower().endswith(".zarr"):
                files.problems.append(
                    Problem(
                        relative,
                        "OME-Zarr folders are not read",
                        "Export it as OME-TIFF.",
                        kind=ProblemKind.MAKER_FORMAT,
                    )
                )
            elif not target.is_relative_to(inside):
                files.problems.append(
                    Problem(
                        relative,
                        "the link leads out of the folder; not followed",
                        kind=ProblemKind.OUTSIDE_FOLDER,
                    )
                )
            elif depth < MAX_DEPTH and target not in seen and not entry.name.startswith("."):
                seen.add(target)
                waiting.append((Path(entry.path), relative + "/", depth + 1))


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
    elif suffix in IMAGE_SUFFIXES:
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
            yield Problem(
                f"{count} {suffix} files",
                reason,
                "Export them as OME-TIFF.",
                kind=ProblemKind.MAKER_FORMAT,
            )
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
