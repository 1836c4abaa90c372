"""Short work in the background: opening a project, saving it, reading thumbnails.

Nothing here may block the window.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QRunnable, Qt, QThreadPool, Signal

if TYPE_CHECKING:
    from core.domain import Project
    from leigh_gui.opened import Opened


class _Answer(QObject):
    done = Signal(object)
    failed = Signal(object)


class _Task(QRunnable):
    """One function call in a thread of the pool."""

    def __init__(self, work: Callable[[], Any], answer: _Answer) -> None:
        super().__init__()
        self._work, self._answer = work, answer

    def run(self) -> None:
        try:
            result = self._work()
        except Exception as error:
            signal, result = self._answer.failed, error
        else:
            signal = self._answer.done
        try:
            signal.emit(result)
        except RuntimeError:  # the window was closed meanwhile
            return


class Background(QObject):
    """Runs functions in threads and hands the result to a slot in the window's own thread."""

    def __init__(self, parent: QObject | None = None, threads: int = 2) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._waiting: set[_Answer] = set()

    def run(self, work: Callable[[], Any], done: Callable[[Any], object],
            failed: Callable[[Any], object]) -> None:  # fmt: skip
        """Call `work` in a thread, then `done(result)` or `failed(error)` here."""
        answer = _Answer()
        self._waiting.add(answer)
        queued = Qt.ConnectionType.QueuedConnection
        answer.done.connect(lambda result: self._deliver(answer, done, result), queued)
        answer.failed.connect(lambda error: self._deliver(answer, failed, error), queued)
        self._pool.start(_Task(work, answer))

    def wait(self, timeout_ms: int = 10_000) -> bool:
        """Wait until everything has run; only at the end of the program and before a job starts."""
        return self._pool.waitForDone(timeout_ms)

    def _deliver(self, answer: _Answer, slot: Callable[[Any], object], value: Any) -> None:
        self._waiting.discard(answer)
        slot(value)


class Saver(QObject):
    """Saves the newest version of the project a moment after the last change."""

    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = Background(self, threads=1)
        self._newest: Project | None = None
        self._running = False

    def save(self, project: Project) -> None:
        """Save this version, or a newer one that comes before its turn."""
        self._newest = project
        if not self._running:
            self._next()

    def flush(self) -> None:
        """Everything is on disk when this returns."""
        self._background.wait()
        if self._newest is not None:
            project, self._newest = self._newest, None
            _save(project)

    def _next(self) -> None:
        if self._newest is None:
            return
        project, self._newest = self._newest, None
        self._running = True
        self._background.run(lambda: _save(project), self._on_saved, self._on_failed)

    def _on_saved(self, _: object) -> None:
        self._running = False
        self._next()

    def _on_failed(self, error: object) -> None:
        self._running = False
        self.failed.emit(error)


def _save(project: Project) -> None:
    from core.io.project import save_project

    save_project(project)


def read_project(folder: Path) -> Opened:
    """A project with its model, latents and map, as far as they exist.

    Damage of one part does not hide the rest.
    """
    from core.io.project import open_project
    from core.io.results import load_results
    from leigh_gui.opened import Opened

    project = open_project(folder)
    results = load_results(project)
    warnings = list(results.damaged)
    if results.stale:
        warnings.append(f"{STALE_MAP[results.stale]} Press “Compute the map” on the Train page.")
    parts = (results.card, results.latents, results.projection, results.decision)
    return Opened(project, *parts, tuple(warnings))


STALE_MAP = {
    "other-model": "The map was computed with another model.",
    "other-images": "The map is of other images or conditions.",
}
