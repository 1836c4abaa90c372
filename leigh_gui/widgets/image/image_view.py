"""A picture pane: a multi-channel image on black; it can blink with another pane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QWidget

from core.domain import FloatArray
from leigh_gui.widgets.common.look import nice_length, small_font
from leigh_gui.widgets.image.channel_display import ChannelDisplay, composite
from leigh_gui.widgets.image.pane import Pane, Viewpoint

__all__ = ["ImagePane", "Viewpoint"]

Over = Callable[[slice, slice], np.ndarray]  # rows, columns -> (Y, X, 4) uint8 B G R A


class ImagePane(Pane):
    """The composite of all visible channels, or one channel in grey.

    It has a scale bar where the pixel size is known.
    """

    def __init__(self, viewpoint: Viewpoint | None = None, parent: QWidget | None = None) -> None:
        super().__init__(viewpoint, parent)
        self.pixel_size_um: float | None = None
        self.mark = ""
        self._data: FloatArray | None = None
        self._channels: tuple[ChannelDisplay, ...] = ()
        self._single: int | None = None
        self._other: ImagePane | None = None  # whose picture is on show while blinking
        self._over: Over | None = None
        self._overs = 0  # version of it

    def set_image(self, image: FloatArray | None) -> None:
        """Show this C Y X image; None empties the pane."""
        if image is self._data and image is not None:
            return
        self._data = image
        self.recompose()

    def picture_shape(self) -> tuple[int, int] | None:
        if self._data is None or len(self._data) != len(self._channels):
            return None
        return self._data.shape[1], self._data.shape[2]

    def compose(self, rows: slice, columns: slice) -> np.ndarray:
        assert self._data is not None
        channels = self._channels
        if self._single is not None and self._single < len(channels):
            grey = [replace(c, colour="#FFFFFF", visible=False) for c in channels]
            grey[self._single] = replace(grey[self._single], visible=True)
            channels = tuple(grey)
        return composite(self._data[:, rows, columns], channels)

    def image(self) -> FloatArray | None:
        """The grey values on show."""
        return self._data

    def set_channels(self, channels: Sequence[ChannelDisplay]) -> None:
        """Show these channels."""
        self._channels = tuple(channels)
        self.recompose()

    def set_single(self, index: int | None) -> None:
        """Show this channel alone, in grey; None: all visible channels in their colours."""
        if index != self._single:
            self._single = index
            self.recompose()

    def blink(self, other: ImagePane | None) -> None:
        """Show the picture of `other` here; None: one's own again."""
        self._other = other
        self.update()

    def set_over(self, over: Over | None) -> None:
        """Lay pixels over the picture; None: nothing."""
        if over is not None or self._over is not None:
            self._over = over
            self._overs += 1
            self.update()

    def source(self) -> Pane:
        other = self._other
        return self if other is None or other.picture_shape() is None else other

    def over_key(self) -> object:
        return None if self._over is None or self._other is not None else self._overs

    def paint_over(self, painter: QPainter, where: QRectF, rows: slice, columns: slice) -> None:
        if self._over is None or self._other is not None:
            return
        pixels = np.ascontiguousarray(self._over(rows, columns))
        height, width = pixels.shape[:2]
        over = QImage(pixels.data, width, height, width * 4, QImage.Format.Format_ARGB32)
        painter.drawImage(where, over)

    def set_pixel_size(self, pixel_size_um: float | None) -> None:
        """Size of a pixel; without a size, the scale bar is left out."""
        self.pixel_size_um = pixel_size_um
        self.update()

    def set_mark(self, text: str) -> None:
        """A word in the corner, e.g. 'generated'."""
        self.mark = text
        self.update()

    def paint_marks(self, painter: QPainter) -> None:
        painter.setFont(small_font(self))
        if self.pixel_size_um:
            self._paint_scale_bar(painter, self.pixel_size_um)
        mark = self.mark if self._other is None else "original"
        if mark:
            self._paint_mark(painter, mark)

    def _paint_scale_bar(self, painter: QPainter, pixel_size_um: float) -> None:
        length_um = nice_length(self.width() * 0.28 * pixel_size_um / self.scale())
        length = length_um * self.scale() / pixel_size_um
        right, bottom = self.width() - 12.0, self.height() - 12.0
        text = f"{length_um:g} µm"
        label = QRectF(right - max(length, 64), bottom - 24, max(length, 64), 18)
        for offset, colour in ((1, QColor(0, 0, 0, 200)), (0, QColor(255, 255, 255))):
            painter.setPen(QPen(colour, 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            painter.drawLine(
                QPointF(right - length + offset, bottom + offset),
                QPointF(right + offset, bottom + offset),
            )
            painter.drawText(label.translated(offset, offset), Qt.AlignmentFlag.AlignRight, text)

    def _paint_mark(self, painter: QPainter, mark: str) -> None:
        width = painter.fontMetrics().horizontalAdvance(mark) + 12
        box = QRectF(8, 8, width, painter.fontMetrics().height() + 4)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(255, 255, 255, 150))
        painter.setBrush(QColor(0, 0, 0, 170))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor(255, 255, 255))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, mark)
