"""Shows what `leigh check` found in the project, and offers the repair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from leigh_gui.widgets.common.look import count, plain, tip

COLUMNS = ("Part", "State", "What was found", "What helps")
WORDS = {"good": "✓ good", "warning": "⚠ warning", "damaged": "✗ damaged"}


class CheckDialog(QDialog):
    """One row per part; `wants_repair` after Repair was pressed."""

    def __init__(self, findings: Sequence[dict[str, Any]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.wants_repair = False
        self.setWindowTitle("Check of the project")
        self.resize(1000, 420)
        self.table = _table(findings)
        repairs = [f["repair"] for f in findings if f["repair"]]
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.repair = buttons.addButton("Repair", QDialogButtonBox.ButtonRole.ActionRole)
        self.repair.setEnabled(bool(repairs))
        self.repair.setToolTip(tip("\n".join(repairs) or "There is nothing to repair."))
        self.repair.clicked.connect(self._on_repair)
        buttons.rejected.connect(self.reject)
        bad = sum(f["state"] == "damaged" for f in findings)
        summary = f"{count(bad, 'part')} damaged." if bad else "No part is damaged."
        column = QVBoxLayout(self)
        column.addWidget(plain(summary, "strong"))
        column.addWidget(self.table, 1)
        column.addWidget(
            plain("A repair sets damaged files aside under another name.", "muted", True)
        )
        column.addWidget(buttons)

    def _on_repair(self) -> None:
        self.wants_repair = True
        self.accept()


def _table(findings: Sequence[dict[str, Any]]) -> QTableWidget:
    table = QTableWidget(len(findings), len(COLUMNS))
    table.setHorizontalHeaderLabels(COLUMNS)
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setWordWrap(True)
    table.verticalHeader().hide()
    for row, found in enumerate(findings):
        helps = " ".join(part for part in (found["remedy"], found["repair"]) if part)
        texts = (found["part"], WORDS[found["state"]], found["message"], helps)
        for column, text in enumerate(texts):
            table.setItem(row, column, QTableWidgetItem(text))
    header = table.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    for column in (2, 3):
        header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
    table.resizeRowsToContents()
    return table
