"""What the keys and the menu do; the keys themselves are in `leigh_gui.actions`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from leigh_gui import theme
from leigh_gui.actions import ShortcutSheet
from leigh_gui.close_dialog import ask_about_network, confirm_replacing
from leigh_gui.frame import PAGES
from leigh_gui.paths import log_folder

if TYPE_CHECKING:
    from core.errors import NetworkPath
    from leigh_gui.collector import Collector
    from leigh_gui.navigation import Navigation
    from leigh_gui.services.backstage import Backstage


class Commands(QObject):
    """One slot per action."""

    theme_changed = Signal()

    def __init__(self, window: QWidget, navigation: Navigation, collector: Collector) -> None:
        super().__init__(window)
        self.window, self.navigation, self.collector = window, navigation, collector
        self.backstage: Backstage = collector.backstage
        self.notices: list[tuple[str, str]] = []  # what must be said once the window is up
        if notice := self.backstage.settings.notice:
            self.notices.append((notice, "Nothing else is affected."))
        factory = navigation.factory
        factory.project_asked.connect(self.open)
        factory.browse_asked.connect(self.browse)
        factory.demo_asked.connect(self.demo)
        factory.replace_asked.connect(self.replace_images)
        factory.locate_asked.connect(self.relink)
        self.backstage.loader.network_asked.connect(self._ask_about_network)

    def slots(self) -> dict[str, Callable[[], object]]:
        """The slot of every action."""
        undo = self.backstage.state.undo
        slots: dict[str, Callable[[], object]] = {
            "open": self.browse,
            "demo": self.demo,
            "undo": undo.undo,
            "redo": undo.redo,
            "export": self.export,
            "theme": self.switch_theme,
            "check": self.check,
            "copy": self.copy,
            "relink": self.relink,
            "replace": self.replace_images,
            "log": self.show_log,
            "shortcuts": lambda: ShortcutSheet(self.window).exec(),
            "quit": self.window.close,
        }
        for name, _ in PAGES:
            slots[f"page-{name}"] = partial(self.navigation.go, name)
        return slots | self._explore_slots() | self._screen_slots()

    def _explore_slots(self) -> dict[str, Callable[[], object]]:
        def explore() -> Any:
            return self.navigation.page("explore")

        slots: dict[str, Callable[[], object]] = {
            "next": lambda: self._gestures.step(1),
            "previous": lambda: self._gestures.step(-1),
            "weaker": lambda: self._gestures.change_strength(-0.1),
            "stronger": lambda: self._gestures.change_strength(0.1),
            "play": lambda: explore().picture.path.toggle_play(),
            "blink": lambda: explore().picture.blinking.hold(Qt.Key.Key_B),
            "next-stain": lambda: explore().picture.differences.next_stain(),
            "one-stain": lambda: explore().picture.single.toggle(),
            "overlay": lambda: explore().picture.differences.lay.toggle(),
            "add-panel": lambda: self.collector.add("counterfactual"),
        }
        for number in range(1, 10):
            slots[f"move-{number}"] = partial(self._move_to, number)
        return slots

    def _screen_slots(self) -> dict[str, Callable[[], object]]:
        def screen() -> Any:
            return self.navigation.page("screen")

        return {
            "next-treatment": lambda: screen().step(1),
            "previous-treatment": lambda: screen().step(-1),
            "add-ranking": lambda: screen().ask_panel(),
        }

    @property
    def _gestures(self) -> Any:
        return self.navigation.factory.control.gestures

    def open(self, folder: Path) -> None:
        """A project is opened; any other folder becomes a new project."""
        if self.backstage.may_open():
            self.backstage.loader.open(folder)

    def _ask_about_network(self, error: NetworkPath) -> None:
        answer = ask_about_network(self.window, error.message)
        if answer:
            self.backstage.loader.open(error.project, answer)

    def browse(self) -> None:
        """Choose a folder and open it."""
        words = "Open a folder of images or a project"
        chosen = QFileDialog.getExistingDirectory(self.window, words)
        if chosen:
            self.open(Path(chosen))

    def demo(self) -> None:
        """Open the demo."""
        if self.backstage.may_open():
            self.backstage.loader.open_demo()

    def export(self) -> None:
        """Export the figure, if panels are collected."""
        project = self.backstage.state.project
        if project is None or not project.panels:
            self.backstage.bus.tell(
                "There is nothing to export yet.",
                "On the Explore page, press F to collect a panel.",
            )
            return
        self.navigation.go("figure")
        page: Any = self.navigation.page("figure")
        page.ask_export()

    def switch_theme(self) -> None:
        """Light or dark."""
        settings = self.backstage.settings
        dark = not settings.flag("dark")
        settings.set_flag("dark", dark)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.switch(app, dark, self.theme_changed.emit)

    def show_log(self) -> None:
        """Show the last lines of the log."""
        from leigh_gui.log_dialog import LogDialog

        LogDialog(log_folder(), self.window).exec()

    def check(self) -> None:
        """Look through every part of the project."""
        if self._has_project("Open a project to check it."):
            self.backstage.jobs.look_through()

    def show_findings(self, findings: list[dict[str, Any]]) -> None:
        """Show what a check found; a repair is a second job, and the project is read again."""
        from leigh_gui.check_dialog import CheckDialog

        dialog = CheckDialog(findings, self.window)
        dialog.finished.connect(
            lambda _: self.backstage.jobs.look_through(repair=True) if dialog.wants_repair else None
        )
        dialog.open()

    def copy(self) -> None:
        """Choose a new folder and copy the project to it."""
        if self._has_project("Open a project to save a copy of it."):
            chosen, _ = QFileDialog.getSaveFileName(self.window, "New folder for the copy")
            if chosen:
                self.backstage.jobs.copy(Path(chosen))

    def relink(self) -> None:
        """Choose the folder that holds the images of the project now."""
        if self._has_project("Open a project to tell it where its images are."):
            chosen = QFileDialog.getExistingDirectory(self.window, "Folder with the images")
            if chosen:
                self.backstage.jobs.relink(Path(chosen))

    def replace_images(self) -> None:
        """Choose a folder whose images take the place of those of the project."""
        if not self._has_project("Open a project to replace its images."):
            return
        chosen = QFileDialog.getExistingDirectory(self.window, "Folder with the new images")
        if chosen and confirm_replacing(self.window, chosen):
            self.backstage.jobs.replace_images(Path(chosen))

    def _has_project(self, hint: str) -> bool:
        if self.backstage.state.project is None:
            self.backstage.bus.tell("No project is open.", hint)
        return self.backstage.state.project is not None

    def tell_notices(self) -> None:
        """Say once what was met at the start, and offer the log."""
        for words in self.notices:
            self.backstage.bus.tell(*words)
            self.backstage.bus.offer("Show the log", self.show_log)
        self.notices.clear()

    def _move_to(self, number: int) -> None:
        conditions = self.backstage.state.conditions()
        if number <= len(conditions):
            self._gestures.move_to(conditions[number - 1].name)
