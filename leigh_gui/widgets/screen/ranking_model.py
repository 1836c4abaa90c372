"""The ranking as a table: rows, texts, order, and what a screen reader says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.domain.screen import Ranked, Screen
from leigh_gui.widgets.common.look import tip
from leigh_gui.widgets.screen.axis import limit_words
from leigh_gui.widgets.screen.ranking_rows import (
    FALLING,
    Column,
    flag_text,
    is_control,
    ranged,
    row_words,
    share,
    shared_ranks,
    sorted_rows,
    tie_runs,
    treatment_name,
)

COLUMNS = tuple(Column)
HEADINGS = {
    Column.RANK: ("#", "Treatments of one rank are not distinguishable from the best of the rank."),
    Column.NAME: ("Treatment", "Condition and dose"),
    Column.RESCUE: (
        "Rescue",
        "How far from diseased (0) to healthy (1), with the interval over wells",
    ),
    Column.OFF_AXIS: (
        "Off-axis",
        "What else changed, in spreads of healthy wells. Healthy wells themselves differ by about"
        " 1.",
    ),
    Column.NUCLEI: (
        "Nuclei",
        "Nuclei as share of the diseased wells of the same plates, with interval",
    ),
    Column.WELLS: ("Wells", "Wells of this treatment"),
    Column.FLAGS: ("Hit and flags", "★ marks a hit; flags say what to be careful about"),
}
RIGHT = (Column.RANK, Column.NUCLEI, Column.WELLS)  # columns of numbers

ROW = Qt.ItemDataRole.UserRole  # the Ranked of a row
COLOUR = Qt.ItemDataRole.UserRole + 1  # of its condition
TIE = Qt.ItemDataRole.UserRole + 2  # TieEdge
FIRST_CONTROL = Qt.ItemDataRole.UserRole + 3  # whether the controls begin here

Index = QModelIndex | QPersistentModelIndex


class TieEdge(StrEnum):
    """Which part of the bracket of a rank group a row carries."""

    NONE = "none"
    FIRST = "first"
    MIDDLE = "middle"
    LAST = "last"


class RankingModel(QAbstractTableModel):
    """Sorted by one column and filtered by name; the controls always stand at the end."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Ranked, ...] = ()
        self.column, self.down, self.wanted = Column.RANK, False, ""
        self._screen: Screen | None = None
        self._colours: Mapping[str, str] = {}
        self._shared: frozenset[int] = frozenset()
        self._ties: dict[int, TieEdge] = {}

    def set_screen(self, screen: Screen | None, colours: Mapping[str, str]) -> None:
        """Show this ranking; `colours` of the conditions."""
        self._screen, self._colours = screen, colours
        self._shared = shared_ranks(screen.ranked if screen else ())
        self._arrange()

    def set_wanted(self, text: str) -> None:
        """Keep only names that contain this text."""
        self.wanted = text
        self._arrange()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.column, self.down = COLUMNS[column], order == Qt.SortOrder.DescendingOrder
        self._arrange()

    def row_of(self, condition: str) -> int:
        """The row of a condition, or -1."""
        return next((i for i, r in enumerate(self.rows) if r.condition == condition), -1)

    def copied(self, rows: Sequence[int]) -> str:
        """Headings and these rows, separated by tabs, for a spreadsheet."""
        lines = [[HEADINGS[c][0] for c in COLUMNS]]
        lines += [[self._text(self.rows[r], c) for c in COLUMNS] for r in rows]
        return "\n".join("\t".join(line) for line in lines)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        row, column = self.rows[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._spoken(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(row_words(row, self._screen).text()) if self._screen is not None else None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column in RIGHT else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == ROW:
            return row
        if role == COLOUR:
            return self._colours.get(row.condition, "#999999")
        if role == TIE:
            return self._ties.get(index.row(), TieEdge.NONE)
        if role == FIRST_CONTROL:
            above = self.rows[index.row() - 1] if index.row() else None
            return above is not None and is_control(row) and not is_control(above)
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(COLUMNS):
            return None
        column = COLUMNS[section]
        words, explanation = HEADINGS[column]
        if role == Qt.ItemDataRole.DisplayRole:
            arrow = ("\u00a0▾" if self.down else "\u00a0▴") if column is self.column else ""
            return words + arrow
        if role == Qt.ItemDataRole.ToolTipRole:
            limit = f"\n{limit_words(self._screen)}" if column is Column.OFF_AXIS else ""
            return tip(f"{explanation}{limit}")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column in RIGHT else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignTop
        if role == Qt.ItemDataRole.InitialSortOrderRole:
            order = Qt.SortOrder
            return (order.DescendingOrder if column in FALLING else order.AscendingOrder).value
        return None

    def _text(self, row: Ranked, column: Column) -> str:
        """A cell as text, with the ends of its interval."""
        if column is Column.RANK:
            equal = "=" if row.tie in self._shared else ""
            return "" if is_control(row) else f"{row.tie}{equal}"
        if column is Column.FLAGS:
            return flag_text(row)
        return {
            Column.NAME: lambda: treatment_name(row),
            Column.RESCUE: lambda: ranged(row.rescue, row.rescue_low, row.rescue_high),
            Column.OFF_AXIS: lambda: ranged(row.off_axis, row.off_axis_low, row.off_axis_high),
            Column.NUCLEI: lambda: share(row.cell_count, row.cell_count_low, row.cell_count_high),
            Column.WELLS: lambda: str(row.wells),
        }[column]()

    def _spoken(self, row: Ranked, column: Column) -> str:
        """What a screen reader says of a cell."""
        text = self._text(row, column)
        if column is Column.NAME:
            return f"{text}, control" if is_control(row) else text
        if column is Column.RANK:
            return "control" if is_control(row) else f"Rank {text.replace('=', ', tied')}"
        if column is Column.FLAGS:
            return text.replace("★ ", "") or "no flags"
        return f"{HEADINGS[column][0]} {text}"

    def _arrange(self) -> None:
        self.beginResetModel()
        ranked = self._screen.ranked if self._screen else ()
        self.rows = sorted_rows(ranked, self.column, self.down, self.wanted)
        self._ties = {}
        for first, last in tie_runs(self.rows) if self.column is Column.RANK else ():
            self._ties |= dict.fromkeys(range(first + 1, last), TieEdge.MIDDLE)
            self._ties |= {first: TieEdge.FIRST, last: TieEdge.LAST}
        self.endResetModel()
