"""One program at a time writes a project: it holds a lease that ends when the program dies."""

import getpass
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import SoftFileLease, Timeout

from core.errors import BadProject
from core.io.atomic import atomic_write_text, cannot_write, folder_missing

LOCK_FILE, OWNER_FILE = "project.lock", "project.owner.json"
# A program without a sign of life for this long has lost the project: also a dead computer.
LEASE_SECONDS = 120.0
# The window hands its right to write to its jobs in this variable of the environment.
TOKEN = "LEIGH_PROJECT_TOKEN"
AT_ONCE = 0.5  # seconds; time to take over the lock of a dead program
UNREADABLE_SECONDS = 2.5  # a lock that names nobody for so long is nobody's, as filelock has it


@dataclass(frozen=True)
class Owner:
    """The program that may write a project."""

    user: str
    host: str
    since: str  # ISO 8601
    seen: str  # last sign of life, ISO 8601

    def __str__(self) -> str:
        return f"{self.user} on {self.host} since {_local(self.since)}"


class ProjectOpen(BadProject):
    """Another program has the project; `owner` says who."""

    def __init__(self, folder: Path, owner: Owner) -> None:
        super().__init__(
            f"The project {folder} is open: {owner}.",
            f"Close it there. If that computer is off, try again in {LEASE_SECONDS / 60:.0f}"
            " minutes.",
        )
        self.owner = owner


class ProjectLock:
    """The right to write a project, as a context.

    Raises ProjectOpen, with user, computer and time, if another program has the right. A program
    that died, or that gave no sign of life for `LEASE_SECONDS`, loses it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._lease = _lease(self.folder)
        self._inherited = False

    def acquire(self, timeout: float = AT_ONCE) -> None:
        """Take the right, or raise ProjectOpen after `timeout` seconds.

        Raises FolderMissing where the project is gone.
        """
        if not self.folder.is_dir():
            raise folder_missing(self.folder)
        token = os.environ.get(TOKEN)
        owner = self._lease.owner if token else None
        if owner is not None and owner.token == token:  # this is a job of the owner
            self._inherited = True
            return
        if self._names_nobody():
            timeout += UNREADABLE_SECONDS
        try:
            self._lease.acquire(timeout=timeout, poll_interval=0.05)
        except Timeout as error:
            raise ProjectOpen(self.folder, owner_of(self.folder)) from error
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        said = {"token": self._lease.token, "user": _user(), "since": now()}
        with suppress(OSError):  # only words about the owner are lost
            atomic_write_text(self.folder / OWNER_FILE, json.dumps(said))

    def _names_nobody(self) -> bool:
        """Whether the lock is unreadable: of version 0.1, or cut off by a power failure.

        filelock takes over an unreadable lock but no empty one, so that one gets a byte.
        """
        path = self.folder / LOCK_FILE
        if not path.exists() or self._lease.owner is not None:
            return False
        with suppress(OSError):
            before = path.stat()
            if before.st_size == 0:
                time.sleep(UNREADABLE_SECONDS)
                after = path.stat()
                same = (before.st_ino, before.st_mtime) == (after.st_ino, after.st_mtime)
                if same and after.st_size == 0:
                    path.write_bytes(b"?")
        return True

    def release(self) -> None:
        """Give the right back; harmless where it is not held."""
        if self._lease.is_locked:
            if self.held:
                with suppress(OSError):
                    (self.folder / OWNER_FILE).unlink(missing_ok=True)
            self._lease.release()

    @property
    def held(self) -> bool:
        """Whether this program still has the right, for example after the computer slept."""
        return self._inherited or (self._lease.is_locked and self._lease.compromise is None)

    def share(self) -> None:
        """Let the jobs that this program starts write, too."""
        if self._lease.token is not None:
            os.environ[TOKEN] = self._lease.token

    def __enter__(self) -> "ProjectLock":
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def is_ours(folder: Path) -> bool:
    """Whether this program has the project, or is a job of the program that has it."""
    record = _lease(Path(folder)).owner
    return record is not None and record.token == os.environ.get(TOKEN)


def owner_of(folder: Path) -> Owner:
    """Who may write the project, as far as it is written there."""
    path = Path(folder) / LOCK_FILE
    record = _lease(Path(folder)).owner
    said: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        read = json.loads((Path(folder) / OWNER_FILE).read_text(encoding="utf-8"))
        if isinstance(read, dict) and record is not None and read.get("token") == record.token:
            said = read
    seen = ""
    with suppress(OSError):
        seen = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
    host = record.hostname.split("?")[0] if record is not None else "another computer"
    return Owner(str(said.get("user", "someone")), host, str(said.get("since", seen)), seen)


def _lease(folder: Path) -> SoftFileLease:
    return SoftFileLease(
        folder / LOCK_FILE, lease_duration=LEASE_SECONDS, thread_local=False, is_singleton=False
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "someone"


def _local(since: str) -> str:
    """A time as the clock on the wall shows it; text that is not a time stays."""
    try:
        return datetime.fromisoformat(since).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return since


def now() -> str:
    """The time as it is stored: ISO 8601, in seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")
