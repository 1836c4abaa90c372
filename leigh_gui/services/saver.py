"""Saves the newest version of the project, and tries again until it is on disk."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from leigh_gui.services.background import Background

if TYPE_CHECKING:
    from core.domain import Project
    from core.domain.project import Reading

FIRST_RETRY_MS, LAST_RETRY_MS = 2_000, 60_000
SLOW_MS = 1_000  # a save that takes longer is shown as not saved
SAVE_FIRST = "Press “Not saved” at the bottom of the window to see what can be done."
SAVING = "It is still being saved."


class Saver(QObject):
    """Saves a moment after each change.

    A version that cannot be saved is kept, and tried again: by a timer, with the next change, and
    before the window closes.
    """

    failed = Signal(object)  # the error, once for each new reason
    changed = Signal(str)  # why the newest version is not on disk; "" once it is

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.why = ""  # the newest version is not on disk; "" where it is
        self.error: Exception | None = None
        self._background = Background(self, threads=1)
        self._later: dict[str, Reading] = {}  # digest of a file that was read -> what was saved
        self._newest: Project | None = None  # not on disk
        self._running = False
        self._wait_ms = FIRST_RETRY_MS
        self._retry = QTimer(self, singleShot=True)
        self._retry.timeout.connect(self._next)
        self._slow = QTimer(self, singleShot=True, interval=SLOW_MS)
        self._slow.timeout.connect(lambda: self._tell(self.why or SAVING))

    def save(self, project: Project) -> None:
        """Save this version, or a newer one that comes before its turn."""
        self._newest = project
        self._slow.start()
        self._next()

    def unsaved(self) -> Project | None:
        """The newest version, where it is not on disk, as a change of what was saved last."""
        return None if self._newest is None else self._based(self._newest)

    def flush(self) -> bool:
        """Whether everything is on disk; tries once more where it is not."""
        if self._newest is None:
            return True
        if not self._background.wait():  # a drive that does not answer
            self._tell(SAVING)
            return False
        try:
            self._write(self._newest)
        except Exception as error:
            self._on_failed(error)
            return False
        self._on_saved(self._newest)
        return True

    def discard(self) -> None:
        """Give up the version that is not on disk."""
        self._newest = None
        self._settle()

    def _next(self) -> None:
        project = self._newest
        if project is None or self._running:
            return
        self._retry.stop()
        self._running = True
        self._background.run(lambda: self._write(project), self._on_ended, self._on_ended_badly)

    def _based(self, project: Project) -> Project:
        """The version as a change of the one saved before: all come from one reading."""
        read = project.read
        while read is not None and read.digest in self._later:
            read = self._later[read.digest]
        return replace(project, read=read)

    def _write(self, project: Project) -> Project:
        from core.domain.project import Reading
        from core.io.project import save_project

        based = self._based(project)
        read, saved = based.read, save_project(based)
        now = saved.read
        if saved != project and now is not None:  # what others changed is not in our versions
            now = Reading(f"{now.digest} merged", replace(project, read=None))
        if read is not None and now is not None and read.digest != now.digest:
            self._later[read.digest] = now
            self._later.pop(now.digest, None)  # the same file once more
        return project

    def _on_ended(self, project: Project) -> None:
        self._running = False
        self._on_saved(project)
        self._next()

    def _on_ended_badly(self, error: Exception) -> None:
        self._running = False
        if self._newest is not None:
            self._on_failed(error)
            self._wait_ms = min(2 * self._wait_ms, LAST_RETRY_MS)

    def _on_saved(self, project: Project) -> None:
        if project is self._newest:
            self._newest = None
            self._settle()

    def _settle(self) -> None:
        self._retry.stop()
        self._slow.stop()
        self._wait_ms, self.error = FIRST_RETRY_MS, None
        self._tell("")

    def _on_failed(self, error: Exception) -> None:
        news = str(error) != str(self.error)
        self.error = error
        self._slow.stop()
        self._retry.start(self._wait_ms)
        self._tell(getattr(error, "message", "") or str(error) or type(error).__name__)
        if news:
            self.failed.emit(error)

    def _tell(self, why: str) -> None:
        if why != self.why:
            self.why = why
            self.changed.emit(why)
