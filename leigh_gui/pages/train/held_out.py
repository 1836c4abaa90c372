"""The tab of the held-out wells: which condition is read as which, with pictures."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QPixmap, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from leigh_gui.pages.train.held_out_images import HeldOut, ReadImage, Row, held_out_images
from leigh_gui.services.thumbnails import Thumbnails
from leigh_gui.state import AppState
from leigh_gui.widgets.common.look import count, percent, plain, scrolled, tip
from leigh_gui.widgets.image.gallery import CAPTION, GAP, TILE, Gallery, GalleryItem

NO_PICTURES = "Pictures appear here after the training."
ALL_RIGHT = "No held-out image is read as another condition."
CLICK = "Click a picture to look at it on the Explore page."
MOST_ROWS = 10  # of the table before it scrolls
TOTALS = ("Right", "Images", "Wells")  # of a condition, held out
SHADE = 150  # of 255: how strongly a cell of all images is filled


class HeldOutView(QWidget):
    """Table and pictures follow the model of the state."""

    picked = Signal(str)  # record

    def __init__(
        self, state: AppState, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.state, self.thumbnails = state, thumbnails
        self._is_stale = False
        self._build()
        for gallery in (self.wrong, self.right):
            gallery.picked.connect(self.picked)
            gallery.needed.connect(thumbnails.request)
            state.display_changed.connect(gallery.forget_thumbnails)
        thumbnails.ready.connect(self._on_thumbnail)

    def _build(self) -> None:
        inner = QWidget()
        inner.setObjectName("page-body")
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(0, 8, 0, 0)
        self._column.setSpacing(8)
        self.missing = plain("", "muted", wrap=True)
        self.table = ConfusionTable()
        self.wrong_title, self.right_title = plain("", "strong"), plain("", "strong")
        self.wrong, self.right = Gallery(hint=ALL_RIGHT), Gallery(hint=NO_PICTURES)
        for part in (self.missing, self.table, self.wrong_title, self.wrong):
            self._column.addWidget(part)
        self._column.addWidget(self.right_title)
        self._column.addWidget(self.right)
        self._column.addStretch(1)
        for gallery in (self.wrong, self.right):
            gallery.setToolTip(CLICK)
            gallery.setFixedHeight(TILE + CAPTION + 2 * GAP)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scrolled(inner))

    def show_model(self) -> None:
        """What the model of the state reads in the held-out images, once it is looked at."""
        self._is_stale = True
        if self.isVisible():
            self._fill()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_stale:
            self._fill()

    def _fill(self) -> None:
        self._is_stale = False
        found = held_out_images(self.state.opened)
        self.missing.setText(found.missing)
        self.missing.setVisible(bool(found.missing))
        self.table.set_rows(found.rows)
        self._show_pictures(found)

    def _show_pictures(self, found: HeldOut) -> None:
        there = bool(found.right or found.wrong)
        total = sum(row.images for row in found.rows)
        self.wrong.setVisible(there and bool(found.wrong))
        self.right.setVisible(bool(found.right))
        self.wrong_title.setVisible(there)
        self.right_title.setVisible(bool(found.right))
        words = f"Read as another condition: {found.wrongs} of {count(total, 'image')}"
        shown = f"; the {len(found.wrong)} most certain" if found.wrongs > len(found.wrong) else ""
        self.wrong_title.setText(words + shown if found.wrong else ALL_RIGHT)
        self.right_title.setText(f"Read right: {total - found.wrongs} of {count(total, 'image')}")
        self.wrong.set_items([self._item(image) for image in found.wrong])
        self.right.set_items([self._item(image) for image in found.right])

    def _item(self, image: ReadImage) -> GalleryItem:
        colours = {c.name: c.colour for c in self.state.conditions()}
        record = self.state.record(image.record_id)
        well = record.well if record is not None and record.well else image.record_id
        wrong = image.read != image.condition
        caption = (
            f"{image.condition} read as {image.read}" if wrong else f"{image.condition} {well}"
        )
        digest = record.digest if record is not None else ""
        return GalleryItem(
            image.record_id, caption, colours.get(image.condition, "#888888"), digest
        )

    def _on_thumbnail(self, record_id: str, pixmap: QPixmap) -> None:
        for gallery in (self.wrong, self.right):
            gallery.set_thumbnail(record_id, pixmap)


class ConfusionTable(QTableWidget):
    """A row for each condition: held-out images by what is read, share right, wells."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[Row, ...] = ()
        self.setObjectName("train-confusion")
        self.setProperty("kind", "facts")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show these conditions; conditions without held-out images say so."""
        names = [row.condition for row in rows]
        self.setVisible(bool(rows))
        self.setRowCount(len(rows))
        self.setColumnCount(len(names) + len(TOTALS))
        self.setHorizontalHeaderLabels([*(f"→ {name}" for name in names), *TOTALS])
        self.setVerticalHeaderLabels(names)
        for place, row in enumerate(rows):
            for column, number in enumerate(row.read_as):
                self.setItem(place, column, self._cell(row, names[column], number))
            share = percent(row.right / row.images, 0) if row.images else "–"
            wells = "–" if row.wells is None else str(row.wells)
            for column, words in enumerate((share, str(row.images), wells), start=len(names)):
                self.setItem(place, column, _centred(words))
        self._rows = tuple(rows)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._rows:
            self.set_rows(self._rows)  # in the colours of the theme

    def words(self) -> list[list[str]]:
        """What the cells say, row by row."""
        return [
            [cell.text() if (cell := self.item(r, c)) is not None else "" for c in range(columns)]
            for r in range(self.rowCount())
            for columns in (self.columnCount(),)
        ]

    def _cell(self, row: Row, read: str, number: int) -> QTableWidgetItem:
        cell = _centred(str(number) if number else "·")
        cell.setToolTip(
            tip(f"{number} of {count(row.images, 'image')} of {row.condition} read as {read}")
        )
        if row.images and number:
            colour = self.palette().link().color()
            colour.setAlpha(round(SHADE * min(max(number / row.images, 0.0), 1.0)))
            cell.setBackground(colour)
        return cell

    def _fit(self) -> None:
        """As high as its rows, up to a limit; from then on it scrolls."""
        self.resizeRowsToContents()
        shown = min(self.rowCount(), MOST_ROWS)
        rows = sum(self.rowHeight(row) for row in range(shown))
        header = self.horizontalHeader().sizeHint().height()
        bar = self.horizontalScrollBar().sizeHint().height()
        self.setFixedHeight(header + rows + bar + 2 * self.frameWidth())


def _centred(words: str) -> QTableWidgetItem:
    cell = QTableWidgetItem(words)
    cell.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
    return cell
