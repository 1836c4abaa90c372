"""A small picture of an image with a word below it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from core.domain import ImagePlace
from leigh_gui.services.small_pictures import SmallPictures, read_place
from leigh_gui.services.thumbnails import pixmap_of
from leigh_gui.widgets.common.look import small_font

TILE, CAPTION = 128, 20


class PictureTile(QWidget):
    """Automatic contrast; several channels in their usual colours, a single one in grey."""

    clicked = Signal()

    def __init__(
        self,
        pictures: SmallPictures,
        folder: Path,
        place: ImagePlace,
        word: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.word, self._pictures = word, pictures
        self.key = (folder, place)
        self._pixmap: QPixmap | None = None
        self.setFixedSize(TILE, TILE + CAPTION)
        self.setAccessibleName(word)
        pictures.ready.connect(self._on_ready)
        pictures.failed.connect(self.update)
        self._on_ready()

    def sizeHint(self) -> QSize:
        return QSize(TILE, TILE + CAPTION)

    def pixmap(self) -> QPixmap | None:
        """The picture, once it was read."""
        return self._pixmap

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setFont(small_font(self))
        box = QRectF(0, 0, TILE, TILE)
        painter.fillRect(box, Qt.GlobalColor.black if self._pixmap else self.palette().midlight())
        if self._pixmap is not None:
            shown = self._pixmap.size().scaled(TILE, TILE, Qt.AspectRatioMode.KeepAspectRatio)
            left, top = (TILE - shown.width()) / 2, (TILE - shown.height()) / 2
            target = QRectF(left, top, shown.width(), shown.height())
            painter.drawPixmap(target, self._pixmap, QRectF(self._pixmap.rect()))
        elif not self._pictures.fault(self.key):
            self._pictures.request(self.key, partial(read_place, *self.key))
        else:
            painter.setPen(self.palette().placeholderText().color())
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "cannot be read")
        painter.setPen(self.palette().text().color())
        caption = QRectF(0, TILE, TILE, CAPTION)
        text = painter.fontMetrics().elidedText(self.word, Qt.TextElideMode.ElideMiddle, TILE)
        painter.drawText(caption, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        painter.end()

    def _on_ready(self) -> None:
        pixels = self._pictures.get(self.key)
        if pixels is None or self._pixmap is not None:
            self.update()
            return
        from core.domain import Channel
        from core.domain.images import CHANNEL_COLOURS
        from leigh_gui.widgets.image.channel_display import automatic, displays

        colours = CHANNEL_COLOURS if len(pixels) > 1 else ("#FFFFFF",)
        channels = [Channel("", colours[n % len(colours)]) for n in range(len(pixels))]
        plain = displays(channels, [0.0] * len(pixels), [1.0] * len(pixels))
        self._pixmap = pixmap_of(pixels, automatic(plain, pixels))
        self.update()
