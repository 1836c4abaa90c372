"""Axes of the screen's charts: range, position of a value, and ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.domain.screen import Ranked, Screen

WIDE = 20.0  # largest over median off-axis beyond which a logarithmic axis is used
REACH = 0.5  # how far beyond 0 and 1 an interval may stretch the rescue axis
LEAST = 0.1  # lower end of a logarithmic off-axis axis


@dataclass(frozen=True)
class Axis:
    """A range of values from `low` to `high`, linear or logarithmic."""

    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """0 at the low end, 1 at the high end; beyond them outside of 0 to 1."""
        if not self.log:
            return (value - self.low) / (self.high - self.low)
        low, high = math.log10(self.low), math.log10(self.high)
        return (math.log10(max(value, self.low / 10)) - low) / (high - low)

    def clamped(self, value: float) -> float:
        """Its place; values outside the range lie at the end that is nearer."""
        return min(max(self.place(value), 0.0), 1.0)

    def coordinate(self, value: float) -> float:
        """What a chart draws: the value or its logarithm to base 10, clamped to the range."""
        inside = min(max(value, self.low), self.high)
        return math.log10(inside) if self.log else inside

    def ends(self) -> tuple[float, float]:
        """Low and high end as a chart draws them; a logarithmic low end has room for a marker."""
        low, high = self.coordinate(self.low), self.coordinate(self.high)
        return low - (0.04 * (high - low) if self.log else 0.0), high

    def ticks(self, most: int) -> tuple[float, ...]:
        """At most so many round values inside the range."""
        most = max(most, 2)
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            decades = [10.0**k for k in range(first, last + 1)]
            inside = [v for v in decades if self.low <= v * 1.0001 and v <= self.high * 1.0001]
            return tuple(inside[:: max(-(-len(inside) // most), 1)])
        step = round_step((self.high - self.low) / most)
        first = math.ceil(self.low / step - 1e-9)
        return tuple(
            round(k * step, 10) for k in range(first, math.floor(self.high / step + 1e-9) + 1)
        )


def round_step(at_least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below `at_least`."""
    power = 10.0 ** math.floor(math.log10(at_least))
    return next(power * k for k in (1, 2, 5, 10) if power * k >= at_least * (1 - 1e-9))


def known(value: float | None) -> bool:
    """Whether this was measured: neither None nor NaN."""
    return value is not None and math.isfinite(value)


def measured(values: Iterable[float | None]) -> list[float]:
    """Those of the values that are known."""
    return [float(v) for v in values if v is not None and math.isfinite(v)]


def rescue_axis(rows: Sequence[Ranked]) -> Axis:
    """Always contains 0, 1 and every treatment; intervals stretch it by at most REACH."""
    points = [0.0, 1.0, *measured(r.rescue for r in rows)]
    lows, highs = measured(r.rescue_low for r in rows), measured(r.rescue_high for r in rows)
    low = min(min(points), max(min(lows, default=0.0), -REACH))
    high = max(max(points), min(max(highs, default=1.0), 1 + REACH))
    room = 0.06 * (high - low)
    return Axis(low - room, high + room)


def off_axis_limit(screen: Screen | None) -> float:
    """Position of the off-axis line; beyond it something else changed."""
    limit = screen.settings.get("off_axis_limit") if screen is not None else None
    return (
        float(limit)
        if isinstance(limit, int | float) and math.isfinite(limit) and limit > 0
        else 1.0
    )


def limit_words(screen: Screen | None) -> str:
    """What the off-axis line means."""
    return f"Line at {short(off_axis_limit(screen))}: beyond this something else changed"


def off_axis_axis(rows: Sequence[Ranked], limit: float = 1.0) -> Axis:
    """From 0 to `limit` at least; logarithmic where a few values are much larger."""
    points = sorted(v for v in measured(r.off_axis for r in rows))
    largest = max(points, default=1.0)
    if points and largest > WIDE * max(points[len(points) // 2], LEAST):
        return Axis(
            min(max(min(points), LEAST / 10), LEAST) / 1.3, max(largest, limit) * 1.3, log=True
        )
    highs = measured(r.off_axis_high for r in rows)
    top = max(largest, min(max(highs, default=1.0), 1.5 * largest), limit)
    low = min(0.0, min(points, default=0.0))
    return Axis(low - 0.04 * (top - low), top * 1.06)


def short(value: float) -> str:
    """A tick or an end of a scale: three figures, without needless zeros."""
    text = f"{value:.3g}" if abs(value) < 1e4 else f"{value:.2e}"
    return "0" if text in ("-0", "0") else text.replace("-", "−")
