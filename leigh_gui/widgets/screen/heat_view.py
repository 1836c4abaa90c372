"""A plate as a heat map: one square per well; click a well for its images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from core.domain.screen import WellScore
from leigh_gui.widgets.common.look import count, is_dark, small_font, tip
from leigh_gui.widgets.image.plate_view import row_name
from leigh_gui.widgets.screen.well_values import (
    LEVELS,
    Layout,
    Scale,
    colour_table,
    value_of,
    well_words,
)

LARGEST = 56.0  # pixels of a well


class HeatView(QWidget):
    """Wells without images are hollow, unmeasured wells crossed out, selected wells outlined."""

    well_picked = Signal(object)  # WellScore

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout_now = Layout(1, 1, {})
        self._value_name, self._words, self._scale = "rescue", "Rescue", Scale(0, 1, True)
        self._colours: Mapping[str, str] = {}
        self._current = ""
        self._picked: WellScore | None = None
        self.setMouseTracking(True)
        self.setMinimumSize(200, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Plate heat map")

    def sizeHint(self) -> QSize:
        return QSize(420, 260)

    def set_plate(
        self, layout: Layout, key: str, words: str, scale: Scale, colours: Mapping[str, str]
    ) -> None:
        """Show the wells of one plate by this value, on this scale; `colours` of the conditions."""
        self._layout_now, self._value_name, self._words, self._scale, self._colours = (
            layout,
            key,
            words,
            scale,
            colours,
        )
        self.update()

    def set_current(self, condition: str) -> None:
        """Outline the wells of this treatment."""
        self._current = condition
        self.update()

    def set_picked(self, well: WellScore | None) -> None:
        """Ring the well whose images are listed."""
        self._picked = well
        self.update()

    def cell(self, row: int, column: int) -> QRectF:
        """The square of a well in pixels."""
        size, left, top = self._grid()
        return QRectF(left + column * size, top + row * size, size, size)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        well = self._at(event.position())
        if well is not None:
            self.well_picked.emit(well)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        over = self._at(event.position()) is not None
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), tip(self.words_at(QPointF(event.pos()))), self)
            return True
        return super().event(event)

    def words_at(self, at: QPointF) -> str:
        """The tooltip at a place."""
        well = self._at(at)
        return well_words(well, self._value_name, self._words) if well is not None else ""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(small_font(self))
        if not self._layout_now.wells:
            painter.setPen(self.palette().placeholderText().color())
            inner = self.rect().adjusted(8, 8, -8, -8)
            painter.drawText(
                inner,
                Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
                "No wells on this plate.",
            )
        else:
            self._paint_names(painter)
            self._paint_wells(painter)
            self._paint_left_out(painter)
        painter.end()

    def _paint_names(self, painter: QPainter) -> None:
        size, left, top = self._grid()
        metrics = painter.fontMetrics()
        painter.setPen(self.palette().placeholderText().color())
        if not self._layout_now.named:
            head = QRectF(left, 0, self.width() - left, top)
            words = "In order: these wells have no places"
            painter.drawText(head, Qt.AlignmentFlag.AlignVCenter, words)
            return
        every = steps(metrics.horizontalAdvance("00 "), size)
        for column in range(0, self._layout_now.columns, every):
            box = QRectF(
                left + (column - 1) * size - 10,
                top - metrics.height() - 1,
                3 * size + 20,
                metrics.height(),
            )
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(column + 1))
        every = steps(metrics.height(), size)
        for row in range(0, self._layout_now.rows, every):
            box = QRectF(left - 30, top + (row - 1) * size - 10, 25, 3 * size + 20)
            painter.drawText(
                box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, row_name(row)
            )

    def _paint_left_out(self, painter: QPainter) -> None:
        lost = self._layout_now.left_out
        if lost:
            words = f"{count(lost, 'well')} not drawn: no place by its name, or the place is taken"
            box = QRectF(
                4,
                self.height() - painter.fontMetrics().height() - 1,
                self.width() - 8,
                self._foot(),
            )
            painter.setPen(self.palette().placeholderText().color())
            shown = painter.fontMetrics().elidedText(
                words, Qt.TextElideMode.ElideRight, int(box.width())
            )
            painter.drawText(box, Qt.AlignmentFlag.AlignTop, shown)

    def _foot(self) -> float:
        return self.fontMetrics().height() + 2.0 if self._layout_now.left_out else 0.0

    def _paint_wells(self, painter: QPainter) -> None:
        size, _, _ = self._grid()
        gap = 0.5 if size < 9 else 1.0 if size < 16 else 1.5
        table = colour_table(self._scale.diverging, is_dark(self))
        hollow = QPen(self.palette().mid().color(), 1)
        for row in range(self._layout_now.rows):
            for column in range(self._layout_now.columns):
                box = self.cell(row, column).adjusted(gap, gap, -gap, -gap)
                well = self._layout_now.wells.get((row, column))
                if well is None:
                    painter.setPen(hollow)
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
                    continue
                self._paint_well(painter, box, well, table)
        self._paint_marks(painter, size)

    def _paint_well(
        self, painter: QPainter, box: QRectF, well: WellScore, table: np.ndarray
    ) -> None:
        muted = self.palette().placeholderText().color()
        if self._value_name == "condition":
            painter.fillRect(box, QColor(self._colours.get(well.condition, "#999999")))
        elif (value := value_of(well, self._value_name)) is None:
            painter.setPen(QPen(muted, 1))
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
            painter.drawLine(box.topLeft(), box.bottomRight())
        else:
            colour = QColor(*(int(v) for v in table[self._scale.level(value)]))
            painter.fillRect(box, colour)
            muted = QColor("#000000" if colour.lightness() > 128 else "#FFFFFF")
        if well.unlike and self._value_name == "rescue" and box.width() > 6:
            painter.setPen(QPen(muted, 1.2))
            inner = box.adjusted(*(box.width() * k for k in (0.3, 0.3, -0.3, -0.3)))
            painter.drawLine(inner.topLeft(), inner.bottomRight())
            painter.drawLine(inner.topRight(), inner.bottomLeft())

    def _paint_marks(self, painter: QPainter, size: float) -> None:
        """Outlines over all wells, dark on light so that they are seen on every colour."""
        ink, paper = self.palette().windowText().color(), self.palette().base().color()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        thin = size < 14
        for (row, column), well in self._layout_now.wells.items():
            box = self.cell(row, column)
            if self._current and well.condition == self._current:
                for colour, width in ((paper, 3.0 if thin else 4.0), (ink, 1.5 if thin else 2.0)):
                    painter.setPen(QPen(colour, width))
                    painter.drawRect(box)
        for (row, column), well in self._layout_now.wells.items():
            if well is self._picked:
                painter.setPen(QPen(self.palette().highlight().color(), 3))
                painter.drawRect(self.cell(row, column))

    def _grid(self) -> tuple[float, float, float]:
        """Size of a well, left and top of the first."""
        rows, columns = self._layout_now.rows, self._layout_now.columns
        line = self.fontMetrics().height()
        side, top = 34.0, float(line + 4)
        size = max(
            min(
                (self.width() - side - 4) / columns,
                (self.height() - top - 4 - self._foot()) / rows,
                LARGEST,
            ),
            2.0,
        )
        left = side + max((self.width() - side - 4 - size * columns) / 2, 0)
        return size, left, top

    def _at(self, at: QPointF) -> WellScore | None:
        size, left, top = self._grid()
        return self._layout_now.wells.get(
            (int((at.y() - top) // size), int((at.x() - left) // size))
        )


def steps(text: float, size: float) -> int:
    """Every how many wells a label has room: 1, 2, 3, 4, 6, 8 or 12."""
    return next((k for k in (1, 2, 3, 4, 6, 8, 12) if k * size >= text), 24)


class ScaleBar(QWidget):
    """The colours of all plates with both ends printed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.scale = Scale(0, 1, True)
        self.setMinimumWidth(120)
        self.setMaximumWidth(320)
        self.setFixedHeight(20)

    def set_scale(self, scale: Scale, words: str) -> None:
        """Print this scale."""
        self.scale = scale
        low, high = scale.ends()
        self.setToolTip(tip(f"{words} from {low} to {high}, one scale for all plates."))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(small_font(self))
        painter.setPen(self.palette().windowText().color())
        metrics = painter.fontMetrics()
        low, high = self.scale.ends()
        left, right = metrics.horizontalAdvance(low) + 6, metrics.horizontalAdvance(high) + 6
        painter.drawText(QRectF(0, 0, left, self.height()), Qt.AlignmentFlag.AlignVCenter, low)
        end = QRectF(self.width() - right, 0, right, self.height())
        painter.drawText(end, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, high)
        row = np.full((1, LEVELS, 4), 255, dtype=np.uint8)
        row[0, :, :3] = colour_table(self.scale.diverging, is_dark(self))[:, ::-1]
        bar = QRectF(left, 5, self.width() - left - right, self.height() - 10)
        painter.drawImage(bar, QImage(row.data, LEVELS, 1, LEVELS * 4, QImage.Format.Format_RGB32))
        painter.setPen(self.palette().mid().color())
        painter.drawRect(bar)
        painter.end()
