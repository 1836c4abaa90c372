"""How the stains look on Explore: contrast for the pair, kept contrast, colours, values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF

from core.domain import Counterfactual
from leigh_gui.pages.explore.kept import Kept
from leigh_gui.state import AppState
from leigh_gui.widgets.image.channel_bar import ChannelBar
from leigh_gui.widgets.image.channel_display import (
    ChannelDisplay,
    automatic,
    colour_blind,
    displays,
)

if TYPE_CHECKING:
    from leigh_gui.opened import Opened


class Looks(QObject):
    """Sets the display of the state; the bar of stains shows it."""

    def __init__(self, state: AppState, bar: ChannelBar, kept: Kept) -> None:
        super().__init__(bar)
        self.state, self.bar, self.kept = state, bar, kept
        self._fitted_to = ""  # record that the contrast was made for
        bar.changed.connect(self._on_changed)
        bar.auto_changed.connect(self._on_auto)
        bar.lock_changed.connect(self._on_lock)
        bar.colours_asked.connect(self._on_colours)

    def open(self, opened: Opened) -> bool:
        """The stains of a project that is opened, as they were left; False where they are shown."""
        card = opened.card
        assert card is not None
        if [c.name for c in self.state.display] == [c.name for c in card.channels]:
            return False
        plain = displays(card.channels, card.preprocessing.low, card.preprocessing.high)
        display, auto, locked = self.kept.stains(plain)
        self._fitted_to = ""
        self.state.locked = locked
        self.bar.set_auto(auto)
        self.bar.set_locked(locked)
        self.state.set_display(display)
        return True

    def fit(self, cf: Counterfactual) -> None:
        """Contrast for the pair on show; it only widens while the image stays the same."""
        display = self.state.display
        if not self.bar.auto.isChecked() or self.state.locked or len(display) != len(cf.original):
            return
        made = automatic(display, cf.original, cf.image if cf.valid else None)
        if self._fitted_to == cf.record_id:
            made = tuple(
                replace(new, low=min(new.low, old.low), high=max(new.high, old.high))
                for new, old in zip(made, display, strict=True)
            )
        self._fitted_to = cf.record_id
        if made != display:
            self.state.set_display(made)

    def _on_changed(self, display: tuple[ChannelDisplay, ...]) -> None:
        self.state.set_display(display)
        self._keep()

    def _on_auto(self, auto: bool) -> None:
        self._fitted_to = ""
        cf = self.state.counterfactual
        if auto and cf is not None:
            self.fit(cf)
        self._keep()

    def _on_lock(self, locked: bool) -> None:
        self.state.locked = locked
        self._keep()

    def _on_colours(self, safe: bool) -> None:
        display, opened = self.state.display, self.state.opened
        if safe:
            display = colour_blind(display)
        elif opened is not None and opened.card is not None:
            own = {c.name: c.colour for c in opened.card.channels}
            display = tuple(replace(c, colour=own.get(c.name, c.colour)) for c in display)
        self.state.set_display(display)
        self._keep()

    def _keep(self) -> None:
        if self.state.project is not None and self.state.display:
            auto = self.bar.auto.isChecked()
            self.kept.keep_stains(self.state.display, auto, self.state.locked)


def values_at(
    cf: Counterfactual, display: tuple[ChannelDisplay, ...], first: int, share: QPointF
) -> str:
    """'x 41, y 20 · Mitochondria 80 → 300 · ...': the chosen stain first, then what is visible."""
    height, width = cf.original.shape[1:]
    x, y = min(int(share.x() * width), width - 1), min(int(share.y() * height), height - 1)
    order = [first, *(k for k, c in enumerate(display) if k != first and c.visible)]
    parts = [
        f"{display[k].name} {_grey(cf.original[k, y, x])} → {_grey(cf.image[k, y, x])}"
        for k in order
        if k < len(cf.original)
    ]
    return " · ".join((f"x {x}, y {y}", *parts))


def _grey(value: float) -> str:
    """A grey value: camera counts as whole numbers, shares with three digits."""
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.3g}"
