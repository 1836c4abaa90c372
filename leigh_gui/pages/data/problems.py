"""What was left out or is doubtful: item, reason and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.domain import Problem
from leigh_gui.widgets.common.look import plain, tip

Index = QModelIndex | QPersistentModelIndex
TITLES = ("What", "Why", "What to do")


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

    def data(self, index: Index, role: int = 0) -> str | None:
        problem = self.problems[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            mark = "" if problem.severity == "excluded" else "⚠ "
            text = (mark + problem.item, problem.reason, problem.remedy)[index.column()]
            return tip(text) if role == Qt.ItemDataRole.ToolTipRole else text
        return None


class ProblemTable(QWidget):
    """The table with its count and an export."""

    export_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = ProblemModel(self)
        self._build()
        self.export.clicked.connect(self.export_asked)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(8)
        row = QHBoxLayout()
        self.words = plain("", "muted", wrap=True)
        self.export = QPushButton("Save list…")
        row.addWidget(self.words, 1)
        row.addWidget(self.export)
        column.addLayout(row)
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.verticalHeader().hide()
        self.table.setWordWrap(True)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        column.addWidget(self.table, 1)

    def set_problems(self, problems: Sequence[Problem]) -> None:
        """Show these problems."""
        self.model.set_problems(problems)
        excluded = sum(p.severity == "excluded" for p in problems)
        self.words.setText(
            f"{excluded} left out, {len(problems) - excluded} doubtful"
            if problems
            else "Every image could be used."
        )
        self.export.setEnabled(bool(problems))
        self.export.setToolTip("Save as CSV" if problems else "No problems to save.")
        if len(problems) <= 500:
            self.table.resizeRowsToContents()
