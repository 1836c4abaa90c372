"""Say in words what a disk, a network share or the system refused, and what helps."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import LeighError

SPACE = "Free some space there, or choose a folder on another disk."
RIGHTS = "Check that you may read and write there, and close the file in other programs."
READ_ONLY = "Choose a folder on a disk that can be written."
SHARE = "Connect the disk or network share again, then repeat. A copy on a local disk is safest."
FILES = "Close other programs, then repeat."
PLACE = (
    "Choose another path: a file stands where a folder is needed, or a folder in place of a file."
)
NAME = "Choose a shorter path."
GONE = "Check the path: was the file moved, or the drive removed?"
BUSY = "Close the file in other programs, then repeat."
LARGE = "Choose a disk that can hold larger files."
REMEDIES = {
    SPACE: ("ENOSPC", "EDQUOT"),
    RIGHTS: ("EACCES", "EPERM"),
    READ_ONLY: ("EROFS",),
    SHARE: (
        "EIO", "ESTALE", "ETIMEDOUT", "ENODEV", "ENXIO", "ENOTCONN", "ECONNRESET", "ECONNABORTED",
        "ECONNREFUSED", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "EREMOTEIO",
        "ENOMEDIUM", "ENOLINK", "ECOMM",
    ),
    FILES: ("EMFILE", "ENFILE", "ENOMEM", "ENOLCK"),
    PLACE: ("ENOTDIR", "EISDIR", "EEXIST", "ENOTEMPTY", "ELOOP"),
    NAME: ("ENAMETOOLONG",),
    GONE: ("ENOENT",),
    BUSY: ("EBUSY", "ETXTBSY", "EDEADLK"),
    LARGE: ("EFBIG", "EOVERFLOW"),
}  # fmt: skip
REMEDY_OF = {
    getattr(errno, name): remedy
    for remedy, names in REMEDIES.items()
    for name in names
    if hasattr(errno, name)
}
# Windows: the network path, name or connection is gone. Python gives these no number of their own.
SHARE_WINDOWS = {53, 55, 59, 64, 67, 121, 1231}


class DiskError(LeighError):
    """A disk, a network share or the system refused to read or write a file."""


def cause_of(error: OSError) -> str:
    """What the system said, without number and path."""
    return error.strerror or str(error) or type(error).__name__


def remedy_for(error: OSError) -> str:
    """What the user can do; "" for an error that is not one of disk, share or system."""
    if getattr(error, "winerror", None) in SHARE_WINDOWS:
        return SHARE
    return REMEDY_OF.get(error.errno or 0, "")


def disk_error(error: OSError, path: Path | str = "") -> DiskError | None:
    """The error in words, with file, cause and remedy; None where the program itself is at fault.

    `path` is the file or folder, where the error does not know it.
    """
    remedy = remedy_for(error)
    if not remedy:
        return None
    place = error.filename2 or error.filename or path or "A file"
    return DiskError(f"{os.fsdecode(place)}: {cause_of(error)}.", remedy)


def as_words(error: Exception) -> Exception:
    """The same error, in words where a disk, a share or the system is at fault."""
    return (disk_error(error) if isinstance(error, OSError) else None) or error


def unreadable(path: Path | str, error: Exception, remedy: str = GONE) -> tuple[str, str]:
    """Message and hint for a file that cannot be read: refused by the disk, or damaged.

    `remedy` is for a damaged file.
    """
    if isinstance(error, OSError) and error.errno:
        return f"{path} cannot be read: {cause_of(error)}.", remedy_for(error) or GONE
    return f"{path} is damaged ({str(error).strip() or type(error).__name__}).", remedy


@contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Give the errors of the block the name of the file that the user knows.

    The system names no file where a write or read fails half-way, and a temporary file otherwise.
    """
    try:
        yield
    except OSError as error:
        names = [os.fsdecode(name) for name in (error.filename, error.filename2) if name]
        if not names or any(os.path.basename(name).startswith(".tmp-") for name in names):
            error.filename, error.filename2 = str(path), None
        raise
