"""Share the memory among readers, so that several large images are not read at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

SHARE = 0.5  # of the free memory, for images that are being read
PER_IMAGE = 3  # times its declared bytes, while it is read and inspected


class Budget:
    """Bytes that readers may use together; a single reader always gets what it needs."""

    def __init__(self, total: int | None = None) -> None:
        self._total, self._used = total, 0
        self._changed = threading.Condition()

    @contextmanager
    def reading(self, nbytes: int) -> Iterator[None]:
        """Wait until an image of so many declared bytes fits next to the others."""
        wanted = nbytes * PER_IMAGE
        with self._changed:
            if self._total is None:
                self._total = int(psutil.virtual_memory().available * SHARE)
            most = self._total
            self._changed.wait_for(lambda: not self._used or self._used + wanted <= most)
            self._used += wanted
        try:
            yield
        finally:
            with self._changed:
                self._used -= wanted
                self._changed.notify_all()


READERS = Budget()
