"""The job bar: the one long job that is running, how long it still takes, and a stop that works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from leigh_gui.widgets.common.look import duration, plain

if TYPE_CHECKING:
    from leigh_gui.widgets.common.elided_label import ElidedLabel


class JobBar(QWidget):
    """Hidden while nothing runs."""

    stop_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._build()
        self.hide()

    def _build(self) -> None:
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(16, 4, 16, 4)
        row.setSpacing(16)
        self.title = plain("", "strong")
        self.what: ElidedLabel | None = None  # made when the first job starts
        self.left = plain("", "muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(240, 8)
        self.stop = QPushButton("Stop")
        self.stop.setObjectName("job-stop")
        self.stop.setToolTip("Stop the job. What it has finished is kept.")
        self.stop.clicked.connect(self.stop_asked)
        row.addWidget(self.title)
        row.addWidget(self.left)
        row.addWidget(self.bar)
        row.addWidget(self.stop)

    def start(self, title: str) -> None:
        """A job begins."""
        self.title.setText(title)
        self._say("Starting")
        self.left.setText("")
        self.bar.setRange(0, 0)
        self.stop.setEnabled(True)
        self.stop.setText("Stop")
        self.show()

    def set_progress(self, done: int, total: int, what: str, seconds_left: float | None) -> None:
        """Show how far it is."""
        self.bar.setRange(0, max(total, 0) and 1000)
        self.bar.setValue(round(1000 * min(done / total, 1)) if total > 0 else 0)
        self._say(what)
        text = duration(seconds_left)
        self.left.setText(f"{text} left" if text else "")

    def _say(self, what: str) -> None:
        if self.what is None:
            from leigh_gui.widgets.common.elided_label import ElidedLabel

            self.what = ElidedLabel(kind="muted")
            self._row.insertWidget(1, self.what, 1)
        self.what.setText(what)

    def stopping(self) -> None:
        """The user pressed stop and the job is tidying up."""
        self.stop.setEnabled(False)
        self.stop.setText("Stopping…")
        self.stop.setToolTip(
            "The job is finishing its current step so that nothing is left half-written."
        )

    def finish(self) -> None:
        """Nothing runs."""
        self.hide()
