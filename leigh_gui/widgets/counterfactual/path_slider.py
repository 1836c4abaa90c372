"""The slider of the path, with its crossing and what is unlike real images."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QWidget

from core.domain.limits import LARGEST_DRAGGED_STRENGTH
from leigh_gui.widgets.common.look import WARN, small_font

END = round(100 * LARGEST_DRAGGED_STRENGTH)  # percent
EDGE = 8.0


class PathSlider(QAbstractSlider):
    """0 to 150 percent, with the boundary crossing marked and the part beyond 100 set apart."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.crossing: float | None = None
        self.crossing_to = ""
        self.far: tuple[tuple[float, float], ...] = ()  # stretches of strength
        self.answered = 0.0  # strength of the picture on show; the handle is where it is wanted
        self.colour = QColor("#888888")
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setRange(0, END)
        self.setSingleStep(1)
        self.setPageStep(10)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.valueChanged.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(240, 36)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 36)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._move(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._move(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)

    def place(self, value: float) -> float:
        """Pixel of a percent value."""
        return EDGE + value / END * (self.width() - 2 * EDGE)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_track(painter)
        self._paint_words(painter)
        here = QPointF(self.place(self.value()), 11)
        painter.setPen(QPen(self.palette().windowText().color(), 1.5))
        painter.setBrush(self.colour if self.isEnabled() else self.palette().mid().color())
        painter.drawEllipse(here, 7, 7)
        painter.end()

    def _paint_track(self, painter: QPainter) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(WARN))
        for low, high in self.far:
            left = self.place(100 * low)
            painter.drawRoundedRect(QRectF(left, 5, self.place(100 * high) - left, 12), 3, 3)
        painter.setBrush(self.palette().mid())
        painter.drawRoundedRect(QRectF(EDGE, 9, self.place(100) - EDGE, 4), 2, 2)
        painter.setBrush(QColor(self.colour) if self.isEnabled() else self.palette().mid().color())
        shown = self.place(min(self.answered * 100, END))
        painter.drawRoundedRect(QRectF(EDGE, 9, max(shown - EDGE, 0), 4), 2, 2)
        painter.setPen(QPen(self.palette().mid().color(), 2, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(self.place(100) + 4, 11), QPointF(self.place(END), 11))
        painter.setPen(QPen(self.palette().placeholderText().color(), 1.5))
        painter.drawLine(QPointF(self.place(100), 4), QPointF(self.place(100), 18))
        if self.crossing is not None:
            painter.setPen(QPen(self.palette().windowText().color(), 2))
            x = self.place(self.crossing * 100)
            painter.drawLine(QPointF(x, 2), QPointF(x, 20))

    def _paint_words(self, painter: QPainter) -> None:
        painter.setFont(small_font(self))
        painter.setPen(self.palette().placeholderText().color())
        line = QRectF(0, 20, 0, 16)
        metrics = painter.fontMetrics()
        painter.drawText(line.adjusted(EDGE - 6, 0, 80, 0), Qt.AlignmentFlag.AlignLeft, "original")
        free = (EDGE + metrics.horizontalAdvance("original") + 8, self.width() - 0.0)
        right = QRectF(self.place(100) + 4, 20, self.width() - self.place(100) - 4, 16)
        if metrics.horizontalAdvance("exaggerated") <= right.width():
            beyond = (
                self.palette().windowText()
                if self.value() > 100
                else self.palette().placeholderText()
            )
            painter.setPen(beyond.color())
            painter.drawText(right, Qt.AlignmentFlag.AlignRight, "exaggerated")
            free = (free[0], right.right() - metrics.horizontalAdvance("exaggerated") - 8)
        painter.setPen(self.palette().windowText().color())
        if self.crossing is not None and self.crossing > 0.08:
            text = self.crossing_words(metrics, free[1] - free[0])
            width = metrics.horizontalAdvance(text) + 2
            left = max(min(self.place(self.crossing * 100) - width / 2, free[1] - width), free[0])
            painter.drawText(QRectF(left, 20, width, 16), Qt.AlignmentFlag.AlignHCenter, text)

    def crossing_words(self, metrics: QFontMetrics, room: float) -> str:
        """Where the class changes, and to what, in as many words as fit into `room` pixels."""
        at = f"at {(self.crossing or 0) * 100:.0f} %"
        to = f"to {self.crossing_to} " if self.crossing_to else ""
        texts = (
            f"class first changes {to}{at}",
            f"changes {to}{at}",
            f"class first changes {at}",
            at,
        )
        return next((text for text in texts if metrics.horizontalAdvance(text) <= room), at)

    def _move(self, x: float) -> None:
        self.setValue(round((x - EDGE) / max(self.width() - 2 * EDGE, 1) * END))
