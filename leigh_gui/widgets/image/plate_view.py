"""The plate: one circle per well, coloured by condition; a click selects its images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from core.domain import Condition, ImageRecord
from leigh_gui.widgets.common.look import BAD, small_font, tip

WELL = re.compile(r"^([A-Za-z]{1,2})[-_ ]?0*(\d{1,2})$")

TWO_CONDITIONS = "One well cannot be in two conditions: are these different plates?"
LARGEST = 72.0  # side of a well in pixels


@dataclass(frozen=True)
class Spot:
    """One well on show."""

    name: str
    row: int
    column: int
    colours: tuple[str, ...]
    record_ids: tuple[str, ...]
    text: str


def well_place(name: str) -> tuple[int, int] | None:
    """'B04' -> (1, 3); None where the name does not name a well."""
    found = WELL.match(name.strip())
    if not found:
        return None
    row = 0
    for letter in found.group(1).upper():
        row = row * 26 + ord(letter) - ord("A") + 1
    return row - 1, int(found.group(2)) - 1


def spots(records: Sequence[ImageRecord], conditions: Sequence[Condition]) -> list[Spot]:
    """The wells of one plate with what is in them."""
    colours = {c.name: c.colour for c in conditions}
    wells: dict[str, list[ImageRecord]] = {}
    for record in records:
        wells.setdefault(record.well, []).append(record)
    made = []
    for name, members in wells.items():
        place = well_place(name)
        if place is None:
            continue
        present = list(dict.fromkeys(r.condition for r in members))
        text = f"{name}: {' and '.join(present)}, {len(members)} images"
        if len(present) > 1:
            text += f"\n{TWO_CONDITIONS}"
        shown = tuple(colours.get(c, "#999999") for c in present)
        made.append(Spot(name, *place, shown, tuple(r.id for r in members), text))
    return made


class PlateView(QWidget):
    """The rows and columns in use; the whole plate when its shape is known."""

    wells_picked = Signal(object)  # tuple of record ids

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spots: dict[tuple[int, int], Spot] = {}
        self._rows: tuple[int, int] = (0, 1)  # first, past the last
        self._columns: tuple[int, int] = (0, 1)
        self._selected: frozenset[str] = frozenset()
        self.setMinimumSize(160, 96)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(480, 320)

    def set_plate(self, records: Sequence[ImageRecord], conditions: Sequence[Condition],
                  shape: tuple[int, int] | None) -> None:  # fmt: skip
        """Show the wells of these records."""
        self._spots = {(s.row, s.column): s for s in spots(records, conditions)}
        rows = [r for r, _ in self._spots] or [0]
        columns = [c for _, c in self._spots] or [0]
        if shape is not None:
            rows, columns = [*rows, 0, shape[0] - 1], [*columns, 0, shape[1] - 1]
        self._rows = (min(rows), max(rows) + 1)
        self._columns = (min(columns), max(columns) + 1)
        self.update()

    def empty(self) -> bool:
        """Whether no record names a well."""
        return not self._spots

    def set_selected(self, record_ids: Sequence[str]) -> None:
        """Ring the wells of these records."""
        self._selected = frozenset(record_ids)
        self.update()

    def centre(self, row: int, column: int) -> QPointF:
        """Middle of a well in pixels."""
        size, left, top = self._grid()
        return QPointF(
            left + (column - self._columns[0] + 0.5) * size,
            top + (row - self._rows[0] + 0.5) * size,
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        spot = self._at(event.position())
        if spot is not None:
            self.wells_picked.emit(spot.record_ids)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            spot = self._at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), tip(spot.text if spot else ""), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._spots:
            painter.setPen(self.palette().placeholderText().color())
            text = "No wells in the file names. Give a plate map on the Data page to see the plate."
            inner = self.rect().adjusted(16, 16, -16, -16)
            painter.drawText(inner, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)
        else:
            self._paint_names(painter)
            self._paint_wells(painter)
        painter.end()

    def _paint_names(self, painter: QPainter) -> None:
        size, left, top = self._grid()
        painter.setFont(small_font(self))
        painter.setPen(self.palette().placeholderText().color())
        metrics = painter.fontMetrics()
        every = max(1, -(-metrics.horizontalAdvance("00 ") // max(int(size), 1)))
        for index, column in enumerate(range(*self._columns)):
            if index % every == 0:
                box = QRectF(left + index * size - size, top - 18, 3 * size, 16)
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(column + 1))
        every = max(1, -(-metrics.height() // max(int(size), 1)))
        for index, row in enumerate(range(*self._rows)):
            if index % every == 0:
                box = QRectF(left - 30, top + index * size - size, 24, 3 * size)
                painter.drawText(
                    box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, row_name(row)
                )

    def _paint_wells(self, painter: QPainter) -> None:
        size, _, _ = self._grid()
        radius = size / 2 - max(size * 0.08, 1)
        for row in range(*self._rows):
            for column in range(*self._columns):
                centre = self.centre(row, column)
                spot = self._spots.get((row, column))
                if spot is None:
                    painter.setPen(QPen(self.palette().mid().color(), 1))
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.drawEllipse(centre, radius, radius)
                    continue
                box = QRectF(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius)
                painter.setPen(Qt.PenStyle.NoPen)
                for part, colour in enumerate(spot.colours):
                    painter.setBrush(QColor(colour))
                    painter.drawPie(
                        box, round(5760 * part / len(spot.colours)), round(5760 / len(spot.colours))
                    )
                if len(spot.colours) > 1:
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.setPen(QPen(QColor(BAD), 2))
                    painter.drawEllipse(centre, radius, radius)
                if self._selected.intersection(spot.record_ids):
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.setPen(QPen(self.palette().windowText().color(), 2.5))
                    painter.drawEllipse(centre, radius + 1, radius + 1)

    def _grid(self) -> tuple[float, float, float]:
        rows, columns = self._rows[1] - self._rows[0], self._columns[1] - self._columns[0]
        size = max(min((self.width() - 40) / columns, (self.height() - 30) / rows, LARGEST), 4.0)
        left = 32 + max((self.width() - 40 - size * columns) / 2, 0)
        return size, left, 24.0

    def _at(self, position: QPointF) -> Spot | None:
        size, left, top = self._grid()
        column = int((position.x() - left) // size) + self._columns[0]
        row = int((position.y() - top) // size) + self._rows[0]
        return self._spots.get((row, column))


def row_name(row: int) -> str:
    """0 -> A, 25 -> Z, 26 -> AA."""
    return chr(65 + row) if row < 26 else chr(64 + row // 26) + chr(65 + row % 26)
