"""Live curves of training: the loss falls, the accuracy on the training images rises."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from leigh_gui.widgets.common.look import percent, plain

if TYPE_CHECKING:
    from leigh_gui.widgets.common.chart import Chart

HINT = "Loss and accuracy are drawn here while the model learns."
ACCURACY = "Accuracy on the images it trains on"


class Curve(QWidget):
    """One quantity over the steps of the training, its last value in the title."""

    def __init__(self, name: str, is_share: bool, parent: QWidget | None = None) -> None:
        from leigh_gui.widgets.common.chart import Chart

        super().__init__(parent)
        self.name, self.is_share = name, is_share
        self.steps: list[float] = []
        self.values: list[float] = []
        self.title: QLabel = plain(name, "small")
        self.chart: Chart = Chart()
        self.chart.setMinimumHeight(84)
        if is_share:
            self.chart.set_ticks("left", [(v, f"{v * 100:g} %") for v in (0.0, 0.5, 1.0)])
        self.chart.outdated.connect(self.draw)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.title)
        column.addWidget(self.chart, 1)

    def add(self, step: float, value: float) -> None:
        """One more measurement."""
        self.steps.append(step)
        self.values.append(value)
        self.draw()

    def set_values(self, values: Sequence[tuple[float, float]]) -> None:
        """All measurements at once, as (step, value)."""
        self.steps, self.values = [step for step, _ in values], [value for _, value in values]
        self.draw()

    def draw(self) -> None:
        """Draw all measurements in the colours of the theme."""
        from leigh_gui.widgets.common.chart import Point

        chart, palette = self.chart, self.chart.palette()
        chart.clear()
        if not self.values:
            return
        shown = [(s, v) for s, v in zip(self.steps, self.values, strict=True) if math.isfinite(v)]
        last = self.values[-1]
        text = percent(last, 1) if self.is_share else f"{last:.4g}"
        self.title.setText(f"{self.name}: {text} at step {self.steps[-1]:g}")
        if not shown:
            return
        colour: QColor = (palette.link() if self.is_share else palette.placeholderText()).color()
        xs, ys = [s for s, _ in shown], [v for _, v in shown]
        chart.set_range("bottom", min(xs[0], 0.0), max(xs[-1] * 1.02, xs[0] + 1.0))
        chart.set_range("left", *((-0.05, 1.05) if self.is_share else around(ys)))
        chart.add_curve(xs, ys, colour)
        chart.add_points([Point(xs[-1], ys[-1], colour, palette.base().color(), size=8)])


def around(values: list[float]) -> tuple[float, float]:
    """A range that holds all values with a little room."""
    low, high = min(values), max(values)
    room = 0.06 * (high - low) or 0.1 * max(abs(high), 1e-6)
    return low - room, high + room


class Curves(QWidget):
    """Loss above accuracy; before the first step, a sentence about what will be drawn."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.curves: list[Curve] = []  # made at the first step: pyqtgraph is loaded then
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._hint = plain(HINT, "muted", wrap=True)
        self._column.addWidget(self._hint)
        self._column.addStretch(0)

    def clear(self) -> None:
        """A new training begins."""
        for curve in self.curves:
            curve.set_values([])
            curve.hide()
        self._hint.setText(HINT)
        self._hint.show()

    def show_all(self, rows: Sequence[Sequence[float]], missing: str) -> None:
        """The curves of a training that has ended; without any, say what is `missing`."""
        self.clear()
        self._hint.setText(missing)
        names = ("steps", "losses", "accuracies")
        columns = dict(zip(names, zip_longest(*rows), strict=False))
        if "losses" not in columns:
            return
        self._make()
        for curve, name in zip(self.curves, names[1:], strict=True):
            known = [
                (float(step), float(value))
                for step, value in zip(columns["steps"], columns.get(name, ()), strict=False)
                if value is not None
            ]
            curve.set_values(known)
            curve.setVisible(bool(known))

    def add(self, step: float, loss: float | None, accuracy: float | None) -> None:
        """One more measurement."""
        self._make()
        for curve, value in zip(self.curves, (loss, accuracy), strict=True):
            curve.show()
            if value is not None:
                curve.add(float(step), float(value))

    def _make(self) -> None:
        """The charts, with the first values; pyqtgraph is loaded then."""
        if not self.curves:
            self.curves = [Curve("Loss", is_share=False), Curve(ACCURACY, is_share=True)]
            for place, curve in enumerate(self.curves):
                self._column.insertWidget(place, curve, 1)
        self._hint.hide()
