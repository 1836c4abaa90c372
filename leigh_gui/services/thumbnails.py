"""Small pictures of records, read from their files in the background and remembered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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
    """C Y X float32 grey values of a record. Raises BadImage for files that changed on disk."""
    import numpy as np

    from core.io.read_verified import read_verified

    return np.asarray(read_verified(dataset.root, record), dtype=np.float32)


class Picture(NamedTuple):
    """What a small picture was read from; a record that is scanned again may be another image."""

    record_id: str
    root: Path
    where: tuple[tuple[str, ...] | tuple[int, ...] | str, ...]  # files, planes, scene, z and t
    digest: str


class Thumbnails(QObject):
    """Asks once per image; the colours follow the channel settings."""

    ready = Signal(str, QPixmap)

    def __init__(self, state: AppState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._background = Background(self)
        self._small: OrderedDict[Picture, np.ndarray] = OrderedDict()
        self._requested: set[Picture] = set()

    def request(self, record_ids: Iterable[str]) -> None:
        """Send `ready` for each of these, now or when it has been read."""
        dataset = self._state.project.dataset if self._state.project else None
        for record_id in record_ids:
            record = self._state.record(record_id)
            if dataset is None or record is None:
                continue
            picture = picture_of(dataset, record)
            if picture in self._small:
                self._show(picture)
            elif picture not in self._requested:
                self._requested.add(picture)
                self._background.run(
                    partial(_small, dataset, record), self._on_read, partial(self._failed, picture)
                )

    def _failed(self, picture: Picture, error: Exception) -> None:
        """Without a picture; the Explore page says why, when the image is selected."""
        self._requested.discard(picture)

    def _on_read(self, answer: tuple[Picture, np.ndarray]) -> None:
        picture, pixels = answer
        self._requested.discard(picture)
        self._small[picture] = pixels
        while len(self._small) > KEPT:
            self._small.popitem(last=False)
        project, record = self._state.project, self._state.record(picture.record_id)
        dataset = project.dataset if project else None
        if dataset and record and picture == picture_of(dataset, record):
            self._show(picture)

    def _show(self, picture: Picture) -> None:
        pixels, display = self._small[picture], self._state.display or self._display_of_model()
        if len(pixels) == len(display):
            self.ready.emit(picture.record_id, pixmap_of(pixels, display))

    def _display_of_model(self) -> tuple[ChannelDisplay, ...]:
        """Until the Explore page is there: the display range of the model."""
        from leigh_gui.widgets.image.channel_display import displays

        card = self._state.opened.card if self._state.opened is not None else None
        if card is None:
            return ()
        return displays(card.channels, card.preprocessing.low, card.preprocessing.high)


def picture_of(dataset: Dataset, record: ImageRecord) -> Picture:
    """The image that a record is now."""
    where = (record.files, record.planes, record.scene, record.z, record.t)
    return Picture(record.id, dataset.root, where, record.digest)


def pixmap_of(image: np.ndarray, display: Sequence[ChannelDisplay]) -> QPixmap:
    """The composite of a C Y X image as a pixmap."""
    from leigh_gui.widgets.image.channel_display import composite

    pixels = composite(image, display)
    height, width = pixels.shape[:2]
    return QPixmap.fromImage(
        QImage(pixels.data, width, height, width * 4, QImage.Format.Format_RGB32)
    )


def _small(dataset: Dataset, record: ImageRecord) -> tuple[Picture, np.ndarray]:
    """What was read, and its image in small."""
    return picture_of(dataset, record), reduced(read_image(dataset, record), SIDE)


def reduced(image: np.ndarray, side: int) -> np.ndarray:
    """Block means of a C Y X image, at least `side` pixels wide."""
    factor = max(min(image.shape[1:]) // side, 1)
    height, width = image.shape[1] // factor * factor, image.shape[2] // factor * factor
    blocks = image[:, :height, :width].reshape(
        len(image), height // factor, factor, width // factor, factor
    )
    small: np.ndarray = blocks.mean(axis=(2, 4))
    return small
