"""The ranking: one row per treatment, its rescue and off-axis as dots with intervals on common axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from core.domain_screen import Ranked, Screen
from leigh_gui.widgets.axis import Axis, known, off_axis_axis, rescue_axis, short
from leigh_gui.widgets.look import small_font
from leigh_gui.widgets.ranking_rows import (
    FALLING,
    is_control,
    number,
    row_words,
    share,
    shared_ranks,
    sorted_rows,
    tie_runs,
    treatment_name,
)

HEADINGS = {
    "rank": ("#", "Treatments of one rank cannot be told apart from the best of it."),
    "name": ("Treatment", "Condition and dose"),
    "rescue": ("Rescue", "Way from diseased (0) to healthy (1), with its interval over wells"),
    "off-axis": ("Off-axis", "What else changed, in spreads of healthy wells: about 1 is what they depart themselves"),
    "nuclei": ("Nuclei", "Nuclei as share of the diseased wells of the same plates, with interval"),
    "wells": ("Wells", "Wells of this treatment"),
    "flags": ("Hit and flags", "★ marks a hit; flags say what to be careful about"),
}
SORTS = ("rank", "name", "rescue", "off-axis", "nuclei")
Measured = tuple[float | None, float | None, float | None]  # value, low and high end of its interval
LEAST = 36  # digits that names, axes and flags need together
FAINT = 110  # opacity of controls, of 255


@dataclass(frozen=True)
class Columns:
    """Left edge and width of every column, in pixels."""

    places: dict[str, tuple[float, float]]

    def at(self, x: float) -> str:
        """The column under this x."""
        return next((name for name, (left, width) in self.places.items() if left <= x < left + width), "")

    def box(self, name: str, top: float, height: float) -> QRectF:
        """The cell of a column in a row."""
        left, width = self.places[name]
        return QRectF(left, top, width, height)


def columns_of(width: float, digit: float, name: float, flags: float, rank: int = 1) -> Columns:
    """Fixed columns as wide as their text, the rest shared by names, axes and flags.

    `digit` is the width of a 0, `rank` the number of digits of the last rank.
    """
    fixed = {"rank": (rank + 3.5) * digit, "nuclei": 13.5 * digit, "wells": 5.5 * digit}
    free = max(width - sum(fixed.values()), LEAST * digit)
    shares = {"name": min(name, 0.26 * free), "flags": min(flags, 0.18 * free)}
    left = free - sum(shares.values())
    widths = {"rank": fixed["rank"], "name": shares["name"], "rescue": 0.57 * left, "off-axis": 0.43 * left,
              "nuclei": fixed["nuclei"], "wells": fixed["wells"], "flags": shares["flags"]}  # fmt: skip
    places, x = {}, 0.0
    for key, wide in widths.items():
        places[key] = (x, wide)
        x += wide
    return Columns(places)


class RankingView(QAbstractScrollArea):
    """Paints only the rows in view. Click selects a treatment, a heading sorts, arrows go up and down."""

    selected = Signal(str)  # condition

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Ranked, ...] = ()
        self.sort, self.down, self.wanted = "rank", False, ""
        self._screen: Screen | None = None
        self._colours: Mapping[str, str] = {}
        self._current = ""
        self._shared: frozenset[int] = frozenset()
        self._runs: list[tuple[int, int]] = []
        self._axes: dict[str, Axis] = {}
        self._widths = (0.0, 0.0, 1)  # of the longest name and the longest flags; digits of the last rank
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.setMinimumHeight(160)
        self.setAccessibleName("Ranking of the treatments")

    def sizeHint(self) -> QSize:
        return QSize(760, 480)

    def set_screen(self, screen: Screen | None, colours: Mapping[str, str]) -> None:
        """Show this ranking; `colours` of the conditions."""
        self._screen, self._colours = screen, colours
        ranked = screen.ranked if screen else ()
        self._shared = shared_ranks(ranked)
        self._axes = {"rescue": rescue_axis(ranked), "off-axis": off_axis_axis(ranked)}
        self._arrange()

    def set_wanted(self, text: str) -> None:
        """Show only names that hold this text."""
        self.wanted = text
        self._arrange()

    def sort_by(self, heading: str) -> None:
        """Sort by a heading; the same one again turns the order round."""
        if heading in SORTS:
            self.down = not self.down if heading == self.sort else heading in FALLING
            self.sort = heading
            self._arrange()

    def set_current(self, condition: str) -> None:
        """Mark this treatment and bring it into view."""
        self._current = condition
        index = self.index_of(condition)
        if index >= 0:
            top, bar, height = index * self.row_height(), self.verticalScrollBar(), self._body_height()
            if top < bar.value():
                bar.setValue(top)
            elif top + self.row_height() > bar.value() + height:
                bar.setValue(top + self.row_height() - height)
        self.viewport().update()

    def step(self, by: int) -> None:
        """Select the next or the previous row."""
        if self.rows:
            index = self.index_of(self._current)
            there = min(max(index + by, 0), len(self.rows) - 1) if index >= 0 else 0
            self.selected.emit(self.rows[there].condition)

    def index_of(self, condition: str) -> int:
        """Its row, or -1."""
        return next((i for i, r in enumerate(self.rows) if r.condition == condition), -1)

    def row_height(self) -> int:
        """Height of a row in pixels."""
        return self.fontMetrics().height() + 10

    def header_height(self) -> int:
        """Height of the headings with their axes."""
        return 2 * self.fontMetrics().height() + 10

    def columns(self) -> Columns:
        """Where the columns stand now."""
        digit = self.fontMetrics().horizontalAdvance("0")
        return columns_of(self.viewport().width(), digit, *self._widths)

    def resizeEvent(self, event: object) -> None:
        self._layout()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.PaletteChange):
            self._layout()
        super().changeEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if at.y() < self.header_height():
            self.sort_by(self.columns().at(at.x()))
            return
        row = self._row_at(at.y())
        if row is not None:
            self.selected.emit(row.condition)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        sortable = event.position().y() < self.header_height() and self.columns().at(event.position().x()) in SORTS
        over = sortable or self._row_at(event.position().y()) is not None
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 10, Qt.Key.Key_PageUp: -10,
                 Qt.Key.Key_Home: -len(self.rows), Qt.Key.Key_End: len(self.rows)}  # fmt: skip
        if event.key() in steps:
            self.step(steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.words_at(QPointF(event.pos())), self.viewport())
            return True
        return super().viewportEvent(event)

    def words_at(self, at: QPointF) -> str:
        """The tooltip at a place of the viewport."""
        if at.y() < self.header_height():
            return HEADINGS.get(self.columns().at(at.x()), ("", ""))[1]
        row = self._row_at(at.y())
        return row_words(row, self._screen) if row is not None and self._screen is not None else ""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.viewport().rect(), self.palette().base())
        columns = self.columns()
        head, height = self.header_height(), self.row_height()
        painter.setClipRect(0, head, self.viewport().width(), self._body_height())
        first = self.verticalScrollBar().value() // height
        last = min(first + self._body_height() // height + 2, len(self.rows))
        for index in range(first, last):
            self._paint_row(painter, columns, index, head + index * height - self.verticalScrollBar().value())
        if self.rows:
            self._paint_lines(painter, columns)
            self._paint_ties(painter, columns)
        else:
            painter.setPen(self.palette().placeholderText().color())
            text = f"No treatment is called “{self.wanted}”." if self.wanted else "Nothing was ranked."
            painter.drawText(QRectF(8, head, self.viewport().width() - 16, 60), Qt.AlignmentFlag.AlignCenter, text)
        painter.setClipping(False)
        self._paint_head(painter, columns)
        painter.end()

    def _paint_head(self, painter: QPainter, columns: Columns) -> None:
        height = self.header_height()
        painter.fillRect(QRectF(0, 0, self.viewport().width(), height), self.palette().base())
        painter.setPen(QPen(self.palette().mid().color(), 1))
        painter.drawLine(QPointF(0, height - 0.5), QPointF(self.viewport().width(), height - 0.5))
        line = self.fontMetrics().height()
        for name, (words, _) in HEADINGS.items():
            box = columns.box(name, 2, line).adjusted(6, 0, -4, 0)
            sorted_by = name == self.sort
            painter.setFont(small_font(self))
            role = self.palette().windowText() if sorted_by else self.palette().placeholderText()
            painter.setPen(role.color())
            arrow = (" ▾" if self.down else " ▴") if sorted_by else ""
            right = name in ("rank", "wells", "nuclei")
            side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            shown = painter.fontMetrics().elidedText(words + arrow, Qt.TextElideMode.ElideRight, int(box.width()))
            painter.drawText(box, side | Qt.AlignmentFlag.AlignVCenter, shown)
        painter.setPen(self.palette().placeholderText().color())
        for name, axis in self._axes.items():
            self._paint_ticks(painter, axis, self._axis_box(columns, name, 4 + line, line))

    def _paint_ticks(self, painter: QPainter, axis: Axis, box: QRectF) -> None:
        metrics, free = painter.fontMetrics(), box.left() - 40
        for tick in axis.ticks(int(box.width() // metrics.horizontalAdvance("0.00"))):
            x, half = box.left() + axis.place(tick) * box.width(), metrics.horizontalAdvance(short(tick)) / 2 + 3
            if x - half >= free:
                painter.drawText(QRectF(x - 30, box.top(), 60, box.height()), Qt.AlignmentFlag.AlignCenter, short(tick))
                free = x + half

    def _paint_lines(self, painter: QPainter, columns: Columns) -> None:
        """Diseased and healthy on the rescue axis, a healthy well's own spread on the other."""
        top = float(self.header_height())
        bottom = min(top + len(self.rows) * self.row_height() - self.verticalScrollBar().value(),
                     float(self.viewport().height()))  # fmt: skip
        painter.setPen(QPen(self.palette().placeholderText().color(), 1, Qt.PenStyle.DotLine))
        for name, values in (("rescue", (0.0, 1.0)), ("off-axis", (1.0,))):
            box = self._axis_box(columns, name, top, bottom - top)
            for value in values:
                x = box.left() + self._axes[name].place(value) * box.width()
                painter.drawLine(QPointF(x, top), QPointF(x, bottom))

    def _paint_row(self, painter: QPainter, columns: Columns, index: int, top: float) -> None:
        row, height = self.rows[index], self.row_height()
        if row.condition == self._current:
            fill = QColor(self.palette().highlight().color())
            fill.setAlpha(48)
            painter.fillRect(QRectF(0, top, self.viewport().width(), height), fill)
            painter.fillRect(QRectF(0, top, 3, height), self.palette().highlight())
        grey = is_control(row)
        ink = (self.palette().placeholderText() if grey else self.palette().windowText()).color()
        if index and grey and not is_control(self.rows[index - 1]):
            painter.setPen(QPen(self.palette().mid().color(), 1))
            painter.drawLine(QPointF(0, top), QPointF(self.viewport().width(), top))
        painter.setFont(self.font())
        painter.setPen(ink)
        rank = "" if grey else f"{row.tie}{'=' if row.tie in self._shared else ''}"
        self._text(painter, columns.box("rank", top, height).adjusted(0, 0, -6, 0), rank, right=True)
        self._paint_name(painter, row, columns.box("name", top, height), ink)
        self._paint_dot(painter, row, columns, "rescue", (row.rescue, row.rescue_low, row.rescue_high), top, ink)
        values = (row.off_axis, row.off_axis_low, row.off_axis_high)
        self._paint_dot(painter, row, columns, "off-axis", values, top, ink)
        painter.setPen(ink)
        painter.setFont(small_font(self))
        nuclei = share(row.cell_count, row.cell_count_low, row.cell_count_high)
        self._text(painter, columns.box("nuclei", top, height).adjusted(2, 0, -4, 0), nuclei, right=True)
        self._text(painter, columns.box("wells", top, height).adjusted(0, 0, -6, 0), str(row.wells), right=True)
        self._paint_flags(painter, row, columns.box("flags", top, height))

    def _paint_name(self, painter: QPainter, row: Ranked, box: QRectF, ink: QColor) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._colours.get(row.condition, "#999999")))
        painter.drawEllipse(QPointF(box.left() + 10, box.center().y()), 5, 5)
        painter.setPen(ink)
        inner = box.adjusted(22, 0, -6, 0)
        if row.dose_um is not None:  # a long name gives way to the dose
            compound, dose = treatment_name(row).rsplit(" · ", 1)
            room = inner.width() - painter.fontMetrics().horizontalAdvance(f" · {dose}") - 1
            compound = painter.fontMetrics().elidedText(compound, Qt.TextElideMode.ElideMiddle, max(int(room), 0))
            self._text(painter, inner, f"{compound} · {dose}")
        else:
            self._text(painter, inner, treatment_name(row))

    def _paint_flags(self, painter: QPainter, row: Ranked, box: QRectF) -> None:
        inner = box.adjusted(6, 0, -4, 0)
        if row.hit:
            painter.setPen(self.palette().highlight().color())
            self._text(painter, inner, "★")
            inner.adjust(18, 0, 0, 0)
        painter.setPen(self.palette().placeholderText().color())
        self._text(painter, inner, ", ".join(row.flags))

    def _paint_dot(self, painter: QPainter, row: Ranked, columns: Columns, name: str,
                   values: Measured, top: float, ink: QColor) -> None:  # fmt: skip
        """The number, then its dot with the interval; an arrow where that leaves the axis."""
        value, low, high = values
        height = self.row_height()
        text = columns.box(name, top, height)
        painter.setPen(ink)
        text.setWidth(self._number_width())
        self._text(painter, text, number(value), right=True)
        if value is None or not known(value):
            return
        box, axis = self._axis_box(columns, name, top, height), self._axes[name]
        y = box.center().y()
        colour = QColor(self._colours.get(row.condition, "#999999"))
        colour.setAlpha(FAINT if is_control(row) else 255)
        if low is not None and high is not None and known(low) and known(high):
            at = [box.left() + min(max(axis.place(v), 0.0), 1.0) * box.width() for v in (low, high)]
            faint = QColor(ink)
            faint.setAlpha(170)
            painter.setPen(QPen(faint, 1.5))
            painter.drawLine(QPointF(at[0], y), QPointF(at[1], y))
            for x, beyond, way in ((at[0], axis.place(low) < 0, 1), (at[1], axis.place(high) > 1, -1)):
                painter.setBrush(faint)
                if beyond:
                    corners = [QPointF(x, y), QPointF(x + 5 * way, y - 4), QPointF(x + 5 * way, y + 4)]
                    painter.drawPolygon(QPolygonF(corners))
                else:
                    painter.drawLine(QPointF(x, y - 3), QPointF(x, y + 3))
        painter.setPen(QPen(self.palette().base().color(), 1))
        painter.setBrush(colour)
        painter.drawEllipse(QPointF(box.left() + axis.place(value) * box.width(), y), 5, 5)

    def _paint_ties(self, painter: QPainter, columns: Columns) -> None:
        """A bracket along the rows that share a rank, while they stand together."""
        if self.sort != "rank":
            return
        head, height, scroll = self.header_height(), self.row_height(), self.verticalScrollBar().value()
        painter.setPen(QPen(self.palette().placeholderText().color(), 1.5))
        for first, last in self._runs:
            top, bottom = head + first * height - scroll + 5, head + (last + 1) * height - scroll - 5
            if bottom < head or top > self.viewport().height():
                continue
            x = columns.places["rank"][0] + 5.0
            painter.drawPolyline([QPointF(x + 4, top), QPointF(x, top), QPointF(x, bottom), QPointF(x + 4, bottom)])

    def _text(self, painter: QPainter, box: QRectF, text: str, right: bool = False) -> None:
        """Shortened with an ellipsis rather than clipped."""
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, max(int(box.width()), 0))
        painter.drawText(box, side | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)

    def _number_width(self) -> int:
        return self.fontMetrics().horizontalAdvance("−0.00")

    def _axis_box(self, columns: Columns, name: str, top: float, height: float) -> QRectF:
        return columns.box(name, top, height).adjusted(self._number_width() + 6, 0, -8, 0)

    def _row_at(self, y: float) -> Ranked | None:
        index = int((y - self.header_height() + self.verticalScrollBar().value()) // self.row_height())
        return self.rows[index] if y >= self.header_height() and 0 <= index < len(self.rows) else None

    def _arrange(self) -> None:
        ranked = self._screen.ranked if self._screen else ()
        self.rows = sorted_rows(ranked, self.sort, self.down, self.wanted)
        self._runs = tie_runs(self.rows)
        self._layout()

    def _body_height(self) -> int:
        return max(self.viewport().height() - self.header_height(), 1)

    def _layout(self) -> None:
        metrics, ranked = self.fontMetrics(), self._screen.ranked if self._screen else ()
        names = [metrics.horizontalAdvance(treatment_name(r)) for r in ranked]
        flags = [metrics.horizontalAdvance(", ".join(r.flags)) for r in ranked]
        self.setMinimumWidth(round((LEAST + 27) * metrics.horizontalAdvance("0")) + 16)
        self._widths = (max([*names, metrics.horizontalAdvance("Treatment ▾")]) + 40.0,
                        max([*flags, metrics.horizontalAdvance(HEADINGS["flags"][0])]) + 40.0,
                        len(str(max((r.tie for r in ranked), default=1))))  # fmt: skip
        bar = self.verticalScrollBar()
        bar.setRange(0, max(len(self.rows) * self.row_height() - self._body_height(), 0))
        bar.setPageStep(self._body_height())
        bar.setSingleStep(self.row_height())
        self.viewport().update()
