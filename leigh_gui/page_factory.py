"""Builds each page the first time it is shown, and connects it to the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from leigh_gui.main_window import MainWindow


def make_page(window: MainWindow, name: str) -> QWidget:
    """The page of this name; what it needs is imported only now."""
    return {
        "data": _data,
        "train": _train,
        "explore": _explore,
        "compare": _compare,
        "screen": _screen,
        "figure": _figure,
    }[name](window)


def _data(window: MainWindow) -> QWidget:
    from leigh_gui.pages.data.page import DataPage

    page = DataPage(window.state)
    page.start_asked.connect(lambda: window.go("start"))
    page.train_asked.connect(lambda: window.go("train"))
    page.scan_asked.connect(window.desk.scan)
    return page


def _train(window: MainWindow) -> QWidget:
    from leigh_gui.pages.train.page import TrainPage

    page = TrainPage(window.state)
    page.start_asked.connect(lambda: window.go("start"))
    page.explore_asked.connect(lambda: window.go("explore"))
    page.train_asked.connect(window.desk.train)
    page.stop_asked.connect(window.desk.stop)
    page.map_asked.connect(window.desk.map)
    page.model_asked.connect(window.opener.adopt_model)
    page.check_asked.connect(window.desk.check)
    window.desk.checked.connect(page.show_check)

    def add(verb: str, progress: dict[str, Any]) -> None:
        if verb == "train":
            page.add_progress(progress)

    window.desk.progress.connect(add)
    return page


def _explore(window: MainWindow) -> QWidget:
    from leigh_gui.pages.explore.page import ExplorePage
    from leigh_gui.services.thumbnails import Thumbnails

    page = ExplorePage(window.control, Thumbnails(window.state, window), window.settings)
    page.train_asked.connect(lambda: window.go("train"))
    page.panel_asked.connect(window.add_panel)
    return page


def _compare(window: MainWindow) -> QWidget:
    from leigh_gui.pages.compare.controller import CompareControl
    from leigh_gui.pages.compare.page import ComparePage

    control = CompareControl(window.state, window.client, window.settings, window)
    page = ComparePage(control)
    page.explore_asked.connect(lambda: window.go("explore"))
    page.panel_asked.connect(lambda spec: window.collect(spec, page.picture()))
    return page


def _screen(window: MainWindow) -> QWidget:
    from leigh_gui.pages.screen.controller import ScreenControl
    from leigh_gui.pages.screen.page import ScreenPage
    from leigh_gui.services.thumbnails import Thumbnails

    control = ScreenControl(window.state, window)
    page = ScreenPage(control, Thumbnails(window.state, window), window.settings)
    page.screen_asked.connect(window.desk.screen)
    page.data_asked.connect(lambda: window.go("data"))
    page.panel_asked.connect(lambda spec: window.collect(spec, page.picture()))
    window.desk.screened.connect(control.load)

    def explain(record_id: str, target: str) -> None:
        window.control.gestures.pick(record_id)
        if target:
            window.control.gestures.move_to(target)
        window.go("explore")

    page.explain_asked.connect(explain)
    return page


def _figure(window: MainWindow) -> QWidget:
    from leigh_gui.pages.figure.page import FigurePage

    page = FigurePage(window.state)
    page.export_asked.connect(window.desk.figure)
    page.explore_asked.connect(lambda: window.go("explore"))
    return page
