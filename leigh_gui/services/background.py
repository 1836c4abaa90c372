"""Short work in the background: opening a project, reading thumbnails.

Nothing here may block the window.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal, SignalInstance

from leigh_gui.turns import next_turn

if TYPE_CHECKING:
    from core.domain import Project
    from leigh_gui.opened import Opened
    from leigh_gui.services.owner import ProjectOwner


class Background(QObject):
    """Runs functions in threads and hands the result to a slot in the window's own thread.

    The threads are Python's: a pool of Qt waits for its threads when it is deleted, and they wait
    for Python, which the deleting thread holds.
    """

    _finished = Signal(int, bool, object)  # key, whether it worked, result or error

    def __init__(self, parent: QObject | None = None, threads: int = 2) -> None:
        super().__init__(parent)
        pool = ThreadPoolExecutor(threads, thread_name_prefix="background")
        self._pool, self._keys, self._stopped = pool, count(), False
        self._futures: dict[int, Future[None]] = {}
        self._results: deque[Callable[[], object]] = deque()
        self._waiting: dict[int, tuple[Callable[[Any], object], Callable[[Any], object]]] = {}
        self._finished.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self.destroyed.connect(lambda: pool.shutdown(wait=False, cancel_futures=True))
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.stop)

    def run(self, work: Callable[[], Any], done: Callable[[Any], object],
            failed: Callable[[Any], object]) -> None:  # fmt: skip
        """Call `work` in a thread, then `done(result)` or `failed(error)` here."""
        if self._stopped:
            return
        key = next(self._keys)
        self._waiting[key] = done, failed
        self._futures[key] = self._pool.submit(_run, work, key, self._finished)

    def wait(self, timeout_ms: int = 10_000) -> bool:
        """Wait until everything has run; only at the end of the program and before a job starts."""
        return not wait_for(list(self._futures.values()), timeout_ms / 1000).not_done

    def stop(self) -> None:
        """Start nothing any more, at the end of the program."""
        self._stopped = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _deliver(self, key: int, right: bool, value: Any) -> None:
        self._futures.pop(key, None)
        done, failed = self._waiting.pop(key)
        self._results.append(partial(done if right else failed, value))
        if len(self._results) == 1:
            next_turn(self, self._hand_over)

    def _hand_over(self) -> None:
        """One result a turn: between two of them the user is served."""
        hand_over = self._results.popleft()
        if self._results:
            next_turn(self, self._hand_over)
        hand_over()


def once_more(work: Callable[[], Any]) -> Any:
    """`work()`; again, where it met a module that another thread had imported only in part.

    Two threads that import one package from two ends do not wait for each other: one of them sees
    a half of it. The second try finds all.
    """
    try:
        return work()
    except ImportError as error:
        if "partially initialized" not in str(error):
            raise
        return work()


def _run(work: Callable[[], Any], key: int, finished: SignalInstance) -> None:
    """One function call in a thread; refers to no object of the window."""
    try:
        right, result = True, once_more(work)
    except Exception as error:
        right, result = False, error
    try:
        finished.emit(key, right, result)
    except RuntimeError:  # the window was closed meanwhile
        return


def read_project(folder: Path, owner: ProjectOwner, network: str = "refuse") -> Opened:
    """A project with its model, latents and map, as far as they exist; `owner` may then write it.

    Damage of one part does not hide the rest. `network` is a value of `core.io.network.Network`.
    """
    from core.io.models import list_cards
    from core.io.network import Network
    from core.io.project import images_present, open_for_reading, sweep_project
    from core.io.results import load_results
    from leigh_gui.opened import Opened

    read_only = owner.take(folder)
    project = open_for_reading(folder, Network(network))
    if not read_only:
        sweep_project(project.folder)
    results = load_results(project)
    warnings = [*results.damaged, *filter(None, [results.doubt, not_opened(project)])]
    if results.stale:
        warnings.append(f"{STALE_MAP[results.stale]} Press “Compute the map” on the Train page.")
    gone = "" if project.untouched.images or images_present(project) else folder_of(project)
    if gone:
        warnings.append(not_there(gone))
    parts = (results.card, results.latents, results.projection, results.decision)
    models = tuple(card for card in list_cards(project) if card.kind == "iresnet")
    read_only = project.read_only or read_only
    opened = Opened(project, *parts, tuple(warnings), read_only, gone, models)
    if opened.ready_to_explore:
        opened.map_of(opened.default_plane())  # what the page shows first is computed here
    return opened


def folder_of(project: Project) -> str:
    """The folder of the images; "" before a scan."""
    return str(project.dataset.root) if project.dataset is not None else ""


def not_opened(project: Project) -> str:
    """What of a project lies on another computer and was not opened; "" for nothing."""
    places = filter(None, (project.untouched.images, project.untouched.plate_map))
    named = " and ".join(places)
    again = "Open the project again to be asked, or press “Locate images…”."
    return f"{named} lies on another computer and was not opened. {again}" if named else ""


def not_there(folder: str) -> str:
    """That the images are gone, and what to do."""
    return f"The images are not in {folder} any more. {LOCATE}"


def why_not_read(opened: Opened | None) -> str:
    """Why the images of an open project are not read; "" where they are."""
    if opened is None:
        return ""
    return not_there(opened.gone) if opened.gone else not_opened(opened.project)


LOCATE = "Connect the drive and open the project again, or press “Locate images…”."
STALE_MAP = {
    "other-model": "The map was computed with another model.",
    "other-images": "The map is of other images or conditions.",
}
