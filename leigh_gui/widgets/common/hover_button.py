"""A button that acts while the mouse points at it or it is pressed."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QToolButton, QWidget


class HoverButton(QToolButton):
    """Sends `pointed` when it is pointed at or pressed, and when that ends."""

    pointed = Signal(bool)

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(text)
        self.pressed.connect(lambda: self.pointed.emit(True))
        self.released.connect(lambda: self.pointed.emit(self.underMouse()))

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.pointed.emit(True)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.pointed.emit(False)
