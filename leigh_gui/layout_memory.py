"""The splitters and tabs of a page, as they were left in each project."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QByteArray, QObject
from PySide6.QtWidgets import QSplitter, QTabWidget

from leigh_gui.project_memory import ProjectMemory

SPLITTERS, TABS = "splitters", "tabs"  # parts of the memory


class LayoutMemory(QObject):
    """Restores them when another project opens, and keeps what the user moves.

    A project that was never arranged is arranged like the one before.
    """

    def __init__(
        self,
        memory: ProjectMemory,
        splitters: Mapping[str, QSplitter],
        tabs: Mapping[str, QTabWidget],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.memory = memory
        self.moved: set[str] = set()  # splitters that the user moved, now or before
        self._splitters, self._tabs = dict(splitters), dict(tabs)
        for name, split in self._splitters.items():
            self._arrange(name, memory.settings.bytes(f"split-{name}"))
            split.splitterMoved.connect(partial(self._on_moved, name))
        for name, tab in self._tabs.items():
            tab.currentChanged.connect(partial(self._on_turned, name))
        memory.another.connect(self.restore)
        self.restore()

    def restore(self) -> None:
        """Arrange everything as it was left in the open project."""
        sizes = self.memory.mapping(SPLITTERS)
        for name in self._splitters:
            if isinstance(sizes.get(name), str):
                self._arrange(name, QByteArray.fromBase64(sizes[name].encode()))
        shown = self.memory.mapping(TABS)
        for name, tab in self._tabs.items():
            index = shown.get(name)
            if isinstance(index, int) and 0 <= index < tab.count() and tab.isTabVisible(index):
                tab.setCurrentIndex(index)

    def write(self) -> None:
        """Keep the splitters for projects that were never arranged."""
        for name in self.moved:
            self.memory.settings.set_bytes(f"split-{name}", self._splitters[name].saveState())

    def _arrange(self, name: str, state: QByteArray | None) -> None:
        if state is not None and self._splitters[name].restoreState(state):
            self.moved.add(name)

    def _on_moved(self, name: str, *_: int) -> None:
        self.moved.add(name)
        state = bytes(self._splitters[name].saveState().toBase64().data()).decode()
        self.memory.keep(SPLITTERS, self.memory.mapping(SPLITTERS) | {name: state})

    def _on_turned(self, name: str, index: int) -> None:
        self.memory.keep(TABS, self.memory.mapping(TABS) | {name: index})
