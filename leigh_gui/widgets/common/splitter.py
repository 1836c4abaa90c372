"""A splitter that says when it has another size."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget

HANDLE = 8  # pixels


class Splitter(QSplitter):
    """Says when it has another size."""

    resized = Signal()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()


def splitter(orientation: Qt.Orientation, *parts: tuple[QWidget, int]) -> Splitter:
    """The parts and their stretch factors; none can be folded away."""
    split = Splitter(orientation)
    split.setChildrenCollapsible(False)
    split.setHandleWidth(HANDLE)
    for index, (widget, stretch) in enumerate(parts):
        split.addWidget(widget)
        split.setStretchFactor(index, stretch)
    return split
