"""Whether this window may write the open project, or another program has it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

if TYPE_CHECKING:
    from core.io.lock import ProjectLock

LOOK_MS = 5_000  # between two looks at a project of another program


class ProjectOwner(QObject):
    """Holds the lock of the open project, and watches a project that another program has."""

    changed = Signal(str)  # this folder can be written now, or was written by another program
    lost = Signal(str)  # another program took the project over: why nothing is saved any more

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._locks: dict[Path, ProjectLock] = {}
        self._watched: Path | None = None  # read only: another program has it
        self._stamp = 0.0
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self.look)

    def take(self, folder: Path) -> str:
        """Take the right to write; returns why it cannot be had. May run in a thread."""
        from core.errors import BadProject
        from core.io.lock import ProjectLock, ProjectOpen

        folder = Path(folder).absolute()
        held = self._locks.get(folder)
        if held is not None and held.held:
            return ""
        lock = ProjectLock(folder)
        try:
            lock.acquire()
        except ProjectOpen as fault:
            return f"Another program may write it: {fault.owner}."
        except BadProject as fault:
            return fault.message
        self._locks[folder] = lock
        return ""

    def settle(self, folder: Path, read_only: str) -> None:
        """The window shows this project now: give back all others."""
        folder = Path(folder).absolute()
        for other in [path for path in self._locks if path != folder]:
            self._locks.pop(other).release()
        if folder in self._locks:
            self._locks[folder].share()
        self._watched = folder if read_only and folder not in self._locks else None
        self._stamp = _stamp(folder)
        self._timer.start()

    def look(self) -> None:
        """Whether the project became free or was changed, or was taken away from this window."""
        if self._watched is not None:
            folder = self._watched
            if not self.take(folder) or _stamp(folder) != self._stamp:
                self._stamp = _stamp(folder)
                self.changed.emit(str(folder))
            return
        for folder, lock in list(self._locks.items()):
            if not lock.held:
                del self._locks[folder]
                self.lost.emit(self.take(folder))

    def release(self) -> None:
        """Give everything back: the window closes."""
        self._timer.stop()
        for lock in self._locks.values():
            lock.release()
        self._locks.clear()


def _stamp(folder: Path) -> float:
    try:
        return (folder / "project.json").stat().st_mtime
    except OSError:
        return 0.0
