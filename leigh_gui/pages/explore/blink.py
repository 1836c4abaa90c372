"""Original and counterfactual in the same place, one after the other, while a key is held."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent

from leigh_gui.widgets.image.image_view import ImagePane

HALF_MS = 400  # one picture


class Blink(QObject):
    """Begins with the original; ends where the key is let go or the window loses the focus."""

    def __init__(self, pane: ImagePane, original: ImagePane) -> None:
        super().__init__(pane)
        self._pane, self._original = pane, original
        self._shows_original = False
        self._key: int | None = None
        self._timer = QTimer(self, interval=HALF_MS)
        self._timer.timeout.connect(self._turn)

    def on(self) -> bool:
        """Whether the pictures alternate."""
        return self._timer.isActive()

    def hold(self, key: Qt.Key) -> None:
        """Blink until this key is let go."""
        if self._key is None:
            self._key = int(key)
            application = QCoreApplication.instance()
            if application is not None:
                application.installEventFilter(self)
            self.start()

    def start(self) -> None:
        """Show the original now, then alternate."""
        if not self.on():
            self._shows_original = False
            self._turn()
            self._timer.start()

    def stop(self) -> None:
        """The counterfactual stays."""
        self._timer.stop()
        self._shows_original = False
        self._pane.blink(None)
        if self._key is not None:
            self._key = None
            application = QCoreApplication.instance()
            if application is not None:
                application.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        gone = event.type() == QEvent.Type.ApplicationDeactivate
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyRelease:
            gone = event.key() == self._key and not event.isAutoRepeat()
        if gone:
            self.stop()
        return False

    def _turn(self) -> None:
        self._shows_original = not self._shows_original
        self._pane.blink(self._original if self._shows_original else None)
