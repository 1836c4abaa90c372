"""An empty view that says what to do next, and the zone where a folder can be dropped."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from leigh_gui.widgets.common.look import plain


class EmptyState(QWidget):
    """A title, a sentence and one button."""

    asked = Signal()

    def __init__(
        self, title: str, text: str, button: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addStretch(2)
        self.title = plain(title, "title", wrap=True)
        self.text = plain(text, "muted", wrap=True)
        self.button = QPushButton(button)
        self.button.setProperty("kind", "primary")
        self.button.setVisible(bool(button))
        self.button.clicked.connect(self.asked)
        for label in (self.title, self.text):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        column.addSpacing(8)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)


def dropped_folder(mime: QMimeData) -> Path | None:
    """The folder that is being dropped; a dropped file stands for the folder it lies in."""
    for url in mime.urls():
        if url.isLocalFile():
            path = Path(url.toLocalFile())
            return path if path.is_dir() else path.parent
    return None


class DropZone(QWidget):
    """A large dashed field: drop a folder, or click to choose one."""

    dropped = Signal(Path)
    browse_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._over = False
        self.setAcceptDrops(True)
        self.setMinimumHeight(200)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(8)
        title = plain("Drop a folder of images here", "title", wrap=True)
        words = (
            "As your microscope wrote it: TIFF, PNG, OME-Zarr, CZI, LIF, ND2 or OIF."
            " What the names do not say is asked. Nothing is copied or changed."
        )
        text = plain(words, "muted", wrap=True)
        self.button = QPushButton("Choose a folder…")
        self.button.setObjectName("choose-folder")
        self.button.clicked.connect(self.browse_asked)
        column.addStretch(1)
        for label in (title, text):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        column.addSpacing(8)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_folder(event.mimeData()) is not None:
            self._highlight(True)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._highlight(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._highlight(False)
        folder = dropped_folder(event.mimeData())
        if folder is not None:
            event.acceptProposedAction()
            self.dropped.emit(folder)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        colour = palette.highlight().color() if self._over else palette.mid().color()
        painter.setPen(QPen(colour, 2, Qt.PenStyle.DashLine))
        painter.setBrush(palette.base())
        painter.drawRoundedRect(self.rect().adjusted(2, 2, -2, -2), 12, 12)
        painter.end()

    def _highlight(self, on: bool) -> None:
        self._over = on
        self.update()
