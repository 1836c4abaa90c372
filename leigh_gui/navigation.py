"""The pages: which is on show, which can be shown, and why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from leigh_gui.frame import PAGES
from leigh_gui.readiness import ANSWER_FIRST
from leigh_gui.turns import next_turn

if TYPE_CHECKING:
    from leigh_gui.page_factory import PageFactory
    from leigh_gui.state import AppState


class Navigation(QStackedWidget):
    """Builds a page the first time it is shown."""

    shown = Signal(str)  # page

    def __init__(self, state: AppState, factory: PageFactory) -> None:
        super().__init__()
        self.state, self.factory = state, factory
        self.pages: dict[str, QWidget] = {}
        self._made: dict[str, QWidget] = {}  # and not added yet
        self._to_fill: set[str] = set()  # added, and not filled yet
        factory.page_asked.connect(self.go)
        state.asked_changed.connect(self._on_asked)
        self.page("start")

    def go(self, name: str) -> None:
        """Show a page, if it can be shown."""
        if not self.why_not(name):
            self.setCurrentWidget(self.page(name))
        self.shown.emit(self.current())

    def _on_asked(self) -> None:
        """A scan asks something: the Data page shows what."""
        if self.state.asked is not None:
            self.go("data")

    def current(self) -> str:
        """Name of the page on show."""
        return next(name for name, page in self.pages.items() if page is self.currentWidget())

    def page(self, name: str) -> QWidget:
        """The page of this name."""
        self._add(name)
        self._fill(name)
        return self.pages[name]

    def prepare(self, name: str) -> None:
        """Build a page before it is needed: made, added and filled in turns of their own.

        Nothing happens before its code is imported.
        """
        if self.factory.is_imported(name):
            self._next_step(name, (self._make, self._add, self._fill))

    def go_in_turns(self, name: str) -> None:
        """Show a page; a page that was never shown is built first, in turns of its own.

        A user who goes to another page meanwhile stays there.
        """
        if name in self.pages or self.why_not(name):
            self.go(name)
            return
        before = self.currentWidget()

        def arrive(name: str) -> None:
            if self.currentWidget() is before:
                self.go(name)

        self._next_step(name, (self._make, self._add, self._fill, arrive))

    def _next_step(self, name: str, steps: Sequence[Callable[[str], None]]) -> None:
        if steps:
            steps[0](name)
            next_turn(self, lambda: self._next_step(name, steps[1:]))

    def _make(self, name: str) -> None:
        if name not in self.pages and name not in self._made:
            self._made[name] = self.factory.make(name)

    def _add(self, name: str) -> None:
        if name not in self.pages:
            self._make(name)
            self.pages[name] = self._made.pop(name)
            self.addWidget(self.pages[name])
            self._to_fill.add(name)

    def _fill(self, name: str) -> None:
        """Fill a page that fills itself apart from its building."""
        if name in self._to_fill:
            self._to_fill.remove(name)
            getattr(self.pages[name], "fill", lambda: None)()

    def why_not(self, name: str) -> str:
        """Why a page cannot be shown yet; empty when it can."""
        if name == "start":
            return ""
        if name == "data" and self.state.asked is not None:
            return ""
        project = self.state.project
        if project is None or project.dataset is None:
            asked = self.state.asked is not None
            return ANSWER_FIRST if asked else "Open a folder of images or the demo first."
        if name == "screen" and not project.dataset.records:
            return "This project does not have images yet."
        if name in ("explore", "compare") and not self.state.ready_to_explore:
            missing = "Compute the map on the Train page first."
            return missing if project.model else "Train a model first."
        return ""

    def reasons(self) -> dict[str, str]:
        """Why each page cannot be shown yet."""
        return {name: self.why_not(name) for name, _ in PAGES}
