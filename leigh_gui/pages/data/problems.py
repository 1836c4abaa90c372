"""What was left out or is doubtful: item, reason and what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.domain import Problem
from leigh_gui.widgets.common.look import BAD, plain, tip

Index = QModelIndex | QPersistentModelIndex
TITLES = ("What", "Why", "What to do")
FILTERS: tuple[tuple[str, Callable[[Problem], bool]], ...] = (
    ("All", lambda problem: True),
    ("Red: look at these before training", lambda problem: problem.is_red),
    ("Goes together with the condition", lambda problem: problem.with_condition),
    ("Left out", lambda problem: problem.severity == "excluded"),
    ("Doubtful", lambda problem: problem.severity != "excluded"),
)


class ProblemModel(QAbstractTableModel):
    """The problems as rows; the table draws only the rows in view."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.problems: tuple[Problem, ...] = ()

    def set_problems(self, problems: Sequence[Problem]) -> None:
        """Show these."""
        self.beginResetModel()
        self.problems = tuple(problems)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.problems)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return len(TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> str | None:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return TITLES[section]
        return None

    def data(self, index: Index, role: int = 0) -> str | QColor | None:
        problem = self.problems[index.row()]
        if role == Qt.ItemDataRole.ForegroundRole and problem.is_red and index.column() == 0:
            return QColor(BAD)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            mark = "" if problem.severity == "excluded" else "⚠ "
            mark = "✖ " if problem.with_condition else mark
            text = (mark + problem.item, problem.reason, problem.remedy)[index.column()]
            return tip(text) if role == Qt.ItemDataRole.ToolTipRole else text
        return None


class ProblemTable(QWidget):
    """The table with its count and an export."""

    export_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = ProblemModel(self)
        self._problems: tuple[Problem, ...] = ()
        self._build()
        self.export.clicked.connect(self.export_asked)
        self.filter.currentIndexChanged.connect(self._show)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(8)
        row = QHBoxLayout()
        self.words = plain("", "muted", wrap=True)
        self.export = QPushButton("Save list…")
        self.filter = QComboBox()
        self.filter.setObjectName("problem-filter")
        self.filter.setToolTip("Which problems are listed")
        for words, _ in FILTERS:
            self.filter.addItem(words)
        row.addWidget(self.words, 1)
        row.addWidget(self.filter)
        row.addWidget(self.export)
        column.addLayout(row)
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setProperty("kind", "rows")  # a line between problems of several lines
        self.table.verticalHeader().hide()
        self.table.setWordWrap(True)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        column.addWidget(self.table, 1)

    def set_problems(self, problems: Sequence[Problem]) -> None:
        """Show these problems, the red ones first."""
        self._problems = tuple(sorted(problems, key=_rank))
        excluded = sum(p.severity == "excluded" for p in problems)
        self.words.setText(
            f"{excluded} left out, {len(problems) - excluded} doubtful"
            if problems
            else "Every image could be used."
        )
        self.export.setEnabled(bool(problems))
        self.export.setToolTip("Save as CSV" if problems else "No problems to save.")
        self.filter.setVisible(bool(problems))
        self._show()

    def show_with_condition(self) -> None:
        """List only what goes together with the condition."""
        self.filter.setCurrentIndex(2)

    def _show(self) -> None:
        chosen = FILTERS[self.filter.currentIndex()][1]
        shown = [problem for problem in self._problems if chosen(problem)]
        self.model.set_problems(shown)
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Rows as tall as their words, once they can be seen."""
        if self.isVisible() and len(self.model.problems) <= 500:
            self.table.resizeRowsToContents()


def _rank(problem: Problem) -> int:
    return 0 if problem.with_condition else 1 if problem.is_red else 2
