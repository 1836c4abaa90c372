"""The moving part of the map: source, path with its crossing, handle, landing mark, captions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QWidget

from core.domain import DecisionMap
from leigh_gui.widgets.common.look import count, haloed, nice_length, percent, small_font
from leigh_gui.widgets.map.map_geometry import MapTransform

HANDLE, TICK = 10.0, 3.2
SCALE_BAR_SHARE = 0.2  # of the width, at most
DISTANCES = {
    False: "Distances are not effect sizes",
    True: "Axes in standard deviations within a condition",
}
Place = tuple[float, float]
Spot = Callable[[Place], QPointF]


@dataclass(frozen=True)
class Mark:
    """Where the model begins to read another condition."""

    place: Place
    colour: str
    words: str  # "" for none


@dataclass(frozen=True)
class Overlay:
    """Everything drawn over the points, in map coordinates."""

    source: Place | None = None
    handle: Place | None = None
    landing: Place | None = None
    valid: bool = True
    lines: tuple[tuple[Place, ...], ...] = ()  # of the path
    ticks: tuple[Place, ...] = ()  # on the path, at every tenth of the strength
    crossings: tuple[Mark, ...] = ()
    colour: str = "#888888"
    landing_colour: str = "#888888"  # of the condition that the model reads there
    note: str = ""  # what must be said of the landing


def paint_overlay(painter: QPainter, widget: QWidget, overlay: Overlay, view: MapTransform) -> None:
    """Path first, then marks, the handle on top."""
    palette = widget.palette()
    ink, paper = palette.windowText().color(), palette.base().color()
    spot = _screen(view)
    _paint_path(painter, overlay, spot, ink, paper)
    if overlay.source is not None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((paper, 5.0), (ink, 2.2)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(spot(overlay.source), 8, 8)
    if overlay.handle is not None:
        if overlay.landing is not None:
            _paint_landing(painter, overlay, spot, ink, paper)
        _paint_handle(painter, overlay, spot(overlay.handle), ink, paper)
    _paint_words(painter, widget, overlay, spot, ink, paper)


def paint_lasso(painter: QPainter, widget: QWidget, trail: QPolygonF) -> None:
    """The outline that is being drawn, in pixels."""
    if trail.isEmpty():
        return
    fill = QColor(widget.palette().highlight().color())
    painter.setPen(QPen(fill, 1.5))
    fill.setAlpha(40)
    painter.setBrush(fill)
    painter.drawPolygon(trail)


def _screen(view: MapTransform) -> Spot:
    return lambda position: QPointF(*view.pixel(position))


def _paint_path(
    painter: QPainter, overlay: Overlay, spot: Spot, ink: QColor, paper: QColor
) -> None:
    """A line with a halo, a dot at every tenth of the strength, a diamond at every crossing."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    lines = [QPolygonF([spot(p) for p in line]) for line in overlay.lines]
    for colour, width in ((paper, 5.0), (ink, 2.0)):
        painter.setPen(QPen(colour, width))
        for line in lines:
            painter.drawPolyline(line)
    painter.setPen(QPen(paper, 1.2))
    painter.setBrush(ink)
    for tick in overlay.ticks:
        painter.drawEllipse(spot(tick), TICK, TICK)
    for mark in overlay.crossings:
        at = spot(mark.place)
        diamond = QPolygonF([at + QPointF(*d) for d in ((0, -8), (8, 0), (0, 8), (-8, 0))])
        for colour, width in ((paper, 5.0), (ink, 2.0)):
            painter.setPen(QPen(colour, width))
            painter.setBrush(QColor(mark.colour))
            painter.drawPolygon(diamond)


def _paint_words(
    painter: QPainter, widget: QWidget, overlay: Overlay, spot: Spot, ink: QColor, paper: QColor
) -> None:
    """What the model reads from each crossing on, next to its diamond and inside the map."""
    painter.setFont(small_font(widget))
    metrics = painter.fontMetrics()
    for mark in overlay.crossings:
        if not mark.words:
            continue
        width, at = metrics.horizontalAdvance(mark.words), spot(mark.place)
        right = at.x() + 14 + width < widget.width()
        left = at.x() + 14 if right else at.x() - 14 - width
        haloed(painter, QPointF(left, at.y() + metrics.ascent() / 2 - 1), mark.words, ink, paper)


