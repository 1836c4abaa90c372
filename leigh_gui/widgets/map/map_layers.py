"""The still part of the map: regions, boundaries, hatching without support, and the points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPen, QPixmap, QPolygonF

from core.domain import Condition, DecisionMap, FloatArray
from leigh_gui.widgets.common.look import haloed, marker
from leigh_gui.widgets.image.channel_display import rgb
from leigh_gui.widgets.map.map_geometry import MapTransform

LONGEST_LABEL = 140  # pixels of the name of a region
STAMPED_ABOVE = 20_000  # beyond this many points a dot is a few pixels written by numpy


@dataclass(frozen=True)
class Points:
    """The points to draw. `condition` indexes `conditions`."""

    ids: tuple[str, ...]  # records
    xy: FloatArray  # (N, 2)
    condition: np.ndarray  # (N,)
    held_out: np.ndarray  # (N,) bool: filled; training points are hollow
    conditions: tuple[Condition, ...]
    shapes: tuple[int, ...]
    hidden: frozenset[str] = frozenset()
    selected: np.ndarray | None = None  # (N,) bool; None = no selection to emphasise


def region_image(
    decision: DecisionMap, colours: Sequence[str], strength: float = 0.32
) -> np.ndarray:
    """(H, W, 4) B G R A premultiplied, top row first: the winner's colour.

    Opacity is confidence; without support the pixel is clear.
    """
    winner = decision.posterior.argmax(axis=2)
    classes = decision.posterior.shape[2]
    confidence = (decision.posterior.max(axis=2) - 1 / classes) / (1 - 1 / classes)
    alpha = np.clip(confidence, 0, 1) * strength * decision.support
    table = np.array([rgb(c)[::-1] for c in colours], dtype=np.float32)
    pixels = np.empty((*winner.shape, 4), dtype=np.float32)
    pixels[..., :3] = table[winner] * alpha[..., None]
    pixels[..., 3] = alpha * 255
    return np.ascontiguousarray(np.rint(pixels[::-1]).astype(np.uint8))


def boundary_lines(decision: DecisionMap, where: np.ndarray) -> list[np.ndarray]:
    """Lines in map coordinates where two conditions tie, i.e.

    p_k - max of the others = 0, on pixels `where` (H, W).
    """
    import contourpy

    height, width, classes = decision.posterior.shape
    x0, x1, y0, y1 = decision.extent
    xs = x0 + (np.arange(width) + 0.5) * (x1 - x0) / width
    ys = y0 + (np.arange(height) + 0.5) * (y1 - y0) / height
    lines: list[np.ndarray] = []
    for k in range(classes):
        others = np.delete(decision.posterior, k, axis=2).max(axis=2)
        margin = np.ma.masked_array(decision.posterior[..., k] - others, mask=~where)
        found: Any = contourpy.contour_generator(xs, ys, margin).lines(0.0)
        lines.extend(found)
    return lines


def paint_regions(
    painter: QPainter, decision: DecisionMap, region: QImage, view: MapTransform, line: QColor
) -> None:
    """Hatch what has no data, then the coloured regions."""
    x0, x1, y0, y1 = decision.extent
    (left, top), (right, bottom) = view.to_screen(np.array([[x0, y1], [x1, y0]]))
    box = QRectF(left, top, right - left, bottom - top)
    hatch = QPixmap(round(view.width), round(view.height))
    hatch.fill(Qt.GlobalColor.transparent)
    on = QPainter(hatch)
    on.fillRect(hatch.rect(), QBrush(line, Qt.BrushStyle.BDiagPattern))
    mask = np.zeros((*decision.support.shape, 4), dtype=np.uint8)
    mask[..., 3] = decision.support[::-1] * np.uint8(255)
    cut = QImage(
        mask.data,
        mask.shape[1],
        mask.shape[0],
        mask.shape[1] * 4,
        QImage.Format.Format_ARGB32_Premultiplied,
    )
    on.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationOut)
    on.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    on.drawImage(box, cut)
    on.end()
    painter.drawPixmap(0, 0, hatch)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(box, region)


def paint_lines(
    painter: QPainter,
    lines: Sequence[np.ndarray],
    view: MapTransform,
    colour: QColor,
    dashed: bool = False,
) -> None:
    """Decision boundaries, continuous; pale and dashed without support."""
    faint = QColor(colour)
    faint.setAlpha(90)
    painter.setPen(QPen(faint, 1.2, Qt.PenStyle.DashLine) if dashed else QPen(colour, 1.6))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for line in lines:
        painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in view.to_screen(line)]))


def paint_labels(
    painter: QPainter,
    labels: Mapping[str, tuple[float, float]],
    view: MapTransform,
    ink: QColor,
    paper: QColor,
) -> None:
    """The name of every region, inside the map."""
    metrics = painter.fontMetrics()
    for name, place in labels.items():
        text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, LONGEST_LABEL)
        width = metrics.horizontalAdvance(text)
        x, y = view.pixel(place)
        left = min(max(x - width / 2, 4.0), max(view.width - width - 4, 4.0))
        haloed(painter, QPointF(left, y + metrics.ascent() / 2 - 1), text, ink, paper)


def paint_points(
    painter: QPainter, points: Points, screen: np.ndarray, grey: QColor, paper: QColor
) -> None:
    """Hidden conditions first and grey, then everything else; unselected points stand back."""
    if len(screen) > STAMPED_ABOVE:
        _stamp_points(painter, points, screen, grey)
        return
    radius = 3.6 if len(screen) < 3000 else 2.6
    names = [c.name for c in points.conditions]
    order = sorted(range(len(names)), key=lambda k: names[k] not in points.hidden)
    for k in order:
        off = names[k] in points.hidden
        base = QColor(grey) if off else QColor(points.conditions[k].colour)
        stamp_kinds = ((True, False), (True, True), (False, False), (False, True))
        for filled, bright in stamp_kinds:
            chosen = (points.condition == k) & (points.held_out == filled)
            chosen &= (
                np.ones(len(screen), bool) if points.selected is None else points.selected == bright
            )
            if points.selected is None and not bright:
                continue
            strong = bright and not off
            stamp = _stamp(base, paper, points.shapes[k], radius, filled=filled, strong=strong)
            half = stamp.deviceIndependentSize().width() / 2
            corner = QPointF(half, half)
            for x, y in screen[chosen]:
                painter.drawPixmap(QPointF(x, y) - corner, stamp)


def _stamp(
    base: QColor, paper: QColor, shape: int, radius: float, *, filled: bool, strong: bool
) -> QPixmap:
    """One point: filled where it was held out, pale where it stands back."""
    colour = QColor(base)
    colour.setAlphaF(1.0 if strong else 0.5)
    edge = QColor(paper)
    edge.setAlphaF(0.75 if strong else 0.3)
    side = int(radius * 4) + 4
    ratio = 2
    stamp = QPixmap(side * ratio, side * ratio)
    stamp.setDevicePixelRatio(ratio)
    stamp.fill(Qt.GlobalColor.transparent)
    on = QPainter(stamp)
    on.setRenderHint(QPainter.RenderHint.Antialiasing)
    on.setPen(QPen(edge, 0.8) if filled else QPen(colour, 1.4))
    on.setBrush(colour if filled else Qt.BrushStyle.NoBrush)
    on.drawPath(marker(shape, QPointF(side / 2, side / 2), radius if filled else radius - 0.4))
    on.end()
    return stamp


def _stamp_points(painter: QPainter, points: Points, screen: np.ndarray, grey: QColor) -> None:
    """Many points: write their centres into an array and grow them by one pixel."""
    width, height = painter.device().width(), painter.device().height()
    colours = [grey.name() if c.name in points.hidden else c.colour for c in points.conditions]
    table = (
        np.array([[*rgb(c)[::-1], 255] for c in colours], dtype=np.uint8).view(np.uint32).ravel()
    )
    canvas = np.zeros((height + 2, width + 2), dtype=np.uint32)
    at = np.rint(screen).astype(np.int64)
    seen = (at[:, 0] >= 0) & (at[:, 0] < width) & (at[:, 1] >= 0) & (at[:, 1] < height)
    at, kind = at[seen] + 1, points.condition[seen]
    for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1), (0, 0)):
        canvas[at[:, 1] + dy, at[:, 0] + dx] = table[kind]
    pixels = np.ascontiguousarray(canvas[1:-1, 1:-1])
    image = QImage(pixels.data, width, height, width * 4, QImage.Format.Format_ARGB32_Premultiplied)
    painter.drawImage(0, 0, image)
