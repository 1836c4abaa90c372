"""A slider with two ends: the grey value that is drawn black and the one that is drawn brightest."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

HANDLE = 6.0


class RangeSlider(QWidget):
    """Low and high within floor and ceiling; drag either end."""

    changed = Signal(float, float)
    released = Signal()

    def __init__(self, colour: str = "#888888", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.low, self.high = 0.0, 1.0
        self.floor, self.ceiling = 0.0, 1.0
        self.colour = colour
        self._held = ""
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(96, 20)

    def minimumSizeHint(self) -> QSize:
        return QSize(56, 20)

    def set_range(self, low: float, high: float, floor: float, ceiling: float) -> None:
        """Show these values; emits nothing."""
        self.low, self.high, self.floor, self.ceiling = low, high, floor, max(ceiling, floor + 1e-9)
        self.setToolTip(f"Black at {low:.4g}, brightest at {high:.4g} grey values")
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        low, high = self._place(self.low), self._place(self.high)
        self._held = "low" if abs(x - low) < abs(x - high) or x < low else "high"
        self._move(x)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held:
            self._move(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = ""
        self.released.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = (self.ceiling - self.floor) / 50
        if event.key() in (Qt.Key.Key_Minus, Qt.Key.Key_Plus):
            self._set(self.low, self.high + (step if event.key() == Qt.Key.Key_Minus else -step))
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.height() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().mid())
        painter.drawRoundedRect(QRectF(HANDLE, middle - 2, self.width() - 2 * HANDLE, 4), 2, 2)
        low, high = self._place(self.low), self._place(self.high)
        painter.setBrush(QColor(self.colour) if self.isEnabled() else self.palette().mid().color())
        painter.drawRoundedRect(QRectF(low, middle - 2, max(high - low, 1), 4), 2, 2)
        painter.setPen(self.palette().dark().color())
        painter.setBrush(self.palette().button())
        for x in (low, high):
            painter.drawEllipse(QPointF(x, middle), HANDLE - 0.5, HANDLE - 0.5)
        painter.end()

    def _place(self, value: float) -> float:
        share = (value - self.floor) / (self.ceiling - self.floor)
        return HANDLE + min(max(share, 0.0), 1.0) * (self.width() - 2 * HANDLE)

    def _move(self, x: float) -> None:
        share = min(max((x - HANDLE) / max(self.width() - 2 * HANDLE, 1), 0.0), 1.0)
        value = self.floor + share * (self.ceiling - self.floor)
        if self._held == "low":
            self._set(value, self.high)
        else:
            self._set(self.low, value)

    def _set(self, low: float, high: float) -> None:
        gap = (self.ceiling - self.floor) / 200
        if self._held == "low":
            low = min(low, high - gap)
        else:
            high = min(max(high, low + gap), self.ceiling)
        self.set_range(low, high, self.floor, self.ceiling)
        self.changed.emit(low, high)
