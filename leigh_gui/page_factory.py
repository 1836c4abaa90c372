"""Builds each page the first time it is shown, and connects it to what is behind it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QWidget

from leigh_gui.services.background import once_more
from leigh_gui.services.backstage import Backstage

if TYPE_CHECKING:
    from core.domain import PanelSpec
    from leigh_gui.pages.explore.controller import ExploreControl
    from leigh_gui.services.thumbnails import Thumbnails


SLOW_WHERE_THERE = "cuda.bindings.runtime"  # pyqtgraph imports it where it finds it
SCIENCE = (
    "contourpy",
    "core.io.models",
    "core.latent_map.ternary_plane",
    "core.latent_map.trajectory",
)
CODE = (
    "qtpy.QtGui",
    "superqt.utils",
    "superqt",
    "leigh_gui.widgets.map.legend",
    "leigh_gui.pages.explore.page",
    "pyqtgraph.Qt",
    "pyqtgraph",
    "leigh_gui.widgets.common.chart",
    "leigh_gui.pages.data.page",
    "leigh_gui.pages.train.page",
    "leigh_gui.pages.compare.page",
    "leigh_gui.pages.screen.page",
    "leigh_gui.pages.figure.page",
)
CLASSES = ("PySide6.QtCore", "PySide6.QtGui", "PySide6.QtWidgets", "PySide6.QtOpenGL")
TURN_S = 0.01  # of making classes of Qt: each is made when it is first named
PAUSE_MS = 5  # between two imports, for the user


class PageFactory(QObject):
    """Makes pages; the window starts before their code is imported."""

    imported = Signal(str)  # the module
    page_asked = Signal(str)
    project_asked = Signal(Path)  # project or folder of images to open
    browse_asked = Signal()
    demo_asked = Signal()
    replace_asked = Signal()  # other images for the open project
    locate_asked = Signal()  # the folder in which its images are now
    panel_asked = Signal(str)  # kind of what is on show on the Explore page
    collected = Signal(object, object)  # PanelSpec and its picture

    def __init__(self, backstage: Backstage) -> None:
        super().__init__(backstage)
        self.backstage = backstage
        self._control: ExploreControl | None = None

    @property
    def control(self) -> ExploreControl:
        """What the Explore page does; made on first use."""
        if self._control is None:
            from leigh_gui.pages.explore.controller import ExploreControl

            self._control = ExploreControl(self.backstage.state, self.backstage.client, self)
        return self._control

    def import_code(self) -> None:
        """Import the code of the pages: no first click waits for it.

        What uses Qt is imported here, a part at a time: two threads that meet a class of Qt for the
        first time crash PySide.
        """
        self.backstage.background.run(partial(_import_all, SCIENCE), lambda _: None, _raise)
        self._next_step(self._steps())

    def _next_step(self, steps: Iterator[None]) -> None:
        for _ in steps:
            QTimer.singleShot(PAUSE_MS, self, partial(self._next_step, steps))
            return

    def _steps(self) -> Iterator[None]:
        for module in CLASSES:
            end = time.monotonic() + TURN_S
            for name in dir(import_module(module)):
                getattr(sys.modules[module], name)
                if time.monotonic() > end:
                    yield
                    end = time.monotonic() + TURN_S
        for module in CODE:
            once_more(partial(import_module, module))
            self.imported.emit(module)
            yield

    def is_imported(self, name: str) -> bool:
        """Whether the code of a page is imported."""
        return f"leigh_gui.pages.{name}.page" in sys.modules

    def make(self, name: str) -> QWidget:
        """The page of this name."""
        makers: dict[str, Callable[[], QWidget]] = {
            "start": self._start,
            "data": self._data,
            "train": self._train,
            "explore": self._explore,
            "compare": self._compare,
            "screen": self._screen,
            "figure": self._figure,
        }
        page: Any = makers[name]()
        if hasattr(page, "set_busy"):
            page.set_busy(self.backstage.why_busy())
            self.backstage.busy_changed.connect(page.set_busy)
        return page  # type: ignore[no-any-return]

    def _start(self) -> QWidget:
        from leigh_gui.pages.start.page import StartPage

        page = StartPage()
        page.folder_dropped.connect(self.project_asked)
        page.recent_asked.connect(self.project_asked)
        page.browse_asked.connect(self.browse_asked)
        page.demo_asked.connect(self.demo_asked)
        page.set_recent(self.backstage.settings.recent())
        return page

    def _data(self) -> QWidget:
        from leigh_gui.layout_memory import LayoutMemory
        from leigh_gui.pages.data.page import DataPage

        jobs = self.backstage.jobs
        page = DataPage(self.backstage.state)
        LayoutMemory(self.backstage.memory, {}, {"data": page.tabs}, page)
        page.start_asked.connect(lambda: self.page_asked.emit("start"))
        page.train_asked.connect(lambda: self.page_asked.emit("train"))
        page.scan_asked.connect(jobs.scan_again)
        page.answered.connect(jobs.scan)
        page.replace_asked.connect(self.replace_asked)
        page.locate_asked.connect(self.locate_asked)
        return page

    def _train(self) -> QWidget:
        from leigh_gui.pages.train.page import TrainPage

        jobs, loader, runner = self.backstage.jobs, self.backstage.loader, self.backstage.runner
        page = TrainPage(self.backstage.state, self._thumbnails())
        page.held_out.picked.connect(lambda record: self._explain(record, ""))
        page.start_asked.connect(lambda: self.page_asked.emit("start"))
        page.explore_asked.connect(lambda: self.page_asked.emit("explore"))
        page.train_asked.connect(jobs.train)
        page.stop_asked.connect(jobs.stop)
        page.map_asked.connect(jobs.map)
        page.model_asked.connect(loader.adopt_model)
        page.check_asked.connect(jobs.check)
        jobs.checked.connect(page.show_check)
        jobs.progress.connect(page.add_progress)

        def show_job(why: str) -> None:
            other = self.backstage.why_same_model()
            page.set_job(runner.verb() == "train", why, other, loader.resumable())

        show_job(self.backstage.why_busy())
        self.backstage.busy_changed.connect(show_job)
        self.backstage.state.project_changed.connect(lambda: show_job(self.backstage.why_busy()))
        return page

    def _explore(self) -> QWidget:
        from leigh_gui.pages.explore.page import ExplorePage

        page = ExplorePage(self.control, self._thumbnails(), self.backstage.memory)
        page.train_asked.connect(lambda: self.page_asked.emit("train"))
        page.panel_asked.connect(self.panel_asked)
        return page

    def _compare(self) -> QWidget:
        from leigh_gui.pages.compare.controller import CompareControl
        from leigh_gui.pages.compare.page import ComparePage

        back = self.backstage
        page = ComparePage(CompareControl(back.state, back.client, back.settings, self))
        page.explore_asked.connect(lambda: self.page_asked.emit("explore"))
        page.panel_asked.connect(lambda spec: self._collect(spec, page.picture()))
        return page

    def _screen(self) -> QWidget:
        from leigh_gui.pages.screen.controller import ScreenControl
        from leigh_gui.pages.screen.page import ScreenPage

        back = self.backstage
        control = ScreenControl(back.state, self)
        page = ScreenPage(control, self._thumbnails(), back.memory)
        page.screen_asked.connect(back.jobs.screen)
        page.data_asked.connect(lambda: self.page_asked.emit("data"))
        page.panel_asked.connect(lambda spec: self._collect(spec, page.picture()))
        page.explain_asked.connect(self._explain)
        back.jobs.screened.connect(control.load)
        return page

    def _figure(self) -> QWidget:
        from leigh_gui.pages.figure.page import FigurePage

        page = FigurePage(self.backstage.state)
        page.export_asked.connect(self.backstage.jobs.figure)
        page.explore_asked.connect(lambda: self.page_asked.emit("explore"))
        return page

    def _thumbnails(self) -> Thumbnails:
        from leigh_gui.services.thumbnails import Thumbnails

        return Thumbnails(self.backstage.state, self)

    def _collect(self, spec: PanelSpec, picture: QPixmap) -> None:
        self.collected.emit(spec, picture)

    def _explain(self, record_id: str, target: str) -> None:
        """Look at an image of the screen, moved to its target."""
        self.control.gestures.pick(record_id)
        if target:
            self.control.gestures.move_to(target)
        self.page_asked.emit("explore")


def _import_all(names: Sequence[str]) -> None:
    with suppress(ImportError):
        import_module(SLOW_WHERE_THERE)
    for name in names:
        import_module(name)


def _raise(error: Exception) -> None:
    raise error  # to the error bar, with its own words
