"""Points and regions of the map, painted once into a pixmap: a drag does not paint them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QImage, QPainter, QPixmap, QPolygonF
from PySide6.QtWidgets import QWidget

from core.domain import DecisionMap
from leigh_gui.widgets.common.look import is_dark, small_font
from leigh_gui.widgets.map.map_geometry import MapTransform, extent_of, fitted, inside, nearest
from leigh_gui.widgets.map.map_layers import (
    Points,
    boundary_lines,
    paint_labels,
    paint_lines,
    paint_points,
    paint_regions,
    region_image,
)

CAPTION = 24  # pixels below the map


class StillMap:
    """What does not move, and where it lies on the widget."""

    def __init__(self, widget: QWidget) -> None:
        self.points: Points | None = None
        self.decision: DecisionMap | None = None
        self.labels: dict[str, tuple[float, float]] = {}  # names of regions, and where they stand
        self.paints = 0
        self._widget = widget
        self._region: QImage | None = None
        self._region_pixels: np.ndarray | None = None
        self._lines: tuple[list[np.ndarray], list[np.ndarray]] | None = None  # full and faint
        self._transform: MapTransform | None = None
        self._pixmap: QPixmap | None = None

    def set_points(self, points: Points) -> None:
        """Show these images, all of them in view."""
        self.points = points
        self.fit()

    def set_decision_map(
        self, decision: DecisionMap | None, labels: Mapping[str, tuple[float, float]]
    ) -> None:
        """Colour the regions of these conditions, all of them in view, and name them."""
        self.decision, self.labels = decision, dict(labels)
        self._lines = self._region = None
        if decision is not None and self.points is not None:
            colours = {c.name: c.colour for c in self.points.conditions}
            shown = [colours.get(name, "#999999") for name in decision.conditions]
            self._region_pixels = region_image(decision, shown)
            height, width = self._region_pixels.shape[:2]
            kind = QImage.Format.Format_ARGB32_Premultiplied
            self._region = QImage(self._region_pixels.data, width, height, width * 4, kind)
        self.fit()

    def set_hidden(self, names: frozenset[str]) -> None:
        """Grey these conditions out."""
        if self.points is not None and names != self.points.hidden:
            self.points = replace(self.points, hidden=names)
            self.repaint()

    def set_selection(self, record_ids: Sequence[str]) -> None:
        """Emphasise these images; with fewer than two, all are equal."""
        if self.points is None:
            return
        chosen = set(record_ids)
        mask = np.array([i in chosen for i in self.points.ids]) if len(chosen) > 1 else None
        before = self.points.selected
        if mask is before or (
            mask is not None and before is not None and np.array_equal(mask, before)
        ):
            return
        self.points = replace(self.points, selected=mask)
        self.repaint()

    def position_of(self, record_id: str) -> tuple[float, float] | None:
        """Where an image lies; None where it is not one of the points."""
        if self.points is None or record_id not in self.points.ids:
            return None
        x, y = self.points.xy[self.points.ids.index(record_id)]
        return float(x), float(y)

    def transform(self) -> MapTransform:
        """From the map to the widget, as it is zoomed now."""
        if self._transform is None:
            extent = (0.0, 1.0, 0.0, 1.0)
            if self.decision is not None:
                extent = self.decision.extent
            elif self.points is not None and len(self.points.xy):
                extent = extent_of(self.points.xy)
            width, height = self._widget.width(), self._widget.height()
            view = fitted(extent, width, height - CAPTION)
            middle = view.cy - CAPTION / 2 / view.scale
            self._transform = replace(view, height=float(height), cy=middle)
        return self._transform

    def set_transform(self, transform: MapTransform) -> None:
        """Zoom or pan."""
        self._transform = transform
        self.repaint()

    def fit(self) -> None:
        """Bring everything into view."""
        self._transform = None
        self.repaint()

    def repaint(self) -> None:
        """Paint points and regions again before the next time they are shown."""
        self._pixmap = None
        self._widget.update()

    def nearest(self, at: QPointF, within: float) -> int | None:
        """Row of the point at most `within` pixels away; hidden points do not count."""
        points = self.points
        if points is None:
            return None
        hidden = [k for k, c in enumerate(points.conditions) if c.name in points.hidden]
        allowed = ~np.isin(points.condition, hidden) if hidden else None
        return nearest(self.transform().to_screen(points.xy), at.x(), at.y(), within, allowed)

    def inside(self, trail: QPolygonF) -> tuple[str, ...]:
        """Ids of the images inside a lasso; hidden points do not count."""
        points = self.points
        if points is None:
            return ()
        polygon = np.array([[point.x(), point.y()] for point in trail.toList()])
        rows = np.flatnonzero(inside(self.transform().to_screen(points.xy), polygon))
        hidden = {k for k, c in enumerate(points.conditions) if c.name in points.hidden}
        return tuple(points.ids[r] for r in rows if int(points.condition[r]) not in hidden)

    def pixmap(self) -> QPixmap:
        """Points and regions at the size of the widget."""
        if self._pixmap is None:
            self._pixmap = self._painted()
        return self._pixmap

    def _painted(self) -> QPixmap:
        self.paints += 1
        widget = self._widget
        ratio = widget.devicePixelRatioF()
        size = QSize(round(widget.width() * ratio), round(widget.height() * ratio))
        pixmap = QPixmap(size)
        pixmap.setDevicePixelRatio(ratio)
        palette = widget.palette()
        pixmap.fill(palette.base().color())
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        view = self.transform()
        if self.decision is not None and self._region is not None:
            paint_regions(painter, self.decision, self._region, view, palette.mid().color())
            ink = palette.windowText().color()
            if self._lines is None:  # not while the project is opened, which takes long enough
                support = self.decision.support
                self._lines = (
                    boundary_lines(self.decision, support), boundary_lines(self.decision, ~support)
                )  # fmt: skip
            full, faint = self._lines
            paint_lines(painter, faint, view, ink, dashed=True)
            paint_lines(painter, full, view, ink)
        if self.points is not None and len(self.points.xy):
            grey = palette.placeholderText().color().lighter(70 if is_dark(widget) else 130)
            screen = view.to_screen(self.points.xy)
            paint_points(painter, self.points, screen, grey, palette.base().color())
        painter.setFont(small_font(widget))
        paint_labels(
            painter, self.labels, view, palette.windowText().color(), palette.base().color()
        )
        painter.end()
        return pixmap
