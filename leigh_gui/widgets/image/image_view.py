"""A picture pane: a multi-channel image on black; it zooms and pans with its neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.domain import FloatArray
from leigh_gui.widgets.common.look import nice_length, small_font
from leigh_gui.widgets.image.channel_display import ChannelDisplay, composite

MAX_ZOOM = 64.0


class Viewpoint(QObject):
    """The centre (shares of the image) and zoom (1 = whole image) that several panes share."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.centre = QPointF(0.5, 0.5)
        self.zoom = 1.0

    def set(self, centre: QPointF, zoom: float) -> None:
        """Look here; the centre stays within the image."""
        self.zoom = min(max(zoom, 1.0), MAX_ZOOM)
        half = 0.5 / self.zoom
        x = min(max(centre.x(), half), 1 - half)
        y = min(max(centre.y(), half), 1 - half)
        self.centre = QPointF(x, y)
        self.changed.emit()

    def reset(self) -> None:
        """Show the whole image."""
        self.set(QPointF(0.5, 0.5), 1.0)


class Pane(QWidget):
    """Something that paints one QImage under a shared viewpoint.

    Wheel zooms, drag pans, double-click resets.
    """

    def __init__(self, viewpoint: Viewpoint | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewpoint = viewpoint or Viewpoint(self)
        self.smooth = True
        self.hint = ""
        self._image: QImage | None = None
        self._pixels: np.ndarray | None = None  # QImage does not own its memory
        self._grabbed: QPointF | None = None
        self.setMinimumSize(96, 96)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.viewpoint.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(320, 320)

    def set_hint(self, text: str) -> None:
        """What to say without a picture."""
        self.hint = text
        self.update()

    def set_smooth(self, smooth: bool) -> None:
        """Interpolate between pixels, or show them as squares."""
        self.smooth = smooth
        self.update()

    def qimage(self) -> QImage | None:
        """The picture as it was composed, at its own size."""
        return self._image

    def target_rect(self) -> QRectF:
        """Where the whole image lies in widget coordinates, parts of it possibly outside."""
        if self._image is None:
            return QRectF()
        scale = self.scale()
        width, height = self._image.width() * scale, self._image.height() * scale
        centre = self.viewpoint.centre
        return QRectF(
            self.width() / 2 - centre.x() * width,
            self.height() / 2 - centre.y() * height,
            width,
            height,
        )

    def scale(self) -> float:
        """Screen pixels per image pixel."""
        if self._image is None:
            return 1.0
        fit = min(self.width() / self._image.width(), self.height() / self._image.height())
        return fit * self.viewpoint.zoom

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._image is None:
            return
        before = self._share_at(event.position())
        zoom = self.viewpoint.zoom * 1.0015 ** event.angleDelta().y()
        zoom = min(max(zoom, 1.0), MAX_ZOOM)
        ratio = self.viewpoint.zoom / zoom
        self.viewpoint.set(before + (self.viewpoint.centre - before) * ratio, zoom)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._grabbed = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grabbed is None or self._image is None:
            return
        rect = self.target_rect()
        moved = event.position() - self._grabbed
        self._grabbed = event.position()
        shift = QPointF(moved.x() / rect.width(), moved.y() / rect.height())
        self.viewpoint.set(self.viewpoint.centre - shift, self.viewpoint.zoom)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grabbed = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.viewpoint.reset()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.background())
        if self._image is None:
            self._paint_hint(painter)
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.smooth)
            painter.drawImage(self.target_rect(), self._image)
            self.paint_marks(painter)
        painter.end()

    def background(self) -> QColor:
        """Colour around the picture."""
        return QColor(0, 0, 0)

    def paint_marks(self, painter: QPainter) -> None:
        """Whatever lies over the picture."""

    def _set_pixels(self, pixels: np.ndarray) -> None:
        self._pixels = np.ascontiguousarray(pixels)
        height, width = pixels.shape[:2]
        self._image = QImage(
            self._pixels.data, width, height, width * 4, QImage.Format.Format_RGB32
        )
        self.update()

    def _share_at(self, position: QPointF) -> QPointF:
        rect = self.target_rect()
        return QPointF(
            (position.x() - rect.x()) / rect.width(), (position.y() - rect.y()) / rect.height()
        )

    def _paint_hint(self, painter: QPainter) -> None:
        painter.setPen(QColor(150, 150, 150))
        inner = self.rect().adjusted(16, 16, -16, -16)
        painter.drawText(inner, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.hint)


class ImagePane(Pane):
    """The composite of all visible channels, with a scale bar where the pixel size is known."""

    def __init__(self, viewpoint: Viewpoint | None = None, parent: QWidget | None = None) -> None:
        super().__init__(viewpoint, parent)
        self.pixel_size_um: float | None = None
        self.mark = ""
        self._data: FloatArray | None = None
        self._channels: tuple[ChannelDisplay, ...] = ()

    def set_image(self, image: FloatArray | None) -> None:
        """Show this C Y X image; None empties the pane."""
        if image is self._data and image is not None:
            return
        self._data = image
        self._compose()

    def image(self) -> FloatArray | None:
        """The grey values on show."""
        return self._data

    def set_channels(self, channels: Sequence[ChannelDisplay]) -> None:
        """Show these channels."""
        self._channels = tuple(channels)
        self._compose()

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
        if self.mark:
            self._paint_mark(painter)

    def _compose(self) -> None:
        if self._data is None or len(self._data) != len(self._channels):
            self._image = None
            self._pixels = None
            self.update()
            return
        self._set_pixels(composite(self._data, self._channels))

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

    def _paint_mark(self, painter: QPainter) -> None:
        width = painter.fontMetrics().horizontalAdvance(self.mark) + 12
        box = QRectF(8, 8, width, painter.fontMetrics().height() + 4)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(255, 255, 255, 150))
        painter.setBrush(QColor(0, 0, 0, 170))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor(255, 255, 255))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.mark)
