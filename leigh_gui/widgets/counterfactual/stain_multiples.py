"""The other stains in small: before, after and change of each; a click shows one large."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from leigh_gui.widgets.common.look import is_dark, small_font
from leigh_gui.widgets.counterfactual.change import Change, note_of
from leigh_gui.widgets.counterfactual.difference_pane import coloured, diverging_table
from leigh_gui.widgets.image.channel_display import ChannelDisplay

CAPTION, GAP, LARGEST = 18, 6, 400


class StainMultiples(QWidget):
    """Three tiles per stain that is not shown large."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._channels: tuple[ChannelDisplay, ...] = ()
        self._spans: tuple[float, ...] = ()
        self._large = 0
        self._change: Change | None = None
        self._values: tuple[np.ndarray, tuple[float, ...]] | None = None
        self._limit = 1.0
        self._tiles: dict[int, list[tuple[QImage, np.ndarray]]] = {}  # with the memory of each
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Before, after and change of the other stains. A click shows one large.")

    def sizeHint(self) -> QSize:
        return QSize(360, 240)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 60)

    def set_channels(self, channels: Sequence[ChannelDisplay], spans: Sequence[float]) -> None:
        """The contrast follows the sliders; `spans` (grey values) scale the change."""
        self._channels, self._spans = tuple(channels), tuple(spans)
        self._forget()

    def set_large(self, index: int) -> None:
        """This stain is shown large and left out here."""
        self._large = index
        self._forget()

    def set_change(
        self,
        change: Change | None,
        values: tuple[np.ndarray, tuple[float, ...]] | None,
        limit: float,
    ) -> None:
        """Show this change, drawn as `values` (C Y X, spans) on one scale."""
        self._change, self._values, self._limit = change, values, limit
        self._forget()

    def places(self) -> dict[int, list[QRectF]]:
        """Channel -> where its three tiles lie."""
        others = [k for k in range(len(self._channels)) if k != self._large]
        if not others:
            return {}
        aspect = 1.0
        if self._change is not None:
            aspect = self._change.original.shape[2] / self._change.original.shape[1]
        side, columns = max((self._side(len(others), c, aspect), c) for c in range(1, 5))
        width = 3 * side * aspect + 2 * GAP
        found = {}
        for place, k in enumerate(others):
            left = place % columns * (width + 3 * GAP)
            top = place // columns * (side + CAPTION + GAP) + CAPTION
            step = side * aspect + GAP
            found[k] = [QRectF(left + n * step, top, side * aspect, side) for n in range(3)]
        return found

    def painted_rects(self) -> list[QRectF]:
        """Where pictures are drawn."""
        drawn = self.places() if self._change is not None else {}
        return [tile for tiles in drawn.values() for tile in tiles]

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for k, tiles in self.places().items():
            area = tiles[0].united(tiles[-1]).adjusted(0, -CAPTION, 0, 0)
            if area.contains(event.position()):
                self.chosen.emit(k)
                return

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._forget()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._forget()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setFont(small_font(self))
        for k, tiles in self.places().items():
            self._paint_stain(painter, k, tiles)
        painter.end()

    def _side(self, count: int, columns: int, aspect: float) -> float:
        """Height of a tile with this many stains next to each other."""
        rows = -(-count // columns)
        width = (self.width() - 2 - 3 * GAP * (columns - 1)) / columns  # 2: the frames
        by_width = (width - 2 * GAP) / 3 / aspect
        by_height = self.height() / rows - CAPTION - GAP
        return max(min(by_width, by_height, LARGEST), 8.0)

    def _paint_stain(self, painter: QPainter, k: int, tiles: list[QRectF]) -> None:
        channel = self._channels[k]
        dot = QRectF(tiles[0].x(), tiles[0].y() - CAPTION + 5, 8, 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(channel.colour))
        painter.drawEllipse(dot)
        right = tiles[-1].right()
        line = QRectF(dot.right() + 6, dot.y() - 5, right - dot.right() - 6, CAPTION)
        words = channel.name
        if self._change is not None and k < len(self._change.difference):
            words += f" · {note_of(self._change, k, channel.name, self._spans[k])[0]}"
        metrics = painter.fontMetrics()
        painter.setPen(self.palette().windowText().color())
        elided = metrics.elidedText(words, Qt.TextElideMode.ElideRight, round(line.width()))
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, elided)
        for rect, (image, _) in zip(tiles, self._images(k, tiles[0].height()), strict=False):
            painter.drawImage(rect, image)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self.palette().mid().color(), 1))
        for rect in tiles:
            painter.drawRect(rect)

    def _images(self, k: int, side: float) -> list[tuple[QImage, np.ndarray]]:
        """Before, after and change of one channel in small; made when they are painted."""
        if self._change is None or self._values is None or k >= len(self._change.original):
            return []
        if k not in self._tiles:
            channel = self._channels[k]
            both = (self._change.original[k], self._change.image[k])
            pair = [_grey(_sampled(plane, side), channel) for plane in both]
            values, spans = self._values
            table = diverging_table(is_dark(self))
            pair.append(coloured(_sampled(values[k], side), spans[k], self._limit, table))
            self._tiles[k] = [(_qimage(pixels), pixels) for pixels in pair]
        return self._tiles[k]

    def _forget(self) -> None:
        self._tiles = {}
        self.update()


def _sampled(plane: np.ndarray, side: float) -> np.ndarray:
    """About as many rows as a tile of this height has dots."""
    step = max(int(plane.shape[0] / max(side, 1)), 1)
    return np.ascontiguousarray(plane[::step, ::step])


def _grey(small: np.ndarray, channel: ChannelDisplay) -> np.ndarray:
    """Y X grey values -> (Y, X, 4) uint8, black at the low end of the contrast."""
    level = np.clip((small - channel.low) * (255 / max(channel.span, 1e-12)), 0, 255)
    pixels = np.full((*small.shape, 4), 255, dtype=np.uint8)
    pixels[..., :3] = level.astype(np.uint8)[..., None]
    return pixels


def _qimage(pixels: np.ndarray) -> QImage:
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, width * 4, QImage.Format.Format_RGB32)
