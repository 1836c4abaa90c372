"""Rescue against dose, a chart per compound: points, fitted curve, and the EC50."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from core.domain.screen import DoseCurve, Ranked, Screen
from leigh_gui.widgets.screen.axis import Axis, known, rescue_axis, short
from leigh_gui.widgets.screen.chart_cards import CardGrid
from leigh_gui.widgets.screen.ranking_rows import dose_words, row_words

if TYPE_CHECKING:
    from leigh_gui.widgets.common.chart import Chart, Point

MOST_TICKS = 4
STEPS = 60  # of the drawn curve
EMPTY = "No compound was given at several doses. Doses come from the plate map, column dose_um."


def fitted(curve: DoseCurve, dose_um: float) -> float | None:
    """bottom + (top - bottom) / (1 + (ec50 / dose)^slope); None where nothing was fitted."""
    parts = (curve.bottom, curve.top, curve.slope, curve.ec50_um)
    if any(not known(p) for p in parts) or dose_um <= 0:
        return None
    bottom, top, slope, ec50 = (float(p) for p in parts if p is not None)
    try:
        return float(bottom + (top - bottom) / (1 + (ec50 / dose_um) ** slope))
    except OverflowError:
        return bottom


def points_of(curve: DoseCurve, ranked: Sequence[Ranked]) -> list[Ranked]:
    """The treatments of this compound that have a dose, by dose."""
    same = [r for r in ranked if r.compound == curve.compound and known(r.rescue)]
    return sorted((r for r in same if (r.dose_um or 0.0) > 0), key=lambda r: r.dose_um or 0.0)


@dataclass(frozen=True)
class DosePlot:
    """One compound; the doses lie on a logarithmic axis, rescue on the axis of all compounds."""

    curve: DoseCurve
    rows: Sequence[Ranked]
    screen: Screen
    colours: Mapping[str, str]
    axis: Axis
    height: int = 136

    @property
    def title(self) -> str:
        """The compound."""
        return self.curve.compound

    @property
    def words(self) -> str:
        """The EC50, or why there is none."""
        return dose_words(self.curve)

    @property
    def explanation(self) -> str:
        """Both in full."""
        return f"{self.title}\n{self.words}\nRescue against dose in µM"

    @property
    def conditions(self) -> tuple[str, ...]:
        """The treatments with this compound."""
        return tuple(r.condition for r in self.rows)

    def doses(self) -> list[float]:
        """The doses that were given, in µM."""
        return [d for d in ([r.dose_um or 0.0 for r in self.rows] or self.curve.doses_um) if d > 0]

    def ends(self) -> tuple[float, float]:
        """Logarithms at the ends of the dose axis, a little wider than the doses."""
        logs = [math.log10(d) for d in self.doses()] or [0.0]
        room = max(0.08 * (max(logs) - min(logs)), 0.15)
        return min(logs) - room, max(logs) + room

    def ticks(self) -> list[tuple[float, str]]:
        """Every dose, or every second or third one of many; the unit stands at the last."""
        doses = sorted(set(self.doses()))
        named = doses[:: -(-len(doses) // MOST_TICKS)] if doses else []
        words = [short(dose) + (" µM" if dose == named[-1] else "") for dose in named]
        return [(math.log10(d), text) for d, text in zip(named, words, strict=True)]

    def draw(self, chart: Chart, current: str) -> None:
        """Draw the fitted curve, the EC50 and the points."""
        palette = chart.palette()
        low, high = self.ends()
        chart.set_range("bottom", low, high, log=True)
        chart.set_ticks("bottom", self.ticks())
        chart.set_range("left", *self.axis.ends())
        chart.give_room(("−0.5",))
        for rescue in (0.0, 1.0):
            chart.add_line(rescue, upright=False)
        steps = [low + (high - low) * k / STEPS for k in range(STEPS + 1)]
        line = [(s, y) for s in steps if (y := fitted(self.curve, 10.0**s)) is not None]
        if line:
            grey = palette.placeholderText().color()
            chart.add_curve([s for s, _ in line], [y for _, y in line], grey)
        ec50 = self.curve.ec50_um
        if ec50 is not None and known(ec50) and ec50 > 0:
            place = math.log10(ec50)
            chart.add_curve([place, place], self.axis.ends(), palette.highlight().color(), 1.2)
        for row in self.rows:
            if row.rescue_low is not None and row.rescue_high is not None:
                dose = math.log10(row.dose_um or 1.0)
                ends = (row.rescue_low, row.rescue_high)
                chart.add_curve([dose, dose], ends, palette.windowText().color(), 1.5)
        chart.add_points(self._points(chart, current))

    def _words(self, row: Ranked) -> str:
        """The tooltip of a point."""
        return row_words(row, self.screen).text()

    def _points(self, chart: Chart, current: str) -> list[Point]:
        from leigh_gui.widgets.common.chart import Point

        palette = chart.palette()
        ink, paper = palette.windowText().color(), palette.base().color()
        if not self.rows:
            pairs = zip(self.curve.doses_um, self.curve.rescue, strict=False)
            places = [(math.log10(d), y) for d, y in pairs if d > 0 and known(y)]
            return [Point(x, y, palette.mid().color(), ink, size=8) for x, y in places]
        return [
            Point(
                math.log10(row.dose_um or 1.0),
                row.rescue,
                QColor(self.colours.get(row.condition, "#999999")),
                ink if row.condition == current else paper,
                key=row.condition,
                words=partial(self._words, row),
            )
            for row in self.rows
        ]


class DoseGrid(CardGrid):
    """A card per compound on one rescue axis. Click a point to select that treatment."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Rescue against dose of every compound", 236, EMPTY, parent)

    def set_screen(self, screen: Screen | None, colours: Mapping[str, str]) -> None:
        """Show these curves; `colours` of the conditions."""
        if screen is None:
            self.set_drawings(())
            return
        points = [points_of(c, screen.ranked) for c in screen.doses]
        axis = rescue_axis([r for rows in points for r in rows])
        pairs = zip(screen.doses, points, strict=True)
        self.set_drawings([DosePlot(c, rows, screen, colours, axis) for c, rows in pairs])
