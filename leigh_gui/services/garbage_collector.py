"""Frees unreachable objects in the window's thread alone.

Python frees objects that refer to one another from whichever thread happens to allocate. A widget
freed by a thread of the background crashes the window or lets it hang.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 1000


class GarbageCollector(QObject):
    """Takes the place of Python's automatic collection until `stop`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        gc.freeze()
        self._timer = QTimer(self, interval=INTERVAL_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()
        self._settling = QTimer(self, interval=INTERVAL_MS, singleShot=True)
        self._settling.timeout.connect(self._settle)

    def settle(self) -> None:
        """Soon collect what was made since the last call; what is left is not looked at again.

        For after a project is opened. To look at everything again takes a tenth of a second, and
        frees next to nothing: objects of a closed project do not refer to one another.
        """
        self._settling.start()

    def _settle(self) -> None:
        gc.collect()
        gc.freeze()

    def collect(self) -> None:
        """Collect the youngest objects if there are many of them, and older ones now and then."""
        for generation, limit in enumerate(gc.get_threshold()):
            if gc.get_count()[generation] <= limit:
                return
            gc.collect(generation)

    def stop(self) -> None:
        """Collect everything here and let Python collect by itself again."""
        self._timer.stop()
        self._settling.stop()
        gc.unfreeze()
        gc.collect()
        gc.enable()
