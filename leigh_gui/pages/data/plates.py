"""Every plate of the data: choose one, or go to the previous and next one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from core.domain import Condition, Dataset, ImageRecord
from leigh_gui.widgets.common.look import count, plain, plate_arrows
from leigh_gui.widgets.image.plate_view import PlateView, spots


class PlateTab(QWidget):
    """The chooser above the wells of one plate."""

    turned = Signal()  # another plate is on show

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._records: dict[str, list[ImageRecord]] = {}
        self._conditions: Sequence[Condition] = ()
        self._shape: tuple[int, int] | None = None
        self._build()
        self.choice.currentIndexChanged.connect(self._show)
        self.before.clicked.connect(lambda: self._turn(-1))
        self.after.clicked.connect(lambda: self._turn(1))

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(8)
        row = QHBoxLayout()
        row.setSpacing(6)
        self.choice = QComboBox()
        self.choice.setObjectName("data-plate")
        self.choice.setToolTip("Which plate is shown")
        self.choice.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.choice.setMinimumContentsLength(14)
        self.before, self.after = plate_arrows()
        self.words = plain("", "muted")
        for widget in (self.before, self.choice, self.after):
            row.addWidget(widget)
        row.addWidget(self.words, 1)
        column.addLayout(row)
        self.view = PlateView()
        column.addWidget(self.view, 1)

    def set_dataset(self, dataset: Dataset) -> None:
        """Show the plates of this data; the plate on show stays, if it is still there."""
        shown = self.choice.currentData()
        self._records = {}
        for record in dataset.records:
            self._records.setdefault(record.plate, []).append(record)
        self._conditions, self._shape = dataset.conditions, dataset.plate_shape
        self.choice.blockSignals(True)
        self.choice.clear()
        for name in self._records:
            self.choice.addItem(name or "the plate", name)
        self.choice.setCurrentIndex(max(self.choice.findData(shown), 0))
        self.choice.blockSignals(False)
        for widget in (self.choice, self.before, self.after):
            widget.setVisible(len(self._records) > 1)
        self._show()

    def plates(self) -> tuple[str, ...]:
        """Names of all plates, in the order of the chooser."""
        return tuple(self._records)

    def _turn(self, step: int) -> None:
        self.choice.setCurrentIndex(self.choice.currentIndex() + step)

    def _show(self) -> None:
        index, name = self.choice.currentIndex(), self.choice.currentData()
        records = self._records.get(name, [])
        self.view.set_plate(records, self._conditions, self._shape)
        self.before.setEnabled(index > 0)
        self.after.setEnabled(index + 1 < self.choice.count())
        wells = spots(records, self._conditions)
        double = sum(len(spot.colours) > 1 for spot in wells)
        words = [f"plate {index + 1} of {len(self._records)}"] if len(self._records) > 1 else []
        words += [count(len(wells), "well"), count(len(records), "image")]
        words += [f"{count(double, 'well')} in two conditions"] if double else []
        self.words.setText(", ".join(words) if wells else "")
        self.turned.emit()