def _paint_landing(
    painter: QPainter, overlay: Overlay, spot: Spot, ink: QColor, paper: QColor
) -> None:
    assert overlay.landing is not None and overlay.handle is not None
    at = spot(overlay.landing)
    painter.setPen(QPen(ink, 1, Qt.PenStyle.DotLine))
    painter.drawLine(spot(overlay.handle), at)
    painter.setPen(QPen(ink, 1))
    painter.setBrush(QColor(overlay.landing_colour))
    painter.drawEllipse(at, 8, 8)
    for colour, width in ((paper, 5.0), (ink, 2.2)):
        painter.setPen(QPen(colour, width))
        painter.drawLine(at + QPointF(-5, -5), at + QPointF(5, 5))
        painter.drawLine(at + QPointF(-5, 5), at + QPointF(5, -5))


def _paint_handle(
    painter: QPainter, overlay: Overlay, at: QPointF, ink: QColor, paper: QColor
) -> None:
    painter.setPen(QPen(paper, 5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(at, HANDLE, HANDLE)
    painter.setPen(QPen(ink, 2.2))
    painter.setBrush(QColor(overlay.colour) if overlay.valid else paper)
    painter.drawEllipse(at, HANDLE, HANDLE)
    if not overlay.valid:
        painter.drawLine(at + QPointF(-6, 6), at + QPointF(6, -6))


def paint_caption(
    painter: QPainter, widget: QWidget, decision: DecisionMap, exact: bool, note: str
) -> None:
    """How far to trust the map, printed on it; on an `exact` plane distances mean something.

    Above it, a note.
    """
    kind = "held-out image" if decision.held_out else "training image"
    number = count(decision.fidelity_points, kind)
    state = "Rough regions, to be refined · " if decision.rough else ""
    texts = (f"{state}Map agrees with the model on {percent(decision.fidelity, 1)} of {number}",
             f"{DISTANCES[exact]} · hatched = no data")  # fmt: skip
    painter.setFont(small_font(widget))
    metrics = painter.fontMetrics()
    widths = [metrics.horizontalAdvance(t) for t in texts]
    one_line = sum(widths) + 48 <= widget.width()
    lines = [*([note] if note else []), *(["   ·   ".join(texts)] if one_line else texts)]
    height = metrics.height() * len(lines) + 8
    paper = QColor(widget.palette().base().color())
    paper.setAlpha(215)
    painter.fillRect(QRectF(0, widget.height() - height, widget.width(), height), paper)
    painter.setPen(widget.palette().windowText().color())
    font = painter.font()
    for row, line in enumerate(lines):
        font.setBold(bool(note) and row == 0)
        painter.setFont(font)
        top = widget.height() - height + 4 + row * metrics.height()
        shown = painter.fontMetrics().elidedText(
            line, Qt.TextElideMode.ElideRight, widget.width() - 16
        )
        painter.drawText(
            QRectF(8, top, widget.width() - 16, metrics.height()), Qt.AlignmentFlag.AlignLeft, shown
        )


def paint_scale_bar(painter: QPainter, widget: QWidget, view: MapTransform) -> None:
    """How long some standard deviations are on a ternary plane, in the upper right corner."""
    length = nice_length(SCALE_BAR_SHARE * widget.width() / view.scale)
    right, left = widget.width() - 16.0, widget.width() - 16.0 - length * view.scale
    painter.setFont(small_font(widget))
    text = painter.fontMetrics().height()
    box = QRectF(left - 8, 4, right - left + 16, text + 12)
    paper = QColor(widget.palette().base().color())
    paper.setAlpha(215)
    painter.fillRect(box, paper)
    painter.setPen(QPen(widget.palette().windowText().color(), 2))
    painter.drawLine(QPointF(left, 8), QPointF(right, 8))
    painter.drawText(
        QRectF(box.x(), 12, box.width(), text), Qt.AlignmentFlag.AlignHCenter, f"{length:g} σ"
    )


def paint_thumbnail(
    painter: QPainter, widget: QWidget, at: QPointF, pixmap: QPixmap, text: str
) -> None:
    """The picture of the point under the mouse, next to it."""
    side = 128.0
    x = at.x() + 16 if at.x() + 16 + side + 8 < widget.width() else at.x() - 24 - side
    y = min(max(at.y() - side / 2, 4), widget.height() - side - 28)
    painter.setFont(small_font(widget))
    box = QRectF(x, y, side + 8, side + 8 + painter.fontMetrics().height())
    painter.setPen(QPen(widget.palette().mid().color(), 1))
    painter.setBrush(widget.palette().base())
    painter.drawRoundedRect(box, 6, 6)
    painter.drawPixmap(QRectF(x + 4, y + 4, side, side), pixmap, QRectF(pixmap.rect()))
    painter.setPen(widget.palette().windowText().color())
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(side))
    painter.drawText(QRectF(x + 4, y + side + 5, side, 20), Qt.AlignmentFlag.AlignLeft, shown)
