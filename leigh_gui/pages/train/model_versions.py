"""The models that a project has: one for each training. Any of them can be used again."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QMessageBox, QWidget

from core.domain import ModelCard, headline
from leigh_gui.widgets.common.look import percent, tip

CHOOSE = "The models of this project. Choose one to use it again, with its latents and its map."
KEPT = (
    "A new model is trained and used. The model that you have now, {name}, is kept with its latents"
    " and its map. Choose it again in the list above the model card."
)


class ModelVersions(QComboBox):
    """One row per model, the one in use on show; hidden where there is only one."""

    chosen = Signal(str)  # name of another model

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("train-models")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._used = ""
        self.activated.connect(self._on_activated)

    def offer(self, cards: Sequence[ModelCard], used: str) -> None:
        """Offer these models; `used` is the name of the one in use."""
        self._used = used
        self.clear()
        for card in cards:
            self.addItem(version_words(card, used), card.name)
            self.setItemData(self.count() - 1, card.name, Qt.ItemDataRole.ToolTipRole)
        self._show_used()
        self.setVisible(len(cards) > 1)

    def set_why_not(self, why: str) -> None:
        """Why no other model can be chosen now; "" when it can."""
        self.setEnabled(not why)
        self.setToolTip(tip(why or CHOOSE))

    def _show_used(self) -> None:
        self.setCurrentIndex(self.findData(self._used))

    def _on_activated(self, row: int) -> None:
        name = str(self.itemData(row))
        self._show_used()  # until the other model is there
        if name != self._used:
            self.chosen.emit(name)


def version_words(card: ModelCard, used: str) -> str:
    """'iresnet-2 · quick · 98.2 % · 2026-11-30 · in use'."""
    main = headline(card.accuracy)
    parts = (
        card.name,
        card.preset,
        f"{main.name} {percent(main.value, 1)}" if main is not None else "accuracy not measured",
        str(card.training.get("ended", ""))[:10],
        "in use" if card.name == used else "",
    )
    return " · ".join(part for part in parts if part)


def confirm_training(parent: QWidget, name: str) -> bool:
    """Whether a second model is trained, while the first one stays."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, "Train again", "Train again?", parent=parent)
    box.setInformativeText(tip(KEPT.format(name=name)))
    train = box.addButton("Train again", QMessageBox.ButtonRole.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    return box.clickedButton() is train
