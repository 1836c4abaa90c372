"""The tables of the Data page: conditions with their roles, channels with their colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QComboBox,
    QGridLayout,
    QLineEdit,
    QToolButton,
    QWidget,
)

from core.domain import Channel, Condition, Dataset, ProposedRole, Role
from leigh_gui.readiness import far_fewer
from leigh_gui.widgets.common.elided_label import ElidedLabel
from leigh_gui.widgets.common.look import clear_layout, plain, swatch_icon, tip

ROWS_AT_ONCE = 24  # more rows are made a few at a time, so that the window answers
ROLE_WORDS = {
    Role.HEALTHY: "healthy (the goal)", Role.DISEASED: "diseased, untreated", Role.TREATED:
        "treated",
    Role.OTHER: "other",
}  # fmt: skip


class _Grid(QWidget):
    """A grid of widgets that can be filled again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.grid = QGridLayout(self)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setHorizontalSpacing(12)
        self.grid.setVerticalSpacing(4)

    def clear(self) -> None:
        """Remove everything."""
        clear_layout(self.grid)

    def head(self, words: Sequence[str]) -> None:
        """Column titles."""
        for column, word in enumerate(words):
            self.grid.addWidget(plain(word, "small"), 0, column)


class ConditionTable(_Grid):
    """One row per condition."""

    edited = Signal(int, Condition)
    use_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.roles: list[QComboBox] = []
        self.uses: list[QCheckBox] = []
        self._conditions: tuple[Condition, ...] = ()
        self._shown: object = None
        self._waiting: list[Callable[[], None]] = []
        self._more = QTimer(self, singleShot=True, interval=0)
        self._more.timeout.connect(self._add_rows)

    def set_dataset(self, dataset: Dataset) -> None:
        """Show the conditions of this data."""
        counts = dataset.counts()
        wells = {
            c.name: len({r.group for r in dataset.records if r.condition == c.name})
            for c in dataset.conditions
        }
        self._conditions = dataset.conditions
        read_as = dataset.read_as
        proposed = read_as.roles if read_as is not None else {}
        shown = (dataset.conditions, counts, wells, proposed)
        if shown == self._shown:
            return
        self._shown = shown
        self.clear()
        self.roles, self.uses = [], []
        self.head(("Use", "", "Condition", "Role", "Images", "Groups"))
        few = far_fewer(wells)
        self._waiting = [
            partial(
                self._add, row, c, (counts[c.name], wells[c.name]),
                role_words(c, proposed.get(c.name)), few.get(c.name),
            )
            for row, c in enumerate(dataset.conditions)
        ]  # fmt: skip
        self.grid.setColumnStretch(2, 1)
        self._add_rows()

    def _add_rows(self) -> None:
        """Make the next rows."""
        now, self._waiting = self._waiting[:ROWS_AT_ONCE], self._waiting[ROWS_AT_ONCE:]
        for add in now:
            add()
        if self._waiting:
            self._more.start()

    def unused(self) -> tuple[str, ...]:
        """Names of the conditions that are not ticked."""
        return tuple(
            c.name
            for c, use in zip(self._conditions, self.uses, strict=False)
            if not use.isChecked()
        )

    def _add(
        self,
        row: int,
        condition: Condition,
        numbers: tuple[int, int],
        why: str,
        others: float | None,
    ) -> None:
        """One row; `numbers` are images and groups, `others` the usual groups if these are few."""
        images, groups = numbers
        use = QCheckBox()
        use.setChecked(True)
        use.setToolTip("Untick and press “Read again” to leave this condition out")
        use.toggled.connect(self.use_changed)
        colour = _colour_button(
            condition.colour, f"Colour of {condition.name} everywhere in the program"
        )
        colour.clicked.connect(lambda _=False, i=row: self._on_colour(i))
        role = QComboBox()
        role.setObjectName(f"role-{condition.name}")
        for value, words in ROLE_WORDS.items():
            role.addItem(words, value)
        role.setCurrentIndex(list(ROLE_WORDS).index(condition.role))
        role.setToolTip(tip(why))
        role.activated.connect(lambda _=0, i=row: self._on_role(i))
        image_count = plain(str(images))
        group_count = plain(str(groups) if others is None else f"⚠ {groups}")
        if others is not None:
            group_count.setToolTip(tip(few_words(groups, others)))
        for label in (image_count, group_count):
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        name = ElidedLabel(
            condition.name
            if condition.dose_um is None
            else f"{condition.name} · {condition.dose_um:g} µM"
        )
        name.setToolTip(tip(condition.name))
        for column, widget in enumerate((use, colour, name, role, image_count, group_count)):
            self.grid.addWidget(widget, row + 1, column)
        self.roles.append(role)
        self.uses.append(use)

    def _on_role(self, index: int) -> None:
        role = Role(self.roles[index].currentData())
        if role != self._conditions[index].role:
            self.edited.emit(index, replace(self._conditions[index], role=role))

    def _on_colour(self, index: int) -> None:
        chosen = QColorDialog.getColor(
            QColor(self._conditions[index].colour), self, "Colour of the condition"
        )
        if chosen.isValid():
            self.edited.emit(index, replace(self._conditions[index], colour=chosen.name().upper()))


class ChannelTable(_Grid):
    """One row per channel."""

    edited = Signal(int, Channel)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.names: list[QLineEdit] = []
        self._channels: tuple[Channel, ...] = ()

    def set_channels(self, channels: Sequence[Channel]) -> None:
        """Show these channels."""
        if tuple(channels) == self._channels:
            return
        self._channels = tuple(channels)
        self.clear()
        self.names = []
        for row, channel in enumerate(channels):
            colour = _colour_button(channel.colour, f"Screen colour of {channel.name}")
            colour.clicked.connect(lambda _=False, i=row: self._on_colour(i))
            name = QLineEdit(channel.name)
            name.setPlaceholderText("Name of the stain")
            name.editingFinished.connect(lambda i=row: self._on_name(i))
            self.grid.addWidget(colour, row, 0)
            self.grid.addWidget(name, row, 1)
            self.names.append(name)
        self.grid.setColumnStretch(1, 1)

    def _on_name(self, index: int) -> None:
        name = self.names[index].text().strip()
        if name and name != self._channels[index].name:
            self.edited.emit(index, replace(self._channels[index], name=name))

    def _on_colour(self, index: int) -> None:
        chosen = QColorDialog.getColor(
            QColor(self._channels[index].colour), self, "Colour of the channel"
        )
        if chosen.isValid():
            self.edited.emit(index, replace(self._channels[index], colour=chosen.name().upper()))


def role_words(condition: Condition, proposed: ProposedRole | None) -> str:
    """Where a role comes from."""
    if proposed is None:
        return f"{condition.name} is {condition.role}"
    if proposed.role != condition.role:
        return f"Chosen by you. Proposed was {proposed.role}: {proposed.why}."
    return f"Proposed: {proposed.why}."


def few_words(groups: int, others: float) -> str:
    """What follows from few groups."""
    return (
        f"{groups} here, about {others:g} in the other conditions. The network may neglect this"
        " condition, and its accuracy is measured on few wells. Add wells or cultures."
    )


def _colour_button(colour: str, words: str) -> QToolButton:
    button = QToolButton()
    button.setProperty("kind", "flat")
    button.setIcon(swatch_icon(colour))
    button.setToolTip(tip(words))
    return button
