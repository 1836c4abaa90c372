"""One stain of one image, large, with the contrast of the small picture."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from core.domain import Dataset, ImageRecord
from leigh_gui.services.background import Background
from leigh_gui.services.thumbnails import read_image
from leigh_gui.widgets.common.look import plain
from leigh_gui.widgets.image.image_view import ImagePane

if TYPE_CHECKING:
    import numpy as np

    from leigh_gui.widgets.image.channel_display import ChannelDisplay


class SampleWindow(QDialog):
    """Wheel zooms, drag pans, double-click shows the whole image, Escape closes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.resize(760, 820)
        self.words = plain("", "strong", wrap=True)
        self.file = plain("", "small", wrap=True)
        self.pane = ImagePane()
        column = QVBoxLayout(self)
        column.addWidget(self.words)
        column.addWidget(self.file)
        column.addWidget(self.pane, 1)
        self._background = Background(self, threads=1)

    def show_sample(
        self, dataset: Dataset, record: ImageRecord, stain: int, display: ChannelDisplay
    ) -> None:
        """Read the image and show this stain of it."""
        where = " · ".join(part for part in (record.plate, record.well, record.site) if part)
        title = f"{record.condition}, {dataset.channels[stain].name}"
        self.setWindowTitle(title)
        self.words.setText(f"{title} · {where}" if where else title)
        self.file.setText(record.files[stain if len(record.files) > 1 else 0])
        self.pane.set_image(None)
        self.pane.set_hint("Reading the image…")
        self.pane.set_pixel_size(dataset.pixel_size_um)
        self.pane.set_channels((display,))
        self.pane.viewpoint.reset()
        self.show()
        self.raise_()
        self._background.run(
            partial(read_image, dataset, record),
            lambda image: self._on_read(image, stain),
            lambda error: self.pane.set_hint(str(error)),
        )

    def _on_read(self, image: np.ndarray, stain: int) -> None:
        self.pane.set_image(image[stain : stain + 1])
