"""Quality of the screen: assay quality, audit, notes, and how plates were made comparable."""

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

from core.domain.screen import Finding, Screen
from leigh_gui.widgets.common.look import clear_layout, plain, tip
from leigh_gui.widgets.screen.axis import known, short
from leigh_gui.widgets.screen.ranking_rows import DASH, number, p_text, ranged

SPACES = {
    "latents": "what the network sees in the images (latents)",
    "readouts": "features of the images, without a network",
}
NAMES = {"z_prime": "Z′", "robust_z_prime": "robust Z′", "ssmd": "SSMD"}


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
        return (
            " to ".join(cell(v) for v in value)
            if len(value) == 2
            else ", ".join(cell(v) for v in value)
        )
    return str(value)


def joined(row: Mapping[str, Any]) -> dict[str, str]:
    """The row as text; `x_low` and `x_high` join the cell of the value `x` or `x_prime`."""
    made = {}
    for key, value in row.items():
        stem = key.removesuffix("_low").removesuffix("_high")
        has_owner = any(k in row and k != key for k in (stem, f"{stem}_prime"))
        if has_owner and _ends(row, stem) is not None:
            continue
        ends = _ends(row, key) or _ends(row, key.removesuffix("_prime"))
        if value is None or ends is None or None in ends:
            made[key] = cell(value)
        else:
            low, high = (float(end) for end in ends)
            made[key] = ranged(float(value), low, high, 1 if abs(value) >= 10 else 2)
    return made


def _ends(row: Mapping[str, Any], stem: str) -> tuple[Any, Any] | None:
    """Both ends of the interval of `stem`, where the row has them."""
    low, high = f"{stem}_low", f"{stem}_high"
    return (row[low], row[high]) if low in row and high in row else None


def in_common(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Keys of words that are the same in all of several rows: said once, above the table."""
    first = rows[0] if len(rows) > 1 else {}
    return [
        k
        for k, v in first.items()
        if all(r.get(k) == v for r in rows) and not any(c.isdigit() for c in v)
    ]


def finding_cells(finding: Finding) -> tuple[str, str, str, str, str]:
    """What the question is about, its score, chance, p, and the unit of the score."""
    p = p_text(finding.p_value) if finding.p_value is not None and known(finding.p_value) else DASH
    return finding.what, number(finding.score), number(finding.chance), p, finding.unit


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
        self.caption = plain("", "small", wrap=True)
        self._column.addWidget(self.caption)
        self._column.addWidget(self.quality)
        self._column.addWidget(plain("Does anything but the disease explain the scores?", "strong"))
        self._column.addWidget(self.audit)
        self._words = QVBoxLayout()
        self._words.setSpacing(6)
        self._column.addLayout(self._words)
        self._column.addStretch(1)
        self.setWidget(self._body)

    def set_screen(self, screen: Screen | None) -> None:
        """Show the quality of this screen."""
        rows = [joined(row) for row in screen.quality] if screen else []
        same = in_common(rows)
        self.caption.setText(" · ".join(rows[0][k] for k in same) if same else "")
        self.caption.setVisible(bool(same))
        keys = [key for key in dict.fromkeys(key for row in rows for key in row) if key not in same]
        _fill(
            self.quality,
            [heading(k) for k in keys],
            [[row.get(k, DASH) for k in keys] for row in rows],
        )
        found = screen.audit if screen else ()
        _fill(
            self.audit,
            ["read from the scores", "score", "chance", "p", "measured as"],
            [list(finding_cells(f)) for f in found],
        )
        self.warnings = [f"{f.what.capitalize()}: {f.warning}" for f in found if f.warning]
        clear_layout(self._words)
        for text in self.warnings:
            self._words.addWidget(plain(f"⚠ {text}", "warning", wrap=True))
        for text in screen.notes if screen else ():
            self._words.addWidget(plain(f"• {text}", "muted", wrap=True))
        if screen is not None:
            measured = SPACES.get(screen.space, screen.space)
            plates = f" Plates: {screen.normalised.rstrip('.')}." if screen.normalised else ""
            self.space.setText(
                f"Measured in {measured}. Intervals cover {screen.level * 100:g} %.{plates}"
            )


class _Table(QTableWidget):
    """As tall as its rows, and as its scroll bar where it is wider than the page."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """Take the height that is needed; the last column fills what is left, if anything is."""
        header = self.horizontalHeader()
        columns = range(self.columnCount())
        wide = sum(max(header.sectionSizeHint(c), self.sizeHintForColumn(c)) for c in columns)
        fits = wide <= self.viewport().width()
        header.setStretchLastSection(fits)
        bar = 0 if fits else self.horizontalScrollBar().sizeHint().height()
        height = sum(self.rowHeight(r) for r in range(self.rowCount())) + header.sizeHint().height()
        self.setFixedHeight(height + bar + 4)


def _table() -> _Table:
    table = _Table()
    table.verticalHeader().hide()
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    table.setProperty("kind", "facts")
    table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
    return table


def _fill(table: _Table, headings: list[str], rows: list[list[str]]) -> None:
    """Fill a table again; one sentence where nothing was measured."""
    table.clear()
    table.setColumnCount(len(headings) or 1)
    table.setRowCount(len(rows) or 1)
    table.setHorizontalHeaderLabels(headings or [""])
    for r, row in enumerate(rows or [["Not measured in this screen."]]):
        for c, text in enumerate(row):
            item = QTableWidgetItem(text)
            item.setToolTip(tip(text))
            table.setItem(r, c, item)
    for r in range(table.rowCount()):
        table.setRowHeight(r, table.fontMetrics().height() + 9)
    table.fit()
