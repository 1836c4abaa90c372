"""The change of one stain as a picture: added in red, removed in blue, zero neutral."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from core.domain import FloatArray
from leigh_gui.widgets.common.look import is_dark, small_font
from leigh_gui.widgets.image.pane import Pane, Viewpoint

LIGHT_STOPS = ((5, 48, 97), (67, 147, 195), (247, 247, 247), (214, 96, 77), (103, 0, 31))
DARK_STOPS = ((120, 200, 255), (33, 102, 172), (22, 22, 24), (178, 60, 43), (255, 176, 120))
LIGHT_SIZES = ((247, 247, 247), (158, 154, 200), (63, 0, 125))  # of what has no sign
DARK_SIZES = ((22, 22, 24), (98, 74, 160), (222, 206, 255))
STEPS = (0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


def diverging_table(dark: bool) -> np.ndarray:
    """(255, 3) uint8 R G B from removed through unchanged (row 127) to added."""
    return _table(DARK_STOPS if dark else LIGHT_STOPS)


def size_table(dark: bool) -> np.ndarray:
    """(255, 3) uint8 R G B from nothing (row 0), as grey as there, to the largest size."""
    return _table(DARK_SIZES if dark else LIGHT_SIZES)


def _table(stops: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """(255, 3) uint8 between these colours."""
    at, colours = np.linspace(0, 254, len(stops)), np.array(stops, dtype=np.float64)
    rows = [np.interp(np.arange(255), at, colours[:, c]) for c in range(3)]
    return np.stack(rows, axis=1).round().astype(np.uint8)


def symmetric_limit(difference: FloatArray, spans: Sequence[float]) -> float:
    """One scale limit for all channels, as share of each channel's display range; at least 1 %."""
    largest = 0.0
    for plane, span in zip(difference, spans, strict=True):
        values = np.abs(plane[:: max(plane.shape[0] // 256, 1), :: max(plane.shape[1] // 256, 1)])
        largest = max(largest, float(np.percentile(values, 99.5)) / max(span, 1e-12))
    return next((step for step in STEPS if step >= largest), largest)


def coloured(
    plane: FloatArray, span: float, limit: float, table: np.ndarray, signed: bool = True
) -> np.ndarray:
    """Y X difference -> (Y, X, 4) uint8 B G R A.

    Zero is the middle of the table; for unsigned values, its start.
    """
    zero = 127 if signed else 0
    level = plane * np.float32((254 - zero) / (max(span, 1e-12) * limit))
    np.clip(level, -zero, 254 - zero, out=level)
    np.rint(level, out=level)
    level += zero
    lookup = np.full((255, 4), 255, dtype=np.uint8)
    lookup[:, :3] = table[:, ::-1]
    packed = lookup.view(np.uint32).ravel()[level.astype(np.uint8)]
    return packed.view(np.uint8).reshape(*plane.shape, 4)


def laid_over(plane: FloatArray, span: float, limit: float, table: np.ndarray) -> np.ndarray:
    """Like `coloured`, to be laid over an image: as opaque as the change is large."""
    pixels = coloured(plane, span, limit, table).copy()
    size = np.abs(plane) * np.float32(255 / (max(span, 1e-12) * limit))
    pixels[..., 3] = np.clip(size, 0, 230).astype(np.uint8)
    return pixels


class DifferencePane(Pane):
    """The change of one channel, or, not `signed`, the size of something on a scale from 0.

    A change of zero everywhere is not drawn: the hint says so. `note` stands in the corner.
    """

    def __init__(
        self, viewpoint: Viewpoint | None = None, parent: QWidget | None = None, signed: bool = True
    ) -> None:
        super().__init__(viewpoint, parent)
        self.signed = signed
        self.note = ""
        self.dimmed = False
        self._plane: FloatArray | None = None
        self._span = 1.0
        self._limit = 1.0

    def set_difference(self, plane: FloatArray | None, span: float, limit: float) -> None:
        """Show this Y X change on a scale of +- limit times span (from 0 where it has no sign)."""
        drawn = plane is not None and bool(plane.any())
        self._plane, self._span, self._limit = plane if drawn else None, span, limit
        self.recompose()

    def set_note(self, note: str, dimmed: bool = False) -> None:
        """A few words in the corner; `dimmed`: what is drawn may be an error of the arithmetic."""
        self.note, self.dimmed = note, dimmed
        self.update()

    def over_key(self) -> object:
        return self.dimmed, self.background().rgb()

    def paint_over(self, painter: QPainter, where: QRectF, rows: slice, columns: slice) -> None:
        if self.dimmed:
            veil = self.background()
            veil.setAlpha(190)
            painter.fillRect(where, veil)

    def paint_marks(self, painter: QPainter) -> None:
        if not self.note:
            return
        painter.setFont(small_font(self))
        metrics = painter.fontMetrics()
        box = QRectF(8, 8, metrics.horizontalAdvance(self.note) + 12, metrics.height() + 4)
        ground = self.background()
        ground.setAlpha(215)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(self.palette().windowText().color())
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.note)

    def paint_frame(self, painter: QPainter) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self.palette().mid().color(), 1))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def background(self) -> QColor:
        return QColor(*diverging_table(is_dark(self))[127])

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.recompose()
        super().changeEvent(event)

    def picture_shape(self) -> tuple[int, int] | None:
        return None if self._plane is None else (self._plane.shape[0], self._plane.shape[1])

    def compose(self, rows: slice, columns: slice) -> np.ndarray:
        assert self._plane is not None
        table = (diverging_table if self.signed else size_table)(is_dark(self))
        plane = self._plane[rows, columns]
        return coloured(plane, self._span, self._limit, table, self.signed)
