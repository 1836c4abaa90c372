"""One stain where one looks: its histogram, its contrast in numbers, its colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
    QWidgetAction,
)

from core.domain import FloatArray
from leigh_gui.widgets.common.look import plain, swatch_icon, tip
from leigh_gui.widgets.common.number_box import NumberBox
from leigh_gui.widgets.image.channel_display import ChannelDisplay

COLOURS = {
    "Blue": "#3B82F6", "Green": "#22C55E", "Red": "#EF4444", "Cyan": "#00E5FF",
    "Magenta": "#FF4DFF", "Yellow": "#FFE600", "Orange": "#E69F00", "Grey": "#FFFFFF",
}  # fmt: skip
BINS, SAMPLES = 128, 256


class Histogram(QWidget):
    """Numbers of pixels before (filled) and after (line); a drag moves the nearer end."""

    ends_moved = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._channel = ChannelDisplay("", "#FFFFFF")
        self._bars: list[np.ndarray] = []  # before, after: logarithms, at most 1
        self._end: str = ""  # that is being dragged
        self.setToolTip("Pixels before (filled) and after (line). Drag an end of the contrast.")

    def sizeHint(self) -> QSize:
        return QSize(300, 96)

    def show_channel(self, channel: ChannelDisplay) -> None:
        """Ends of the contrast of this channel."""
        self._channel = channel
        self.update()

    def show_values(self, planes: Sequence[FloatArray]) -> None:
        """Y X grey values before and, if there are, after."""
        edges = np.linspace(self._channel.floor, self._channel.ceiling, BINS + 1)
        counts = [np.log1p(np.histogram(_sampled(p), edges)[0]) for p in planes]
        top = max((float(c.max()) for c in counts), default=1.0) or 1.0
        self._bars = [c / top for c in counts]
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = self._value_at(event.position().x())
        nearer = abs(at - self._channel.low) <= abs(at - self._channel.high)
        self._end = "low" if nearer else "high"
        self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self._end:
            return
        at, low, high = self._value_at(event.position().x()), self._channel.low, self._channel.high
        least = (self._channel.ceiling - self._channel.floor) / 1000
        ends = (min(at, high - least), high) if self._end == "low" else (low, max(at, low + least))
        self.ends_moved.emit(*ends)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._end = ""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(0, 0, 0))
        for place, bars in enumerate(self._bars):
            step = self.width() / BINS
            line = [QPointF((k + 0.5) * step, self.height() * (1 - 0.94 * v))
                    for k, v in enumerate(bars)]  # fmt: skip
            ground = [QPointF(0, self.height()), *line, QPointF(self.width(), self.height())]
            colour = QColor(self._channel.colour)
            if place == 0:
                colour.setAlpha(110)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colour)
                painter.drawPolygon(QPolygonF(ground))
            else:
                painter.setPen(QPen(QColor(255, 255, 255, 210), 1.2))
                painter.drawPolyline(QPolygonF(line))
        painter.setPen(QPen(QColor(255, 255, 255), 1.5))
        for value in (self._channel.low, self._channel.high):
            x = self._place(value)
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
            painter.fillRect(QRectF(x - 3, 0, 6, 6), QColor(255, 255, 255))
        painter.end()

    def _place(self, value: float) -> float:
        width = max(self._channel.ceiling - self._channel.floor, 1e-12)
        return (value - self._channel.floor) / width * self.width()

    def _value_at(self, x: float) -> float:
        share = min(max(x / max(self.width(), 1), 0.0), 1.0)
        return self._channel.floor + share * (self._channel.ceiling - self._channel.floor)


class StainMenu(QMenu):
    """Opens under the name of a stain."""

    changed = Signal(object)  # ChannelDisplay

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._channel = ChannelDisplay("", "#FFFFFF")
        self.histogram = Histogram()
        self.low, self.high = NumberBox(), NumberBox()
        self.colours: dict[str, QToolButton] = {}
        card = QWidget()
        column = QVBoxLayout(card)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(self.histogram)
        column.addLayout(self._build_numbers())
        column.addLayout(self._build_colours())
        action = QWidgetAction(self)
        action.setDefaultWidget(card)
        self.addAction(action)

    def show_channel(self, channel: ChannelDisplay) -> None:
        """Show this; emits nothing."""
        self._channel = channel
        fine = channel.ceiling - channel.floor < 50
        for box, value in ((self.low, channel.low), (self.high, channel.high)):
            box.blockSignals(True)
            box.setDecimals(3 if fine else 0)
            box.setRange(-1e9, 1e9)
            box.setSingleStep((channel.ceiling - channel.floor) / 100)
            box.setValue(value)
            box.blockSignals(False)
        self.histogram.show_channel(channel)
        for colour, button in self.colours.items():
            button.setChecked(colour.lower() == channel.colour.lower())

    def _build_numbers(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        for words, box in (("Black", self.low), ("Brightest", self.high)):
            box.setKeyboardTracking(False)
            box.setAccessibleName(f"{words} grey value")
            row.addWidget(plain(words, "small"))
            row.addWidget(box, 1)
        self.low.valueChanged.connect(lambda _: self._on_ends(self.low.value(), self.high.value()))
        self.high.valueChanged.connect(lambda _: self._on_ends(self.low.value(), self.high.value()))
        self.histogram.ends_moved.connect(self._on_ends)
        return row

    def _build_colours(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        for name, colour in COLOURS.items():
            button = QToolButton()
            button.setIcon(swatch_icon(colour))
            button.setCheckable(True)
            button.setToolTip(tip(f"Show this stain in {name.lower()}"))
            button.setAccessibleName(name)
            button.clicked.connect(lambda _=False, c=colour: self._emit(colour=c))
            self.colours[colour] = button
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _on_ends(self, low: float, high: float) -> None:
        """The brightest value stays above the black one; the slider's ends make room."""
        high = max(high, low + 1e-6 * max(abs(low), 1.0))
        floor, ceiling = min(self._channel.floor, low), max(self._channel.ceiling, high)
        self._emit(low=low, high=high, floor=floor, ceiling=ceiling)

    def _emit(self, **changes: object) -> None:
        channel = replace(self._channel, **changes)  # type: ignore[arg-type]
        self.show_channel(channel)
        self.changed.emit(channel)


def _sampled(plane: FloatArray) -> FloatArray:
    step = max(min(plane.shape) // SAMPLES, 1)
    return plane[::step, ::step]
