"""Channels: switch each stain on or off and set its contrast; lock it to compare cultures fairly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from leigh_gui.widgets.image.channel_display import ChannelDisplay
from leigh_gui.widgets.image.range_slider import RangeSlider


class ChannelBar(QWidget):
    """One tick and one contrast slider per channel, "Auto" and "Lock"."""

    changed = Signal(object)  # tuple[ChannelDisplay, ...]
    auto_asked = Signal()
    lock_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ticks: list[QCheckBox] = []
        self.sliders: list[RangeSlider] = []
        self._channels: tuple[ChannelDisplay, ...] = ()
        self._build()
        self._connect()

    def _build(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self._row = QHBoxLayout()
        self._row.setSpacing(8)
        self.auto = QToolButton()
        self.auto.setText("Auto")
        self.auto.setToolTip("Set the contrast from the image on show.")
        self.lock = QToolButton()
        self.lock.setText("Lock")
        self.lock.setCheckable(True)
        self.lock.setToolTip(
            "Keep this contrast for every image, so that brightness can be compared between wells."
        )
        row.addLayout(self._row, 1)
        row.addWidget(self.auto)
        row.addWidget(self.lock)

    def _connect(self) -> None:
        self.auto.clicked.connect(self.auto_asked)
        self.lock.toggled.connect(self._on_lock)

    def channels(self) -> tuple[ChannelDisplay, ...]:
        """The channels as they are set now."""
        return self._channels

    def set_channels(self, channels: Sequence[ChannelDisplay]) -> None:
        """Show these channels; emits nothing."""
        rebuild = [(c.name, c.colour) for c in channels] != [
            (c.name, c.colour) for c in self._channels
        ]
        self._channels = tuple(channels)
        if rebuild:
            self._rebuild()
        for tick, slider, channel in zip(self.ticks, self.sliders, channels, strict=True):
            tick.blockSignals(True)
            tick.setChecked(channel.visible)
            tick.blockSignals(False)
            slider.set_range(channel.low, channel.high, channel.floor, channel.ceiling)

    def set_locked(self, locked: bool) -> None:
        """Show whether the contrast is locked."""
        self.lock.setChecked(locked)

    def _on_lock(self, locked: bool) -> None:
        self.auto.setEnabled(not locked)
        why = "Unlock the contrast first." if locked else "Set the contrast from the image on show."
        self.auto.setToolTip(why)
        self.lock_changed.emit(locked)

    def _rebuild(self) -> None:
        while self._row.count():
            item = self._row.takeAt(0)
            if item is not None and item.widget() is not None:
                item.widget().deleteLater()
        self.ticks, self.sliders = [], []
        for index, channel in enumerate(self._channels):
            tick = QCheckBox()
            name = channel.name if len(channel.name) <= 14 else channel.name[:13] + "…"
            tick.setText(name.replace("&", "&&"))
            tick.setToolTip(f"Show {channel.name}")
            tick.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            slider = RangeSlider(channel.colour)
            tick.toggled.connect(lambda on, i=index: self._on_tick(i, on))
            slider.changed.connect(lambda low, high, i=index: self._on_slider(i, low, high))
            self.ticks.append(tick)
            self.sliders.append(slider)
            self._row.addWidget(tick)
            self._row.addWidget(slider, 1)

    def _on_tick(self, index: int, on: bool) -> None:
        self._replace(index, visible=on)

    def _on_slider(self, index: int, low: float, high: float) -> None:
        self._replace(index, low=low, high=high)

    def _replace(self, index: int, **changes: object) -> None:
        channels = list(self._channels)
        channels[index] = replace(channels[index], **changes)  # type: ignore[arg-type]
        self._channels = tuple(channels)
        self.changed.emit(self._channels)
