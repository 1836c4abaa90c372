"""How good the screen is: its quality figures, the nuisance audit, notes, and how plates were made comparable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core.domain_screen import Finding, Screen
from leigh_gui.widgets.axis import known, short
from leigh_gui.widgets.look import plain
from leigh_gui.widgets.ranking_rows import DASH, number

SPACES = {
    "latents": "what the network sees in the images (latents)",
    "readouts": "what can be measured in the images without a network (readouts)",
}
NAMES = {"z_prime": "Z′", "robust_z_prime": "robust Z′", "z_low": "Z′ low", "z_high": "Z′ high", "ssmd": "SSMD"}


def heading(key: str) -> str:
    """'robust_z_prime' -> 'robust Z′'; unknown keys lose their underscores."""
    return NAMES.get(key, key.replace("_", " "))


def cell(value: Any) -> str:
    """Any value of a quality row as text; a dash where there is none."""
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", " ")
    if isinstance(value, float):
        return short(value) if math.isfinite(value) else DASH
    if isinstance(value, Mapping):
        return ", ".join(f"{heading(str(k))} {cell(v)}" for k, v in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " to ".join(cell(v) for v in value) if len(value) == 2 else ", ".join(cell(v) for v in value)
    return str(value)


def finding_cells(finding: Finding) -> tuple[str, str, str, str]:
    """What is asked, what was found, chance, p."""
    score = f"{number(finding.score)} {finding.unit}" if known(finding.score) else DASH
    p = f"{finding.p_value:.2g}" if finding.p_value is not None and known(finding.p_value) else DASH
    return finding.what, score, number(finding.chance), p


class QualityView(QScrollArea):
    """Words and two tables under one another."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.quality, self.audit = _table(), _table()
        self.warnings: list[str] = []
        self._body = QWidget()
        self._body.setObjectName("page-body")
        self._column = QVBoxLayout(self._body)
        self._column.setContentsMargins(12, 12, 12, 12)
        self._column.setSpacing(8)
        self.space = plain("", wrap=True)
        self._column.addWidget(self.space)
        self._column.addWidget(plain("Do the controls separate?", "strong"))
        self._column.addWidget(self.quality)
        self._column.addWidget(plain("Does anything but the disease explain the scores?", "strong"))
        self._column.addWidget(self.audit)
        self._words = QVBoxLayout()
        self._words.setSpacing(6)
        self._column.addLayout(self._words)
        self._column.addStretch(1)
        self.setWidget(self._body)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for table in (self.quality, self.audit):
            _fit(table)

    def set_screen(self, screen: Screen | None) -> None:
        """Show the quality of this screen."""
        rows = screen.quality if screen else ()
        keys = list(dict.fromkeys(key for row in rows for key in row))
        _fill(self.quality, [heading(k) for k in keys], [[cell(row.get(k)) for k in keys] for row in rows])
        found = screen.audit if screen else ()
        _fill(self.audit, ["told from the scores", "how well", "chance", "p"], [list(finding_cells(f)) for f in found])
        self.warnings = [f"{f.what.capitalize()}: {f.warning}" for f in found if f.warning]
        while self._words.count():
            item = self._words.takeAt(0)
            if item is not None and item.widget() is not None:
                item.widget().hide()
                item.widget().deleteLater()
        for text in self.warnings:
            self._words.addWidget(plain(f"⚠ {text}", "warning", wrap=True))
        for text in screen.notes if screen else ():
            self._words.addWidget(plain(f"• {text}", "muted", wrap=True))
        if screen is not None:
            measured = SPACES.get(screen.space, screen.space)
            plates = f" Plates: {screen.normalised.rstrip('.')}." if screen.normalised else ""
            self.space.setText(f"Measured in {measured}. Intervals hold {screen.level * 100:g} %.{plates}")


def _table() -> QTableWidget:
    table = QTableWidget()
    table.verticalHeader().hide()
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    table.horizontalHeader().setStretchLastSection(True)
    table.setProperty("kind", "facts")
    table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
    return table


def _fill(table: QTableWidget, headings: list[str], rows: list[list[str]]) -> None:
    """The table is as tall as its rows; wide ones scroll sideways."""
    table.clear()
    table.setColumnCount(len(headings) or 1)
    table.setRowCount(len(rows) or 1)
    table.setHorizontalHeaderLabels(headings or [""])
    for r, row in enumerate(rows or [["Not measured in this screen."]]):
        for c, text in enumerate(row):
            item = QTableWidgetItem(text)
            item.setToolTip(text)
            table.setItem(r, c, item)
    table.resizeRowsToContents()
    _fit(table)


def _fit(table: QTableWidget) -> None:
    """As tall as its rows, and as its scroll bar where it is wider than the page."""
    wide = sum(table.horizontalHeader().sectionSizeHint(c) for c in range(table.columnCount()))
    wide = max(wide, sum(table.sizeHintForColumn(c) for c in range(table.columnCount())))
    bar = table.horizontalScrollBar().sizeHint().height() if wide > table.viewport().width() else 0
    height = sum(table.rowHeight(r) for r in range(table.rowCount())) + table.horizontalHeader().sizeHint().height()
    table.setFixedHeight(height + bar + 4)
