"""Write files completely or not at all: write a temporary file, flush it, then rename it.

Nothing here makes a folder that was there before and is gone: a moved project gets no ghost.
"""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psutil

from core.errors import BadProject, FolderMissing
from core.io.disk_errors import cause_of, naming, remedy_for

TEMPORARY = ".tmp-"
ABANDONED_S = 3600  # a temporary file that nobody wrote to for so long
REPLACE_TRIES = 6  # on Windows, virus scanners and sync clients block a new file for a moment


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path next to `path`; it replaces `path` if the block succeeds.

    Raises FolderMissing where the folder of `path` is not there; see `make_folder`.
    """
    path = Path(path)
    if not path.parent.exists():
        raise folder_missing(path.parent)
    temporary = path.with_name(f"{_unique()}-{path.name[-60:]}")
    with naming(path):
        try:
            yield temporary
            _flush(temporary)
            _replace(temporary, path)
            _flush_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing_together(*folders: Path, last: str) -> Iterator[tuple[Path, ...]]:
    """A temporary folder in each folder; if the block succeeds, its files replace those there.

    All or none, over all folders: where one file cannot be replaced, the others get their old
    content back. In each folder the file named `last` is replaced last. Raises FolderMissing where
    a folder is not there.
    """
    staged = {folder / _unique(): folder for folder in map(Path, folders)}
    for folder in staged.values():
        if not folder.exists():
            raise folder_missing(folder)
    try:
        for temporary, folder in staged.items():
            with naming(folder):
                temporary.mkdir()
        yield tuple(staged)
        _replace_together(
            [
                (path, folder / path.name)
                for temporary, folder in staged.items()
                for path in sorted(temporary.iterdir(), key=lambda path: path.name == last)
            ]
        )
        for folder in staged.values():
            _flush_folder(folder)
    except FolderMissing as error:  # it was moved away while the files were written
        gone = next((folder for folder in staged.values() if not folder.exists()), None)
        if gone is None:
            raise
        raise folder_missing(gone) from error
    except OSError as error:  # the user knows the files of the folders, not the temporary ones
        for temporary, folder in staged.items():
            if error.filename and str(temporary) in os.fsdecode(error.filename):
                name = os.fsdecode(error.filename).replace(str(temporary), str(folder))
                error.filename, error.filename2 = name, None
        raise
    finally:
        for temporary in staged:
            shutil.rmtree(temporary, ignore_errors=True)


def atomic_write_bytes(path: Path, data: bytes) -> None:
    """Write `data`; a reader always sees the complete old or the complete new file."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def atomic_write_text(path: Path, text: str) -> None:
    """Write UTF-8 text like `atomic_write_bytes`, without changing line ends."""
    atomic_write_bytes(path, text.encode("utf-8"))


def make_folder(folder: Path, within: Path | None = None) -> Path:
    """Make a folder, and the folders between `within` and the folder; returns the folder.

    `within` is the project, or the parent of the folder. Raises FolderMissing where `within` should
    hold the folder and is not there itself.
    """
    folder = Path(folder).absolute()
    home = folder.parent if within is None else Path(within).absolute()
    if folder.is_relative_to(home) and not home.is_dir():
        raise folder_missing(home)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def folder_missing(folder: Path) -> FolderMissing:
    """The error for a folder that is not there."""
    return FolderMissing(
        f"The folder {folder} is not there.",
        "Was the drive removed, or the folder moved or renamed? Bring it back, or open it where it"
        " is now.",
    )


def cannot_write(folder: Path, error: OSError) -> BadProject:
    """The error for a project folder that the disk, share or system does not let us write."""
    if isinstance(error, FileNotFoundError) and not folder.is_dir():
        return folder_missing(folder)
    hint = remedy_for(error) or "Choose another place."
    return BadProject(f"{error.filename or folder} cannot be written: {cause_of(error)}.", hint)


def sweep_temporaries(folder: Path) -> int:
    """Delete the temporary files that killed programs left in a folder; returns their number.

    Temporary folders, too. Those of a living program stay, and those younger than an hour.
    """
    swept = 0
    for path in Path(folder).glob(f"{TEMPORARY}*"):
        with suppress(OSError):  # gone meanwhile, or not ours to delete
            if time.time() - path.stat().st_mtime > ABANDONED_S and not _is_written(path):
                remove_temporary(path)
                swept += 1
    return swept


def remove_temporary(path: Path) -> None:
    """Delete a temporary file or folder."""
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _is_written(path: Path) -> bool:
    """Whether the program that made a temporary file still runs."""
    owner = path.name.removeprefix(TEMPORARY).partition("-")[0]
    return owner[:1] == "p" and owner[1:].isdecimal() and psutil.pid_exists(int(owner[1:]))


def _unique() -> str:
    """A name that no other temporary file has, with the number of this process."""
    return f"{TEMPORARY}p{os.getpid()}-{uuid4().hex[:12]}"


def _replace_together(moves: Sequence[tuple[Path, Path]]) -> None:
    """Move files to their targets; where one cannot be moved, restore those that were replaced."""
    former = {}
    for path, target in moves:
        if target.exists():
            former[target] = path.parent / "former" / target.name
            former[target].parent.mkdir(exist_ok=True)
            shutil.copy2(target, former[target])
    replaced: list[Path] = []
    try:
        for path, target in moves:
            _replace(path, target)
            replaced.append(target)
    except OSError:
        for target in replaced:
            with suppress(OSError):
                _replace(former[target], target) if target in former else target.unlink()
        raise


def _flush(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _replace(source: Path, target: Path) -> None:
    for attempt in range(1, REPLACE_TRIES + 1):
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if attempt == REPLACE_TRIES or os.name != "nt":
                raise
            time.sleep(0.05 * 2**attempt)


def _flush_folder(folder: Path) -> None:
    """Flush a folder, so that a new name survives a power failure; only POSIX can do this."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some network shares cannot flush folders
        pass
    finally:
        os.close(handle)
