"""The residual: how much of the diseased change each treatment reverses, per channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from core.domain.screen import ResidualChange, Screen
from leigh_gui.widgets.common.look import count
from leigh_gui.widgets.screen.axis import known
from leigh_gui.widgets.screen.chart_cards import CardGrid
from leigh_gui.widgets.screen.ranking_rows import restored_words, share, treatment_name

if TYPE_CHECKING:
    from leigh_gui.widgets.common.chart import Chart

LOW, HIGH = -0.5, 1.5  # of the axis: 0 nothing, 1 all of the change is gone
LINE = 22  # pixels of a bar's line
LONGEST = 24  # letters of a channel's name on its axis
EMPTY = "This screen has no residual: rank again with a model that knows the treatments."


def grouped(screen: Screen) -> list[tuple[str, tuple[ResidualChange, ...]]]:
    """(condition, its channels) in the order of the ranking."""
    order = {r.condition: i for i, r in enumerate(screen.ranked)}
    found: dict[str, list[ResidualChange]] = {}
    for left in screen.unrepaired:
        found.setdefault(left.condition, []).append(left)
    ordered = sorted(found, key=lambda name: order.get(name, len(order)))
    return [(name, tuple(found[name])) for name in ordered]


@dataclass(frozen=True)
class ResidualPlot:
    """The channels of one treatment, a bar each in the colour of the stain."""

    title: str
    channels: tuple[ResidualChange, ...]
    colours: Mapping[str, str]
    names: tuple[str, ...]  # of all bars of the view: their axes begin at the same place
    words: str = ""

    @property
    def explanation(self) -> str:
        """Every channel in words."""
        lines = [f"{restored_words(c)}, {count(c.wells, 'well')}" for c in self.channels]
        scale = "100 %: as in healthy cultures; 0 %: as in diseased ones; below 0 %: further away"
        return "\n".join([self.title, *lines, scale])

    @property
    def conditions(self) -> tuple[str, ...]:
        """The treatment."""
        return (self.channels[0].condition,)

    @property
    def height(self) -> int:
        """A line per channel, and the axis."""
        return LINE * len(self.channels) + 28

    def draw(self, chart: Chart, current: str) -> None:
        """Draw the bars from top to bottom, each with its interval."""
        ink = chart.palette().windowText().color()
        chart.set_range("bottom", LOW, HIGH)
        chart.set_range("left", 0.5 - len(self.channels), 0.5)
        chart.give_room(self.names)
        chart.set_ticks("bottom", [(v, f"{v * 100:g} %") for v in (0.0, 0.5, 1.0)])
        chart.set_ticks("left", [(-k, bar_words(c)) for k, c in enumerate(self.channels)])
        bars = [(-float(k), c) for k, c in enumerate(self.channels) if known(c.restored)]
        if bars:
            ys, ends = [y for y, _ in bars], [clamped(c.restored) for _, c in bars]
            chart.add_bars(
                ys, ends, [QColor(self.colours.get(c.channel, "#999999")) for _, c in bars]
            )
        for value in (0.0, 1.0):
            chart.add_line(value, upright=True)
        for y, c in bars:
            if c.low is not None and c.high is not None and known(c.low) and known(c.high):
                ends = [clamped(c.low), clamped(c.high)]
                chart.add_curve(ends, [y, y], ink, 1.5)


def bar_words(left: ResidualChange) -> str:
    """'Mitochondria  70 % [61–78]'."""
    name = left.channel
    short_name = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    return f"{short_name}  {share(left.restored, left.low, left.high)}"


def clamped(value: float) -> float:
    """The value, at most at the end of the axis."""
    return min(max(value, LOW), HIGH)


class ResidualView(CardGrid):
    """A card per treatment, a bar per channel. Click a card to select the treatment."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Residual, per treatment and channel", 400, EMPTY, parent)

    def set_screen(self, screen: Screen | None, colours: Mapping[str, str]) -> None:
        """Show these bars; `colours` of the channels."""
        names = {r.condition: treatment_name(r) for r in screen.ranked} if screen else {}
        groups = grouped(screen) if screen else []
        bars = tuple(bar_words(c) for _, channels in groups for c in channels)
        self.set_drawings(
            [
                ResidualPlot(names.get(name, name), channels, colours, bars)
                for name, channels in groups
            ]
        )
