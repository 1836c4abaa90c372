"""What must be seen before training: what goes with the condition, roles, and what was decided."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from core.domain import Dataset, Role
from leigh_gui.pages.data.role_card import RoleCard, no_roles
from leigh_gui.readiness import with_condition
from leigh_gui.widgets.common.look import plain

LOCATE = "Locate images…"


class Notice(QFrame):
    """A sentence and a button."""

    def __init__(self, kind: str, button: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", kind)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 8, 6)
        self.words = plain("", wrap=True)
        self.button = QPushButton(button)
        row.addWidget(self.words, 1)
        row.addWidget(self.button)


class Notices(QWidget):
    """What is missing or doubtful in red, roles that are not known, and decisions to be changed."""

    locate_asked = Signal()
    problems_asked = Signal()
    role_chosen = Signal(str, Role)
    change_asked = Signal()
    no_role = Signal()  # no condition has the roles that are asked for

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self.gone = Notice("alarm", LOCATE)
        self.gone.setObjectName("gone-notice")
        self.gone.button.clicked.connect(self.locate_asked)
        self.red = Notice("alarm", "Show")
        self.red.setObjectName("red-notice")
        self.red.button.clicked.connect(self.problems_asked)
        self.decided = Notice("card", "Change…")
        self.decided.setObjectName("decided-notice")
        self.decided.button.clicked.connect(self.change_asked)
        self.roles = RoleCard()
        self.roles.chosen.connect(self.role_chosen)
        self.roles.dismissed.connect(self.no_role)
        for notice in (self.gone, self.red, self.decided, self.roles):
            column.addWidget(notice)

    def set_dataset(self, dataset: Dataset, gone: str = "") -> None:
        """Say what must be known about this data; `gone` says why its images are not read."""
        self.gone.setVisible(bool(gone))
        self.gone.words.setText(gone)
        red = with_condition(dataset)
        self.red.setVisible(bool(red))
        if red:
            more = f" And {len(red) - 1} more." if len(red) > 1 else ""
            self.red.words.setText(f"{red[0].sentence}{more}")
        questions = dataset.read_as.questions if dataset.read_as else ()
        self.decided.setVisible(bool(questions))
        said = (f"{q.text} It was read as: {q.default}." for q in questions)
        self.decided.words.setText(" ".join(said))
        self.roles.set_dataset(dataset)
        several = len(dataset.conditions) > 1
        asked = several and not set(no_roles(dataset)) <= set(dataset.known)
        self.roles.setVisible(asked)
        self.setVisible(bool(gone) or bool(red) or bool(questions) or asked)
