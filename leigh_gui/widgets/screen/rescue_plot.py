"""Rescue against off-axis: right is healed, up is otherwise changed.

Click a point to select its treatment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from core.domain.screen import Ranked, Screen
from leigh_gui.widgets.common.look import marker, small_font
from leigh_gui.widgets.screen.axis import (
    Axis,
    known,
    limit_words,
    off_axis_axis,
    off_axis_limit,
    rescue_axis,
    short,
)
from leigh_gui.widgets.screen.ranking_rows import is_control, row_words, treatment_name

NEAR = 12.0  # pixels from a point that still count as a click on it
ON_LINE = 5.0  # pixels from the off-axis line where its tooltip says what it means
DIAMOND = 3
KEY = "● hit   ◐ no hit   ○ flagged   ◆ control"


class RescuePlot(QWidget):
    """One point per treatment.

    Hits filled, others pale, flagged hollow; the selected one with its intervals.
    """

    selected = Signal(str)  # condition

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._screen: Screen | None = None
        self._rows: tuple[Ranked, ...] = ()
        self._colours: Mapping[str, str] = {}
        self._axes: tuple[Axis, Axis] = (rescue_axis(()), off_axis_axis(()))
        self._current, self._wanted = "", ""
        self.setMouseTracking(True)
        self.setMinimumSize(240, 150)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Rescue against off-axis of every treatment")

    def sizeHint(self) -> QSize:
        return QSize(560, 300)

    def set_screen(self, screen: Screen | None, colours: Mapping[str, str]) -> None:
        """Show these treatments; `colours` of the conditions."""
        self._screen, self._colours = screen, colours
        ranked = screen.ranked if screen else ()
        self._rows = tuple(r for r in ranked if known(r.rescue) and known(r.off_axis))
        self._axes = (rescue_axis(ranked), off_axis_axis(ranked, off_axis_limit(screen)))
        self.update()

    def set_current(self, condition: str) -> None:
        """Emphasise this treatment."""
        self._current = condition
        self.update()

    def set_wanted(self, text: str) -> None:
        """Grey the treatments whose names do not hold this text."""
        self._wanted = text.strip().casefold()
        self.update()

    def place(self, row: Ranked) -> QPointF:
        """Where a treatment lies, in pixels."""
        return self._at(row.rescue, row.off_axis)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self._near(event.position())
        if row is not None:
            self.selected.emit(row.condition)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        over = self._near(event.position()) is not None
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.words_at(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def words_at(self, at: QPointF) -> str:
        """The tooltip at a place: a treatment, or what the off-axis line means."""
        row = self._near(at)
        if row is not None and self._screen is not None:
            return row_words(row, self._screen).text()
        on_line = abs(self._at(0, off_axis_limit(self._screen)).y() - at.y()) < ON_LINE
        return limit_words(self._screen) if on_line and self._box().contains(at) else ""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(small_font(self))
        painter.fillRect(self._box(), self.palette().base())
        self._paint_frame(painter)
        painter.setClipRect(self._box().adjusted(-6, -6, 6, 6))
        ordered = sorted(
            self._rows, key=lambda r: (r.condition == self._current, is_control(r), r.hit)
        )
        for row in ordered:
            if row.condition == self._current:
                self._paint_intervals(painter, row)
            self._paint_point(painter, row)
        self._paint_labels(painter)
        painter.end()

    def _paint_frame(self, painter: QPainter) -> None:
        box, (across, up) = self._box(), self._axes
        metrics, muted = painter.fontMetrics(), self.palette().placeholderText().color()
        painter.setPen(QPen(self.palette().mid().color(), 1))
        painter.drawRect(box)
        painter.setPen(QPen(muted, 1, Qt.PenStyle.DotLine))
        for x in (0.0, 1.0):
            painter.drawLine(
                QPointF(self._at(x, 0).x(), box.top()), QPointF(self._at(x, 0).x(), box.bottom())
            )
        y = self._at(0, off_axis_limit(self._screen)).y()
        painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
        painter.setPen(muted)
        wide = metrics.horizontalAdvance("−0.00") + 8
        for tick in across.ticks(int(box.width() // wide)):
            x = self._at(tick, 0).x()
            painter.drawText(QRectF(x - 30, box.bottom() + 2, 60, metrics.height()),
                             Qt.AlignmentFlag.AlignCenter, short(tick))  # fmt: skip
        for tick in up.ticks(int(box.height() // (1.6 * metrics.height()))):
            y = box.bottom() - up.place(tick) * box.height()
            painter.drawText(
                QRectF(box.left() - 54, y - 10, 48, 20),
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                short(tick),
            )
        self._paint_titles(painter, box)

    def _paint_titles(self, painter: QPainter, box: QRectF) -> None:
        metrics, screen = painter.fontMetrics(), self._screen
        names = f" (0 {screen.diseased}, 1 {screen.healthy})" if screen else ""
        line = QRectF(
            box.left(), box.bottom() + metrics.height() + 3, box.width(), metrics.height()
        )
        title = f"Rescue{names} →"
        if metrics.horizontalAdvance(title + KEY) + 24 > line.width():
            title = "Rescue →"
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, title)
        room = int(line.width()) - metrics.horizontalAdvance(title) - 16
        painter.drawText(
            line,
            Qt.AlignmentFlag.AlignLeft,
            metrics.elidedText(KEY, Qt.TextElideMode.ElideRight, room),
        )
        above = "↑ Off-axis, in spreads of healthy wells" + (
            " (logarithmic)" if self._axes[1].log else ""
        )
        painter.drawText(
            QRectF(box.left(), 0, box.width(), metrics.height()), Qt.AlignmentFlag.AlignLeft, above
        )

    def _paint_intervals(self, painter: QPainter, row: Ranked) -> None:
        painter.setPen(QPen(self.palette().windowText().color(), 1.5))
        if row.rescue_low is not None and row.rescue_high is not None:
            painter.drawLine(
                self._at(row.rescue_low, row.off_axis), self._at(row.rescue_high, row.off_axis)
            )
        if row.off_axis_low is not None and row.off_axis_high is not None:
            painter.drawLine(
                self._at(row.rescue, row.off_axis_low), self._at(row.rescue, row.off_axis_high)
            )

    def _along_intervals(self, row: Ranked) -> list[QPointF]:
        """Places along the error bars, which no label may cover."""
        shares = [k / 20 for k in range(21)]
        found = []
        if row.rescue_low is not None and row.rescue_high is not None:
            wide = row.rescue_high - row.rescue_low
            found += [self._at(row.rescue_low + s * wide, row.off_axis) for s in shares]
        if row.off_axis_low is not None and row.off_axis_high is not None:
            high = row.off_axis_high - row.off_axis_low
            found += [self._at(row.rescue, row.off_axis_low + s * high) for s in shares]
        return found

    def _paint_point(self, painter: QPainter, row: Ranked) -> None:
        colour = QColor(self._colours.get(row.condition, "#999999"))
        if self._wanted not in treatment_name(row).casefold():
            colour = QColor(self.palette().mid().color())
        chosen = row.condition == self._current
        fill = QColor(colour)
        if row.flags and not is_control(row):
            fill = self.palette().base().color()
        elif not row.hit and not is_control(row):
            fill.setAlpha(90)
        painter.setBrush(fill)
        painter.setPen(QPen(colour, 1.8))
        at, radius = self.place(row), 7.0 if chosen else 5.0
        painter.drawPath(marker(DIAMOND if is_control(row) else 0, at, radius))
        if chosen:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.palette().windowText().color(), 1.8))
            painter.drawEllipse(at, radius + 4, radius + 4)

    def _paint_labels(self, painter: QPainter) -> None:
        """The selected one first, then controls and hits, each only where it covers no other and no
        point.
        """
        box, metrics = self._box(), painter.fontMetrics()
        named = [r for r in self._rows if r.condition == self._current or is_control(r) or r.hit]
        named.sort(key=lambda r: (r.condition != self._current, not is_control(r), r.tie))
        words = [
            metrics.elidedText(treatment_name(r), Qt.TextElideMode.ElideRight, 160) for r in named
        ]
        points = [self.place(r) for r in self._rows]
        points += [
            p for r in named if r.condition == self._current for p in self._along_intervals(r)
        ]
        boxes = free_labels(
            [self.place(r) for r in named],
            [(metrics.horizontalAdvance(w) + 2.0, float(metrics.height())) for w in words],
            points,
            box,
        )
        for row, text, where in zip(named, words, boxes, strict=True):
            if where is not None:
                chosen = row.condition == self._current
                role = (
                    self.palette().windowText()
                    if chosen or row.hit
                    else self.palette().placeholderText()
                )
                painter.setPen(role.color())
                painter.drawText(
                    where, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, text
                )

    def _box(self) -> QRectF:
        line = self.fontMetrics().height()
        return QRectF(self.rect()).adjusted(52, line + 4, -12, -2 * line - 4)

    def _at(self, rescue: float, off_axis: float) -> QPointF:
        box, (across, up) = self._box(), self._axes
        return QPointF(
            box.left() + across.place(rescue) * box.width(),
            box.bottom() - up.place(off_axis) * box.height(),
        )

    def _near(self, at: QPointF) -> Ranked | None:
        def far(row: Ranked) -> float:
            way = self.place(row) - at
            return (way.x() ** 2 + way.y() ** 2) ** 0.5

        best = min(self._rows, key=far, default=None)
        return best if best is not None and far(best) <= NEAR else None


def free_labels(
    places: Sequence[QPointF],
    sizes: Sequence[tuple[float, float]],
    points: Sequence[QPointF],
    box: QRectF,
) -> list[QRectF | None]:
    """A box for each label beside its place, inside `box`, over no earlier label and no point;
    None: no room.
    """
    taken: list[QRectF] = []
    found: list[QRectF | None] = []
    for place, (wide, high) in zip(places, sizes, strict=True):
        offers = [QRectF(place.x() + dx, place.y() + dy, wide, high) for dx, dy in (
            (11, -high / 2), (-11 - wide, -high / 2), (-wide / 2, -high - 13), (-wide / 2, 13),
            (11, -high - 5), (11, 5), (-11 - wide, -high - 5), (-11 - wide, 5))]  # fmt: skip
        there = next(
            (
                o
                for o in offers
                if box.contains(o)
                and not any(o.intersects(t) for t in taken)
                and not any(o.adjusted(-4, -2, 4, 2).contains(p) for p in points)
            ),
            None,
        )
        found.append(there)
        if there is not None:
            taken.append(there)
    return found
