"""Start: drop a folder, open the demo, or go on where you left off."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from leigh_gui.widgets.common.empty_state import DropZone
from leigh_gui.widgets.common.look import clear_layout, plain, tip


class StartPage(QWidget):
    """The first thing a person sees."""

    folder_dropped = Signal(Path)
    browse_asked = Signal()
    demo_asked = Signal()
    recent_asked = Signal(Path)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.recent: list[QPushButton] = []
        self._build()
        self._connect()

    def _build(self) -> None:
        outer = QHBoxLayout(self)
        outer.addStretch(1)
        body = QWidget()
        body.setMaximumWidth(920)
        outer.addWidget(body, 8)
        outer.addStretch(1)
        column = QVBoxLayout(body)
        column.setContentsMargins(24, 32, 24, 24)
        column.setSpacing(16)
        column.addStretch(1)
        column.addWidget(
            plain("See what separates healthy from diseased cultures", "title", wrap=True)
        )
        words = (
            "Train a network on your images, then drag a diseased culture toward health and watch"
            " what changes."
        )
        column.addWidget(plain(words, "muted", wrap=True))
        self.drop = DropZone()
        column.addWidget(self.drop, 3)
        column.addLayout(self._demo_row())
        self._recent_title = plain("Recent projects", "strong")
        column.addWidget(self._recent_title)
        self._recent_box = QVBoxLayout()
        self._recent_box.setSpacing(8)
        column.addLayout(self._recent_box)
        column.addStretch(2)

    def _demo_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(16)
        self.demo = QPushButton("Open the demo")
        self.demo.setObjectName("open-demo")
        self.demo.setProperty("kind", "primary")
        self.demo.setToolTip("Synthetic cultures, a trained model and its map, ready to explore.")
        row.addWidget(self.demo)
        words = "No data at hand? The demo has images, a trained model and a map: explore at once."
        row.addWidget(plain(words, "muted", wrap=True), 1)
        return row

    def _connect(self) -> None:
        self.drop.dropped.connect(self.folder_dropped)
        self.drop.browse_asked.connect(self.browse_asked)
        self.demo.clicked.connect(self.demo_asked)

    def set_recent(self, folders: list[Path]) -> None:
        """List these projects; one that is gone says so."""
        clear_layout(self._recent_box)
        self.recent = []
        self._recent_title.setVisible(bool(folders))
        for folder in folders[:4]:
            there = folder.is_dir()
            place = str(folder.parent)
            place = place if len(place) < 60 else "…" + place[-58:]
            button = QPushButton(f"{folder.name}   —   {place}".replace("&", "&&"))
            button.setProperty("kind", "row")
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            button.setEnabled(there)
            gone = f"{folder} is not there any more. Was the drive removed?"
            button.setToolTip(tip(str(folder) if there else gone))
            button.clicked.connect(lambda _=False, path=folder: self.recent_asked.emit(path))
            self._recent_box.addWidget(button)
            self.recent.append(button)

    def set_busy(self, why: str) -> None:
        """While something opens or runs, say so instead of starting another thing."""
        for button in (self.demo, self.drop.button):
            button.setEnabled(not why)
        self.demo.setToolTip(
            tip(why or "Synthetic cultures, a trained model and its map, ready to explore.")
        )
        self.drop.button.setToolTip(tip(why))
