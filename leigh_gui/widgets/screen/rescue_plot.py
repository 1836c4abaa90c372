"""Rescue against off-axis: right is healed, up is otherwise changed.

Click a point to select its treatment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPalette
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from core.domain import FloatArray
from core.domain.screen import Ranked, Screen
from leigh_gui.widgets.common.elided_label import ElidedLabel
from leigh_gui.widgets.common.look import small_font, tip
from leigh_gui.widgets.screen.axis import (
    Axis,
    known,
    limit_words,
    off_axis_axis,
    off_axis_limit,
    rescue_axis,
)
from leigh_gui.widgets.screen.ranking_rows import is_control, row_words, treatment_name

if TYPE_CHECKING:
    from leigh_gui.widgets.common.chart import Chart, Point

KEY = "● hit   ◐ no hit   ○ flagged   ◆ control"
UP = "↑ Off-axis, in spreads of healthy wells"
LONGEST = 160  # pixels of a label
PALE = 90  # opacity of treatments that are not hits, of 255
GREY = "#999999"


class RescuePlot(QWidget):
    """One point per treatment.

    Hits filled, others pale, flagged hollow; the selected one with its intervals.
    """

    selected = Signal(str)  # condition

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chart: Chart | None = None  # made with the first screen: pyqtgraph is loaded then
        self._screen: Screen | None = None
        self._rows: tuple[Ranked, ...] = ()
        self._colours: Mapping[str, str] = {}
        self._axes: tuple[Axis, Axis] = (rescue_axis(()), off_axis_axis(()))
        self._current, self._wanted = "", ""
        self._build()

    def _build(self) -> None:
        self.up, self.key = ElidedLabel(UP, "small"), ElidedLabel(KEY, "small")
        self.across = ElidedLabel("", "small")
        self.across.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        foot = QHBoxLayout()
        foot.addWidget(self.key, 1)
        foot.addWidget(self.across, 1)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(self.up)
        self._column.addLayout(foot)
        self.setMinimumSize(240, 150)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Rescue against off-axis of every treatment")

    def sizeHint(self) -> QSize:
        return QSize(560, 300)

    def set_screen(self, screen: Screen | None, colours: Mapping[str, str]) -> None:
        """Show these treatments; `colours` of the conditions."""
        self._screen, self._colours = screen, colours
        ranked = screen.ranked if screen else ()
        self._rows = tuple(r for r in ranked if known(r.rescue) and known(r.off_axis))
        self._axes = (rescue_axis(ranked), off_axis_axis(ranked, off_axis_limit(screen)))
        if screen is not None and self.chart is None:
            self._add_chart()
        ends = f" (0 {screen.diseased}, 1 {screen.healthy})" if screen else ""
        self.across.setText(f"Rescue{ends} →")
        self.up.setText(UP + (" (logarithmic)" if self._axes[1].log else ""))
        self.up.setToolTip(tip(limit_words(screen)))
        self._draw()

    def set_current(self, condition: str) -> None:
        """Emphasise this treatment."""
        self._current = condition
        if self.chart is not None:
            self._draw_top(self.chart)

    def set_wanted(self, text: str) -> None:
        """Grey the treatments whose names do not contain this text."""
        self._wanted = text.strip().casefold()
        self._draw()

    def place(self, row: Ranked) -> QPointF:
        """Where a treatment lies, in pixels of the chart."""
        assert self.chart is not None
        return self.chart.pixel(*self._at(row.rescue, row.off_axis))

    def _add_chart(self) -> None:
        from leigh_gui.widgets.common.chart import Chart

        self.chart = Chart()
        self.chart.picked.connect(self.selected)
        self.chart.outdated.connect(self._draw)
        self._column.insertWidget(1, self.chart, 1)

    def _at(self, rescue: float, off_axis: float) -> tuple[float, float]:
        """Coordinates of the chart; values outside the axes lie on their ends."""
        across, up = self._axes
        return across.coordinate(rescue), up.coordinate(off_axis)

    def _draw(self) -> None:
        chart = self.chart
        if chart is None:
            return
        chart.clear()
        chart.setToolTip(tip(limit_words(self._screen)))
        across, up = self._axes
        chart.set_range("bottom", *across.ends())
        chart.set_range("left", *up.ends(), log=up.log)
        for rescue in (0.0, 1.0):
            chart.add_line(rescue, upright=True)
        chart.add_line(up.coordinate(off_axis_limit(self._screen)), upright=False)
        ordered = sorted(self._rows, key=lambda r: (is_control(r), r.hit))
        chart.add_points([self._point(row, chart.palette()) for row in ordered])
        self._draw_top(chart)

    def _draw_top(self, chart: Chart) -> None:
        """The selected treatment and the labels, which make room for it."""
        from leigh_gui.widgets.common.chart import Point, tinted

        chart.clear_top()
        palette = chart.palette()
        ink = palette.windowText().color()
        for row in self._rows:
            if self._chosen(row):
                for xs, ys in self._intervals(row):
                    chart.add_curve(xs, ys, ink, 1.5)
                marker = replace(self._point(row, palette), size=14.0, key="")
                chart.add_points(
                    [marker, Point(marker.x, marker.y, tinted(ink, 0), ink, size=22.0)]
                )
        self._draw_labels(chart)

    def _chosen(self, row: Ranked) -> bool:
        return row.condition == self._current

    def _intervals(self, row: Ranked) -> list[tuple[list[float], list[float]]]:
        """Both error bars as places of the axes, those that were measured."""
        found = []
        ends = (row.rescue_low, row.rescue_high)
        if known(ends[0]) and known(ends[1]):
            places = [self._at(end, row.off_axis) for end in ends if end is not None]
            found.append(places)
        ends = (row.off_axis_low, row.off_axis_high)
        if known(ends[0]) and known(ends[1]):
            found.append([self._at(row.rescue, end) for end in ends if end is not None])
        return [([x for x, _ in places], [y for _, y in places]) for places in found]

    def _point(self, row: Ranked, palette: QPalette) -> Point:
        """The marker of a treatment."""
        from leigh_gui.widgets.common.chart import Point, tinted

        x, y = self._at(row.rescue, row.off_axis)
        greyed = self._wanted not in treatment_name(row).casefold()
        colour = palette.mid().color() if greyed else QColor(self._colours.get(row.condition, GREY))
        fill = colour
        if row.flags and not is_control(row):
            fill = palette.base().color()
        elif not row.hit and not is_control(row):
            fill = tinted(colour, PALE)
        words = partial(self._words, row)
        symbol = "d" if is_control(row) else "o"
        return Point(x, y, fill, colour, symbol, key=row.condition, words=words)

    def _words(self, row: Ranked) -> str:
        """The tooltip of a point."""
        return row_words(row, self._screen).text() if self._screen is not None else ""

    def _draw_labels(self, chart: Chart) -> None:
        """Labels that cover nothing: the selected treatment first, then controls and hits."""
        metrics, palette = QFontMetricsF(small_font(self)), chart.palette()
        named = [r for r in self._rows if self._chosen(r) or is_control(r) or r.hit]
        named.sort(key=lambda r: (not self._chosen(r), not is_control(r), r.tie))
        elide = Qt.TextElideMode.ElideRight
        words = [metrics.elidedText(treatment_name(r), elide, LONGEST) for r in named]
        sizes = [(metrics.horizontalAdvance(w) + 2.0, metrics.height()) for w in words]
        points = [self.place(r) for r in self._rows]
        for row in named[:1] if named and self._chosen(named[0]) else ():
            for xs, ys in self._intervals(row):
                points += along(chart.pixel(xs[0], ys[0]), chart.pixel(xs[1], ys[1]))
        places = free_labels([self.place(r) for r in named], sizes, points, chart.box())
        for row, text, place in zip(named, words, places, strict=True):
            if place is not None:
                strong = self._chosen(row) or row.hit
                role = palette.windowText() if strong else palette.placeholderText()
                chart.add_text(place, text, role.color())


def along(start: QPointF, end: QPointF) -> list[QPointF]:
    """Places along an error bar, which no label may cover."""
    return [start + (end - start) * (k / 20) for k in range(21)]


def free_labels(
    places: Sequence[QPointF],
    sizes: Sequence[tuple[float, float]],
    points: Sequence[QPointF],
    box: QRectF,
) -> list[QRectF | None]:
    """A box for each label inside `box` that covers neither points nor labels, or None."""
    found: list[QRectF | None] = []
    xy = np.array([(p.x(), p.y()) for p in points]).reshape(-1, 2)
    for place, size in zip(places, sizes, strict=True):
        taken = [label for label in found if label is not None]
        found.append(next((o for o in _offers(place, *size) if _free(o, taken, xy, box)), None))
    return found


def _offers(place: QPointF, wide: float, high: float) -> list[QRectF]:
    """Boxes around a place: right, left, above, below, then the corners."""
    right, left, above, below = 11.0, -11 - wide, -high - 5, 5.0
    shifts = [
        (right, -high / 2), (left, -high / 2), (-wide / 2, -high - 13), (-wide / 2, 13.0),
        (right, above), (right, below), (left, above), (left, below),
    ]  # fmt: skip
    return [QRectF(place.x() + dx, place.y() + dy, wide, high) for dx, dy in shifts]


def _free(offer: QRectF, taken: Sequence[QRectF], xy: FloatArray, box: QRectF) -> bool:
    if not box.contains(offer) or any(offer.intersects(label) for label in taken):
        return False
    around = offer.adjusted(-4, -2, 4, 2)
    inside = (xy[:, 0] >= around.left()) & (xy[:, 0] <= around.right())
    return not bool((inside & (xy[:, 1] >= around.top()) & (xy[:, 1] <= around.bottom())).any())
