"""The ranking: one row per treatment; rescue and off-axis as dots with intervals."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import (
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QTableView, QWidget

from core.domain.screen import Ranked, Screen
from leigh_gui.widgets.screen.axis import off_axis_axis, off_axis_limit, rescue_axis
from leigh_gui.widgets.screen.ranking_delegates import (
    FlagDelegate,
    IntervalDelegate,
    NameDelegate,
    RankDelegate,
    RowDelegate,
    Scale,
)
from leigh_gui.widgets.screen.ranking_header import (
    LEAST,
    RankingHeader,
    Wanted,
    column_widths,
    wanted_widths,
)
from leigh_gui.widgets.screen.ranking_model import COLUMNS, RankingModel
from leigh_gui.widgets.screen.ranking_rows import Column

Action = QAbstractItemView.CursorAction
Index = QModelIndex | QPersistentModelIndex


class RankingView(QTableView):
    """Click selects a treatment, a heading sorts, arrows go up and down, Ctrl+C copies the row."""

    selected = Signal(str)  # condition

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = RankingModel(self)
        self._current = ""
        self._quiet = False  # while the program selects, not the user
        self._ranked: tuple[Ranked, ...] = ()
        self._wanted = Wanted()
        self._build()
        self.table.modelReset.connect(self._on_rows)

    def _build(self) -> None:
        self.setModel(self.table)
        self.heading = RankingHeader(self)
        self.setHorizontalHeader(self.heading)
        empty = Scale(rescue_axis(()), ())
        self.intervals = {c: IntervalDelegate(c, empty) for c in (Column.RESCUE, Column.OFF_AXIS)}
        self._delegates = self.intervals | {
            Column.RANK: RankDelegate(),
            Column.NAME: NameDelegate(),
            Column.NUCLEI: RowDelegate(),
            Column.WELLS: RowDelegate(),
            Column.FLAGS: FlagDelegate(),
        }
        for section, column in enumerate(COLUMNS):
            self.setItemDelegateForColumn(section, self._delegates[column])
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.setCornerButtonEnabled(False)
        self.verticalHeader().hide()
        self.heading.setSortIndicator(0, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.heading.setSortIndicatorShown(False)  # the heading's text contains the arrow
        self.setMinimumHeight(160)
        self.setAccessibleName("Ranking of the treatments")
        self._measure()

    @property
    def rows(self) -> tuple[Ranked, ...]:
        """The treatments from top to bottom."""
        return self.table.rows

    def set_screen(self, screen: Screen | None, colours: Mapping[str, str]) -> None:
        """Show this ranking; `colours` of the conditions."""
        ranked = screen.ranked if screen else ()
        limit = off_axis_limit(screen)
        scales = {
            Column.RESCUE: Scale(rescue_axis(ranked), (0.0, 1.0)),
            Column.OFF_AXIS: Scale(off_axis_axis(ranked, limit), (limit,)),
        }
        self.heading.scales = scales
        for column, delegate in self.intervals.items():
            delegate.scale = scales[column]
        self._ranked = ranked
        self._measure()
        self.table.set_screen(screen, colours)

    def set_wanted(self, text: str) -> None:
        """Show only names that contain this text."""
        self.table.set_wanted(text)

    def set_current(self, condition: str) -> None:
        """Mark this treatment and bring it into view."""
        self._current = condition
        index = self.table.index(self.table.row_of(condition), COLUMNS.index(Column.NAME))
        self._quiet = True
        if index.isValid():
            self.setCurrentIndex(index)
            self.scrollTo(index)
        else:
            self.selectionModel().clear()
        self._quiet = False

    def step(self, by: int) -> None:
        """Select the next or the previous row."""
        if self.rows:
            index = self.table.row_of(self._current)
            there = min(max(index + by, 0), len(self.rows) - 1) if index >= 0 else 0
            self.selected.emit(self.rows[there].condition)

    def sizeHint(self) -> QSize:
        return QSize(760, 480)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._measure()

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        if not self._quiet and current.isValid():
            self.selected.emit(self.rows[current.row()].condition)

    def moveCursor(self, action: Action, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Home and End go to the first and the last row."""
        rows = {Action.MoveHome: 0, Action.MoveEnd: len(self.rows) - 1}
        if action in rows:
            return self.table.index(rows[action], COLUMNS.index(Column.NAME))
        return super().moveCursor(action, modifiers)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            rows = [index.row() for index in self.selectionModel().selectedRows()]
            QGuiApplication.clipboard().setText(self.table.copied(rows))
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.rows:
            return
        wanted = self.table.wanted
        words = f"No treatment is called “{wanted}”." if wanted else "Nothing was ranked."
        painter = QPainter(self.viewport())
        painter.setPen(self.palette().placeholderText().color())
        box = self.viewport().rect().adjusted(8, 8, -8, -8)
        painter.drawText(box, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, words)
        painter.end()

    def _on_rows(self) -> None:
        """The rows were sorted or filtered: the same treatment stays selected."""
        self.set_current(self._current)
        self._fit()

    def _measure(self) -> None:
        """Heights and the least width, once per screen and font."""
        self.heading.row_font = self.font()
        self._wanted = wanted_widths(self._ranked, self.font())
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 10)
        self.setMinimumWidth(round((LEAST + 27) * self._wanted.digit) + 16)
        self._fit()

    def _fit(self) -> None:
        """The columns fill the width."""
        widths = column_widths(self.viewport().width(), self._wanted)
        for section, column in enumerate(COLUMNS):
            self.heading.resizeSection(section, widths[column])
