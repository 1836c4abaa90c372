"""Which map is on show: all conditions, or the ternary plane of any three."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QVBoxLayout,
    QWidget,
)

from core.domain import Condition
from core.latent_map.ternary_choices import first_planes
from leigh_gui.widgets.common.look import plain

Names = tuple[str, ...]
PLACES = ("Left", "Right", "Above")


class MapChoice(QComboBox):
    """Offers the map of all conditions, ternary planes, and a dialog for any other plane."""

    chosen = Signal(object)  # names of the three, () for all

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTip(
            "All conditions, or the ternary plane of three: boundaries are straight there, "
            "and distances are in standard deviations within a condition."
        )
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._names: Names = ()
        self._shown: Names = ()
        self.activated.connect(self._on_activated)

    def offer(self, conditions: Sequence[Condition], fitted: bool) -> None:
        """Offer the maps of these conditions; the map of all conditions if it is `fitted`."""
        self._names, self._shown = tuple(c.name for c in conditions), ()
        self.clear()
        if fitted:
            self.addItem("All conditions (UMAP)", ())
        for names in first_planes(conditions):
            self._add(names)
        if len(self._names) > 3:
            self.addItem("Ternary plane of three others…", None)
        self.setVisible(len(self._names) > 2)

    def show_choice(self, names: Names) -> None:
        """Make the box say what is on show."""
        self._shown = names
        if names not in self._offered():
            self._add(names)
        self.setCurrentIndex(self._offered().index(names))

    def _add(self, names: Names) -> None:
        row = (
            self.count() - 1
            if self.count() and self.itemData(self.count() - 1) is None
            else self.count()
        )
        self.insertItem(row, f"Ternary plane of {', '.join(names)}", names)

    def _offered(self) -> list[Names | None]:
        """What the rows stand for; Qt itself finds tuples by identity only."""
        found = [self.itemData(row) for row in range(self.count())]
        return [None if names is None else tuple(names) for names in found]

    def _on_activated(self, row: int) -> None:
        before, names = self._shown, self._offered()[row]
        if names is None:
            dialog = PlaneDialog(self._names, self._shown, self)
            names = dialog.names() if dialog.exec() == QDialog.DialogCode.Accepted else self._shown
            self.show_choice(names)
        if names != before:
            self.chosen.emit(names)


class PlaneDialog(QDialog):
    """Asks for three different conditions."""

    def __init__(
        self, names: Sequence[str], start: Names = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Ternary plane of three conditions")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(16)
        form = QFormLayout()
        form.setSpacing(8)
        self.boxes = [QComboBox() for _ in PLACES]
        for place, box, name in zip(PLACES, self.boxes, start or names, strict=False):
            box.addItems(list(names))
            box.setCurrentText(name)
            box.currentIndexChanged.connect(self._on_changed)
            form.addRow(place, box)
        self.hint = plain("Choose three different conditions.", "muted")
        buttons = QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        self.buttons = QDialogButtonBox(buttons)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column.addLayout(form)
        column.addWidget(self.hint)
        column.addWidget(self.buttons)
        self._on_changed()

    def names(self) -> Names:
        """The three, as they are chosen."""
        return tuple(box.currentText() for box in self.boxes)

    def _on_changed(self) -> None:
        different = len(set(self.names())) == len(PLACES)
        self.hint.setVisible(not different)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(different)
