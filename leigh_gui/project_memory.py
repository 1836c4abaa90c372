"""How each project was left: kept in the settings of the user, never in the project.

So a project that is open for reading only is shown as it was left, and nothing of it is unsaved.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from leigh_gui.left_view import LeftView, left_view, number, view_as_left
from leigh_gui.settings import Settings
from leigh_gui.state import AppState

SOON_MS = 800  # after the last change, so that a slider does not write at every step
PROJECTS = 32  # that are remembered
KEY = "projects"  # of the settings
VIEW, PAGE, SECONDS = "view", "page", "seconds"  # parts that are remembered here; pages have more


class ProjectMemory(QObject):
    """Parts of one project by name; a part that cannot be read counts as never kept.

    Nothing is kept while a project is being shown: until then the window changes by itself.
    """

    another = Signal()  # another project is open: what is remembered of it can be asked for

    def __init__(self, settings: Settings, state: AppState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings, self._state = settings, state
        self._folder: Path | None = None
        self._parts: dict[str, Any] = {}  # of the open project
        self._listens = self._changed = False
        self._timer = QTimer(self, singleShot=True, interval=SOON_MS)
        self._timer.timeout.connect(self.write)
        state.project_changed.connect(self._on_project)
        state.view_changed.connect(self._keep_view)
        state.answer_changed.connect(self._keep_view)

    def part(self, name: str) -> Any:
        """What was kept of the open project under this name; None where nothing was."""
        return self._parts.get(name)

    def mapping(self, name: str) -> dict[str, Any]:
        """The part, where it is a mapping; {} otherwise."""
        return _mapping(self.part(name))

    def seconds_of(self, folder: Path | None) -> float:
        """How long the project in this folder took to open the last time; 0 for nobody knows."""
        seconds = number(_mapping(self._read().get(str(folder))).get(SECONDS))
        return seconds or 0.0

    def keep(self, name: str, value: Any) -> None:
        """Remember a part of the open project; JSON must be able to hold the value."""
        if self._listens and self._parts.get(name) != value:
            self._parts[name], self._changed = value, True
            self._timer.start()

    def listen(self) -> None:
        """The open project is on show: from now on changes are the user's."""
        self._listens = True

    def restore_view(self) -> None:
        """Look at what was looked at, as far as the project still has it."""
        opened, view = self._state.opened, self._state.view
        if opened is None or view.current or not opened.ready_to_explore:
            return
        found = view_as_left(self.mapping(VIEW), opened)
        if found is not None:
            self._state.show(found.view, found.mix)

    def write(self) -> None:
        """Write what has changed."""
        if not self._changed:
            return
        self._changed = False
        self._timer.stop()
        others = self._read()
        others.pop(str(self._folder), None)
        newest = list(others.items())[-(PROJECTS - 1) :]
        self.settings.set_text(KEY, json.dumps(dict(newest) | {str(self._folder): self._parts}))

    def _on_project(self) -> None:
        folder = self._state.project.folder if self._state.project is not None else None
        if folder == self._folder:
            return
        self.write()
        self._folder, self._listens = folder, False
        self._parts = _mapping(self._read().get(str(folder)))
        self.another.emit()

    def _keep_view(self) -> None:
        state = self._state
        if state.view.current and not state.view.dragging:
            card = state.opened.card if state.opened is not None else None
            self.keep(VIEW, left_view(LeftView(state.view, state.mix), card))

    def _read(self) -> dict[str, Any]:
        try:
            return _mapping(json.loads(self.settings.text(KEY) or "{}"))
        except ValueError:
            return {}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
