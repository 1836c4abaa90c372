"""One image for each condition and stain, so that a swapped stain is seen at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.domain import Dataset, ImageRecord
from leigh_gui.services.small_pictures import SmallPictures, read_small
from leigh_gui.services.thumbnails import Picture, picture_of, pixmap_of
from leigh_gui.widgets.common.look import plain, swatch_icon, tip

if TYPE_CHECKING:
    import numpy as np

    from leigh_gui.widgets.image.channel_display import ChannelDisplay

Index = QModelIndex | QPersistentModelIndex
Range = tuple[float, float]
SMALLEST, LARGEST, ROWS_IN_VIEW = 112, 360, 3
REDRAW_MS = 60  # pictures that come at the same time are drawn together


class SampleModel(QAbstractTableModel):
    """Rows are conditions, columns are stains; a picture is read when it is drawn first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.dataset: Dataset | None = None
        self.turn = 0
        self._members: list[list[ImageRecord]] = []
        self._ranges: Sequence[Range] = ()  # darkest and brightest grey value of each stain
        self._measured: set[Picture] = set()  # the pictures that these ranges include
        self._drawn: dict[tuple[object, int, Range, str], QPixmap] = {}
        self.pictures = SmallPictures(self)
        self._more = QTimer(self, singleShot=True, interval=REDRAW_MS)
        self._more.timeout.connect(self._redraw)
        for ended in (self.pictures.ready, self.pictures.failed):
            ended.connect(lambda *_: self._more.start())

    def set_dataset(self, dataset: Dataset) -> None:
        """Show the conditions of this data."""
        before = self.dataset
        self.beginResetModel()
        self.dataset = dataset
        if before is None or before.records is not dataset.records:
            self._ranges = ()
            self._measured.clear()
            self.turn = 0
        self._drawn.clear()
        self.pictures.forget_wishes()
        members: dict[str, list[ImageRecord]] = {name: [] for name in dataset.condition_names}
        for record in dataset.records:
            members[record.condition].append(record)
        self._members = [members[name] for name in dataset.condition_names]
        self.endResetModel()

    def next_images(self) -> None:
        """Show another image of each condition."""
        self.turn += 1
        self.pictures.forget_wishes()
        self._redraw()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._members)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() or self.dataset is None else len(self.dataset.channels)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if self.dataset is None:
            return None
        stains = orientation == Qt.Orientation.Horizontal
        if section >= (self.columnCount() if stains else self.rowCount()):
            return None
        owner: Any = (self.dataset.channels if stains else self.dataset.conditions)[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return owner.name
        if role == Qt.ItemDataRole.DecorationRole:
            return swatch_icon(owner.colour)
        return tip(owner.name) if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: Index, role: int = 0) -> Any:
        record = self.record(index.row())
        if record is None or self.dataset is None:
            return None
        if role == Qt.ItemDataRole.DecorationRole:
            return self.pixmap(index.row(), index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return "cannot be read" if self.pictures.fault(self.key(record)) else ""
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            stain = self.dataset.channels[index.column()].name
            where = f"{record.condition}, {stain}: {record.id}"
            fault = self.pictures.fault(self.key(record))
            return tip(f"{where}\n{fault or 'Click to see it large'}")
        return None

    def key(self, record: ImageRecord) -> Picture:
        """The picture of a record; a record that is scanned again may be another one."""
        assert self.dataset is not None
        return picture_of(self.dataset, record)

    def record(self, row: int) -> ImageRecord | None:
        """The image that a row shows."""
        members = self._members[row]
        return members[self.turn % len(members)] if members else None

    def pixmap(self, row: int, stain: int) -> QPixmap | None:
        """The picture of one stain; None while it is being read."""
        record, dataset = self.record(row), self.dataset
        if record is None or dataset is None:
            return None
        key = self.key(record)
        pixels = self.pictures.get(key)
        if pixels is None:
            self.pictures.request(key, partial(read_small, dataset, record))
            return None
        self._measure(key)
        display = self.display(stain)
        drawn = (key, stain, (display.low, display.high), display.colour)
        if drawn not in self._drawn:
            self._drawn[drawn] = pixmap_of(pixels[stain : stain + 1], (display,))
        return self._drawn[drawn]

    def small(self, row: int) -> np.ndarray | None:
        """The C Y X grey values that a row is drawn from; None before they are read."""
        record = self.record(row)
        if record is None or self.dataset is None:
            return None
        return self.pictures.get(self.key(record))

    def display(self, stain: int) -> ChannelDisplay:
        """How a stain is drawn: the same for all conditions, so that they can be compared."""
        from leigh_gui.widgets.image.channel_display import displays

        assert self.dataset is not None
        low, high = self._ranges[stain] if self._ranges else (0.0, 1.0)
        return displays(self.dataset.channels[stain : stain + 1], [low], [high])[0]

    def _measure(self, key: Picture) -> None:
        """Each stain is drawn with the widest range of all its pictures."""
        ends = self.pictures.ends(key)
        if ends is None or key in self._measured:
            return
        self._measured.add(key)
        before = self._ranges or ends
        self._ranges = [
            (min(low, below), max(high, above))
            for (low, high), (below, above) in zip(before, ends, strict=True)
        ]
        if self._ranges != before:
            self._drawn.clear()
            self._more.start()  # what was drawn with the range before

    def _redraw(self) -> None:
        if self._members and self.columnCount():
            last = self.index(self.rowCount() - 1, self.columnCount() - 1)
            self.dataChanged.emit(self.index(0, 0), last)


class PictureDelegate(QStyledItemDelegate):
    """Draws a picture on black, as large as its cell."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        box = option.rect.adjusted(2, 2, -2, -2)
        pixmap = index.data(Qt.ItemDataRole.DecorationRole)
        if pixmap is None:
            painter.fillRect(box, option.palette.midlight())
            painter.setPen(option.palette.placeholderText().color())
            words = index.data(Qt.ItemDataRole.DisplayRole)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
            return
        painter.fillRect(box, Qt.GlobalColor.black)
        shown = pixmap.size().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left = box.x() + (box.width() - shown.width()) // 2
        top = box.y() + (box.height() - shown.height()) // 2
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(left, top, shown.width(), shown.height(), pixmap)


class SampleGrid(QWidget):
    """The table of pictures, which scrolls inside."""

    picked = Signal(object, object)  # record, number of the stain

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = SampleModel(self)
        self._build()
        self.table.clicked.connect(self._on_click)
        self.table.activated.connect(self._on_click)
        self.others.clicked.connect(self.model.next_images)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(8)
        row = QHBoxLayout()
        words = "One image per condition. Each stain has the same contrast in all conditions."
        self.words = plain(words, "muted", wrap=True)
        self.others = QPushButton("Other images")
        self.others.setToolTip("Show another image of each condition")
        row.addWidget(self.words, 1)
        row.addWidget(self.others)
        column.addLayout(row)
        self.table = QTableView()
        self.table.setObjectName("samples")
        self.table.setModel(self.model)
        self.table.setItemDelegate(PictureDelegate(self.table))
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.table.setCornerButtonEnabled(False)
        self.table.setShowGrid(False)
        self.table.verticalHeader().setMaximumWidth(150)
        for header in (self.table.horizontalHeader(), self.table.verticalHeader()):
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            header.setSectionsClickable(False)
            header.setIconSize(QSize(14, 14))
            header.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.table.verticalHeader().setDefaultAlignment(
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        )
        column.addWidget(self.table, 1)

    def set_dataset(self, dataset: Dataset) -> None:
        """Show the images of this data."""
        self.model.set_dataset(dataset)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Cells as large as the table allows, with up to ROWS_IN_VIEW rows in view."""
        stains, rows = max(self.model.columnCount(), 1), max(self.model.rowCount(), 1)
        wide = (self.table.width() - self.table.verticalHeader().width() - 24) // stains
        high = round((self.table.height() - 36) / min(rows, ROWS_IN_VIEW) / self._aspect())
        side = min(max(min(wide, high), SMALLEST), LARGEST)
        self.table.horizontalHeader().setDefaultSectionSize(side)
        self.table.verticalHeader().setDefaultSectionSize(max(round(side * self._aspect()), 48))

    def _aspect(self) -> float:
        """Height by width of the first image; cells are not taller than wide."""
        dataset = self.model.dataset
        shape = dataset.records[0].shape if dataset is not None and dataset.records else (0, 0, 0)
        return min(shape[1] / shape[2], 1.0) if shape[2] else 1.0

    def _on_click(self, index: QModelIndex) -> None:
        record = self.model.record(index.row())
        if record is not None:
            self.picked.emit(record, index.column())
