"""What is not repaired: how much of the diseased change each treatment takes back, per channel, as
bars.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from core.domain.screen import ResidualChange, Screen
from leigh_gui.widgets.common.look import count, small_font
from leigh_gui.widgets.screen.axis import Axis, known
from leigh_gui.widgets.screen.ranking_rows import restored_words, treatment_name

AXIS = Axis(-0.5, 1.5)  # of the bars: 0 nothing, 1 all of the change is gone


def grouped(screen: Screen) -> list[tuple[str, tuple[ResidualChange, ...]]]:
    """(condition, its channels) in the order of the ranking."""
    order = {r.condition: i for i, r in enumerate(screen.ranked)}
    found: dict[str, list[ResidualChange]] = {}
    for left in screen.unrepaired:
        found.setdefault(left.condition, []).append(left)
    ordered = sorted(found, key=lambda name: order.get(name, len(order)))
    return [(name, tuple(found[name])) for name in ordered]


class UnrepairedView(QAbstractScrollArea):
    """A title per treatment, then a bar per channel. Click to select the treatment."""

    selected = Signal(str)  # condition

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: list[tuple[str, str, ResidualChange | None]] = []  # condition, title, bar
        self._colours: Mapping[str, str] = {}
        self._current = ""
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("What is not repaired, per treatment and channel")

    def sizeHint(self) -> QSize:
        return QSize(560, 400)

    def set_screen(self, screen: Screen | None, colours: Mapping[str, str]) -> None:
        """Show these bars; `colours` of the channels."""
        self._colours = colours
        self._lines = []
        names = {r.condition: treatment_name(r) for r in screen.ranked} if screen else {}
        for condition, channels in grouped(screen) if screen else ():
            self._lines.append((condition, names.get(condition, condition), None))
            self._lines += [(condition, "", left) for left in channels]
        self._layout()

    def set_current(self, condition: str) -> None:
        """Emphasise this treatment and bring it into view."""
        changed, self._current = condition != self._current, condition
        there = [i for i, line in enumerate(self._lines) if line[0] == condition]
        if changed and there:
            bar, height = self.verticalScrollBar(), self._height()
            if (
                there[0] * height < bar.value()
                or (there[-1] + 1) * height > bar.value() + self.viewport().height()
            ):
                bar.setValue(there[0] * height)
        self.viewport().update()

    def resizeEvent(self, event: object) -> None:
        self._layout()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        line = self._line_at(event.position())
        if line is not None:
            self.selected.emit(line[0])

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            line = self._line_at(QPointF(event.pos()))
            words = (line[1] or (line[2] and _tip(line[2])) or "") if line else ""
            QToolTip.showText(event.globalPos(), words, self.viewport())
            return True
        return super().viewportEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height, scroll = self._height(), self.verticalScrollBar().value()
        if not self._lines:
            painter.setPen(self.palette().placeholderText().color())
            box = self.viewport().rect().adjusted(24, 24, -24, -24)
            words = "What a treatment leaves unrepaired was not measured in this screen."
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)
        first = scroll // height
        for index in range(
            first, min(first + self.viewport().height() // height + 2, len(self._lines))
        ):
            self._paint_line(
                painter, index, QRectF(0, index * height - scroll, self.viewport().width(), height)
            )
        painter.end()

    def _paint_line(self, painter: QPainter, index: int, box: QRectF) -> None:
        condition, title, left = self._lines[index]
        if condition == self._current:
            fill = QColor(self.palette().highlight().color())
            fill.setAlpha(36)
            painter.fillRect(box, fill)
        painter.setPen(self.palette().windowText().color())
        if left is None:
            bold = self.font()
            bold.setBold(True)
            painter.setFont(bold)
            bars = self._bars(box)
            self._text(painter, box.adjusted(8, 0, bars.left() - box.right() - 8, 0), title)
            painter.setFont(small_font(self))
            painter.setPen(self.palette().placeholderText().color())
            for value in (0.0, 1.0):
                at = QRectF(
                    bars.left() + AXIS.place(value) * bars.width() - 30, box.top(), 60, box.height()
                )
                painter.drawText(at, Qt.AlignmentFlag.AlignCenter, f"{value * 100:g} %")
            return
        painter.setFont(self.font())
        self._text(
            painter,
            QRectF(20, box.top(), self._bars(box).left() - 24, box.height()),
            restored_words(left),
        )
        self._paint_bar(painter, self._bars(box), left)

    def _bars(self, box: QRectF) -> QRectF:
        """Where the bars lie in a line."""
        longest = self.fontMetrics().horizontalAdvance(
            "restored 100 % [−100 to 100] of the Mitochondria change "
        )
        left = min(longest + 20, int(0.68 * box.width()))
        return QRectF(left, box.top(), box.width() - left - 12, box.height())

    def _paint_bar(self, painter: QPainter, box: QRectF, left: ResidualChange) -> None:
        def at(value: float) -> float:
            return box.left() + min(max(AXIS.place(value), 0.0), 1.0) * box.width()

        middle = box.center().y()
        painter.setFont(small_font(self))
        if known(left.restored):
            bar = QRectF(
                min(at(0), at(left.restored)), middle - 5, abs(at(left.restored) - at(0)), 10
            )
            painter.fillRect(bar, QColor(self._colours.get(left.channel, "#999999")))
            painter.setPen(QPen(self.palette().placeholderText().color(), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(bar)
        painter.setPen(QPen(self.palette().placeholderText().color(), 1, Qt.PenStyle.DotLine))
        for value in (0.0, 1.0):
            painter.drawLine(QPointF(at(value), box.top()), QPointF(at(value), box.bottom()))
        if left.low is not None and left.high is not None and known(left.low) and known(left.high):
            painter.setPen(QPen(self.palette().windowText().color(), 1.5))
            painter.drawLine(QPointF(at(left.low), middle), QPointF(at(left.high), middle))
            for value in (left.low, left.high):
                painter.drawLine(QPointF(at(value), middle - 3), QPointF(at(value), middle + 3))

    def _text(self, painter: QPainter, box: QRectF, text: str) -> None:
        shown = painter.fontMetrics().elidedText(
            text, Qt.TextElideMode.ElideRight, int(box.width())
        )
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)

    def _height(self) -> int:
        return self.fontMetrics().height() + 8

    def _line_at(self, at: QPointF) -> tuple[str, str, ResidualChange | None] | None:
        index = int((at.y() + self.verticalScrollBar().value()) // self._height())
        return self._lines[index] if 0 <= index < len(self._lines) else None

    def _layout(self) -> None:
        bar = self.verticalScrollBar()
        bar.setRange(0, max(len(self._lines) * self._height() - self.viewport().height(), 0))
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(self._height())
        self.viewport().update()


def _tip(left: ResidualChange) -> str:
    words = f"{left.condition}: {restored_words(left)}, {count(left.wells, 'well')}."
    return (
        f"{words}\n100 %: as in healthy cultures; 0 %: as in diseased ones; below 0 %: further off"
        " than those."
    )
