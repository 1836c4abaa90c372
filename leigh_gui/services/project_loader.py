"""Opens a project, the demo, a new folder of images, or a model from elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from leigh_gui.opened import Opened
from leigh_gui.scan_request import ScanRequest
from leigh_gui.services.background import Background, read_project
from leigh_gui.services.jobs import JobRunner, scan
from leigh_gui.services.owner import ProjectOwner
from leigh_gui.services.saver import SAVE_FIRST, Saver
from leigh_gui.state import AppState
from leigh_gui.turns import next_turn

if TYPE_CHECKING:
    from core.domain import DecisionMap, Project, Projection

log = logging.getLogger(__name__)


class ProjectLoader(QObject):
    """Reads in the background, then puts the result into the state."""

    opened = Signal(str)  # page to show; "" = the furthest that is ready
    failed = Signal(object)
    busy_changed = Signal(bool)
    reading = Signal(str, object)  # what is being opened, in words, and its folder
    network_asked = Signal(object)  # NetworkPath: a project names a folder on another computer

    def __init__(self, state: AppState, jobs: JobRunner, background: Background, saver: Saver,
                 parent: QObject | None = None) -> None:  # fmt: skip
        super().__init__(parent)
        self.state, self.jobs, self.background, self.saver = state, jobs, background, saver
        self.owner = ProjectOwner(self)
        self.owner.changed.connect(self._on_other_program)
        self.owner.lost.connect(self._on_lost)
        self._busy = False
        self.began, self.took_s = 0.0, 0.0  # when reading began; how long the last one took
        self._next: tuple[Callable[[], Opened], str] | None = (
            None  # asked for while something is being read
        )
        self._request: ScanRequest | None = None  # the scan that runs
        self._networks: dict[Path, str] = {}  # what was answered: a value of Network
        saver.changed.connect(self._on_saver, Qt.ConnectionType.QueuedConnection)

    def busy(self) -> bool:
        """Whether something is being opened."""
        return self._busy

    def open(self, folder: Path, network: str = "refuse") -> None:
        """A project is read; any other folder is looked through and becomes a project.

        `network` is the answer to `network_asked`: allow or leave.
        """
        if folder.name == "project.json" and not folder.is_dir():
            folder = folder.parent
        if not self._all_saved():
            return
        if (folder / "project.json").exists() or (folder / "project.json.bak").exists():
            self._networks[folder] = network
            self._read(lambda: self._project(folder), "", folder)
            return
        if (
            folder == Path()
        ):  # an empty choice would mean whatever folder the program was started in
            self.failed.emit(
                _error("No folder was chosen.", "Choose a project, or a folder with images.")
            )
            return
        if not folder.is_dir():
            self.failed.emit(
                _error(f"{folder} is not there.", "Was the drive removed, or the folder renamed?")
            )
            return
        self.scan(ScanRequest(folder, new_project_folder(folder)))

    def scan(self, request: ScanRequest) -> bool:
        """Look through a folder; the project opens at the end. False while another job runs."""
        started = self.jobs.start(scan(request))
        if started:
            self._request = request
        return started

    def take_request(self) -> ScanRequest | None:
        """The scan that has ended; from now on there is none."""
        request, self._request = self._request, None
        return request

    def open_demo(self) -> None:
        """The demo, copied for this user the first time."""
        if self._all_saved():
            self._read(lambda: _read_demo(self.owner), "explore")

    def reopen(self, page: str, warnings: tuple[str, ...] = (), made: Path | None = None) -> None:
        """Read again what a job has written.

        `warnings` are those of the job, `made` is the project of a scan.
        """
        folder = made or (self.state.project.folder if self.state.project else None)
        if folder is not None:
            self._read(lambda: _with(self._project(folder), warnings), page, folder)

    def take_map(self) -> None:
        """A job has written a map and is still at work: show it, and leave all else as it is."""
        began = self.state.opened
        if began is None or self._busy:
            return
        project = began.project

        def done(found: tuple[Projection, DecisionMap]) -> None:
            if (
                self.state.opened is began
                and began.latents is not None
                and found[0].belongs_to(began.latents)
            ):
                self.state.set_map(*found)

        def work() -> tuple[Projection, DecisionMap]:
            from core.io.project import stored_map
            from core.io.tables import load_map

            return load_map(stored_map(project))

        self.background.run(work, done, lambda error: log.info("The map is missing: %s", error))

    def resumable(self) -> bool:
        """Whether a stopped training can go on."""
        project = self.state.project
        if project is None:
            return False
        models = project.folder / "models"
        return models.is_dir() and any(p.name.startswith("checkpoint") for p in models.glob("*/*"))

    def adopt_model(self, folder: Path) -> None:
        """Copy a model that was trained elsewhere into the project and use it."""
        project = self.state.project
        if project is None or self._busy or not self._all_saved():
            return

        def work() -> Opened:
            from core.workflows.adopt_model import adopt_model

            return self._project(adopt_model(project, folder).folder)

        self._read(work, "train")

    def _read(self, work: Callable[[], Opened], page: str, folder: Path | None = None) -> None:
        if self._busy or not self.saver.flush():  # what is not saved would be lost by reading
            self._next = (work, page)
            return
        self._set_busy(True)
        self.began = time.monotonic()
        self.reading.emit(f"Opening {folder.name if folder else 'the project'}", folder)
        began = self.state.project
        self.background.run(
            work, lambda opened: self._on_read(opened, page, began), self._on_failed
        )

    def _project(self, folder: Path) -> Opened:
        """Runs in a thread."""
        return read_project(folder, self.owner, self._networks.get(folder, "refuse"))

    def _all_saved(self) -> bool:
        """Whether nothing is lost when another project is opened; says so where it would be."""
        if self.saver.flush():
            return True
        name = self.state.project.name if self.state.project else "The project"
        self.failed.emit(
            _error(f"{name} has changes that are not saved.", f"{self.saver.why} {SAVE_FIRST}")
        )
        return False

    def _on_saver(self, why: str) -> None:
        if not why and not self._busy:
            self._read_next()

    def _on_read(self, opened: Opened, page: str, began: Project | None) -> None:
        """Show it.

        What was edited while it was being read is not in it: then it is saved and read once more.
        """
        now, folder = self.state.project, opened.project.folder
        if self._next is None and now is not None and now is not began and now.folder == folder:
            self._next = (lambda: _with(self._project(folder), opened.warnings), page)
        elif self._next is None:
            self.owner.settle(folder, opened.read_only)
            self.state.open(opened)  # fills the pages; showing one is another turn
            asked = self.state.asked
            other = now is None or now.folder != folder
            if asked is not None and (other or asked.concerns(folder)):
                self.state.ask(None)
            next_turn(self, partial(self._end_reading, page))
            return
        self._set_busy(False)
        self._read_next()

    def _end_reading(self, page: str) -> None:
        self.took_s = time.monotonic() - self.began
        self._set_busy(False)
        self.opened.emit(page)
        self._read_next()

    def _on_other_program(self, folder: str) -> None:
        project = self.state.project
        if project is not None and project.folder == Path(folder) and not self._busy:
            self.reopen("stay")

    def _on_lost(self, why: str) -> None:
        if why:
            self.failed.emit(_error(f"The project can be read only from now on: {why}", ""))
        self.reopen("stay")

    def _on_failed(self, error: object) -> None:
        from core.errors import NetworkPath

        self._set_busy(False)
        (self.network_asked if isinstance(error, NetworkPath) else self.failed).emit(error)
        self._read_next()

    def _read_next(self) -> None:
        waiting, self._next = self._next, None
        if waiting is not None:
            self._read(*waiting)

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        self.busy_changed.emit(busy)


def _with(opened: Opened, warnings: tuple[str, ...]) -> Opened:
    return replace(opened, warnings=tuple(dict.fromkeys((*warnings, *opened.warnings))))


def _read_demo(owner: ProjectOwner) -> Opened:
    import platformdirs

    from core.workflows.demo import copy_demo, demo_name

    folder = platformdirs.user_data_path("leigh-explorer", appauthor=False) / demo_name()
    copy_demo(folder)
    return read_project(folder, owner)


def new_project_folder(images: Path) -> Path:
    """A free folder among the user's documents, named after the images; never inside them."""
    import platformdirs

    home = platformdirs.user_documents_path() / "Leigh Explorer"
    name = images.name or "images"
    number = 1
    while (home / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return home / (name if number == 1 else f"{name}-{number}")


def _error(message: str, hint: str) -> Exception:
    from core.errors import LeighError

    return LeighError(message, hint)
