"""Check the explanation with a simulated perturbation: a known change that must be found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.training.presets import PRESETS
from leigh_gui.widgets.common.look import percent, plain
from leigh_gui.widgets.common.number_box import NumberBox

WHAT = (
    "One stain is made weaker or stronger in copies of your images, and a second model is trained"
    " on them. Its counterfactuals must find this change, as large as it is, and nothing else. Your"
    " images and your model stay as they are."
)
CHOICES = ("quick", "standard")
SMALLEST, LARGEST, USUAL = 0.1, 3.0, 0.7


@dataclass(frozen=True)
class Perturbation:
    """A known change: the signal of one stain times a factor, and how long to train on it."""

    channel: str
    factor: float
    preset: str


class CheckDialog(QDialog):
    """Asks for the stain, the factor and the preset."""

    def __init__(self, channels: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Check the explanation")
        self._build(channels)
        self._connect()
        self._on_changed()

    def _build(self, channels: Sequence[str]) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(16)
        what = plain(WHAT, wrap=True)
        what.setMinimumWidth(420)
        column.addWidget(what)
        self.channel, self.factor, self.preset = QComboBox(), NumberBox(), QComboBox()
        self.channel.addItems(list(channels))
        self.factor.setMinimumHeight(self.channel.sizeHint().height())
        self.factor.setRange(SMALLEST, LARGEST)
        self.factor.setSingleStep(0.1)
        self.factor.setValue(USUAL)
        self.factor.setToolTip(
            "0.7 leaves 70 % of the signal above the background; above 1 the stain gets stronger."
        )
        for name in CHOICES:
            self.preset.addItem(f"{name.capitalize()}: {PRESETS[name].cost}", name)
        form = QFormLayout()
        form.setSpacing(8)
        form.addRow("Stain", self.channel)
        form.addRow("Signal times", self.factor)
        form.addRow("Training", self.preset)
        column.addLayout(form)
        self.buttons = QDialogButtonBox()
        self.check = QPushButton("Check")
        self.check.setProperty("kind", "primary")
        self.buttons.addButton(self.check, QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.addButton(QPushButton("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        column.addWidget(self.buttons)

    def _connect(self) -> None:
        self.factor.valueChanged.connect(self._on_changed)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def perturbation(self) -> Perturbation:
        """What was chosen."""
        return Perturbation(
            self.channel.currentText(),
            round(self.factor.value(), 2),
            str(self.preset.currentData()),
        )

    def _on_changed(self) -> None:
        nothing = self.perturbation().factor == 1
        self.check.setEnabled(not nothing)
        self.check.setToolTip(
            "A factor of 1 changes nothing." if nothing else "Change, train and compare"
        )


def check_words(result: dict[str, Any]) -> str:
    """What was found of the perturbation in both directions, and how accurate the model is."""
    lines = [_found(row) for row in result["planted"]]
    accuracy, low = result.get("accuracy"), result.get("accuracy_low")
    if accuracy is not None and low is not None:
        blind = low <= 1 / 2  # two conditions: original and perturbed
        end = ": too few, so it cannot show the perturbation. Train longer." if blind else "."
        lines.append(
            f"The second model names {percent(float(accuracy))} of the held-out images right{end}"
        )
    lines.append(f"Median over images, quartiles in brackets. All of it is in {result['out']}")
    return "\n".join(lines)


def _found(row: dict[str, Any]) -> str:
    """'Mitochondria x0.7: 83 % of the change found (76 – 91 %) in 8 of 8 images'."""
    start = f"{row['plant']}{'' if row['way'] == 'there' else ', taken back'}"
    if not row["valid"]:
        return f"{start}: none of {row['images']} images could be moved."
    share, low, high = (
        row[k] * 100 for k in ("effectiveness", "effectiveness_low", "effectiveness_high")
    )
    where = (
        f"in {row['valid']} of {row['images']} images, {percent(row['off_channel'])} in other"
        " stains."
    )
    return f"{start}: {share:.0f} % of the change found ({low:.0f} – {high:.0f} %) {where}"
