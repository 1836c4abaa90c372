"""Small pictures of records, read from their files in the background and remembered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from leigh_gui.services.background import Background

if TYPE_CHECKING:
    import numpy as np

    from core.domain import Dataset, ImageRecord
    from leigh_gui.state import AppState
    from leigh_gui.widgets.image.channel_display import ChannelDisplay

SIDE = 128
KEPT = 4000


def read_image(dataset: Dataset, record: ImageRecord) -> np.ndarray:
    """C Y X float32 grey values of a record."""
    import numpy as np

    from core.io.tiff import read_record

    return np.asarray(read_record(dataset.root, record), dtype=np.float32)


class Thumbnails(QObject):
    """Asks once per record; the colours follow the channel settings."""

    ready = Signal(str, QPixmap)

    def __init__(self, state: AppState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._background = Background(self)
        self._small: OrderedDict[str, np.ndarray] = OrderedDict()
        self._requested: set[str] = set()
        self._folder: object = None
        state.project_changed.connect(self._on_project)

    def request(self, record_ids: Iterable[str]) -> None:
        """Send `ready` for each of these, now or when it has been read."""
        dataset = self._state.project.dataset if self._state.project else None
        for record_id in record_ids:
            record = self._state.record(record_id)
            if record_id in self._small:
                self._show(record_id)
            elif dataset is not None and record is not None and record_id not in self._requested:
                self._requested.add(record_id)
                self._background.run(
                    partial(_small, dataset, record), self._on_read, lambda error: None
                )

    def _on_read(self, answer: tuple[str, np.ndarray]) -> None:
        record_id, pixels = answer
        self._requested.discard(record_id)
        self._small[record_id] = pixels
        while len(self._small) > KEPT:
            self._small.popitem(last=False)
        self._show(record_id)

    def _show(self, record_id: str) -> None:
        pixels = self._small[record_id]
        if len(pixels) == len(self._state.display):
            self.ready.emit(record_id, pixmap_of(pixels, self._state.display))

    def _on_project(self) -> None:
        dataset = self._state.project.dataset if self._state.project else None
        root = dataset.root if dataset else None
        if root != self._folder:
            self._folder = root
            self._small.clear()
            self._requested.clear()


def pixmap_of(image: np.ndarray, display: Sequence[ChannelDisplay]) -> QPixmap:
    """The composite of a C Y X image as a pixmap."""
    from leigh_gui.widgets.image.channel_display import composite

    pixels = composite(image, display)
    height, width = pixels.shape[:2]
    return QPixmap.fromImage(
        QImage(pixels.data, width, height, width * 4, QImage.Format.Format_RGB32)
    )


def _small(dataset: Dataset, record: ImageRecord) -> tuple[str, np.ndarray]:
    """Record, and block means of its image, about SIDE pixels wide."""
    image = read_image(dataset, record)
    factor = max(min(image.shape[1:]) // SIDE, 1)
    height, width = image.shape[1] // factor * factor, image.shape[2] // factor * factor
    blocks = image[:, :height, :width].reshape(
        len(image), height // factor, factor, width // factor, factor
    )
    return record.id, blocks.mean(axis=(2, 4))
