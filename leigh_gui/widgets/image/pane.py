"""A picture under a viewpoint that it shares with its neighbours: zoom, pan and crosshair."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

MAX_ZOOM = 64.0
SQUARES_FROM = 1.5  # screen pixels per image pixel; zoomed in further, pixels are drawn as squares


class Viewpoint(QObject):
    """The centre (shares of the image) and zoom (1 = whole image) that several panes share.

    `pointer` is the place under the mouse, as shares of the image; None: outside.
    """

    changed = Signal()
    pointed = Signal()

    def __init__(self, parent: QObject | None = None, crosshair: bool = False) -> None:
        super().__init__(parent)
        self.centre = QPointF(0.5, 0.5)
        self.zoom = 1.0
        self.crosshair = crosshair
        self.pointer: QPointF | None = None

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

    def point(self, share: QPointF | None) -> None:
        """The mouse is here; outside the image counts as nowhere."""
        inside = share is not None and 0 <= share.x() < 1 and 0 <= share.y() < 1
        new = share if inside else None
        if self.crosshair and new != self.pointer:
            self.pointer = new
            self.pointed.emit()


class Pane(QWidget):
    """Something that paints one QImage under a shared viewpoint.

    Wheel zooms, drag pans, double-click resets. Pixels are interpolated until the user zooms in.
    """

    def __init__(self, viewpoint: Viewpoint | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewpoint = viewpoint or Viewpoint(self)
        self.hint = ""
        self._image: QImage | None = None
        self._pixels: np.ndarray | None = None  # QImage does not own its memory
        self._grabbed: QPointF | None = None
        self._painted: tuple[object, QPixmap] | None = None  # the picture at the size on screen
        self.setMinimumSize(96, 96)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.viewpoint.changed.connect(self.update)
        self.viewpoint.pointed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(320, 320)

    def set_hint(self, text: str) -> None:
        """What to say without a picture."""
        self.hint = text
        self.update()

    def qimage(self) -> QImage | None:
        """The picture as it was composed, at its own size."""
        return self._image

    def target_rect(self) -> QRectF:
        """Where the whole image lies in widget coordinates, parts of it possibly outside."""
        image = self.qimage()
        if image is None:
            return QRectF()
        scale = self.scale()
        width, height = image.width() * scale, image.height() * scale
        centre = self.viewpoint.centre
        return QRectF(
            self.width() / 2 - centre.x() * width,
            self.height() / 2 - centre.y() * height,
            width,
            height,
        )

    def painted_rect(self) -> QRectF:
        """The part of the widget that a picture covers; empty without one."""
        return self.target_rect().intersected(QRectF(self.rect()))

    def scale(self) -> float:
        """Screen pixels per image pixel."""
        image = self.qimage()
        if image is None:
            return 1.0
        fit = min(self.width() / image.width(), self.height() / image.height())
        return fit * self.viewpoint.zoom

    def smooth(self) -> bool:
        """Whether neighbouring pixels are interpolated: not where the user zoomed in on them."""
        return self.viewpoint.zoom <= 1 or self.scale() < SQUARES_FROM

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.qimage() is None:
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
        if self.qimage() is None:
            return
        if self._grabbed is not None:
            rect = self.target_rect()
            moved = event.position() - self._grabbed
            self._grabbed = event.position()
            shift = QPointF(moved.x() / rect.width(), moved.y() / rect.height())
            self.viewpoint.set(self.viewpoint.centre - shift, self.viewpoint.zoom)
        self.viewpoint.point(self._share_at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grabbed = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.viewpoint.reset()

    def leaveEvent(self, event: QEvent) -> None:
        self.viewpoint.point(None)
        super().leaveEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        image, painter = self.qimage(), QPainter(self)
        if image is None:
            painter.fillRect(self.rect(), self.background())
            self._paint_hint(painter)
        else:
            painter.drawPixmap(0, 0, self._picture(image))
            self.paint_marks(painter)
            self._paint_crosshair(painter)
        self.paint_frame(painter)
        painter.end()

    def background(self) -> QColor:
        """Colour around the picture."""
        return QColor(0, 0, 0)

    def shown(self, image: QImage) -> QImage:
        """What is drawn in the place of `image`."""
        return image

    def over_key(self) -> object:
        """What tells one thing that `paint_over` draws from another."""
        return None

    def paint_over(self, painter: QPainter, rect: QRectF) -> None:
        """Draw over the picture, which covers `rect`; kept until `over_key` changes."""

    def paint_marks(self, painter: QPainter) -> None:
        """Whatever lies over the picture."""

    def paint_frame(self, painter: QPainter) -> None:
        """Whatever surrounds the pane."""

    def _picture(self, image: QImage) -> QPixmap:
        """The picture at the size on screen: a moving crosshair does not scale it again."""
        rect, ratio, source = self.target_rect(), self.devicePixelRatioF(), self.shown(image)
        key = (source.cacheKey(), rect.getRect(), self.size(), ratio, self.over_key())
        if self._painted is None or self._painted[0] != key:
            pixmap = QPixmap(self.size() * ratio)
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(self.background())
            painter = QPainter(pixmap)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.smooth())
            painter.drawImage(rect, source)
            self.paint_over(painter, rect)
            painter.end()
            self._painted = (key, pixmap)
        return self._painted[1]

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

    def _paint_crosshair(self, painter: QPainter) -> None:
        at = self.viewpoint.pointer
        if at is None:
            return
        rect = self.target_rect()
        x, y = rect.x() + at.x() * rect.width(), rect.y() + at.y() * rect.height()
        for colour, width in ((QColor(0, 0, 0, 120), 3), (QColor(255, 255, 255, 170), 1)):
            painter.setPen(QPen(colour, width))
            for a, b in ((9, 40), (-40, -9)):
                painter.drawLine(QPointF(x + a, y), QPointF(x + b, y))
                painter.drawLine(QPointF(x, y + a), QPointF(x, y + b))
