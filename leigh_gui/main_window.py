"""The window: page switch on top, the pages, the job bar and what is open at the bottom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QVBoxLayout, QWidget
from shiboken6 import isValid

from leigh_gui import actions
from leigh_gui.arrival import Arrival
from leigh_gui.close_dialog import ask_about_job
from leigh_gui.collector import Collector
from leigh_gui.commands import Commands
from leigh_gui.errors import ErrorBus
from leigh_gui.frame import StatusStrip, TopBar
from leigh_gui.navigation import Navigation
from leigh_gui.page_factory import PageFactory
from leigh_gui.services.backstage import READ_ONLY, Backstage
from leigh_gui.services.inference_client import InferenceClient
from leigh_gui.settings import Settings
from leigh_gui.turns import next_turn
from leigh_gui.unsaved import UnsavedChanges
from leigh_gui.widgets.common.empty_state import dropped_folder
from leigh_gui.widgets.common.error_bar import ErrorBar

if TYPE_CHECKING:
    from leigh_gui.pages.explore.controller import ExploreControl

MENU = (
    "open", "demo", "export", "copy", "check", "relink", "replace", "theme", "log", "shortcuts",
    "quit",
)  # fmt: skip
FIRST_SIZE, LEAST_SIZE = QSize(1366, 730), QSize(1024, 640)  # without the frame
TITLE_BAR = 38  # pixels: a screen of 1366 x 768 shows the window and its title
PATIENCE_MS = 15_000  # for a job to stop when the window closes
READ_ONLY_MARK = " (read only)"


class MainWindow(QMainWindow):
    """Puts the parts of the window together."""

    def __init__(
        self, settings: Settings, bus: ErrorBus, client: InferenceClient | None = None
    ) -> None:
        super().__init__()
        self.backstage = Backstage(settings, bus, client, self)
        self.state, self.client = self.backstage.state, self.backstage.client
        self.factory = PageFactory(self.backstage)
        self.navigation = Navigation(self.state, self.factory)
        self.arrival = Arrival(self.backstage, self.navigation)
        self.collector = Collector(self.backstage, self.navigation)
        self.unsaved = UnsavedChanges(self, self.backstage)
        self.commands = Commands(self, self.navigation, self.collector)
        self._quit_after_job = False
        self._build()
        self._connect()
        self._show_availability()

    def _build(self) -> None:
        self.setWindowTitle("Leigh Explorer")
        self.setAcceptDrops(True)
        self.setMinimumSize(LEAST_SIZE)
        self.top, self.strip = TopBar(), StatusStrip()
        self.job_bar = self.strip.jobs
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top)
        column.addWidget(self.navigation, 1)
        column.addWidget(self.strip)
        self.error_bar = ErrorBar(body, self.strip)  # over the page, which does not move
        self.setCentralWidget(body)
        self.actions_by_name = actions.build(self, self.commands.slots())
        self.top.set_menu([self.actions_by_name[name] for name in MENU])
        geometry = self.backstage.settings.bytes("geometry")
        if geometry is None or not self.restoreGeometry(geometry):
            room = self.screen().availableGeometry().size() - QSize(0, TITLE_BAR)
            self.resize(FIRST_SIZE.boundedTo(room))

    def _connect(self) -> None:
        back, top = self.backstage, self.top
        top.page_asked.connect(self.go)
        top.undo.clicked.connect(self.state.undo.undo)
        top.redo.clicked.connect(self.state.undo.redo)
        top.theme.clicked.connect(self.commands.switch_theme)
        top.help.clicked.connect(lambda: self.actions_by_name["shortcuts"].trigger())
        self.commands.theme_changed.connect(top.redraw_icons)
        self.factory.imported.connect(self._on_imported)
        self.navigation.shown.connect(top.show_page)
        self.navigation.shown.connect(lambda _: self._show_availability())
        self.collector.reported.connect(self.strip.tell)
        self.state.undo.indexChanged.connect(self._on_undo_changed)
        self.state.project_changed.connect(self._on_state)
        self.state.model_changed.connect(self._build_explore)
        self.state.model_changed.connect(self._on_state)
        self.state.asked_changed.connect(self.error_bar.hide)
        self.state.asked_changed.connect(self._on_state)
        back.bus.raised.connect(self._on_raised)
        back.bus.offered.connect(self.error_bar.show_offer)
        back.saver.changed.connect(self.strip.show_unsaved)
        back.saver.changed.connect(lambda why: self.setWindowModified(bool(why)))
        self.strip.unsaved_asked.connect(self.unsaved.offer)
        back.loader.opened.connect(self._on_opened)
        back.client.opened.connect(self._on_device)
        self._connect_jobs()

    def _connect_jobs(self) -> None:
        jobs, runner, bar = self.backstage.jobs, self.backstage.runner, self.job_bar
        runner.started.connect(bar.start)
        bar.stop_asked.connect(jobs.stop)
        bar.cancel_asked.connect(jobs.cancel)
        jobs.waiting.changed.connect(bar.set_waiting)
        self.backstage.loader.reading.connect(self._on_reading)
        self.backstage.loader.busy_changed.connect(lambda _: self._finish_bar())
        jobs.stopping.connect(bar.stopping)
        jobs.progress.connect(
            lambda _, step: bar.set_progress(
                step.get("done", 0),
                step.get("total", 0),
                str(step.get("what", "")),
                step.get("seconds_left"),
            )
        )
        jobs.reported.connect(self.strip.tell)
        jobs.saved.connect(self.strip.show_file)
        jobs.ended.connect(self._on_job_ended)
        jobs.looked_through.connect(self.commands.show_findings)

    @property
    def control(self) -> ExploreControl:
        """What the Explore page does."""
        return self.factory.control

    @property
    def pages(self) -> dict[str, QWidget]:
        """The pages that were built."""
        return self.navigation.pages

    def launch(self, project: Path | None = None, demo: bool = False) -> None:
        """After the window is up: start the model process, open what was asked for."""
        QTimer.singleShot(0, self.client.start)
        QTimer.singleShot(0, self.factory.import_code)
        if demo:
            QTimer.singleShot(0, self.commands.demo)
        elif project is not None:
            QTimer.singleShot(0, lambda: self.commands.open(project))
        else:
            self.commands.tell_notices()

    def go(self, name: str) -> None:
        """Show a page, building it the first time."""
        self.navigation.go(name)

    def current_page(self) -> str:
        """Name of the page on show."""
        return self.navigation.current()

    def explore(self) -> Any:
        """The Explore page, built if need be."""
        return self.navigation.page("explore")

    def _on_imported(self, module: str) -> None:
        if module == "leigh_gui.pages.explore.page":
            self.navigation.prepare("explore")  # opening a project then only has to fill it

    def _build_explore(self) -> None:
        """Build the Explore page before it is shown, if there is something to explore."""
        if self.state.ready_to_explore:
            next_turn(self, lambda: self.navigation.prepare("explore"))

    def _on_opened(self, page: str) -> None:
        project, settings = self.state.project, self.backstage.settings
        if project is None:
            return
        settings.remember(project.folder)
        start: Any = self.navigation.page("start")
        start.set_recent(settings.recent())
        self.error_bar.hide()
        for warning in self.state.opened.warnings if self.state.opened else ():
            self.backstage.bus.tell(warning)
        self.commands.tell_notices()
        self._tell_read_only(page)
        self.arrival.show(page)
        self._on_state()
        self.arrival.end()

    def _on_state(self) -> None:
        if self.state.ready_to_explore:
            _ = self.control  # it opens the model in its process
        self.strip.show_state(self.state)
        self.top.show_project(self.state.project.name if self.state.project else "")
        self._show_availability()
        if self.navigation.why_not(self.current_page()):
            self.go("start" if self.navigation.why_not("data") else "data")

    def _on_raised(self, message: str, hint: str, details: str) -> None:
        """Show an error; while the images are gone, they are the likely cause."""
        self.error_bar.show_error(message, hint, details)
        if self.state.opened is not None and self.state.opened.without_images:
            self.error_bar.show_offer("Locate images…", self.commands.relink)

    def _tell_read_only(self, page: str) -> None:
        opened = self.state.opened
        if opened is None:
            return
        was = READ_ONLY_MARK in self.windowTitle()
        mark = READ_ONLY_MARK if opened.read_only else ""
        self.setWindowTitle(f"{opened.project.name}{mark}[*] — Leigh Explorer")
        if opened.read_only and page != "stay":
            self.backstage.bus.tell(READ_ONLY, opened.read_only)
        elif was and not opened.read_only:
            self.strip.tell("The project can be changed now.")

    def _on_undo_changed(self) -> None:
        if isValid(self.state.undo):  # the stack emits once more while it is being destroyed
            self.top.show_undo(self.state.undo)

    def _on_device(self, device: str) -> None:
        self.state.device = device
        self.strip.show_state(self.state)

    def _show_availability(self) -> None:
        self.top.show_reasons(self.navigation.reasons())
        page = self.current_page()
        for spec in actions.ACTIONS:
            if spec.where != "everywhere":
                self.actions_by_name[spec.name].setEnabled(spec.where == page)

    def _on_reading(self, title: str, folder: Path | None) -> None:
        if not self.backstage.runner.running():
            self.job_bar.open(title, self.backstage.memory.seconds_of(folder))

    def _finish_bar(self) -> None:
        if not self.backstage.runner.running() and not self.backstage.loader.busy():
            self.job_bar.finish()

    def _on_job_ended(self) -> None:
        self._finish_bar()
        if not self._quit_after_job or self.backstage.jobs.busy():
            return
        if self.unsaved.settle():
            self._shut_down()
            QApplication.quit()
        else:
            self._quit_after_job = False
            QApplication.setQuitOnLastWindowClosed(True)
            self.show()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_folder(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        folder = dropped_folder(event.mimeData())
        if folder is not None:
            event.acceptProposedAction()
            self.commands.open(folder)

    def closeEvent(self, event: QCloseEvent) -> None:
        runner, jobs = self.backstage.runner, self.backstage.jobs
        busy = jobs.busy() and not self._quit_after_job
        choice = ask_about_job(self) if busy else ""
        if choice == "stay":
            event.ignore()
            return
        if choice == "stop":
            jobs.waiting.clear()
            runner.stop()
            runner.wait(PATIENCE_MS)
        if not self.unsaved.settle():
            event.ignore()
            return
        if choice == "finish" and jobs.busy():
            self._quit_after_job = True
            QApplication.setQuitOnLastWindowClosed(False)
            self.hide()
            event.ignore()
            return
        self._shut_down()
        event.accept()

    def _shut_down(self) -> None:
        self.backstage.settings.set_bytes("geometry", self.saveGeometry())
        for page in self.pages.values():
            if hasattr(page, "remember_layout"):
                page.remember_layout()
        self.backstage.close()
