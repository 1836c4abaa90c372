"""Part of the status line: the long work that runs, how long it still takes, what waits in line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QProgressBar, QToolButton, QWidget

from leigh_gui.widgets.common.look import count, duration, plain, tip

if TYPE_CHECKING:
    from leigh_gui.widgets.common.elided_label import ElidedLabel

WIDTH, BAR = 620, 80  # pixels: it never gets wider or narrower, so its buttons stay in place
STOP = "Stop the job. What it has finished is kept."
STOPPING = "The job is finishing its current step so that nothing is left half-written."
NO_STOP = "This ends by itself, in a moment."
TICK_MS = 500  # between two looks at the clock


class JobBar(QWidget):
    """Hidden while nothing runs; nothing outside the status line moves when it comes."""

    stop_asked = Signal()
    cancel_asked = Signal(int)  # place in the line

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._seconds = 0.0  # that are left of work without progress of its own
        self._build()
        self._clock = QTimer(self, interval=TICK_MS)
        self._clock.timeout.connect(self._on_tick)
        self.hide()

    def _build(self) -> None:
        self.setFixedWidth(WIDTH)
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        self.title = plain("", "strong")
        self.what: ElidedLabel | None = None  # made when the first job starts
        self.left = plain("", "muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(BAR, 8)
        self.waiting = QToolButton()
        self.waiting.setObjectName("job-waiting")
        self.waiting.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.waiting.setToolTip("What waits in line; choose one to take it out")
        self.waiting.setMenu(QMenu(self.waiting))
        self.stop = QToolButton()
        self.stop.setText("Stop")
        self.stop.setObjectName("job-stop")
        self.stop.clicked.connect(self.stop_asked)
        for button in (self.waiting, self.stop):
            button.setProperty("kind", "small")
        for part in (self.title, self.left, self.bar, self.waiting, self.stop):
            row.addWidget(part)
        self.waiting.hide()

    def start(self, title: str) -> None:
        """A job begins."""
        self._begin(title, "Starting")
        self.stop.setEnabled(True)
        self.stop.setToolTip(STOP)

    def open(self, title: str, seconds: float) -> None:
        """Something is read, which takes about so many seconds; 0 where nobody knows."""
        self._begin(title, "")
        self.stop.setEnabled(False)
        self.stop.setToolTip(NO_STOP)
        self._seconds = seconds
        self._on_tick()
        self._clock.start()

    def set_progress(self, done: int, total: int, what: str, seconds_left: float | None) -> None:
        """Show how far it is."""
        self.bar.setRange(0, max(total, 0) and 1000)
        self.bar.setValue(round(1000 * min(done / total, 1)) if total > 0 else 0)
        self._say(what)
        text = duration(seconds_left)
        self.left.setText(f"{text} left" if text else "")

    def set_waiting(self, titles: Sequence[str]) -> None:
        """The jobs that wait, the next one first; each can be taken out of the line."""
        menu = self.waiting.menu()
        menu.clear()
        for place, title in enumerate(titles):
            action = menu.addAction(f"Cancel “{title}”".replace("&", "&&"))
            action.triggered.connect(lambda _=False, place=place: self.cancel_asked.emit(place))
        self.waiting.setText(f"{len(titles)} waiting ▾")
        self.waiting.setToolTip(tip(f"{count(len(titles), 'job')} in line: {', '.join(titles)}"))
        self.waiting.setVisible(bool(titles))

    def stopping(self) -> None:
        """The user pressed stop and the job is tidying up."""
        self._say("Stopping")
        self.stop.setEnabled(False)
        self.stop.setToolTip(STOPPING)

    def finish(self) -> None:
        """Nothing runs."""
        self._clock.stop()
        self.hide()

    def _begin(self, title: str, what: str) -> None:
        self._clock.stop()
        self.title.setText(title)
        self._say(what)
        self.left.setText("")
        self.bar.setRange(0, 0)
        self.show()

    def _on_tick(self) -> None:
        """Count down; what takes longer than the last time says nothing."""
        self.left.setText(f"{duration(self._seconds)} left" if self._seconds >= 1 else "")
        self._seconds -= TICK_MS / 1000

    def _say(self, what: str) -> None:
        if self.what is None:
            from leigh_gui.widgets.common.elided_label import ElidedLabel

            self.what = ElidedLabel(kind="muted")
            self._row.insertWidget(1, self.what, 1)
        self.what.setText(what)
