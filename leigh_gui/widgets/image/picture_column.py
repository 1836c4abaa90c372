"""One large picture with a line of words above it and a line of tools below it."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from leigh_gui.widgets.image.pane import Pane

HEAD, FOOT = 28, 24  # pixels; the same for all columns, so that their panes stand in one row


class PictureColumn(QWidget):
    """A pane between its head and its foot."""

    def __init__(self, pane: Pane, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pane = pane
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.head, self.foot = QHBoxLayout(), QHBoxLayout()
        column.addWidget(_line(self.head, HEAD))
        column.addWidget(pane, 1)
        column.addWidget(_line(self.foot, FOOT))


def _line(row: QHBoxLayout, height: int) -> QWidget:
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    holder = QWidget()
    holder.setFixedHeight(height)
    holder.setLayout(row)
    return holder
