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
    """A picture under a shared viewpoint; of a large one, only the pixels that are seen are made.

    Wheel zooms, drag pans, double-click resets. Pixels are interpolated until the user zooms in.
    """

    def __init__(self, viewpoint: Viewpoint | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewpoint = viewpoint or Viewpoint(self)
        self.hint = ""
        self._version = 0  # of what `compose` makes
        self._whole: tuple[int, QImage, np.ndarray] | None = None  # QImage does not own its memory
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

    def picture_shape(self) -> tuple[int, int] | None:
        """Height and width of the picture in its own pixels; None without one."""
        return None

    def compose(self, rows: slice, columns: slice) -> np.ndarray:
        """(Y, X, 4) uint8 B G R A of some of the picture's pixels."""
        raise NotImplementedError

    def recompose(self) -> None:
        """`compose` makes something else from now on."""
        self._version += 1
        self.update()

    def qimage(self) -> QImage | None:
        """The whole picture at its own size; None without one."""
        if self.picture_shape() is None:
            return None
        if self._whole is None or self._whole[0] != self._version:
            pixels = self.compose(slice(None), slice(None))
            self._whole = (self._version, *_qimage(pixels))
        return self._whole[1]

    def target_rect(self) -> QRectF:
        """Where the whole image lies in widget coordinates, parts of it possibly outside."""
        shape = self.picture_shape()
        if shape is None:
            return QRectF()
        scale = self.scale()
        width, height = shape[1] * scale, shape[0] * scale
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
        shape = self.picture_shape()
        if shape is None:
            return 1.0
        fit = min(self.width() / shape[1], self.height() / shape[0])
        return fit * self.viewpoint.zoom

    def smooth(self) -> bool:
        """Whether neighbouring pixels are interpolated: not where the user zoomed in on them."""
        return self.viewpoint.zoom <= 1 or self.scale() < SQUARES_FROM

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.picture_shape() is None:
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
        if self.picture_shape() is None:
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
        painter = QPainter(self)
        if self.picture_shape() is None:
            painter.fillRect(self.rect(), self.background())
            self._paint_hint(painter)
        else:
            painter.drawPixmap(0, 0, self._picture())
            self.paint_marks(painter)
            self._paint_crosshair(painter)
        self.paint_frame(painter)
        painter.end()

    def background(self) -> QColor:
        """Colour around the picture."""
        return QColor(0, 0, 0)

    def source(self) -> Pane:
        """The pane whose picture is drawn here."""
        return self

    def over_key(self) -> object:
        """What tells one thing that `paint_over` draws from another."""
        return None

    def paint_over(self, painter: QPainter, where: QRectF, rows: slice, columns: slice) -> None:
        """Draw over these pixels of the picture, at `where`; kept until `over_key` changes."""

    def paint_marks(self, painter: QPainter) -> None:
        """Whatever lies over the picture."""

    def paint_frame(self, painter: QPainter) -> None:
        """Whatever surrounds the pane."""

    def _picture(self) -> QPixmap:
        """The picture at the size on screen: a moving crosshair does not make it again."""
        rect, ratio, source = self.target_rect(), self.devicePixelRatioF(), self.source()
        made = (id(source), source._version, self.over_key())
        key = (*made, rect.getRect(), self.size(), ratio)
        if self._painted is None or self._painted[0] != key:
            pixmap = QPixmap(self.size() * ratio)
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(self.background())
            painter = QPainter(pixmap)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.smooth())
            where, rows, columns = self._seen(rect, ratio)
            image, pixels = _qimage(source.compose(rows, columns))
            painter.drawImage(where, image)
            self.paint_over(painter, where, rows, columns)
            painter.end()
            del image, pixels
            self._painted = (key, pixmap)
        return self._painted[1]

    def _seen(self, rect: QRectF, ratio: float) -> tuple[QRectF, slice, slice]:
        """Where the pixels that are seen lie, and their rows and columns, at most one per dot."""
        height, width = self.picture_shape() or (1, 1)
        scale = self.scale()
        step = max(int(1 / (scale * ratio)), 1)
        columns = _range(-rect.x() / scale, (self.width() - rect.x()) / scale, width, step)
        rows = _range(-rect.y() / scale, (self.height() - rect.y()) / scale, height, step)
        where = QRectF(
            rect.x() + columns.start * scale,
            rect.y() + rows.start * scale,
            len(range(*columns.indices(width))) * step * scale,
            len(range(*rows.indices(height))) * step * scale,
        )
        return where, rows, columns

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


def _range(first: float, last: float, length: int, step: int) -> slice:
    """Every `step`-th of the pixels from `first` to `last`, and one more at either side."""
    start = max(int(first) // step - 1, 0) * step
    return slice(start, min(int(last) + 1 + 2 * step, length), step)


def _qimage(pixels: np.ndarray) -> tuple[QImage, np.ndarray]:
    """An image and the memory that it needs."""
    kept = np.ascontiguousarray(pixels)
    height, width = kept.shape[:2]
    return QImage(kept.data, width, height, width * 4, QImage.Format.Format_RGB32), kept
