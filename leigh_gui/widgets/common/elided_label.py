"""A label that shortens its text.

Importing superqt costs 0.2 s: what the window builds before it is up imports this file later.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QSizePolicy, QWidget
from superqt import QElidingLabel

from leigh_gui.widgets.common.look import tip


class ElidedLabel(QElidingLabel):
    """One line of plain text that shortens itself; the whole text is its tooltip."""

    def __init__(self, text: str = "", kind: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        if kind:
            self.setProperty("kind", kind)
        self.setText(text)

    def setText(self, txt: str) -> None:
        super().setText(txt)
        self.setToolTip(tip(txt))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(min(metrics.horizontalAdvance(self.text()) + 6, 400), metrics.height() + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, self.fontMetrics().height() + 4)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            super().setText(self.text())  # fits another number of letters
