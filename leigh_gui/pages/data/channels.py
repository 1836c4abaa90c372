"""One row per channel: its screen colour and the name of its stain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog, QGridLayout, QLineEdit, QToolButton, QWidget

from core.domain import Channel
from leigh_gui.widgets.common.look import clear_layout, swatch_icon, tip


class ChannelTable(QWidget):
    """One row per channel."""

    edited = Signal(int, Channel)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.grid = QGridLayout(self)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setHorizontalSpacing(12)
        self.grid.setVerticalSpacing(4)
        self.names: list[QLineEdit] = []
        self._channels: tuple[Channel, ...] = ()

    def set_channels(self, channels: Sequence[Channel]) -> None:
        """Show these channels."""
        if tuple(channels) == self._channels:
            return
        self._channels = tuple(channels)
        clear_layout(self.grid)
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


def _colour_button(colour: str, words: str) -> QToolButton:
    button = QToolButton()
    button.setProperty("kind", "flat")
    button.setIcon(swatch_icon(colour))
    button.setToolTip(tip(words))
    return button
