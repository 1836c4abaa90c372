"""Hold still: which stains a counterfactual must leave as they are; the program chooses, or the
user does.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

TIP = (
    "Held stains are context and do not change. Automatic holds the stains in which no readout"
    " tells the two conditions apart. Holding assumes that the treatment does not change that"
    " stain."
)
LAST = "At least one stain must stay free to change."
LONGEST = 12  # characters of a stain's name on the button


class HoldButton(QToolButton):
    """A button with a menu: automatic, then one tick per stain.

    Ticks follow what is held at the moment.
    """

    changed = Signal(object)  # tuple of channel names, or None for automatic

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("hold")
        self.setToolTip(TIP)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.channels: dict[str, QAction] = {}
        self._choices = QMenu(self)
        self._choices.setToolTipsVisible(True)
        self.automatic = self._choices.addAction("Automatic")
        self.automatic.setCheckable(True)
        self.automatic.setToolTip(
            "Hold the stains in which no readout tells the two conditions apart."
        )
        self.automatic.triggered.connect(self._on_automatic)
        self._choices.addSeparator()
        self.setMenu(self._choices)
        self.set_hold(None, ())

    def set_channels(self, names: Sequence[str]) -> None:
        """Show these stains; emits nothing."""
        if list(self.channels) == list(names):
            return
        for action in self.channels.values():
            self._choices.removeAction(action)
            action.deleteLater()
        self.channels = {}
        for name in names:
            action = self._choices.addAction(name.replace("&", "&&"))
            action.setCheckable(True)
            action.triggered.connect(self._on_ticked)
            self.channels[name] = action
        self.set_hold(None, ())

    def set_hold(self, hold: tuple[str, ...] | None, held: Sequence[str]) -> None:
        """Show the choice (None: automatic) and what is `held` at the moment; emits nothing."""
        now = held if hold is None else hold
        free = [name for name in self.channels if name not in now]
        self.automatic.setChecked(hold is None)
        for name, action in self.channels.items():
            action.setChecked(name in now)
            action.setEnabled(free != [name])
            action.setToolTip(
                LAST
                if free == [name]
                else f"Leave {name} as it is"
                if name in free
                else f"Free {name}"
            )
        self.setText(f"Hold still: {_words(hold)} ▾")

    def _on_automatic(self) -> None:
        self.automatic.setChecked(True)  # asked for again, it stays
        self.changed.emit(None)

    def _on_ticked(self) -> None:
        self.changed.emit(
            tuple(name for name, action in self.channels.items() if action.isChecked())
        )


def _words(hold: tuple[str, ...] | None) -> str:
    if not hold:
        return "automatic" if hold is None else "nothing"
    if len(hold) > 1:
        return f"{len(hold)} stains"
    return (hold[0] if len(hold[0]) <= LONGEST else hold[0][: LONGEST - 1] + "…").replace("&", "&&")
