"""The ranking: one row per treatment, its rescue and off-axis as dots with intervals on common
axes.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from core.domain.screen import Ranked, Screen
from leigh_gui.widgets.common.look import small_font
from leigh_gui.widgets.screen.axis import (
    Axis,
    limit_words,
    off_axis_axis,
    off_axis_limit,
    rescue_axis,
)
from leigh_gui.widgets.screen.ranking_paint import (
    HEADINGS,
    LEAST,
    Columns,
    Look,
    Wanted,
    columns_of,
    paint_head,
    paint_lines,
    paint_row,
    paint_ties,
    wanted_widths,
)
from leigh_gui.widgets.screen.ranking_rows import (
    FALLING,
    is_control,
    row_words,
    shared_ranks,
    sorted_rows,
    tie_runs,
)

SORTS = ("rank", "name", "rescue", "off-axis", "nuclei")


class RankingView(QAbstractScrollArea):
    """Paints only the rows in view.

    Click selects a treatment, a heading sorts, arrows go up and down.
    """

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
        self._widths = Wanted()
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
        self._axes = {
            "rescue": rescue_axis(ranked),
            "off-axis": off_axis_axis(ranked, off_axis_limit(screen)),
        }
        self._measure()
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
            top, bar, height = (
                index * self.row_height(),
                self.verticalScrollBar(),
                self._body_height(),
            )
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
        return columns_of(self.viewport().width(), self._widths)

    def resizeEvent(self, event: object) -> None:
        self._layout()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange:
            self._measure()
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
        sortable = (
            event.position().y() < self.header_height()
            and self.columns().at(event.position().x()) in SORTS
        )
        over = sortable or self._row_at(event.position().y()) is not None
        self.viewport().setCursor(
            Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        page = max(self._body_height() // self.row_height() - 1, 1)
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: page, Qt.Key.Key_PageUp: -page,
                 Qt.Key.Key_Home: -len(self.rows), Qt.Key.Key_End: len(self.rows)}  # fmt: skip
        if event.key() in steps:
            self.step(steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(
                event.globalPos(), self.words_at(QPointF(event.pos())), self.viewport()
            )
            return True
        return super().viewportEvent(event)

    def words_at(self, at: QPointF) -> str:
        """The tooltip at a place of the viewport."""
        if at.y() < self.header_height():
            name = self.columns().at(at.x())
            words = HEADINGS.get(name, ("", ""))[1]
            return f"{words}\n{limit_words(self._screen)}" if name == "off-axis" else words
        row = self._row_at(at.y())
        return row_words(row, self._screen) if row is not None and self._screen is not None else ""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.viewport().rect(), self.palette().base())
        look, width, bottom = self._look(), self.viewport().width(), self.viewport().height()
        head, height, scroll = (
            self.header_height(),
            self.row_height(),
            self.verticalScrollBar().value(),
        )
        painter.setClipRect(0, head, width, self._body_height())
        first = scroll // height
        for index in range(first, min(first + self._body_height() // height + 2, len(self.rows))):
            top = head + index * height - scroll
            self._paint_ground(painter, index, top)
            paint_row(painter, look, self.rows[index], top)
        if self.rows:
            paint_lines(painter, look, head, min(head + len(self.rows) * height - scroll, bottom))
            paint_ties(
                painter, look, self._runs if self.sort == "rank" else (), head - scroll, bottom
            )
        else:
            painter.setPen(self.palette().placeholderText().color())
            text = (
                f"No treatment is called “{self.wanted}”." if self.wanted else "Nothing was ranked."
            )
            painter.drawText(QRectF(8, head, width - 16, 60), Qt.AlignmentFlag.AlignCenter, text)
        painter.setClipping(False)
        paint_head(painter, look, width, head, self.sort, self.down)
        painter.end()

    def _paint_ground(self, painter: QPainter, index: int, top: float) -> None:
        """What lies under a row: the mark of the selected one, a line above the controls."""
        row, width, height = self.rows[index], self.viewport().width(), self.row_height()
        if row.condition == self._current:
            fill = QColor(self.palette().highlight().color())
            fill.setAlpha(48)
            painter.fillRect(QRectF(0, top, width, height), fill)
            painter.fillRect(QRectF(0, top, 3, height), self.palette().highlight())
        if index and is_control(row) and not is_control(self.rows[index - 1]):
            painter.setPen(QPen(self.palette().mid().color(), 1))
            painter.drawLine(QPointF(0, top), QPointF(width, top))

    def _look(self) -> Look:
        return Look(self.palette(), self.font(), small_font(self), self._colours, self._axes, self.columns(),
                    self.row_height(), self._shared, off_axis_limit(self._screen))  # fmt: skip

    def _row_at(self, y: float) -> Ranked | None:
        index = int(
            (y - self.header_height() + self.verticalScrollBar().value()) // self.row_height()
        )
        return (
            self.rows[index] if y >= self.header_height() and 0 <= index < len(self.rows) else None
        )

    def _arrange(self) -> None:
        ranked = self._screen.ranked if self._screen else ()
        self.rows = sorted_rows(ranked, self.sort, self.down, self.wanted)
        self._runs = tie_runs(self.rows)
        self._layout()

    def _measure(self) -> None:
        """The widths of all texts, once per screen and font."""
        ranked = self._screen.ranked if self._screen else ()
        self._widths = wanted_widths(ranked, self.font(), small_font(self))
        self.setMinimumWidth(round((LEAST + 27) * self._widths.digit) + 16)

    def _body_height(self) -> int:
        return max(self.viewport().height() - self.header_height(), 1)

    def _layout(self) -> None:
        bar = self.verticalScrollBar()
        bar.setRange(0, max(len(self.rows) * self.row_height() - self._body_height(), 0))
        bar.setPageStep(self._body_height())
        bar.setSingleStep(self.row_height())
        self.viewport().update()
