"""A traffic light that is read without colour: a tick, an exclamation mark, a cross or a dash."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from leigh_gui.widgets.common.look import BAD, GOOD, WARN, tip

COLOURS = {"good": GOOD, "warn": WARN, "bad": BAD, "none": "#8A8F98"}
WORDS = {"good": "passes", "warn": "doubtful", "bad": "fails", "none": "not checked"}
STATES = {"green": "good", "amber": "warn", "red": "bad"}  # of a check -> of its light


class Light(QWidget):
    """A tick, a dash, an exclamation mark or a cross; never colour alone."""

    def __init__(self, size: int = 16, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = "none"
        self.setFixedSize(QSize(size, size))

    def set_state(self, state: str, why: str = "") -> None:
        """Show good, warn, bad or none, with the reason as tooltip."""
        self.state = state
        self.setToolTip(tip(why))
        self.setAccessibleName(WORDS[state])
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        half = self.width() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(COLOURS[self.state]))
        painter.drawEllipse(QPointF(half, half), half - 1, half - 1)
        pen = QPen(
            QColor("white"), max(half * 0.22, 1.4), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap
        )
        painter.setPen(pen)
        r = half * 0.42
        if self.state == "good":
            painter.drawPolyline([QPointF(half - r, half), QPointF(half - r * 0.2, half + r * 0.8),
                                  QPointF(half + r, half - r * 0.7)])  # fmt: skip
        elif self.state == "bad":
            painter.drawLine(QPointF(half - r, half - r), QPointF(half + r, half + r))
            painter.drawLine(QPointF(half - r, half + r), QPointF(half + r, half - r))
        elif self.state == "warn":
            painter.drawLine(QPointF(half, half - r * 1.2), QPointF(half, half + r * 0.2))
            painter.drawPoint(QPointF(half, half + r * 1.2))
        else:
            painter.drawLine(QPointF(half - r, half), QPointF(half + r, half))
        painter.end()
