"""The gallery: small pictures of the selected images, loaded only when they come into view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from leigh_gui.widgets.common.look import small_font

TILE, GAP, CAPTION = 104, 8, 18


@dataclass(frozen=True)
class GalleryItem:
    """One picture to show."""

    record_id: str
    caption: str
    colour: str
    digest: str = ""  # another digest is another picture of the same record


HINT = "Click an image on the map, or lasso some with Shift and drag."


class Gallery(QAbstractScrollArea):
    """A wrapping grid of thumbnails. Click makes an image the current one."""

    picked = Signal(str)
    needed = Signal(object)  # list of record ids whose thumbnails are in view and missing

    def __init__(self, parent: QWidget | None = None, hint: str = HINT) -> None:
        super().__init__(parent)
        self._items: tuple[GalleryItem, ...] = ()
        self._current = ""
        self._thumbnails: dict[str, QPixmap] = {}
        self._stale: set[str] = set()  # on show until a picture in other colours comes
        self._hint = hint
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumHeight(TILE + CAPTION + 2 * GAP)

    def sizeHint(self) -> QSize:
        return QSize(480, TILE + CAPTION + 3 * GAP)

    def set_items(self, items: Sequence[GalleryItem]) -> None:
        """Show these images; pictures of the same images stay."""
        before = {(item.record_id, item.digest) for item in self._items}
        self._items = tuple(items)
        same = {item.record_id for item in items if (item.record_id, item.digest) in before}
        self._thumbnails = {k: v for k, v in self._thumbnails.items() if k in same}
        self._stale &= same
        self._layout()

    def set_current(self, record_id: str) -> None:
        """Ring this image and bring it into view."""
        self._current = record_id
        for index, item in enumerate(self._items):
            if item.record_id == record_id:
                top = (index // self._per_row()) * (TILE + CAPTION + GAP)
                bar = self.verticalScrollBar()
                if (
                    top < bar.value()
                    or top + TILE + CAPTION > bar.value() + self.viewport().height()
                ):
                    bar.setValue(top)
        self.viewport().update()

    def set_thumbnail(self, record_id: str, pixmap: QPixmap) -> None:
        """The picture of a record has arrived."""
        if any(item.record_id == record_id for item in self._items):
            self._thumbnails[record_id] = pixmap
            self._stale.discard(record_id)
            self.viewport().update()

    def forget_thumbnails(self) -> None:
        """The channels changed: ask for the pictures again."""
        self._stale = set(self._thumbnails)
        self.viewport().update()

    def resizeEvent(self, event: object) -> None:
        self._layout()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for index, item in enumerate(self._items):
            if self._tile(index).contains(event.position()):
                self.picked.emit(item.record_id)
                return

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setFont(small_font(self))
        view = QRectF(self.viewport().rect())
        if not self._items:
            painter.setPen(self.palette().placeholderText().color())
            painter.drawText(
                view, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._hint
            )
        missing = []
        for index, item in enumerate(self._items):
            tile = self._tile(index)
            if not tile.intersects(view):
                continue
            if item.record_id not in self._thumbnails or item.record_id in self._stale:
                missing.append(item.record_id)
            self._paint_tile(painter, tile, item)
        painter.end()
        if missing:
            self.needed.emit(missing)

    def _paint_tile(self, painter: QPainter, tile: QRectF, item: GalleryItem) -> None:
        picture = QRectF(tile.x(), tile.y(), TILE, TILE)
        pixmap = self._thumbnails.get(item.record_id)
        painter.fillRect(picture, QColor(0, 0, 0) if pixmap else self.palette().midlight().color())
        if pixmap is not None and not pixmap.isNull():
            side = min(pixmap.width(), pixmap.height())
            source = QRectF((pixmap.width() - side) / 2, (pixmap.height() - side) / 2, side, side)
            painter.drawPixmap(picture, pixmap, source)
        if item.record_id == self._current:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.palette().highlight().color(), 3))
            painter.drawRect(picture.adjusted(1.5, 1.5, -1.5, -1.5))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(item.colour))
        painter.drawEllipse(QPointF(tile.x() + 6, picture.bottom() + 11), 4, 4)
        painter.setPen(self.palette().windowText().color())
        shown = painter.fontMetrics().elidedText(
            item.caption, Qt.TextElideMode.ElideRight, TILE - 16
        )
        box = QRectF(tile.x() + 14, picture.bottom() + 2, TILE - 14, CAPTION)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, shown)

    def _per_row(self) -> int:
        return max((self.viewport().width() - GAP) // (TILE + GAP), 1)

    def _tile(self, index: int) -> QRectF:
        row, column = divmod(index, self._per_row())
        top = GAP + row * (TILE + CAPTION + GAP) - self.verticalScrollBar().value()
        return QRectF(GAP + column * (TILE + GAP), top, TILE, TILE + CAPTION)

    def _layout(self) -> None:
        rows = -(-len(self._items) // self._per_row())
        height = GAP + rows * (TILE + CAPTION + GAP)
        self.verticalScrollBar().setRange(0, max(height - self.viewport().height(), 0))
        self.verticalScrollBar().setPageStep(self.viewport().height())
        self.verticalScrollBar().setSingleStep(40)
        self.viewport().update()
