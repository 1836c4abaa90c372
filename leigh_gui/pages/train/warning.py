"""What goes together with the condition is said once more before training."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QVBoxLayout, QWidget

from core.domain import Dataset
from leigh_gui.readiness import with_condition
from leigh_gui.widgets.common.look import plain, tip

TICK_FIRST = "Read the red line above, then tick “I know”."


class TrainWarning(QFrame):
    """One line, and a tick without which nothing is trained; other images ask again."""

    accepted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("train-warning")
        self.setProperty("kind", "alarm")
        self._reasons: tuple[str, ...] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 6)
        self.words = plain("", wrap=True)
        self.know = QCheckBox("I know; train anyway")
        self.know.setObjectName("train-anyway")
        self.know.toggled.connect(self.accepted)
        column.addWidget(self.words)
        column.addWidget(self.know)
        self.hide()

    def set_dataset(self, dataset: Dataset | None) -> None:
        """Say what goes together with the condition in this data."""
        reasons = tuple(p.reason for p in with_condition(dataset)) if dataset else ()
        if reasons != self._reasons:
            self._reasons = reasons
            self.know.setChecked(False)
            self.words.setText(
                f"The network may learn this instead of the cells: {'; '.join(reasons)}."
            )
            self.words.setToolTip(tip("The Data page lists what to do."))
        self.setVisible(bool(reasons))

    def why(self) -> str:
        """Why nothing is trained yet; empty where nothing is wrong, or it was ticked."""
        return TICK_FIRST if self._reasons and not self.know.isChecked() else ""
