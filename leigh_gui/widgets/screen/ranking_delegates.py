"""How cells of the ranking are painted: rank groups, names, dots with intervals."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QFontMetricsF, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from core.domain.screen import Ranked
from leigh_gui.widgets.common.look import swatch_icon
from leigh_gui.widgets.screen.axis import Axis, known
from leigh_gui.widgets.screen.ranking_model import COLOUR, FIRST_CONTROL, ROW, TIE, TieEdge
from leigh_gui.widgets.screen.ranking_rows import Column, figure, is_control, treatment_name

FAINT = 110  # opacity of the dots of controls, of 255
EDGE = 4  # pixels between a cell's border, its colour and its text
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Scale:
    """The common axis of a column and where its upright lines stand."""

    axis: Axis
    lines: tuple[float, ...]


def axis_box(cell: QRectF, metrics: QFontMetricsF) -> QRectF:
    """Where the axis lies in a cell: right of its number."""
    return cell.adjusted(metrics.horizontalAdvance("−00.0") + 12, 0, -8, 0)


class RowDelegate(QStyledItemDelegate):
    """Text cells: controls are grey, a line above the first of them; single cells have no mark."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        row: Ranked = index.data(ROW)
        option.state &= ~QStyle.StateFlag.State_HasFocus
        if is_control(row):
            option.palette.setBrush(option.palette.ColorRole.Text, option.palette.placeholderText())

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        self.paint_line(painter, option, index)

    def paint_line(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Divide the controls from the treatments."""
        if index.data(FIRST_CONTROL):
            painter.setPen(QPen(option.palette.mid().color(), 1))
            painter.drawLine(option.rect.topLeft(), option.rect.topRight())


class RankDelegate(RowDelegate):
    """The rank, with a bracket along the rows that share it."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        edge = TieEdge(index.data(TIE))  # Qt hands it on as a text
        if edge is TieEdge.NONE:
            return
        box = QRectF(option.rect)
        x = box.left() + 5
        top = box.top() + (5 if edge is TieEdge.FIRST else 0)
        bottom = box.bottom() - (5 if edge is TieEdge.LAST else 0)
        line = [QPointF(x, top), QPointF(x, bottom)]
        if edge is TieEdge.FIRST:
            line.insert(0, QPointF(x + 4, top))
        if edge is TieEdge.LAST:
            line.append(QPointF(x + 4, bottom))
        painter.setPen(QPen(option.palette.placeholderText().color(), 1.5))
        painter.drawPolyline(line)


class NameDelegate(RowDelegate):
    """Colour and name; a long name is shortened, its dose never."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        option.features |= QStyleOptionViewItem.ViewItemFeature.HasDecoration
        option.icon = swatch_icon(index.data(COLOUR))
        room = option.rect.width() - option.decorationSize.width() - 4 * EDGE
        option.text = shortened(index.data(ROW), option.fontMetrics, room)


def shortened(row: Ranked, metrics: QFontMetrics, room: int) -> str:
    """The name without its middle where the room is small, then the whole dose."""
    name = treatment_name(row)
    if metrics.horizontalAdvance(name) <= room or row.dose_um is None:
        return metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room)
    compound, dose = name.rsplit(" · ", 1)
    left = room - metrics.horizontalAdvance(f" · {dose}")
    elided = metrics.elidedText(compound, Qt.TextElideMode.ElideMiddle, max(left, 0))
    return f"{elided} · {dose}"


class FlagDelegate(RowDelegate):
    """Hits in the accent colour, flags in grey."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        row: Ranked = index.data(ROW)
        role = option.palette.link() if row.hit else option.palette.placeholderText()
        option.palette.setBrush(option.palette.ColorRole.Text, role)
        option.palette.setBrush(option.palette.ColorRole.HighlightedText, role)


class IntervalDelegate(RowDelegate):
    """A number, then its dot with the interval on the axis of the column."""

    def __init__(self, column: Column, scale: Scale) -> None:
        super().__init__()
        self.column, self.scale = column, scale

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        shown = QStyleOptionViewItem(option)
        self.initStyleOption(shown, index)
        shown.text = ""
        style = shown.widget.style() if shown.widget is not None else QApplication.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, shown, painter, shown.widget)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(shown.font)
        row: Ranked = index.data(ROW)
        box = axis_box(QRectF(shown.rect), QFontMetricsF(shown.font))
        value, low, high = self.values(row)
        painter.setPen(shown.palette.text().color())
        number = QRect(shown.rect)
        number.setRight(round(box.left()) - 8)
        painter.drawText(
            number, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, figure(value)
        )
        self._paint_lines(painter, box, shown)
        if known(value):
            if low is not None and high is not None and known(low) and known(high):
                paint_interval(painter, box, self.scale.axis, (low, high), shown)
            colour = QColor(index.data(COLOUR))
            colour.setAlpha(FAINT if is_control(row) else 255)
            painter.setPen(QPen(shown.palette.base().color(), 1))
            painter.setBrush(colour)
            x = box.left() + self.scale.axis.clamped(value) * box.width()
            painter.drawEllipse(QPointF(x, box.center().y()), 4.5, 4.5)
        painter.restore()
        self.paint_line(painter, option, index)

    def values(self, row: Ranked) -> tuple[float, float | None, float | None]:
        """Value, low and high end of the interval."""
        if self.column is Column.RESCUE:
            return row.rescue, row.rescue_low, row.rescue_high
        return row.off_axis, row.off_axis_low, row.off_axis_high

    def _paint_lines(self, painter: QPainter, box: QRectF, option: QStyleOptionViewItem) -> None:
        painter.setPen(QPen(option.palette.placeholderText().color(), 1, Qt.PenStyle.DotLine))
        for value in self.scale.lines:
            x = box.left() + self.scale.axis.place(value) * box.width()
            painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom() + 1))


def paint_interval(
    painter: QPainter,
    box: QRectF,
    axis: Axis,
    ends: tuple[float, float],
    option: QStyleOptionViewItem,
) -> None:
    """A line with end strokes; an arrow where the interval leaves the axis."""
    y, ink = box.center().y(), QColor(option.palette.text().color())
    ink.setAlpha(170)
    painter.setPen(QPen(ink, 1.5))
    painter.setBrush(ink)
    low, high = (box.left() + axis.clamped(v) * box.width() for v in ends)
    painter.drawLine(QPointF(low, y), QPointF(high, y))
    for x, outside, side in (
        (low, axis.place(ends[0]) < 0, 1),
        (high, axis.place(ends[1]) > 1, -1),
    ):
        if outside:
            corners = [QPointF(x, y), QPointF(x + 5 * side, y - 4), QPointF(x + 5 * side, y + 4)]
            painter.drawPolygon(QPolygonF(corners))
        else:
            painter.drawLine(QPointF(x, y - 5), QPointF(x, y + 5))
