"""The map of all images: decision regions, points, and a handle to drag the selected image toward
health.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.domain import Condition, DecisionMap, FloatArray
from leigh_gui.widgets.common.look import is_dark
from leigh_gui.widgets.map.map_geometry import MapTransform, extent_of, fitted, inside, nearest
from leigh_gui.widgets.map.map_layers import (
    Points,
    boundary_lines,
    paint_lines,
    paint_points,
    paint_regions,
    region_image,
)
from leigh_gui.widgets.map.map_overlay import (
    HANDLE,
    Overlay,
    paint_caption,
    paint_overlay,
    paint_scale_bar,
    paint_thumbnail,
)

CLICK = 3  # pixels; a shorter drag is a click
AT_HOME = 5  # pixels from the image's own place; there the handle snaps


@dataclass
class _Hold:
    """What the pressed mouse button is doing."""

    what: str = ""  # "", "handle", "pan", "lasso"
    start: QPointF = field(default_factory=QPointF)
    last: QPointF = field(default_factory=QPointF)
    moved: bool = False
    trail: list[QPointF] = field(default_factory=list)


class ScatterView(QWidget):
    """Points and regions are painted once into a pixmap; the handle, path and marks are drawn over
    it.
    """

    picked = Signal(str)
    lassoed = Signal(object)  # tuple of record ids
    handle_moved = Signal(float, float)
    handle_released = Signal(float, float)
    hovered = Signal(str)  # record id, "" when the mouse left it

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.static_paints = 0
        self.overlay = Overlay()
        self._ids: tuple[str, ...] = ()
        self._points: Points | None = None
        self._decision: DecisionMap | None = None
        self._exact = False
        self._region: QImage | None = None
        self._region_pixels: np.ndarray | None = None
        self._lines: list[np.ndarray] = []
        self._faint_lines: list[np.ndarray] = []
        self._view: MapTransform | None = None
        self._static: QPixmap | None = None
        self._hold = _Hold()
        self._hover = -1
        self._thumbnail: QPixmap | None = None
        self._thumbnail_text = ""
        self._settle = QTimer(self, interval=120, singleShot=True)
        self._settle.timeout.connect(self._on_settled)
        self.setMouseTracking(True)
        self.setMinimumSize(240, 200)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(720, 560)

    def set_points(self, ids: Sequence[str], xy: FloatArray, condition: np.ndarray, held_out: np.ndarray,
                   conditions: Sequence[Condition], shapes: Sequence[int]) -> None:  # fmt: skip
        """Show these images; `condition` (N,) indexes `conditions`, held-out points are filled."""
        self._ids = tuple(ids)
        self._points = Points(
            xy, np.asarray(condition), np.asarray(held_out), tuple(conditions), tuple(shapes)
        )
        self._view = None
        self._repaint_static()

    def set_decision_map(self, decision: DecisionMap | None, exact: bool = False) -> None:
        """Colour the regions as the model divides the map, or an `exact` plane."""
        self._decision, self._exact = decision, exact
        self._lines, self._faint_lines, self._region = [], [], None
        if decision is not None and self._points is not None:
            colours = {c.name: c.colour for c in self._points.conditions}
            shown = [colours.get(name, "#999999") for name in decision.conditions]
            self._region_pixels = region_image(decision, shown)
            height, width = self._region_pixels.shape[:2]
            kind = QImage.Format.Format_ARGB32_Premultiplied
            self._region = QImage(self._region_pixels.data, width, height, width * 4, kind)
            self._lines = boundary_lines(decision, decision.support)
            self._faint_lines = boundary_lines(decision, ~decision.support)
        self._view = None
        self._repaint_static()

    def set_hidden(self, names: frozenset[str]) -> None:
        """Grey these conditions out."""
        if self._points is not None:
            self._points = replace(self._points, hidden=names)
            self._repaint_static()

    def set_selection(self, record_ids: Sequence[str]) -> None:
        """Emphasise these images; with fewer than two, all are equal."""
        if self._points is None:
            return
        chosen = set(record_ids)
        mask = np.array([i in chosen for i in self._ids]) if len(chosen) > 1 else None
        before = self._points.selected
        if (mask is None) == (before is None) and (mask is None or np.array_equal(mask, before)):
            return
        self._points = replace(self._points, selected=mask)
        self._repaint_static()

    def set_source(self, record_id: str, elsewhere: tuple[float, float] | None = None) -> None:
        """Ring the image that is being looked at; it lies `elsewhere` where it is none of the
        points.
        """
        row = self._ids.index(record_id) if record_id in self._ids else -1
        shown = row >= 0 and self._points is not None
        self.overlay.source = tuple(map(float, self._points.xy[row])) if shown else elsewhere
        self.update()

    def set_marks(self, handle: tuple[float, float] | None, landing: tuple[float, float] | None,
                  valid: bool = True, note: str = "") -> None:  # fmt: skip
        """Where the handle is and where the counterfactual really lands; a note where that is
        another region.
        """
        if self._hold.what != "handle":
            self.overlay.handle = handle
        self.overlay.landing, self.overlay.valid, self.overlay.note = landing, valid, note
        self.update()

    def set_path(
        self, places: Sequence[tuple[float, float]], crossing: tuple[float, float] | None
    ) -> None:
        """The way from the image to its target, and where the model changes its mind."""
        self.overlay.path, self.overlay.crossing, self.overlay.left_way = (
            tuple(places),
            crossing,
            None,
        )
        self.update()

    def set_target(self, colour: str) -> None:
        """Colour of the handle."""
        self.overlay.colour = colour
        self.update()

    def show_thumbnail(self, record_id: str, pixmap: QPixmap, text: str) -> None:
        """The picture of the image under the mouse; ignored when the mouse has moved on."""
        if 0 <= self._hover < len(self._ids) and self._ids[self._hover] == record_id:
            self._thumbnail, self._thumbnail_text = pixmap, text
            self.update()

    def transform_now(self) -> MapTransform:
        """The current view."""
        if self._view is None:
            extent = (0.0, 1.0, 0.0, 1.0)
            if self._decision is not None:
                extent = self._decision.extent
            elif self._points is not None and len(self._points.xy):
                extent = extent_of(self._points.xy)
            self._view = fitted(extent, self.width(), self.height() - 24)
            self._view = replace(
                self._view, height=float(self.height()), cy=self._view.cy - 12 / self._view.scale
            )
        return self._view

    def screen_of(self, x: float, y: float) -> QPointF:
        """Pixel of a place on the map."""
        place = self.transform_now().to_screen(np.array([[x, y]]))[0]
        return QPointF(float(place[0]), float(place[1]))

    def wheelEvent(self, event: QWheelEvent) -> None:
        at = event.position()
        self._view = self.transform_now().zoomed(1.0015 ** event.angleDelta().y(), at.x(), at.y())
        self._repaint_static()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._view = None
        self._repaint_static()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        at = event.position()
        what = "pan"
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            what = "lasso"
        elif self._on_handle(at):
            what = "handle"
        self._hold = _Hold(what, at, at, False, [at])
        self._thumbnail = None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at, hold = event.position(), self._hold
        if not hold.what:
            self._hover_at(at)
            return
        if not hold.moved and (at - hold.start).manhattanLength() <= CLICK:
            return
        hold.moved = True
        step, hold.last = at - hold.last, at
        if hold.what == "pan":
            self._view = self.transform_now().panned(step.x(), step.y())
            self._repaint_static()
        elif hold.what == "lasso":
            hold.trail.append(at)
            self.overlay.lasso = QPolygonF(hold.trail)
            self.update()
        else:
            self.overlay.handle = self._held_at(at)
            self.update()
            self.handle_moved.emit(*self.overlay.handle)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        hold, self._hold = self._hold, _Hold()
        at = event.position()
        if hold.what == "handle" and hold.moved:
            self.handle_released.emit(*self._held_at(at))
        elif hold.what == "lasso" and hold.moved:
            self._finish_lasso(hold)
        elif hold.what and not hold.moved:
            row = self._nearest(at, 10)
            if row is not None:
                self.picked.emit(self._ids[row])

    def leaveEvent(self, event: QEvent) -> None:
        self._hover_at(QPointF(-1e6, -1e6))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._view = None
        self._repaint_static()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._repaint_static()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._static is None:
            self._paint_static()
        painter = QPainter(self)
        if self._static is not None:
            painter.drawPixmap(0, 0, self._static)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_overlay(painter, self, self.overlay, self.transform_now())
        if self._decision is not None:
            if self._exact:
                paint_scale_bar(painter, self, self.transform_now())
            paint_caption(painter, self, self._decision, self._exact, self.overlay.note)
        if self._thumbnail is not None:
            place = (
                self.screen_of(*map(float, self._points.xy[self._hover]))
                if self._points is not None
                else QPointF()
            )
            paint_thumbnail(painter, self, place, self._thumbnail, self._thumbnail_text)
        painter.end()

    def _repaint_static(self) -> None:
        self._static = None
        self.update()

    def _paint_static(self) -> None:
        self.static_paints += 1
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(QSize(round(self.width() * ratio), round(self.height() * ratio)))
        pixmap.setDevicePixelRatio(ratio)
        palette = self.palette()
        pixmap.fill(palette.base().color())
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        view = self.transform_now()
        if self._decision is not None and self._region is not None:
            hatch = palette.mid().color()
            paint_regions(painter, self._decision, self._region, view, hatch)
            ink = palette.windowText().color()
            paint_lines(painter, self._faint_lines, view, ink, dashed=True)
            paint_lines(painter, self._lines, view, ink)
        if self._points is not None and len(self._points.xy):
            grey = palette.placeholderText().color().lighter(130 if not is_dark(self) else 70)
            paint_points(
                painter, self._points, view.to_screen(self._points.xy), grey, palette.base().color()
            )
        painter.end()
        self._static = pixmap

    def _on_handle(self, at: QPointF) -> bool:
        if self.overlay.handle is None:
            return False
        offset = self.screen_of(*self.overlay.handle) - at
        return offset.x() ** 2 + offset.y() ** 2 <= (HANDLE + 4) ** 2

    def _held_at(self, at: QPointF) -> tuple[float, float]:
        """Place of the handle: never out of sight, and at home when it is as good as there."""
        source = self.overlay.source
        x, y = min(max(at.x(), 0.0), self.width() - 1.0), min(max(at.y(), 0.0), self.height() - 1.0)
        if source is not None:
            home = self.screen_of(*source)
            if (home.x() - x) ** 2 + (home.y() - y) ** 2 <= AT_HOME**2 and self.rect().contains(
                home.toPoint()
            ):
                return source
        return self.transform_now().to_map(x, y)

    def _nearest(self, at: QPointF, within: float) -> int | None:
        if self._points is None:
            return None
        hidden = [k for k, c in enumerate(self._points.conditions) if c.name in self._points.hidden]
        allowed = ~np.isin(self._points.condition, hidden) if hidden else None
        return nearest(
            self.transform_now().to_screen(self._points.xy), at.x(), at.y(), within, allowed
        )

    def _hover_at(self, at: QPointF) -> None:
        over_handle = self._on_handle(at)
        self.setCursor(Qt.CursorShape.OpenHandCursor if over_handle else Qt.CursorShape.ArrowCursor)
        row = None if over_handle else self._nearest(at, 7)
        if (row if row is not None else -1) == self._hover:
            return
        self._hover = -1 if row is None else row
        self._thumbnail = None
        self.update()
        self._settle.start()

    def _on_settled(self) -> None:
        self.hovered.emit(self._ids[self._hover] if 0 <= self._hover < len(self._ids) else "")

    def _finish_lasso(self, hold: _Hold) -> None:
        self.overlay.lasso = None
        self.update()
        if self._points is None:
            return
        polygon = np.array([[p.x(), p.y()] for p in hold.trail])
        rows = np.flatnonzero(inside(self.transform_now().to_screen(self._points.xy), polygon))
        hidden = {k for k, c in enumerate(self._points.conditions) if c.name in self._points.hidden}
        self.lassoed.emit(
            tuple(self._ids[r] for r in rows if int(self._points.condition[r]) not in hidden)
        )
