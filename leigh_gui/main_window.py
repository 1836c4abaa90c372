"""The window: page switch on top, the pages, the job bar and what is open at the bottom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer, QUrl
from PySide6.QtGui import QCloseEvent, QDesktopServices, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from leigh_gui import actions, theme
from leigh_gui.errors import ErrorBus
from leigh_gui.frame import PAGES, StatusStrip, TopBar
from leigh_gui.page_factory import make_page
from leigh_gui.pages.start.page import StartPage
from leigh_gui.services.background import Background, Saver
from leigh_gui.services.inference_client import InferenceClient
from leigh_gui.services.job_controller import BUSY, JobDesk, ask_about_job
from leigh_gui.services.jobs import JobRunner
from leigh_gui.services.project_loader import Opener
from leigh_gui.settings import Settings
from leigh_gui.state import AppState
from leigh_gui.widgets.common.empty_state import dropped_folder
from leigh_gui.widgets.common.error_bar import ErrorBar
from leigh_gui.widgets.common.job_bar import JobBar

if TYPE_CHECKING:
    from PySide6.QtGui import QPixmap

    from core.domain import PanelSpec
    from leigh_gui.pages.explore.page import ExplorePage


class MainWindow(QMainWindow):
    """Knows all pages; the pages do not know one another."""

    def __init__(
        self, settings: Settings, bus: ErrorBus, client: InferenceClient | None = None
    ) -> None:
        super().__init__()
        self.settings, self.bus = settings, bus
        self.state = AppState(self)
        self.jobs = JobRunner(self)
        self.client = client or InferenceClient(self)
        self.background = Background(self)
        self.saver = Saver(self)
        self.opener = Opener(self.state, self.jobs, self.background, self.saver, self)
        self.pages: dict[str, QWidget] = {}
        self._control: Any = None
        self._quit_after_job = False
        self._build()
        self.desk = JobDesk(
            self.state, self.jobs, self.opener, self.saver, bus, self.job_bar, self.strip, self
        )
        self._connect()

    def _build(self) -> None:
        self.setWindowTitle("Leigh Explorer")
        self.setAcceptDrops(True)
        self.setMinimumSize(1024, 640)
        self.top = TopBar()
        self.error_bar, self.job_bar, self.strip = ErrorBar(), JobBar(), StatusStrip()
        self.stack = QStackedWidget()
        start = StartPage()
        self.pages["start"] = start
        self.start = start
        self.stack.addWidget(start)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.top, self.error_bar):
            column.addWidget(widget)
        column.addWidget(self.stack, 1)
        for widget in (self.job_bar, self.strip):
            column.addWidget(widget)
        self.setCentralWidget(body)
        self.actions_by_name = actions.build(self, self._slots())
        self.top.set_menu(
            [
                self.actions_by_name[n]
                for n in ("open", "demo", "export", "theme", "log", "shortcuts", "quit")
            ]
        )
        start.set_recent(self.settings.recent())
        geometry = self.settings.bytes("geometry")
        if geometry is None or not self.restoreGeometry(geometry):
            self.resize(1366, 768)
        self._show_availability()

    def _slots(self) -> dict[str, Any]:
        explore: dict[str, Any] = {
            "next": lambda: self.control.gestures.step(1),
            "previous": lambda: self.control.gestures.step(-1),
            "weaker": lambda: self.control.gestures.change_strength(-0.1),
            "stronger": lambda: self.control.gestures.change_strength(0.1),
            "play": lambda: self.explore().picture.path.toggle_play(),
            "add-panel": lambda: self.add_panel("counterfactual"),
        }
        explore |= {
            "next-treatment": lambda: self._page("screen").step(1),  # type: ignore[attr-defined]
            "previous-treatment": lambda: self._page("screen").step(-1),  # type: ignore[attr-defined]
            "add-ranking": lambda: self._page("screen").ask_panel(),  # type: ignore[attr-defined]
        }
        for n in range(1, 10):
            explore[f"move-{n}"] = lambda k=n: self._on_number(k)
        slots = {
            "open": self._on_browse, "demo": self._on_demo, "undo": self.state.undo.undo,
            "redo": self.state.undo.redo, "export": self._on_export, "theme": self._on_theme,
            "log": self._on_log, "shortcuts": lambda: actions.ShortcutSheet(self).exec(), "quit":
                self.close,
        }  # fmt: skip
        for name, _ in PAGES:
            slots[f"page-{name}"] = lambda n=name: self.go(n)
        return slots | explore

    def _connect(self) -> None:
        self.top.page_asked.connect(self.go)
        self.top.undo.clicked.connect(self.state.undo.undo)
        self.top.redo.clicked.connect(self.state.undo.redo)
        self.top.theme.clicked.connect(self._on_theme)
        self.top.help.clicked.connect(lambda: self.actions_by_name["shortcuts"].trigger())
        self.state.undo.indexChanged.connect(self._on_undo_changed)
        self.start.folder_dropped.connect(self.open_path)
        self.start.recent_asked.connect(self.open_path)
        self.start.browse_asked.connect(self._on_browse)
        self.start.demo_asked.connect(self._on_demo)
        self.bus.raised.connect(self.error_bar.show_error)
        self.saver.failed.connect(self.bus.report)
        self.state.edited.connect(self._on_edited)
        self.state.project_changed.connect(self._on_state)
        self.state.model_changed.connect(self._on_state)
        self.opener.failed.connect(self.bus.report)
        self.opener.opened.connect(self._on_opened)
        self.opener.busy_changed.connect(lambda _: self._show_availability())
        self.client.opened.connect(self._on_device)
        self.client.failed.connect(self.bus.tell)
        self.desk.changed.connect(self._show_availability)
        self.desk.ended.connect(self._on_job_ended)
        self.client.restarted.connect(lambda text: self.bus.tell(text, "Nothing was lost."))

    @property
    def control(self) -> Any:
        """What the Explore page does; made on first use."""
        if self._control is None:
            from leigh_gui.pages.explore.controller import ExploreControl

            self._control = ExploreControl(self.state, self.client, self)
        return self._control

    def launch(self, project: Path | None = None, demo: bool = False) -> None:
        """After the window is up: start the model process, open what was asked for."""
        QTimer.singleShot(0, lambda: self._launch(project, demo))

    def open_path(self, folder: Path) -> None:
        """A project is opened; any other folder becomes a new project."""
        if self.jobs.running():
            self.bus.tell("A job is still running.", BUSY)
            return
        self.opener.open(folder)

    def go(self, name: str) -> None:
        """Show a page, building it the first time."""
        why = self.why_not(name)
        if why:
            self.top.show_page(self.current_page())
            return
        self._page(name)
        self.stack.setCurrentWidget(self.pages[name])
        self.top.show_page(name)
        self._enable_actions()

    def current_page(self) -> str:
        """Name of the page on show."""
        return next(name for name, page in self.pages.items() if page is self.stack.currentWidget())

    def why_not(self, name: str) -> str:
        """Why a page cannot be shown yet; empty when it can."""
        if name == "start":
            return ""
        project = self.state.project
        if project is None or project.dataset is None:
            return "Open a folder of images or the demo first."
        if name == "screen" and not project.dataset.records:
            return "There are no images in this project."
        if name in ("explore", "compare") and not self.state.ready_to_explore:
            return (
                "Train a model first."
                if not project.model
                else "Compute the map on the Train page first."
            )
        return ""

    def explore(self) -> ExplorePage:
        """The Explore page, built if need be."""
        return self._page("explore")  # type: ignore[return-value]

    def add_panel(self, kind: str) -> None:
        """Collect what is on show for the figure."""
        from leigh_gui.pages.explore.panel_specs import panel_spec

        project, spec = self.state.project, panel_spec(self.state, kind)
        if project is None:
            return
        if spec is None:
            self.bus.tell(
                "There is nothing to collect yet.", "Click an image on the map and move it first."
            )
            return
        explore = self.explore()
        shown = {
            "map": explore.map.grab,
            "path": explore.picture.path.grab,
            "counterfactual": explore.picture.thumbnail,
        }
        self.collect(spec, shown[kind]() if kind in shown else None)

    def collect(self, spec: PanelSpec, picture: QPixmap | None = None) -> None:
        """Add a panel to the figure, with what it looked like."""
        project = self.state.project
        if project is None:
            return
        page: Any = self._page("figure")
        if picture is not None:
            page.set_picture(spec, picture)
        self.state.set_panels((*project.panels, spec), "Add to figure")
        self.strip.tell("Added to the figure.")

    def _page(self, name: str) -> QWidget:
        if name not in self.pages:
            page = make_page(self, name)
            self.pages[name] = page
            self.stack.addWidget(page)
            self._show_availability()
        return self.pages[name]

    def _launch(self, project: Path | None, demo: bool) -> None:
        self.client.start()
        if demo:
            self._on_demo()
        elif project is not None:
            self.open_path(project)

    def _on_opened(self, page: str) -> None:
        project = self.state.project
        if project is None:
            return
        self.settings.remember(project.folder)
        self.start.set_recent(self.settings.recent())
        self.error_bar.hide()
        for warning in self.state.opened.warnings if self.state.opened else ():
            self.bus.tell(warning)
        self.setWindowTitle(f"{project.name} — Leigh Explorer")
        if self.state.ready_to_explore and page in ("", "explore"):
            self.control.gestures.start_anywhere()
            self.go("explore")
        else:
            self.go(page if page not in ("", "explore") else ("train" if project.model else "data"))
        self._on_state()

    def _on_state(self) -> None:
        if self.state.ready_to_explore:
            _ = self.control  # it opens the model in its process
        self.strip.show_state(self.state)
        self.top.show_project(self.state.project.name if self.state.project else "")
        self._show_availability()
        if self.why_not(self.current_page()):
            self.go("data" if not self.why_not("data") else "start")

    def _on_undo_changed(self) -> None:
        if isValid(self.state.undo):  # the stack speaks once more while it is being destroyed
            self.top.show_undo(self.state.undo)

    def _on_device(self, device: str) -> None:
        self.state.device = device
        self.strip.show_state(self.state)

    def _show_availability(self) -> None:
        busy = (
            BUSY
            if self.jobs.running()
            else ("A project is being opened." if self.opener.busy() else "")
        )
        self.top.show_reasons({name: self.why_not(name) for name, _ in PAGES})
        self.start.set_busy(busy)
        data, training, figures, screen = (
            self.pages.get(n) for n in ("data", "train", "figure", "screen")
        )
        if data is not None:
            data.set_busy(busy)  # type: ignore[attr-defined]
        if training is not None:
            training.set_job(self.jobs.verb() == "train", busy)  # type: ignore[attr-defined]
            training.set_resumable(self.opener.resumable())  # type: ignore[attr-defined]
        if figures is not None:
            figures.set_exporting(busy)  # type: ignore[attr-defined]
        if screen is not None:
            screen.set_busy(busy)  # type: ignore[attr-defined]
        self._enable_actions()

    def _enable_actions(self) -> None:
        page = self.current_page()
        for spec in actions.ACTIONS:
            if spec.where != "everywhere":
                self.actions_by_name[spec.name].setEnabled(spec.where == page)

    def _on_job_ended(self) -> None:
        if self._quit_after_job and not self.jobs.running():
            self._shut_down()
            QApplication.quit()

    def _on_browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Open a folder of images or a project")
        if chosen:
            self.open_path(Path(chosen))

    def _on_demo(self) -> None:
        if self.jobs.running():
            self.bus.tell("A job is still running.", BUSY)
        else:
            self.opener.open_demo()

    def _on_export(self) -> None:
        if self.state.project is None or not self.state.project.panels:
            self.bus.tell(
                "There is nothing to export yet.",
                "On the Explore page, press F to collect a panel.",
            )
            return
        self.go("figure")
        page: Any = self.pages["figure"]
        page.ask_export()

    def _on_number(self, number: int) -> None:
        conditions = self.state.conditions()
        if number <= len(conditions):
            self.control.gestures.move_to(conditions[number - 1].name)

    def _on_theme(self) -> None:
        dark = not self.settings.flag("dark")
        self.settings.set_flag("dark", dark)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, dark)
        self.top.redraw_icons()

    def _on_log(self) -> None:
        from leigh_gui.app import log_folder

        QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_folder())))

    def _on_edited(self) -> None:
        if self.state.project is not None:
            self.saver.save(self.state.project)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_folder(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        folder = dropped_folder(event.mimeData())
        if folder is not None:
            event.acceptProposedAction()
            self.open_path(folder)

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.jobs.running() and not self._quit_after_job:
            choice = ask_about_job(self)
            if choice == "stay":
                event.ignore()
                return
            if choice == "finish":
                self._quit_after_job = True
                QApplication.setQuitOnLastWindowClosed(False)
                self.hide()
                event.ignore()
                return
            self.jobs.stop()
            self.jobs.wait(15_000)
        self._shut_down()
        event.accept()

    def _shut_down(self) -> None:
        self.settings.set_bytes("geometry", self.saveGeometry())
        pages: list[Any] = [
            self.pages[name] for name in ("explore", "screen") if name in self.pages
        ]
        for page in pages:
            page.remember_layout()
        self.saver.flush()
        self.client.close()
