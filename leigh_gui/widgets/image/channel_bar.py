"""Channels: switch each stain on or off and set its contrast; keep it to compare cultures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QKeyEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSizePolicy, QToolButton, QWidget
from superqt import QDoubleRangeSlider

from leigh_gui.widgets.common.look import clear_layout, tip
from leigh_gui.widgets.image.channel_display import ChannelDisplay


class ContrastSlider(QDoubleRangeSlider):
    """Two ends: the grey value that is drawn black and the one that is drawn brightest.

    Drag an end, or the bar between both; + and - make the picture brighter and darker.
    """

    def __init__(self, colour: str, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)  # type: ignore[no-untyped-call]
        self.barColor = QBrush(QColor(colour))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Contrast")
        self.valuesChanged.connect(self._say)

    def show_ends(self, low: float, high: float, floor: float, ceiling: float) -> None:
        """Show these values; emits nothing."""
        self.blockSignals(True)
        ceiling = max(ceiling, floor + 1e-9)
        self.setSingleStep((ceiling - floor) / 200)
        self.setRange(floor, ceiling)
        self.setValue((low, high))
        self.blockSignals(False)
        self._say()

    def ends(self) -> tuple[float, float]:
        """Low and high as they are set now."""
        values: tuple[Any, ...] = self.value()
        return float(values[0]), float(values[1])

    def minimumSizeHint(self) -> QSize:
        return QSize(56, 20)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Plus: -4, Qt.Key.Key_Minus: 4}
        if event.key() in steps:
            low, high = self.ends()
            self.setValue((low, high + steps[Qt.Key(event.key())] * self.singleStep()))
        else:
            super().keyPressEvent(event)

    def _say(self) -> None:
        low, high = self.ends()
        self.setToolTip(tip(f"Black at {low:.4g}, brightest at {high:.4g} grey values"))


class ChannelBar(QWidget):
    """One tick and one contrast slider per channel, "Auto" and "Keep"."""

    changed = Signal(object)  # tuple[ChannelDisplay, ...]
    auto_asked = Signal()
    lock_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ticks: list[QCheckBox] = []
        self.sliders: list[ContrastSlider] = []
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
        self.lock.setText("Keep")
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
            slider.show_ends(channel.low, channel.high, channel.floor, channel.ceiling)

    def set_locked(self, locked: bool) -> None:
        """Show whether the contrast is locked."""
        self.lock.setChecked(locked)

    def _on_lock(self, locked: bool) -> None:
        self.auto.setEnabled(not locked)
        why = "Switch “Keep” off first." if locked else "Set the contrast from the image on show."
        self.auto.setToolTip(tip(why))
        self.lock_changed.emit(locked)

    def _rebuild(self) -> None:
        clear_layout(self._row)
        self.ticks, self.sliders = [], []
        for index, channel in enumerate(self._channels):
            tick = QCheckBox()
            name = channel.name if len(channel.name) <= 14 else channel.name[:13] + "…"
            tick.setText(name.replace("&", "&&"))
            tick.setToolTip(tip(f"Show {channel.name}"))
            tick.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            slider = ContrastSlider(channel.colour)
            tick.toggled.connect(lambda on, i=index: self._on_tick(i, on))
            slider.valuesChanged.connect(lambda ends, i=index: self._on_slider(i, *ends))
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
