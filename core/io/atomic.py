"""Files appear whole or not at all: written beside their place, flushed, then moved into it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

REPLACE_TRIES = 6  # virus scanners and sync clients hold a fresh file for a moment on Windows


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; moved onto it when the block ends well, removed otherwise."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{uuid4().hex[:12]}-{path.name[-60:]}")
    try:
        yield temporary
        _flush(temporary)
        _replace(temporary, path)
        _flush_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def atomic_write_bytes(path: Path, data: bytes) -> None:
    """Write `data` so that a reader, or a crash, sees the old file or the new one and nothing
    between.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def atomic_write_text(path: Path, text: str) -> None:
    """UTF-8 text with Unix line ends, written like `atomic_write_bytes`."""
    atomic_write_bytes(path, text.encode("utf-8"))


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
    """The new name must survive a power cut too; only POSIX can flush a folder."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some network shares cannot flush folders
        pass
    finally:
        os.close(handle)
