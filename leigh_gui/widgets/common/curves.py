"""Live curves of training: the loss falls, the accuracy on the training images rises."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from leigh_gui.widgets.common.look import plain

LOSS, ACCURACY = "#8A8F98", "#5B4FCF"


class Curves(QWidget):
    """Two small plots over the same steps; before the first step, a word about what
    will be seen.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.loss: tuple[list[float], list[float]] = ([], [])
        self.accuracy: tuple[list[float], list[float]] = ([], [])
        self._build()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self._plots = []
        self._lines = []
        for title, colour in (("Loss", LOSS), ("Accuracy on the images it trains on", ACCURACY)):
            plot = pg.PlotWidget()
            plot.setMinimumHeight(96)
            plot.setMenuEnabled(False)
            plot.setMouseEnabled(False, False)
            plot.hideButtons()
            plot.setTitle(title, size="9pt")
            plot.showGrid(y=True, alpha=0.15)
            self._lines.append(plot.plot(pen=pg.mkPen(colour, width=2)))
            self._plots.append(plot)
            column.addWidget(plot, 1)
        self._hint = plain("Loss and accuracy are drawn here while the model learns.", "muted")
        column.addWidget(self._hint)
        column.addStretch(0)
        self._show(False)
        self._plots[1].setYRange(0, 1)
        self._plots[1].setLabel("bottom", "step")
        self._colour()

    def clear(self) -> None:
        """A new training begins."""
        self._show(False)
        self.loss, self.accuracy = ([], []), ([], [])
        for line in self._lines:
            line.setData([], [])

    def add(self, step: float, loss: float | None, accuracy: float | None) -> None:
        """One more measurement."""
        self._show(True)
        for value, (xs, ys), line in (
            (loss, self.loss, self._lines[0]),
            (accuracy, self.accuracy, self._lines[1]),
        ):
            if value is not None:
                xs.append(float(step))
                ys.append(float(value))
                line.setData(xs, ys)

    def _show(self, plots: bool) -> None:
        for plot in self._plots:
            plot.setVisible(plots)
        self._hint.setVisible(not plots)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_plots"):
            self._colour()
        super().changeEvent(event)

    def _colour(self) -> None:
        palette = self.palette()
        ink = palette.placeholderText().color()
        for plot in self._plots:
            plot.setBackground(palette.base().color())
            plot.setTitle(plot.getPlotItem().titleLabel.text, color=ink.name(), size="9pt")
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(pg.mkPen(palette.mid().color()))
                plot.getAxis(side).setTextPen(pg.mkPen(ink))
