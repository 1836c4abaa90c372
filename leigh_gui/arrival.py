"""Where a project that opens is shown: on the page that is asked for, or as it was left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from leigh_gui.frame import NAMES
from leigh_gui.project_memory import PAGE, SECONDS

if TYPE_CHECKING:
    from leigh_gui.navigation import Navigation
    from leigh_gui.services.backstage import Backstage


class Arrival(QObject):
    """Restores view and page of a project, and remembers the page from then on."""

    def __init__(self, backstage: Backstage, navigation: Navigation) -> None:
        super().__init__(navigation)
        self.backstage, self.navigation = backstage, navigation
        self.memory = backstage.memory
        self._asked_on = ""  # page on which the job that runs was asked for
        backstage.runner.began.connect(self._on_job)
        navigation.shown.connect(self._on_shown)

    def show(self, page: str) -> None:
        """A project was opened: "" means that nobody asked for a page, "stay" that none changes."""
        opened, navigation = self.backstage.state.opened, self.navigation
        assert opened is not None
        if opened.ready_to_explore and page != "stay" and not opened.without_images:
            self.memory.restore_view()
            navigation.factory.control.gestures.start_anywhere()
        if self._moved_on():
            page = "stay"
        left = "" if page or opened.without_images else str(self.memory.part(PAGE))
        if page == "stay":
            pass
        elif page not in ("", "explore"):
            navigation.go(page)
        elif left in NAMES and not navigation.why_not(left):
            navigation.go_in_turns(left)
        elif opened.without_images:
            navigation.go("data")  # it has the button to locate them
        elif opened.ready_to_explore:
            navigation.go_in_turns("explore")
        else:
            navigation.go("train" if opened.project.model else "data")

    def end(self) -> None:
        """The project is on show: from now on what changes is remembered."""
        self.memory.listen()
        self.memory.keep(SECONDS, round(self.backstage.loader.took_s, 1))

    def _on_job(self) -> None:
        self._asked_on = self.navigation.current()

    def _moved_on(self) -> bool:
        """Whether the user went to another page while the job ran: then its end moves nothing."""
        asked_on = self._asked_on
        if not self.backstage.runner.running():
            self._asked_on = ""
        return bool(asked_on) and self.navigation.current() != asked_on

    def _on_shown(self, page: str) -> None:
        if page != "start":
            self.memory.keep(PAGE, page)
