"""Short work in the background: opening a project, reading thumbnails.

Nothing here may block the window.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QRunnable, Qt, QThreadPool, Signal, SignalInstance

if TYPE_CHECKING:
    from leigh_gui.opened import Opened
    from leigh_gui.services.owner import ProjectOwner


class _Task(QRunnable):
    """One function call in a thread of the pool; refers to no object of the window."""

    def __init__(self, work: Callable[[], Any], key: int, finished: SignalInstance) -> None:
        super().__init__()
        self._work, self._key, self._finished = work, key, finished

    def run(self) -> None:
        try:
            right, result = True, self._work()
        except Exception as error:
            right, result = False, error
        try:
            self._finished.emit(self._key, right, result)
        except RuntimeError:  # the window was closed meanwhile
            return


SHARED = 0  # threads of the whole program instead of own ones


class Background(QObject):
    """Runs functions in threads and hands the result to a slot in the window's own thread.

    What a widget reads while it may be deleted runs in SHARED threads: a pool that is deleted waits
    for its threads, and they wait for Python, which the deleting thread holds.
    """

    _finished = Signal(int, bool, object)  # key, whether it worked, result or error

    def __init__(self, parent: QObject | None = None, threads: int = 2) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self) if threads else QThreadPool.globalInstance()
        if threads:
            self._pool.setMaxThreadCount(threads)
        self._keys = count()
        self._waiting: dict[int, tuple[Callable[[Any], object], Callable[[Any], object]]] = {}
        self._finished.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def run(self, work: Callable[[], Any], done: Callable[[Any], object],
            failed: Callable[[Any], object]) -> None:  # fmt: skip
        """Call `work` in a thread, then `done(result)` or `failed(error)` here."""
        key = next(self._keys)
        self._waiting[key] = done, failed
        self._pool.start(_Task(work, key, self._finished))

    def wait(self, timeout_ms: int = 10_000) -> bool:
        """Wait until everything has run; only at the end of the program and before a job starts."""
        return self._pool.waitForDone(timeout_ms)

    def _deliver(self, key: int, right: bool, value: Any) -> None:
        done, failed = self._waiting.pop(key)
        (done if right else failed)(value)


def read_project(folder: Path, owner: ProjectOwner) -> Opened:
    """A project with its model, latents and map, as far as they exist; `owner` may then write it.

    Damage of one part does not hide the rest.
    """
    from core.io.project import open_for_reading, sweep_project
    from core.io.results import load_results
    from leigh_gui.opened import Opened

    read_only = owner.take(folder)
    project = open_for_reading(folder)
    if not read_only:
        sweep_project(project.folder)
    results = load_results(project)
    warnings = [*results.damaged, *filter(None, [results.doubt])]
    if results.stale:
        warnings.append(f"{STALE_MAP[results.stale]} Press “Compute the map” on the Train page.")
    parts = (results.card, results.latents, results.projection, results.decision)
    return Opened(project, *parts, tuple(warnings), project.read_only or read_only)


STALE_MAP = {
    "other-model": "The map was computed with another model.",
    "other-images": "The map is of other images or conditions.",
}
