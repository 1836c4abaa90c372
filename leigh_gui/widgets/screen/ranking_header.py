"""The headings of the ranking: click to sort; intervals have the ticks of their axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter
from PySide6.QtWidgets import QHeaderView, QWidget

from core.domain.screen import Ranked
from leigh_gui.widgets.common.look import small_font
from leigh_gui.widgets.screen.axis import short
from leigh_gui.widgets.screen.ranking_delegates import Scale, axis_box
from leigh_gui.widgets.screen.ranking_model import COLUMNS, HEADINGS
from leigh_gui.widgets.screen.ranking_rows import Column, flag_text, share, treatment_name

NARROW = 76  # widths of a digit; in a narrower table the interval of the nuclei is shortened
LEAST = 36  # widths of a digit that names, axes and flags need together


class RankingHeader(QHeaderView):
    """Two lines high: words above, ticks below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.scales: dict[Column, Scale] = {}
        self.row_font = self.font()  # of the rows, whose axes the ticks belong to
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setMinimumSectionSize(16)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), 2 * self.fontMetrics().height() + 12)

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:
        painter.save()
        super().paintSection(painter, rect, logicalIndex)
        painter.restore()
        scale = self.scales.get(COLUMNS[logicalIndex])
        if scale is not None:
            self._paint_ticks(painter, QRectF(rect), scale)

    def _paint_ticks(self, painter: QPainter, cell: QRectF, scale: Scale) -> None:
        painter.save()
        box = axis_box(cell, QFontMetricsF(self.row_font))
        font = small_font(self)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        painter.setPen(self.palette().placeholderText().color())
        free = box.left() - 40
        for tick in scale.axis.ticks(int(box.width() // metrics.horizontalAdvance("0.00"))):
            x = box.left() + scale.axis.place(tick) * box.width()
            half = metrics.horizontalAdvance(short(tick)) / 2 + 3
            if x - half >= free:
                place = QRectF(x - 30, box.bottom() - metrics.height() - 3, 60, metrics.height())
                painter.drawText(place, Qt.AlignmentFlag.AlignCenter, short(tick))
                free = x + half
        painter.restore()


@dataclass(frozen=True)
class Wanted:
    """Widths that the texts of the rows need, in pixels; `digit` is the width of a 0."""

    digit: float = 8.0
    name: float = 0.0
    flags: float = 0.0
    nuclei: float = 0.0
    rank: int = 1


def wanted_widths(rows: Sequence[Ranked], font: QFont) -> Wanted:
    """The widths with which these rows can be read in full."""
    metrics = QFontMetricsF(font)

    def widest(texts: set[str], heading: str) -> float:
        return max(metrics.horizontalAdvance(text) for text in (*texts, f"{heading} ▾"))

    nuclei = {share(r.cell_count, r.cell_count_low, r.cell_count_high) for r in rows}
    flags = {flag_text(r) for r in rows}
    return Wanted(
        metrics.horizontalAdvance("0"),
        widest({treatment_name(r) for r in rows}, HEADINGS[Column.NAME][0]) + 40,
        widest(flags, HEADINGS[Column.FLAGS][0]) + 20,
        widest(nuclei, HEADINGS[Column.NUCLEI][0]) + 16,
        len(str(max((r.tie for r in rows), default=1))),
    )


def column_widths(width: int, wanted: Wanted) -> Mapping[Column, int]:
    """Ranks, nuclei and wells as wide as their text; names, axes and flags share the rest."""
    digit = wanted.digit
    most = 15 if width > NARROW * digit else 8
    fixed = {
        Column.RANK: (wanted.rank + 4) * digit,
        Column.NUCLEI: min(max(wanted.nuclei, 8 * digit), most * digit),
        Column.WELLS: 7 * digit,
    }
    free = max(width - sum(fixed.values()), LEAST * digit)
    name = min(wanted.name, max(0.29 * free, 15 * digit))
    flags = min(wanted.flags, 0.2 * free)
    axes = free - name - flags
    widths = fixed | {
        Column.NAME: name,
        Column.RESCUE: 0.57 * axes,
        Column.OFF_AXIS: 0.43 * axes,
        Column.FLAGS: flags,
    }
    whole = {column: int(widths[column]) for column in COLUMNS}
    whole[Column.RESCUE] += max(width - sum(whole.values()), 0)
    return whole
