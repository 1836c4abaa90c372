"""Channels: switch each stain on or off and set its contrast; keep it to compare cultures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSizePolicy, QToolButton, QWidget
from superqt import QDoubleRangeSlider

from core.domain import FloatArray
from leigh_gui.widgets.common.look import clear_layout, swatch_icon, tip
from leigh_gui.widgets.image.channel_display import ChannelDisplay, colour_blind
from leigh_gui.widgets.image.stain_menu import StainMenu

TOOLS, ROOMY = 200, 190  # pixels of the buttons on the right; of a stain with its name
LONGEST = 14  # letters of a name
AUTO = "Make the contrast for the pair on show: the same for the original and the counterfactual."


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
    """A tick, a menu and a contrast slider per channel, "Auto", "Keep" and another set of colours.

    The menu holds the histogram, the contrast in numbers and the colour.
    """

    changed = Signal(object)  # tuple[ChannelDisplay, ...]
    auto_changed = Signal(bool)  # the contrast is to be made for the pair on show
    lock_changed = Signal(bool)
    colours_asked = Signal(bool)  # for colour-blind readers, or the project's own

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ticks: list[QCheckBox] = []
        self.sliders: list[ContrastSlider] = []
        self.names: list[QToolButton] = []
        self.menus: list[StainMenu] = []
        self._channels: tuple[ChannelDisplay, ...] = ()
        self._images: tuple[FloatArray, ...] = ()
        self._build()
        self._connect()

    def _build(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self._row = QHBoxLayout()
        self._row.setSpacing(12)
        self.auto = QToolButton()
        self.auto.setText("Auto")
        self.auto.setCheckable(True)
        self.auto.setChecked(True)
        self.auto.setToolTip(AUTO)
        self.lock = QToolButton()
        self.lock.setText("Keep")
        self.lock.setCheckable(True)
        self.lock.setToolTip(
            "Keep this contrast for every image, so that brightness can be compared between wells."
        )
        self.safe = QToolButton()
        self.safe.setObjectName("colour-blind")
        self.safe.setText("CMY")
        self.safe.setCheckable(True)
        self.safe.setToolTip("Cyan, magenta and yellow, for colour-blind readers")
        row.addLayout(self._row, 1)
        row.addWidget(self.safe)
        row.addWidget(self.auto)
        row.addWidget(self.lock)

    def _connect(self) -> None:
        self.auto.clicked.connect(self.auto_changed)
        self.lock.toggled.connect(self._on_lock)
        self.safe.clicked.connect(self.colours_asked)

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
            self._show_row()
        self.safe.setVisible(len(channels) > 1)
        self.safe.setChecked(list(colour_blind(channels)) == list(channels))
        rows = zip(self.ticks, self.sliders, self.menus, channels, strict=True)
        for tick, slider, menu, channel in rows:
            menu.show_channel(channel)
            tick.blockSignals(True)
            tick.setChecked(channel.visible)
            tick.blockSignals(False)
            slider.show_ends(channel.low, channel.high, channel.floor, channel.ceiling)

    def set_images(self, *images: FloatArray) -> None:
        """C Y X images before and after, for the histograms."""
        self._images = images

    def set_auto(self, auto: bool) -> None:
        """Show whether the contrast is made for the pair."""
        self.auto.setChecked(auto)

    def set_locked(self, locked: bool) -> None:
        """Show whether the contrast is locked."""
        self.lock.setChecked(locked)

    def _on_lock(self, locked: bool) -> None:
        self.auto.setEnabled(not locked)
        why = "Switch “Keep” off first." if locked else AUTO
        self.auto.setToolTip(tip(why))
        self.lock_changed.emit(locked)

    def _show_row(self) -> None:
        """The widgets of other stains, or other colours of the same ones."""
        same = len(self.names) == len(self._channels)
        if not same or [b.accessibleName() for b in self.names] != [c.name for c in self._channels]:
            self._rebuild()
        for button, slider, channel in zip(self.names, self.sliders, self._channels, strict=True):
            button.setIcon(swatch_icon(channel.colour))
            slider.barColor = QBrush(QColor(channel.colour))
            slider.update()

    def _rebuild(self) -> None:
        clear_layout(self._row)
        self.ticks, self.sliders, self.names, self.menus = [], [], [], []
        for index, channel in enumerate(self._channels):
            tick = QCheckBox()
            tick.setAccessibleName(f"Show {channel.name}")
            tick.setToolTip(tip(f"Show {channel.name}"))
            self._add_name(index, channel)
            tick.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            slider = ContrastSlider(channel.colour)
            tick.toggled.connect(lambda on, i=index: self._on_tick(i, on))
            slider.valuesChanged.connect(lambda ends, i=index: self._on_slider(i, *ends))
            self.ticks.append(tick)
            self.sliders.append(slider)
            holder = QWidget()
            inner = QHBoxLayout(holder)
            inner.setContentsMargins(0, 0, 0, 0)
            inner.setSpacing(0)
            inner.addWidget(tick)
            inner.addWidget(self.names[index])
            inner.addWidget(slider, 1)
            self._row.addWidget(holder, 1)
        self._shorten()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._shorten()

    def _shorten(self) -> None:
        """Names give way to the sliders where there is little room."""
        room = (self.width() - TOOLS) / max(len(self.names), 1)
        style = Qt.ToolButtonStyle.ToolButtonIconOnly
        if room > ROOMY:
            style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        for button in self.names:
            button.setToolButtonStyle(style)

    def _add_name(self, index: int, channel: ChannelDisplay) -> None:
        button, menu = QToolButton(), StainMenu(self)
        button.setObjectName(f"stain-{index}")
        button.setProperty("kind", "flat")
        button.setAccessibleName(channel.name)
        name = channel.name
        short = name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
        button.setText(short.replace("&", "&&"))
        button.setMinimumWidth(36)
        button.setToolTip(tip(f"{channel.name}: histogram, contrast in numbers, colour"))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setMenu(menu)
        menu.aboutToShow.connect(lambda: self._show_histogram(index))
        menu.changed.connect(lambda shown: self._on_menu(index, shown))
        self.names.append(button)
        self.menus.append(menu)

    def _show_histogram(self, index: int) -> None:
        self.menus[index].histogram.show_values([image[index] for image in self._images])

    def _on_menu(self, index: int, shown: ChannelDisplay) -> None:
        contrast = (shown.low, shown.high)
        if contrast != (self._channels[index].low, self._channels[index].high):
            self._by_hand()
        channels = list(self._channels)
        channels[index] = replace(shown, visible=channels[index].visible)
        self.set_channels(channels)
        self.changed.emit(self._channels)

    def _by_hand(self) -> None:
        """A contrast that the user set stays."""
        if self.auto.isChecked():
            self.auto.setChecked(False)
            self.auto_changed.emit(False)

    def _on_tick(self, index: int, on: bool) -> None:
        self._replace(index, visible=on)

    def _on_slider(self, index: int, low: float, high: float) -> None:
        self._by_hand()
        self._replace(index, low=low, high=high)
        self.menus[index].show_channel(self._channels[index])

    def _replace(self, index: int, **changes: object) -> None:
        channels = list(self._channels)
        channels[index] = replace(channels[index], **changes)  # type: ignore[arg-type]
        self._channels = tuple(channels)
        self.changed.emit(self._channels)
