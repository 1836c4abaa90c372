"""What goes together with the condition is said once more before training."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QVBoxLayout, QWidget

from core.domain import Dataset
from leigh_gui.readiness import must_be_known, with_condition
from leigh_gui.widgets.common.look import plain, tip

TICK_FIRST = "Read the red line above, then tick “I know”."


class TrainWarning(QFrame):
    """One line, and a tick without which nothing is trained.

    The project remembers the tick as long as the finding is the same.
    """

    accepted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("train-warning")
        self.setProperty("kind", "alarm")
        self._why = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 6)
        self.words = plain("", wrap=True)
        self.know = QCheckBox("I know; train anyway")
        self.know.setObjectName("train-anyway")
        self.know.clicked.connect(self.accepted)
        column.addWidget(self.words)
        column.addWidget(self.know)
        self.hide()

    def set_dataset(self, dataset: Dataset | None) -> None:
        """Say what goes together with the condition in this data."""
        reasons = "; ".join(p.reason for p in with_condition(dataset)) if dataset else ""
        self.words.setText(f"The network may learn this instead of the cells: {reasons}.")
        self.words.setToolTip(tip("The Data page lists what to do."))
        known = dataset is not None and set(must_be_known(dataset)) <= set(dataset.known)
        self.know.setChecked(bool(reasons) and known)
        self._why = TICK_FIRST if reasons and not known else ""
        self.setVisible(bool(reasons))

    def why(self) -> str:
        """Why nothing is trained yet; empty where nothing is wrong, or it was ticked."""
        return self._why
