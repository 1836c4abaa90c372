"""How long to train, and from which conditions."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.domain import Dataset, Role
from core.training.presets import PRESETS
from leigh_gui.widgets.common.look import plain

CONTROLS = (
    "Rescue is then measured by the network; images of treatments cannot be moved or explained."
)
NO_CONTROLS = (
    "This needs a healthy condition, a diseased condition and treatments (roles: Data page)."
)


class TrainChoices(QWidget):
    """A card for each preset, and a tick for the controls only."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.presets: dict[str, QPushButton] = {}
        self._controls: tuple[str, ...] = ()
        self._build()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        cards = QHBoxLayout()
        cards.setSpacing(12)
        self._group = QButtonGroup(self)
        for preset in PRESETS.values():
            cards.addWidget(self._build_card(preset.name, preset.what, preset.cost), 1)
        self.presets["quick"].setChecked(True)
        column.addLayout(cards)
        self.controls_only = QCheckBox(
            "Learn from the controls only, to screen treatments that it never saw"
        )
        self.controls_only.setObjectName("train-controls-only")
        column.addWidget(self.controls_only)

    def _build_card(self, name: str, what: str, cost: str) -> QPushButton:
        title = name.capitalize()
        button = QPushButton()
        button.setObjectName(f"preset-{name}")
        button.setCheckable(True)
        button.setProperty("kind", "choice")
        button.setAccessibleName(f"{title}: {what}, {cost}")
        button.setMinimumHeight(104)
        inner = QVBoxLayout(button)
        inner.setContentsMargins(16, 12, 16, 12)
        inner.setSpacing(2)
        for text, kind in ((title, "strong"), (what, ""), (cost, "small")):
            label = plain(text, kind, wrap=True)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            inner.addWidget(label)
        inner.addStretch(1)
        self._group.addButton(button)
        self.presets[name] = button
        return button

    def set_dataset(self, dataset: Dataset | None) -> None:
        """Offer the controls of this data, where there are other conditions, too."""
        self._controls = controls_of(dataset)
        self.controls_only.setEnabled(bool(self._controls))
        self.controls_only.setToolTip(CONTROLS if self._controls else NO_CONTROLS)

    def preset(self) -> str:
        """The chosen preset."""
        return next(name for name, button in self.presets.items() if button.isChecked())

    def conditions(self) -> tuple[str, ...]:
        """Those to learn from; (): all."""
        return self._controls if self.controls_only.isChecked() else ()


def controls_of(dataset: Dataset | None) -> tuple[str, ...]:
    """The healthy and diseased conditions, where there are both, and other ones too."""
    conditions = dataset.conditions if dataset else ()
    controls = [c for c in conditions if c.role in (Role.HEALTHY, Role.DISEASED)]
    both = {c.role for c in controls} == {Role.HEALTHY, Role.DISEASED}
    return tuple(c.name for c in controls) if both and len(controls) < len(conditions) else ()
