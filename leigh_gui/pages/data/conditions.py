"""One row per condition: whether it is used, its colour, name and role, and how much there is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QColorDialog,
    QComboBox,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionComboBox,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.domain import Condition, Dataset, ProposedRole, Role
from leigh_gui.readiness import far_fewer
from leigh_gui.widgets.common.look import swatch_icon, tip

Index = QModelIndex | QPersistentModelIndex
USE, COLOUR, NAME, ROLE, IMAGES, GROUPS = range(6)
TITLES = ("Use", "", "Condition", "Role", "Images", "Groups")
WIDTHS = {USE: 40, COLOUR: 36, ROLE: 164, IMAGES: 66, GROUPS: 66}
ROWS_IN_VIEW, ROW_HEIGHT = 10, 30  # more rows scroll inside
ROLE_WORDS = {
    Role.HEALTHY: "healthy (the goal)", Role.DISEASED: "diseased, untreated", Role.TREATED:
        "treated",
    Role.OTHER: "other",
}  # fmt: skip


class ConditionModel(QAbstractTableModel):
    """The conditions of the data; only the rows in view are drawn."""

    edited = Signal(int, Condition)
    use_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.conditions: tuple[Condition, ...] = ()
        self._proposed: dict[str, ProposedRole] = {}
        self._images: dict[str, int] = {}
        self._groups: dict[str, int] = {}
        self._few: dict[str, float] = {}
        self._unused: set[str] = set()

    def set_dataset(self, dataset: Dataset) -> None:
        """Show the conditions of this data; each one is used."""
        images = dataset.counts()
        pairs = {(record.condition, record.group) for record in dataset.records}
        groups = Counter(condition for condition, _ in pairs)
        proposed = dict(dataset.read_as.roles) if dataset.read_as is not None else {}
        names = [c.name for c in self.conditions]
        same = (names, images, proposed) == (
            list(dataset.condition_names), self._images, self._proposed,
        )  # fmt: skip
        self.beginResetModel()
        self.conditions, self._images, self._proposed = dataset.conditions, images, proposed
        self._groups = {name: groups[name] for name in dataset.condition_names}
        self._few = far_fewer(self._groups)
        if not same:
            self._unused.clear()
        self.endResetModel()

    def unused(self) -> tuple[str, ...]:
        """Names of the conditions that are not ticked."""
        return tuple(c.name for c in self.conditions if c.name in self._unused)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.conditions)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(TITLES):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return TITLES[section]
        return _side(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if index.column() == USE:
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == ROLE else flags

    def data(self, index: Index, role: int = 0) -> Any:
        condition, column = self.conditions[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(condition, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(self._words(condition, column))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(column)
        if role == Qt.ItemDataRole.EditRole and column == ROLE:
            return condition.role
        if role == Qt.ItemDataRole.CheckStateRole and column == USE:
            used = condition.name not in self._unused
            return Qt.CheckState.Checked if used else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.DecorationRole and column == COLOUR:
            return swatch_icon(condition.colour)
        return None

    def setData(self, index: Index, value: Any, role: int = 0) -> bool:
        condition = self.conditions[index.row()]
        if role == Qt.ItemDataRole.CheckStateRole and index.column() == USE:
            self._unused ^= {condition.name}
            self.dataChanged.emit(index, index)
            self.use_changed.emit()
            return True
        if role == Qt.ItemDataRole.EditRole and index.column() == ROLE:
            if value != condition.role:
                self.edited.emit(index.row(), replace(condition, role=Role(value)))
            return True
        return False

    def _text(self, condition: Condition, column: int) -> str:
        if column == NAME:
            dose = condition.dose_um
            return condition.name if dose is None else f"{condition.name} · {dose:g} µM"
        if column == ROLE:
            return ROLE_WORDS[condition.role]
        if column == IMAGES:
            return str(self._images[condition.name])
        if column == GROUPS:
            mark = "⚠ " if condition.name in self._few else ""
            return f"{mark}{self._groups[condition.name]}"
        return ""

    def _words(self, condition: Condition, column: int) -> str:
        if column == USE:
            return "Untick and press “Read again” to leave this condition out"
        if column == COLOUR:
            return f"Colour of {condition.name} everywhere in the program"
        if column == ROLE:
            return role_words(condition, self._proposed.get(condition.name))
        if column == GROUPS and condition.name in self._few:
            return few_words(self._groups[condition.name], self._few[condition.name])
        return self._text(condition, column)


class RoleDelegate(QStyledItemDelegate):
    """A role looks like a box to choose from, and is one while it is changed."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        box = QStyleOptionComboBox()
        box.rect = option.rect.adjusted(2, 2, -2, -2)
        box.palette = option.palette
        box.fontMetrics = option.fontMetrics
        box.state = QStyle.StateFlag.State_Enabled
        box.currentText = index.data(Qt.ItemDataRole.DisplayRole)
        style = QApplication.style()
        style.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, box, painter)
        style.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, box, painter)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        box = QComboBox(parent)
        for value, words in ROLE_WORDS.items():
            box.addItem(words, value)
        box.activated.connect(lambda _: self._done(box))
        QTimer.singleShot(0, box, box.showPopup)
        return box

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        assert isinstance(editor, QComboBox)
        editor.setCurrentIndex(editor.findData(index.data(Qt.ItemDataRole.EditRole)))

    def setModelData(self, editor: QWidget, model: Any, index: Index) -> None:
        assert isinstance(editor, QComboBox)
        model.setData(index, Role(editor.currentData()), Qt.ItemDataRole.EditRole)

    def _done(self, box: QComboBox) -> None:
        self.commitData.emit(box)
        self.closeEditor.emit(box)


