"""The map of all images: decision regions, points, and a handle to drag the selected image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, QPointF, QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.domain import DecisionMap
from leigh_gui.widgets.map.map_geometry import MapTransform
from leigh_gui.widgets.map.map_layers import Points
from leigh_gui.widgets.map.map_overlay import (
    Overlay,
    paint_caption,
    paint_lasso,
    paint_overlay,
    paint_scale_bar,
    paint_thumbnail,
)
from leigh_gui.widgets.map.map_pointer import MapPointer
from leigh_gui.widgets.map.still_map import StillMap


class ScatterView(QWidget):
    """Points and regions are a pixmap; handle, path and marks are drawn over it."""

    picked = Signal(str)
    lassoed = Signal(object)  # tuple of record ids
    handle_moved = Signal(float, float)
    handle_released = Signal(float, float)
    hovered = Signal(str)  # record id, "" when the mouse left it

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.overlay = Overlay()
        self.still = StillMap(self)
        self._exact = False
        self._thumbnail: tuple[QPixmap, str] | None = None
        self.setMinimumSize(240, 200)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._pointer = MapPointer(self, self.still)
        self._connect()

    def _connect(self) -> None:
        pointer = self._pointer
        pointer.picked.connect(self.picked)
        pointer.lassoed.connect(self.lassoed)
        pointer.hovered.connect(self.hovered)
        pointer.handle_moved.connect(self._on_handle_moved)
        pointer.handle_released.connect(self.handle_released)
        pointer.hover_changed.connect(self._on_hover_changed)

    def sizeHint(self) -> QSize:
        return QSize(720, 560)

    def set_points(self, points: Points) -> None:
        """Show these images."""
        self.still.set_points(points)

    def set_decision_map(
        self,
        decision: DecisionMap | None,
        exact: bool = False,
        labels: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        """Colour the regions as the model divides the map, or an `exact` plane, and name them."""
        self._exact = exact
        self.still.set_decision_map(decision, labels or {})

    def set_hidden(self, names: frozenset[str]) -> None:
        """Grey these conditions out."""
        self.still.set_hidden(names)

    def set_selection(self, record_ids: Sequence[str]) -> None:
        """Emphasise these images; with fewer than two, all are equal."""
        self.still.set_selection(record_ids)

    def set_overlay(self, overlay: Overlay) -> None:
        """Where the image, the handle and the landing are; a handle that is dragged stays."""
        if self._pointer.holds_handle():
            overlay = replace(overlay, handle=self.overlay.handle)
        self._pointer.source, self._pointer.handle = overlay.source, overlay.handle
        if overlay != self.overlay:
            self.overlay = overlay
            self.update()

    def show_thumbnail(self, record_id: str, pixmap: QPixmap, text: str) -> None:
        """The picture of the image under the mouse; ignored when the mouse has moved on."""
        if record_id == self._hovered_id():
            self._thumbnail = pixmap, text
            self.update()

    def transform_now(self) -> MapTransform:
        """From the map to the widget, as it is zoomed now."""
        return self.still.transform()

    def screen_of(self, x: float, y: float) -> QPointF:
        """Pixel of a position on the map."""
        return QPointF(*self.transform_now().pixel((x, y)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.still.fit()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.still.repaint()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self.still.pixmap())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        view, decision = self.transform_now(), self.still.decision
        paint_overlay(painter, self, self.overlay, view)
        paint_lasso(painter, self, self._pointer.lasso)
        if decision is not None:
            if self._exact:
                paint_scale_bar(painter, self, view)
            paint_caption(painter, self, decision, self._exact, self.overlay.note)
        position = self.still.position_of(self._hovered_id())
        if self._thumbnail is not None and position is not None:
            paint_thumbnail(painter, self, self.screen_of(*position), *self._thumbnail)
        painter.end()

    def _hovered_id(self) -> str:
        points, row = self.still.points, self._pointer.hover
        return points.ids[row] if points is not None and 0 <= row < len(points.ids) else ""

    def _on_handle_moved(self, x: float, y: float) -> None:
        self.overlay = replace(self.overlay, handle=(x, y))
        self.update()
        self.handle_moved.emit(x, y)

    def _on_hover_changed(self) -> None:
        self._thumbnail = None
        self.update()


def shapes(count: int) -> tuple[int, ...]:
    """Circles for eight conditions, then another shape for the next eight, and so on."""
    return tuple(k // 8 for k in range(count))
