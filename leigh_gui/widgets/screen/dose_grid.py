"""Rescue against dose, a small plot per compound: points with intervals, fitted curve, and the EC50
or why not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from core.domain.screen import DoseCurve, Ranked, Screen
from leigh_gui.widgets.common.look import small_font
from leigh_gui.widgets.screen.axis import Axis, dose_axis, known, rescue_axis, short
from leigh_gui.widgets.screen.ranking_rows import dose_words, row_words

WIDE, HIGH, GAP = 236, 204, 12
STEPS = 60  # of the drawn curve


def fitted(curve: DoseCurve, dose_um: float) -> float | None:
    """bottom + (top - bottom) / (1 + (ec50 / dose)^slope); None where nothing was fitted."""
    parts = (curve.bottom, curve.top, curve.slope, curve.ec50_um)
    if any(not known(p) for p in parts) or dose_um <= 0:
        return None
    bottom, top, slope, ec50 = (float(p) for p in parts if p is not None)
    try:
        return bottom + (top - bottom) / (1 + (ec50 / dose_um) ** slope)
    except OverflowError:
        return bottom


def points_of(curve: DoseCurve, ranked: Sequence[Ranked]) -> list[Ranked]:
    """The treatments of this compound that have a dose, by dose."""
    there = [
        r
        for r in ranked
        if r.compound == curve.compound and r.dose_um is not None and r.dose_um > 0
    ]
    return sorted((r for r in there if known(r.rescue)), key=lambda r: r.dose_um or 0.0)


class DoseGrid(QAbstractScrollArea):
    """A wrapping grid of small plots on one rescue axis. Click a point to select that treatment."""

    selected = Signal(str)  # condition

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._screen: Screen | None = None
        self._curves: tuple[DoseCurve, ...] = ()
        self._points: list[list[Ranked]] = []
        self._colours: Mapping[str, str] = {}
        self._current = ""
        self._axis = rescue_axis(())
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setBackgroundRole(QPalette.ColorRole.Window)
        self.setAccessibleName("Rescue against dose of every compound")

    def sizeHint(self) -> QSize:
        return QSize(2 * WIDE + 3 * GAP, 2 * HIGH)

    def set_screen(self, screen: Screen | None, colours: Mapping[str, str]) -> None:
        """Show these curves."""
        self._screen, self._colours = screen, colours
        ranked = screen.ranked if screen else ()
        self._curves = screen.doses if screen else ()
        self._points = [points_of(c, ranked) for c in self._curves]
        self._axis = rescue_axis([r for rows in self._points for r in rows])
        self._layout()

    def set_current(self, condition: str) -> None:
        """Emphasise this treatment, and bring its compound into view."""
        changed = condition != self._current
        self._current = condition
        for index, rows in enumerate(self._points):
            if changed and any(r.condition == condition for r in rows):
                top = index // self._per_row() * (HIGH + GAP)
                bar = self.verticalScrollBar()
                if top < bar.value() or top + HIGH > bar.value() + self.viewport().height():
                    bar.setValue(top)
        self.viewport().update()

    def resizeEvent(self, event: object) -> None:
        self._layout()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self._near(event.position())
        if row is not None:
            self.selected.emit(row.condition)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(
                event.globalPos(), self.words_at(QPointF(event.pos())), self.viewport()
            )
            return True
        return super().viewportEvent(event)

    def words_at(self, at: QPointF) -> str:
        """The point under the mouse, or the whole words of its plot."""
        row = self._near(at)
        if row is not None and self._screen is not None:
            return row_words(row, self._screen).text()
        index = next((i for i in range(len(self._curves)) if self.cell(i).contains(at)), -1)
        return (
            f"{self._curves[index].compound}\n{dose_words(self._curves[index])}"
            if index >= 0
            else ""
        )

    def cell(self, index: int) -> QRectF:
        """The plot of one compound in pixels of the viewport."""
        row, column = divmod(index, self._per_row())
        wide = (self.viewport().width() - GAP) / self._per_row() - GAP
        top = GAP + row * (HIGH + GAP) - self.verticalScrollBar().value()
        return QRectF(GAP + column * (wide + GAP), top, wide, HIGH)

    def place(self, index: int, row: Ranked) -> QPointF:
        """Where a treatment lies in the plot of its compound."""
        return self._at(index, row.dose_um or 1.0, row.rescue)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._curves:
            painter.setPen(self.palette().placeholderText().color())
            words = (
                "No compound was given at several doses. Doses come from the plate map, column"
                " dose_um."
            )
            box = self.viewport().rect().adjusted(24, 24, -24, -24)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)
        for index in range(len(self._curves)):
            if self.cell(index).intersects(QRectF(self.viewport().rect())):
                self._paint_cell(painter, index)
        painter.end()

    def _paint_cell(self, painter: QPainter, index: int) -> None:
        curve, box, inner = self._curves[index], self.cell(index), self._inner(index)
        painter.fillRect(box, self.palette().base())
        chosen = any(r.condition == self._current for r in self._points[index])
        edge = self.palette().highlight() if chosen else self.palette().mid()
        painter.setPen(QPen(edge.color(), 1.5 if chosen else 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box)
        bold, line = painter.font(), self.fontMetrics().height()
        bold.setBold(True)
        painter.setFont(bold)
        painter.setPen(self.palette().windowText().color())
        name = painter.fontMetrics().elidedText(
            curve.compound, Qt.TextElideMode.ElideRight, int(box.width() - 16)
        )
        painter.drawText(box.adjusted(8, 4, -8, 0), Qt.AlignmentFlag.AlignTop, name)
        painter.setFont(small_font(self))
        painter.setPen(self.palette().placeholderText().color())
        under = QRectF(
            box.left() + 8,
            box.top() + 4 + line,
            box.width() - 16,
            2.1 * painter.fontMetrics().height(),
        )
        flag = Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
        painter.drawText(under, flag, self._fit(painter, dose_words(curve), under))
        self._paint_axes(painter, index, inner)
        painter.setClipRect(inner.adjusted(-6, -6, 6, 6))
        self._paint_curve(painter, index, inner)
        painter.setClipping(False)

    def _fit(self, painter: QPainter, text: str, box: QRectF) -> str:
        """The text as far as it fits into two lines, shortened with an ellipsis."""
        metrics = painter.fontMetrics()
        flag = Qt.TextFlag.TextWordWrap
        while (
            metrics.boundingRect(box.toRect(), flag, text).height() > box.height()
            and len(text) > 12
        ):
            text = text[:-9].rstrip() + "…"
        return text

    def _paint_axes(self, painter: QPainter, index: int, inner: QRectF) -> None:
        muted, metrics = self.palette().placeholderText().color(), painter.fontMetrics()
        for value in (0.0, 1.0):
            y = inner.bottom() - self._axis.place(value) * inner.height()
            painter.setPen(QPen(muted, 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(inner.left(), y), QPointF(inner.right(), y))
            painter.setPen(muted)
            painter.drawText(
                QRectF(inner.left() - 24, y - 10, 18, 20),
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                short(value),
            )
        axis, free, before = self._dose_axis(index), inner.left() - 20, inner.right()
        doses = sorted(set(self._doses(index)))
        for dose in (
            (doses[-1:] + doses[:-1]) if doses else ()
        ):  # the last one, with the unit, comes first
            last = dose == doses[-1]
            x, words = (
                inner.left() + axis.place(dose) * inner.width(),
                short(dose) + (" µM" if last else ""),
            )
            wide = metrics.horizontalAdvance(words)
            end = inner.right() + 22 if last else before
            if last:
                before = x - wide / 2 - 4
            if (last or x - wide / 2 > free) and x + wide / 2 < end:
                painter.drawText(QRectF(x - 40, inner.bottom() + 3, 80, metrics.height()),
                                 Qt.AlignmentFlag.AlignCenter, words)  # fmt: skip
                free = free if last else x + wide / 2 + 4

    def _paint_curve(self, painter: QPainter, index: int, inner: QRectF) -> None:
        curve, axis = self._curves[index], self._dose_axis(index)
        ink = self.palette().windowText().color()
        doses = [axis.low * (axis.high / axis.low) ** (k / STEPS) for k in range(STEPS + 1)]
        line = [(d, y) for d in doses if (y := fitted(curve, d)) is not None]
        if line:
            painter.setPen(QPen(self.palette().placeholderText().color(), 2))
            painter.drawPolyline(QPolygonF([self._at(index, d, y) for d, y in line]))
        if curve.ec50_um is not None and known(curve.ec50_um) and curve.ec50_um > 0:
            x = self._at(index, curve.ec50_um, 0).x()
            painter.setPen(QPen(self.palette().highlight().color(), 1.2, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, inner.top()), QPointF(x, inner.bottom()))
        if not self._points[index]:
            pairs = zip(curve.doses_um, curve.rescue, strict=False)
            for place in (self._at(index, d, y) for d, y in pairs if d > 0 and known(y)):
                painter.setPen(ink)
                painter.setBrush(self.palette().mid())
                painter.drawEllipse(place, 4, 4)
        for row in self._points[index]:
            at = self.place(index, row)
            painter.setPen(QPen(ink, 1.3))
            if row.rescue_low is not None and row.rescue_high is not None:
                ends = (
                    self._at(index, row.dose_um or 1, v) for v in (row.rescue_low, row.rescue_high)
                )
                painter.drawLine(*ends)
            painter.setPen(
                QPen(ink, 2)
                if row.condition == self._current
                else QPen(self.palette().base().color(), 1)
            )
            painter.setBrush(QColor(self._colours.get(row.condition, "#999999")))
            painter.drawEllipse(at, 5, 5)

    def _inner(self, index: int) -> QRectF:
        line = self.fontMetrics().height()
        return self.cell(index).adjusted(32, 3.2 * line + 6, -24, -line - 6)

    def _doses(self, index: int) -> list[float]:
        there = [r.dose_um for r in self._points[index] if r.dose_um] or list(
            self._curves[index].doses_um
        )
        return [d for d in there if d > 0]

    def _dose_axis(self, index: int) -> Axis:
        return dose_axis(self._doses(index))

    def _at(self, index: int, dose: float, rescue: float) -> QPointF:
        inner = self._inner(index)
        x = inner.left() + self._dose_axis(index).place(dose) * inner.width()
        return QPointF(x, inner.bottom() - self._axis.place(rescue) * inner.height())

    def _near(self, at: QPointF) -> Ranked | None:
        for index, rows in enumerate(self._points):
            if self.cell(index).contains(at):
                for row in rows:
                    if (self.place(index, row) - at).manhattanLength() < 14:
                        return row
        return None

    def _per_row(self) -> int:
        return max((self.viewport().width() - GAP) // (WIDE + GAP), 1)

    def _layout(self) -> None:
        rows = -(-len(self._curves) // self._per_row())
        bar = self.verticalScrollBar()
        bar.setRange(0, max(GAP + rows * (HIGH + GAP) - self.viewport().height(), 0))
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(40)
        self.viewport().update()
