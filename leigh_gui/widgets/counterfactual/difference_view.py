"""The change of one chosen stain, large; one scale for all stains, with its limits printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QComboBox, QMenu, QToolButton, QWidget

from leigh_gui.widgets.common.elided_label import ElidedLabel
from leigh_gui.widgets.common.look import is_dark
from leigh_gui.widgets.counterfactual.change import PLAIN, Change, Drawing, drawn, note_of
from leigh_gui.widgets.counterfactual.colour_bar import ColourBar
from leigh_gui.widgets.counterfactual.difference_pane import (
    STEPS,
    DifferencePane,
    diverging_table,
    laid_over,
    symmetric_limit,
)
from leigh_gui.widgets.image.channel_display import ChannelDisplay
from leigh_gui.widgets.image.pane import Viewpoint
from leigh_gui.widgets.image.picture_column import PictureColumn

Key = TypeVar("Key")

THRESHOLDS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
WAYS = {False: "As share of the stain's range", True: "As share of the original's brightness"}


class DifferenceView(PictureColumn):
    """A pane, the choice of its stain above, and the scale below."""

    chosen_changed = Signal(int)
    how_changed = Signal()
    drawn_changed = Signal()  # other values, another limit or another way to draw them

    def __init__(self, viewpoint: Viewpoint, parent: QWidget | None = None) -> None:
        self.difference = DifferencePane(viewpoint)
        super().__init__(self.difference, parent)
        self.limit = STEPS[0]
        self.how = PLAIN
        self.overlay = False
        self._picked = False  # the user chose the stain
        self.change: Change | None = None
        self._channels: tuple[ChannelDisplay, ...] = ()
        self._spans: tuple[float, ...] = ()
        self._drawn: tuple[np.ndarray, tuple[float, ...]] | None = None
        self._build()
        self.stains.activated.connect(self._on_chosen)
        self.lock.toggled.connect(lambda _: self._show())

    def _build(self) -> None:
        self.difference.setObjectName("difference")
        self.difference.set_hint("no change")
        self.stains = QComboBox()
        self.stains.setObjectName("difference-stain")
        self.stains.setToolTip("The stain whose change is shown large (C: the next one)")
        self.stains.setMinimumWidth(48)
        self.stains.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.title = ElidedLabel()
        self.title.hide()
        self.head.addWidget(self.title, 1)
        self.head.addWidget(self.stains, 1)
        self.bar = ColourBar()
        self.ways = QToolButton()
        self.ways.setObjectName("difference-ways")
        self.ways.setText("Show ▾")
        self.ways.setProperty("kind", "flat")
        self.ways.setToolTip("How the change is drawn")
        self.ways.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.ways.setMenu(self._build_menu())
        self.foot.addWidget(self.bar, 1)
        self.foot.addWidget(self.ways)

    def _build_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self.relative = _one_of(menu, WAYS, lambda key: self._set_how(relative=key))
        above = {t: f"Only above {t * 100:.0f} %" if t else "Every change" for t in THRESHOLDS}
        self.thresholds = _one_of(menu, above, lambda key: self._set_how(threshold=key))
        self.lock = menu.addAction("Keep this scale")
        self.lock.setCheckable(True)
        self.lock.setToolTip(
            "Keep the limits when the image or the target changes, to compare by eye."
        )
        self.lay = menu.addAction("Lay it over the counterfactual")
        self.lay.setCheckable(True)
        self.lay.setToolTip("Key O")
        self.lay.toggled.connect(self._on_over)
        return menu

    @property
    def chosen(self) -> int:
        """Index of the stain on show."""
        return max(self.stains.currentIndex(), 0)

    def choose(self, index: int) -> None:
        """Show this stain; the channels go round."""
        if self._channels:
            self.stains.setCurrentIndex(index % len(self._channels))
            self._on_chosen()

    def next_stain(self) -> None:
        """Show the stain after this one."""
        self.choose(self.chosen + 1)

    def _choose_largest(self, change: Change) -> None:
        """Until the user chooses: not a stain that stays as it is."""
        fits = len(change.difference) == len(self._channels)
        if fits and not self._picked and change.largest[self.chosen] == 0:
            shares = np.array(change.largest) / np.array(self._spans)
            self.stains.setCurrentIndex(int(shares.argmax()))

    def set_channels(self, channels: Sequence[ChannelDisplay], spans: Sequence[float]) -> None:
        """`spans` (raw grey values) do not follow the contrast sliders."""
        names = [c.name for c in channels]
        new = names != [c.name for c in self._channels]
        changed = new or tuple(spans) != self._spans
        black = [c.low for c in channels] != [c.low for c in self._channels]
        self._channels, self._spans = tuple(channels), tuple(spans)
        if new:
            chosen = self.chosen
            self.stains.clear()
            self.stains.addItems([f"Change: {name}" for name in names])
            self.stains.setCurrentIndex(chosen if chosen < len(names) else 0)
            self._picked = False
            self.title.setText(f"Change: {names[0]}" if names else "")
            self.title.setVisible(len(names) == 1)  # nothing to choose
            self.stains.setVisible(len(names) > 1)
        if changed or (black and self.how.relative):
            self._draw(keep_scale=False)

    def set_change(self, change: Change | None, keep_scale: bool = False) -> None:
        """Show this change; `keep_scale` lets the limit only grow (while dragging)."""
        self.change = change
        if change is not None:
            self._choose_largest(change)
        self._draw(keep_scale)

    def values(self) -> tuple[np.ndarray, tuple[float, ...]] | None:
        """C Y X values as they are drawn and the span of each channel; None without a change."""
        return self._drawn

    def over(self, rows: slice, columns: slice) -> np.ndarray:
        """The chosen stain's change at these pixels, to be laid over an image."""
        assert self._drawn is not None
        values, spans = self._drawn
        table = diverging_table(is_dark(self))
        plane = values[self.chosen][rows, columns]
        return laid_over(plane, spans[self.chosen], self.limit, table)

    def lies_over(self) -> bool:
        """Whether the change is to be laid over the counterfactual."""
        return self._drawn is not None and self.overlay

    def set_how(self, relative: bool, threshold: float) -> None:
        """Draw changes like this; another threshold than one of the menu counts as none."""
        threshold = threshold if threshold in self.thresholds else 0.0
        self.relative[relative].setChecked(True)
        self.thresholds[threshold].setChecked(True)
        self.how = Drawing(relative, threshold)
        self._draw(keep_scale=False)

    def _set_how(self, **words: object) -> None:
        self.how = replace(self.how, **words)  # type: ignore[arg-type]
        self._draw(keep_scale=False)
        self.how_changed.emit()

    def _on_over(self, on: bool) -> None:
        self.overlay = on
        self.drawn_changed.emit()

    def _on_chosen(self) -> None:
        self._picked = True
        self._show()
        self.chosen_changed.emit(self.chosen)

    def _draw(self, keep_scale: bool) -> None:
        fits = self.change is not None and len(self.change.difference) == len(self._channels)
        self._drawn = None
        if fits and self.change is not None:
            black = [c.low for c in self._channels]
            self._drawn = drawn(self.change, self._spans, black, self.how)
            if not self.lock.isChecked():
                found = symmetric_limit(*self._drawn)
                self.limit = max(found, self.limit) if keep_scale else found
        self._show()

    def _show(self) -> None:
        index, pane = self.chosen, self.difference
        note, dimmed = "", False
        if self._drawn is None or self.change is None:
            pane.set_hint("The change appears here.")
            pane.set_difference(None, 1.0, self.limit)
        else:
            values, spans = self._drawn
            name = self._channels[index].name
            note, dimmed = note_of(self.change, index, name, self._spans[index])
            pane.set_hint("nothing above this" if self.change.largest[index] else note)
            pane.set_difference(values[index], spans[index], self.limit)
        pane.set_note(note, dimmed)
        self.bar.set_limit(self.limit)
        self.drawn_changed.emit()


def _one_of(
    menu: QMenu, choices: Mapping[Key, str], choose: Callable[[Key], None]
) -> dict[Key, QAction]:
    """Adds choices of which one is taken, the one that is false or 0 first, and a line below."""
    group, actions = QActionGroup(menu), {}
    for key, text in choices.items():
        action = menu.addAction(text)
        action.setCheckable(True)
        action.setChecked(not key)
        group.addAction(action)
        action.triggered.connect(lambda _=False, k=key: choose(k))
        actions[key] = action
    menu.addSeparator()
    return actions
