"""Write files completely or not at all: write a temporary file, flush it, then rename it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from core.io.disk_errors import naming

REPLACE_TRIES = 6  # on Windows, virus scanners and sync clients block a new file for a moment


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path next to `path`; it replaces `path` if the block succeeds."""
    path = Path(path)
    temporary = path.with_name(f".tmp-{uuid4().hex[:12]}-{path.name[-60:]}")
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            _flush(temporary)
            _replace(temporary, path)
            _flush_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def atomic_write_bytes(path: Path, data: bytes) -> None:
    """Write `data`; a reader always sees the complete old or the complete new file."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def atomic_write_text(path: Path, text: str) -> None:
    """Write UTF-8 text like `atomic_write_bytes`, without changing line ends."""
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