class ConditionTable(QWidget):
    """The table, as tall as its rows up to ROWS_IN_VIEW."""

    edited = Signal(int, Condition)
    use_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = ConditionModel(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.table = QTableView()
        self.table.setObjectName("conditions")
        self.table.setModel(self.model)
        self._build()
        column.addWidget(self.table)
        self.model.edited.connect(self.edited)
        self.model.use_changed.connect(self.use_changed)
        self.table.clicked.connect(self._on_click)
        self.table.activated.connect(self._on_click)

    def _build(self) -> None:
        table = self.table
        table.setItemDelegateForColumn(ROLE, RoleDelegate(table))
        table.setShowGrid(False)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = table.horizontalHeader()
        header.setSectionsClickable(False)
        header.setMinimumSectionSize(32)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        for section, width in WIDTHS.items():
            header.resizeSection(section, width)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)

    def set_dataset(self, dataset: Dataset) -> None:
        """Show the conditions of this data."""
        self.model.set_dataset(dataset)
        rows = min(max(len(dataset.conditions), 1), ROWS_IN_VIEW)
        self.setFixedHeight(
            rows * ROW_HEIGHT + self.table.horizontalHeader().sizeHint().height() + 4
        )

    def unused(self) -> tuple[str, ...]:
        """Names of the conditions that are not ticked."""
        return self.model.unused()

    def set_used(self, row: int, used: bool) -> None:
        """Tick a condition, or take the tick away."""
        state = Qt.CheckState.Checked if used else Qt.CheckState.Unchecked
        self.model.setData(self.model.index(row, USE), state, Qt.ItemDataRole.CheckStateRole)

    def set_role(self, row: int, role: Role) -> None:
        """Choose the role of a condition."""
        self.model.setData(self.model.index(row, ROLE), role, Qt.ItemDataRole.EditRole)

    def _on_click(self, index: QModelIndex) -> None:
        if index.column() == ROLE:
            self.table.edit(index)
        elif index.column() == COLOUR:
            condition = self.model.conditions[index.row()]
            chosen = QColorDialog.getColor(
                QColor(condition.colour), self, "Colour of the condition"
            )
            if chosen.isValid():
                self.edited.emit(index.row(), replace(condition, colour=chosen.name().upper()))


def _side(column: int) -> Qt.AlignmentFlag:
    right = column in (IMAGES, GROUPS)
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


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
