"""Which channels a counterfactual must leave as they are: the program chooses, or the user."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from leigh_gui.widgets.common.look import tip

TIP = (
    "Locked channels are context and do not change. Automatic locks the channels whose features do"
    " not differ between the two conditions. Locking assumes that the treatment does not change"
    " that channel."
)
LAST = "At least one channel must stay free to change."
LONGEST = 12  # characters of a channel's name on the button


class LockButton(QToolButton):
    """A button with a menu: automatic, then one tick per channel.

    Ticks follow what is locked at the moment.
    """

    changed = Signal(object)  # tuple of channel names, or None for automatic

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lock")
        self.setToolTip(TIP)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.channels: dict[str, QAction] = {}
        self._choices = QMenu(self)
        self._choices.setToolTipsVisible(True)
        self.automatic = self._choices.addAction("Automatic")
        self.automatic.setCheckable(True)
        self.automatic.setToolTip(
            "Lock the channels whose features do not differ between the two conditions."
        )
        self.automatic.triggered.connect(self._on_automatic)
        self._choices.addSeparator()
        self.setMenu(self._choices)
        self.set_locked(None, ())

    def set_channels(self, names: Sequence[str]) -> None:
        """Show these channels; emits nothing."""
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
        self.set_locked(None, ())

    def set_locked(self, chosen: tuple[str, ...] | None, locked: Sequence[str]) -> None:
        """Show the choice (None: automatic) and what is `locked` at the moment; emits nothing."""
        now = locked if chosen is None else chosen
        free = [name for name in self.channels if name not in now]
        self.automatic.setChecked(chosen is None)
        for name, action in self.channels.items():
            action.setChecked(name in now)
            action.setEnabled(free != [name])
            action.setToolTip(
                tip(
                    LAST
                    if free == [name]
                    else f"Leave {name} as it is"
                    if name in free
                    else f"Free {name}"
                )
            )
        self.setText(f"Lock: {_words(chosen)} ▾")

    def _on_automatic(self) -> None:
        self.automatic.setChecked(True)  # asked for again, it stays
        self.changed.emit(None)

    def _on_ticked(self) -> None:
        self.changed.emit(
            tuple(name for name, action in self.channels.items() if action.isChecked())
        )


def _words(chosen: tuple[str, ...] | None) -> str:
    if not chosen:
        return "automatic" if chosen is None else "nothing"
    if len(chosen) > 1:
        return f"{len(chosen)} channels"
    return (chosen[0] if len(chosen[0]) <= LONGEST else chosen[0][: LONGEST - 1] + "…").replace(
        "&", "&&"
    )
