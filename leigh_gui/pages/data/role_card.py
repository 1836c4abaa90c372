"""Which condition is healthy and which is the untreated disease: asked where no name says so."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout

from core.domain import Condition, Dataset, Role
from leigh_gui.widgets.common.look import clear_layout, plain, swatch_icon, tip

ASKED = {
    Role.HEALTHY: "Which condition is healthy (the goal)?",
    Role.DISEASED: "Which condition is the untreated disease?",
}
SINGLE = 12  # more conditions are a list to choose from
WHY = "Ranking treatments needs both. Networks can be trained without."


def unknown_roles(dataset: Dataset) -> list[Role]:
    """Healthy and diseased, as far as no condition has this role."""
    known = {condition.role for condition in dataset.conditions}
    return [role for role in ASKED if role not in known]


def no_roles(dataset: Dataset) -> tuple[str, ...]:
    """The answer "There is none", in the words under which the project remembers it."""
    names = ", ".join(dataset.condition_names)
    return tuple(f"none is {role}: {names}" for role in unknown_roles(dataset))


class RoleCard(QFrame):
    """One row per question: a button for each condition, answered by a click."""

    chosen = Signal(str, Role)  # condition, its role
    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("role-card")
        self.setProperty("kind", "card")
        self.buttons: dict[tuple[Role, str], QPushButton] = {}
        self._shown: object = None
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 8, 6)
        row.setSpacing(12)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(4)
        self.none = QToolButton()
        self.none.setText("There is none")
        self.none.setToolTip(WHY)
        self.none.clicked.connect(self.dismissed)
        row.addLayout(self._rows, 1)
        row.addWidget(self.none)

    def set_dataset(self, dataset: Dataset) -> None:
        """Ask what is not known about these conditions."""
        roles = unknown_roles(dataset)
        free = [c for c in dataset.conditions if c.role not in ASKED]
        if (roles, free) == self._shown:
            return
        self._shown = (roles, free)
        clear_layout(self._rows)
        self.buttons.clear()
        for role in roles:
            self._rows.addWidget(self._question(role, free))

    def _question(self, role: Role, conditions: list[Condition]) -> QWidget:
        holder = QWidget()
        row = QFlowLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        words = plain(ASKED[role], "strong")
        words.setMinimumHeight(self.none.sizeHint().height())
        row.addWidget(words)
        if len(conditions) > SINGLE:
            row.addWidget(self._list(role, conditions))
            return holder
        for condition in conditions:
            button = QPushButton(condition.name.replace("&", "&&"))
            button.setIcon(swatch_icon(condition.colour))
            button.setToolTip(tip(f"{condition.name} is {role}"))
            button.clicked.connect(
                lambda _=False, name=condition.name: self.chosen.emit(name, role)
            )
            self.buttons[role, condition.name] = button
            row.addWidget(button)
        return holder

    def _list(self, role: Role, conditions: list[Condition]) -> QComboBox:
        box = QComboBox()
        box.setObjectName(f"ask-{role}")
        box.addItem("Choose…", "")
        for condition in conditions:
            box.addItem(condition.name, condition.name)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(20)
        box.activated.connect(
            lambda index: self.chosen.emit(box.itemData(index), role) if index > 0 else None
        )
        return box
