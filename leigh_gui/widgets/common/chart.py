"""A chart of pyqtgraph in the colours of the theme, without menus and mouse modes.

Importing pyqtgraph takes a third of a second: widgets import this file when they first draw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QMouseEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QVBoxLayout, QWidget

from leigh_gui.widgets.common.look import small_font, tip

MARGIN = 16  # pixels right of the axes, for half of the last label
NEAR = 12.0  # pixels from a point that still count as a click on it
Side = Literal["left", "bottom"]
Values = Sequence[float]


@dataclass(frozen=True)
class Point:
    """A marker; `key` is emitted when it is clicked, `words` makes its tooltip."""

    x: float
    y: float
    fill: QColor
    edge: QColor
    symbol: str = "o"
    size: float = 10.0  # pixels
    key: str = ""
    words: Callable[[], str] = str  # no tooltip


class PlainAxis(pg.AxisItem):  # type: ignore[misc]  # pyqtgraph has no types
    """Ticks as plain numbers: 0.01, 1, 100 on a logarithmic axis, never 10⁻²."""

    def tickStrings(self, values: list[float], scale: float, spacing: float | None) -> list[str]:
        if not self.logMode:
            return [f"{round(value * scale, 9):g}".replace("-", "−") for value in values]
        named = spacing is not None  # only whole powers of ten
        return [f"{10.0**value:g}" if named else "" for value in values]


class Chart(QWidget):
    """Draw with the `add_` functions after `clear`; logarithmic axes take base-10 logarithms."""

    picked = Signal(str)  # key of the point that was clicked
    outdated = Signal()  # another size or other colours: the owner draws again

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._points: list[Point] = []
        self._top: list[Any] = []  # items that change more often than the rest
        self.on_top = False
        self.plot: Any = pg.PlotWidget(
            enableMenu=False,
            background=None,
            axisItems={side: PlainAxis(side) for side in ("left", "bottom")},
        )
        self.plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.plot.setCacheMode(self.plot.CacheModeFlag.CacheNone)  # the cache is never transparent
        self.plot.viewport().setAutoFillBackground(False)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setFrameShape(self.plot.Shape.NoFrame)
        self.plot.setMouseEnabled(False, False)
        self.plot.hideButtons()
        self.view: Any = self.plot.getViewBox()
        self._later = QTimer(self, interval=0, singleShot=True)  # several changes, one drawing
        self._later.timeout.connect(self.outdated)
        self.view.sigResized.connect(self._later.start)
        for side in ("left", "bottom"):
            self.plot.getAxis(side).enableAutoSIPrefix(False)
        self.plot.getAxis("bottom").setStyle(hideOverlappingLabels=False)  # also at its ends
        self.plot.getPlotItem().layout.setContentsMargins(0, 2, MARGIN, 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.plot)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._colour()

    def set_range(self, side: Side, low: float, high: float, log: bool = False) -> None:
        """Show exactly this range; ends of a logarithmic axis are given as logarithms."""
        self.plot.getAxis(side).setLogMode(*((log, None) if side == "bottom" else (None, log)))
        set_range = self.plot.setXRange if side == "bottom" else self.plot.setYRange
        set_range(low, high, padding=0)

    def set_ticks(self, side: Side, ticks: Sequence[tuple[float, str]]) -> None:
        """Name these places."""
        self.plot.getAxis(side).setTicks([list(ticks)])

    def give_room(self, texts: Sequence[str]) -> None:
        """Make the left axis wide enough for all of these words."""
        metrics = QFontMetricsF(small_font(self))
        width = max((metrics.horizontalAdvance(text) for text in texts), default=0.0)
        self.plot.getAxis("left").setWidth(round(width) + 12)

    def clear(self) -> None:
        """Take everything off the chart."""
        self.plot.clear()
        self._points, self._top, self.on_top = [], [], False

    def clear_top(self) -> None:
        """Take off what was added on top; everything that follows is on top."""
        for item in self._top:
            self.plot.removeItem(item)
        self._top, self.on_top = [], True

    def add_line(self, value: float, upright: bool) -> None:
        """A dotted line across the whole chart."""
        pen = pg.mkPen(self.palette().placeholderText().color(), style=Qt.PenStyle.DotLine)
        self._add(pg.InfiniteLine(value, 90 if upright else 0, pen=pen))

    def add_curve(self, xs: Values, ys: Values, colour: QColor, width: float = 2.0) -> None:
        """A line through these places."""
        self._add(pg.PlotCurveItem(list(xs), list(ys), pen=pg.mkPen(colour, width=width)))

    def add_bars(self, ys: Values, ends: Values, colours: Sequence[QColor]) -> None:
        """Level bars from 0 to `ends`."""
        self._add(
            pg.BarGraphItem(
                x0=[0.0] * len(ys),
                x1=list(ends),
                y=list(ys),
                height=0.5,
                brushes=[pg.mkBrush(c) for c in colours],
                pen=pg.mkPen(self.palette().placeholderText().color()),
            )
        )

    def add_points(self, points: Sequence[Point]) -> None:
        """Markers in this order, the last one on top."""
        self._points += [point for point in points if point.key]
        spots = [
            {
                "pos": (p.x, p.y),
                "size": p.size,
                "symbol": p.symbol,
                "pen": pg.mkPen(p.edge, width=1.8),
                "brush": pg.mkBrush(p.fill),
            }
            for p in points
        ]
        self._add(pg.ScatterPlotItem(spots=spots, pxMode=True))

    def add_text(self, place: QRectF, text: str, colour: QColor) -> None:
        """Plain text whose top left corner lies at `place`, in pixels."""
        item = pg.TextItem(text, color=colour)
        item.setFont(small_font(self))
        item.textItem.document().setDocumentMargin(0)
        item.setPos(self.view.mapSceneToView(place.topLeft()))
        self._add(item)

    def pixel(self, x: float, y: float) -> QPointF:
        """Where a place of the axes lies in this widget."""
        return QPointF(self.view.mapViewToScene(QPointF(x, y)))

    def box(self) -> QRectF:
        """The area within the axes, in pixels of this widget."""
        return QRectF(self.view.sceneBoundingRect())

    def point_at(self, at: QPointF) -> Point | None:
        """The point under the mouse that can be clicked."""

        def far(point: Point) -> float:
            away = self.pixel(point.x, point.y) - at
            return float(away.x() ** 2 + away.y() ** 2)

        best = min(self._points, key=far, default=None)
        return best if best is not None and far(best) <= NEAR**2 else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        point = self.point_at(event.position())
        if point is not None:
            self.picked.emit(point.key)
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = self.point_at(event.position())
        shape = Qt.CursorShape.ArrowCursor if point is None else Qt.CursorShape.PointingHandCursor
        self.setCursor(shape)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            point = self.point_at(QPointF(event.pos()))
            words = point.words() if point is not None else ""
            if words:
                QToolTip.showText(event.globalPos(), tip(words), self)
                return True
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._colour()
            self._later.start()
        super().changeEvent(event)

    def _add(self, item: Any) -> None:
        self.plot.addItem(item)
        if self.on_top:
            self._top.append(item)

    def _colour(self) -> None:
        palette, font = self.palette(), small_font(self)
        metrics = QFontMetricsF(font)
        self.view.setBackgroundColor(palette.base().color())
        self.view.setBorder(pg.mkPen(palette.mid().color()))
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(pg.mkPen(palette.mid().color()))
            axis.setTextPen(pg.mkPen(palette.placeholderText().color()))
            axis.setTickFont(font)
        self.plot.getAxis("left").setWidth(metrics.horizontalAdvance("−00.00") + 10)
        self.plot.getAxis("bottom").setHeight(metrics.height() + 8)


def tinted(colour: QColor, alpha: int) -> QColor:
    """The same colour, partly transparent."""
    made = QColor(colour)
    made.setAlpha(alpha)
    return made


pg.setConfigOption("antialias", True)
