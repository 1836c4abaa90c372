"""Legend: every condition with its colour and count; untick to grey it out on the map."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QWidget
from superqt import QFlowLayout

from core.domain import Condition
from leigh_gui.widgets.common.look import clear_layout, swatch_icon, tip


class Legend(QWidget):
    """One tick per condition."""

    hidden_changed = Signal(object)  # frozenset of names

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ticks: dict[str, QCheckBox] = {}
        self._flow = QFlowLayout(self)
        self._flow.setContentsMargins(0, 0, 0, 0)
        self._flow.setHorizontalSpacing(12)
        self._flow.setVerticalSpacing(2)

    def set_conditions(
        self,
        conditions: Sequence[Condition],
        counts: dict[str, int],
        shapes: Sequence[int],
        hidden: frozenset[str] = frozenset(),
    ) -> None:
        """Show these conditions, ticked but for those that are `hidden`."""
        clear_layout(self._flow)
        self.ticks = {}
        for condition, shape in zip(conditions, shapes, strict=True):
            tick = QCheckBox(
                f"{condition.name}  {counts.get(condition.name, 0)}".replace("&", "&&")
            )
            tick.setIcon(swatch_icon(condition.colour, shape))
            tick.setChecked(condition.name not in hidden)
            tick.setToolTip(tip(f"Show {condition.name} in colour; without the tick it turns grey"))
            tick.toggled.connect(self._on_toggled)
            self.ticks[condition.name] = tick
            self._flow.addWidget(tick)
        self.updateGeometry()

    def hidden(self) -> frozenset[str]:
        """Names of the conditions that are greyed out."""
        return frozenset(name for name, tick in self.ticks.items() if not tick.isChecked())

    def _on_toggled(self) -> None:
        self.hidden_changed.emit(self.hidden())
