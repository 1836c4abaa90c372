"""Small grey pictures of files and records, read in the background while they are wanted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject, Signal

from leigh_gui.services.background import Background
from leigh_gui.services.thumbnails import read_image, reduced

if TYPE_CHECKING:
    import numpy as np

    from core.domain import Dataset, ImagePlace, ImageRecord

SIDE = 256
KEPT = 96  # pictures of up to about 1 MB each
WISHES = 24  # pictures waited for
LOW, HIGH = 0.5, 99.8  # percentiles of the pixels that are drawn black and brightest


class Picture(NamedTuple):
    """C Y X grey values, and the ends of the contrast of each channel."""

    pixels: np.ndarray
    ends: list[tuple[float, float]]


class SmallPictures(QObject):
    """Reads each picture once; what is asked for last is read first."""

    ready = Signal(object)  # key
    failed = Signal(object, str)  # key, why

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = Background(self, threads=1)
        self._pictures: OrderedDict[Hashable, Picture] = OrderedDict()
        self._wanted: OrderedDict[Hashable, Callable[[], np.ndarray]] = OrderedDict()
        self._faults: dict[Hashable, str] = {}
        self._reading: Hashable | None = None

    def get(self, key: Hashable) -> np.ndarray | None:
        """The C Y X grey values of a picture that was read; None before."""
        picture = self._pictures.get(key)
        return picture.pixels if picture is not None else None

    def ends(self, key: Hashable) -> list[tuple[float, float]] | None:
        """The grey values of each channel to draw black and brightest; None before it is read."""
        picture = self._pictures.get(key)
        return picture.ends if picture is not None else None

    def fault(self, key: Hashable) -> str:
        """Why a picture cannot be read; empty where it can."""
        return self._faults.get(key, "")

    def request(self, key: Hashable, read: Callable[[], np.ndarray]) -> None:
        """Send `ready` when this is read; `read` runs in a thread and returns C Y X grey values."""
        if key in self._pictures or key in self._faults or key == self._reading:
            return
        self._wanted[key] = read
        self._wanted.move_to_end(key)
        while len(self._wanted) > WISHES:  # what is still in view is asked for again
            self._wanted.popitem(last=False)
        self._next()

    def forget_wishes(self) -> None:
        """What was asked for and is not yet read is not needed any more."""
        self._wanted.clear()

    def stop(self) -> None:
        """Read nothing more; what is being read ends first."""
        self._wanted.clear()
        self._background.wait(2_000)

    def _next(self) -> None:
        if self._reading is not None or not self._wanted:
            return
        key, read = self._wanted.popitem()
        self._reading = key
        work = partial(_measured, read)
        self._background.run(work, partial(self._on_read, key), partial(self._on_failed, key))

    def _on_read(self, key: Hashable, picture: Picture) -> None:
        self._reading = None
        self._pictures[key] = picture
        while len(self._pictures) > KEPT:
            self._pictures.popitem(last=False)
        self._next()
        self.ready.emit(key)

    def _on_failed(self, key: Hashable, error: Exception) -> None:
        self._reading = None
        self._faults[key] = str(error)
        self._next()
        self.failed.emit(key, str(error))


def _measured(read: Callable[[], np.ndarray]) -> Picture:
    import numpy as np

    pixels = read()
    ends = np.percentile(pixels, (LOW, HIGH), axis=(1, 2))
    return Picture(pixels, [(float(low), float(high)) for low, high in ends.T])


def read_place(folder: Path, place: ImagePlace) -> np.ndarray:
    """A small picture of an image of any format, C Y X. Raises BadImage.

    Of a file with several fields or times, the first is shown where `place` names none; of a stack,
    its maximum.
    """
    import numpy as np

    from core.io.read_field import open_fields, read_image_of
    from core.io.stacks import MAXIMUM

    path = folder / place.file
    with open_fields(path) as container:
        named = (f for f in container.fields if f.scene == place.scene)
        field = next(named, container.fields[0])
        z = place.z or MAXIMUM if field.sizes.get("Z", 1) > 1 else ""
        t = place.t or "1" if field.sizes.get("T", 1) > 1 else ""
        image = read_image_of(container, field, path, z, t)
    return reduced(np.asarray(image, dtype=np.float32), SIDE)


def read_small(dataset: Dataset, record: ImageRecord) -> np.ndarray:
    """A small picture of a record, C Y X. Raises BadImage."""
    return reduced(read_image(dataset, record), SIDE)
