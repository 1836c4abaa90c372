"""The scale of a difference map or an explanation, with words at its ends."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from leigh_gui.widgets.common.look import is_dark, small_font
from leigh_gui.widgets.counterfactual.difference_pane import diverging_table, size_table

OF_CHANGE = (
    "Change as share of each channel's display range. Zero is the middle; one scale for all."
)


class ColourBar(QWidget):
    """The one scale of several panes, with its ends; what has no sign begins at 0."""

    def __init__(self, parent: QWidget | None = None, signed: bool = True) -> None:
        super().__init__(parent)
        self.limit, self.signed = 1.0, signed
        self.ends = ("−100 %", "+100 %")
        self.setFixedHeight(20)
        self.setMinimumWidth(110)
        self.setToolTip(OF_CHANGE)

    def set_limit(self, limit: float) -> None:
        """Print this limit at both ends."""
        self.limit = limit
        self.set_ends(f"−{limit * 100:g} %", f"+{limit * 100:g} %")

    def set_ends(self, low: str, high: str) -> None:
        """Print these words at the ends."""
        self.ends = (low, high)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(small_font(self))
        painter.setPen(self.palette().windowText().color())
        low, high = self.ends
        metrics = painter.fontMetrics()
        side = max(metrics.horizontalAdvance(low), metrics.horizontalAdvance(high)) + 8
        painter.drawText(QRectF(0, 0, side, self.height()), Qt.AlignmentFlag.AlignVCenter, low)
        right = QRectF(self.width() - side, 0, side, self.height())
        painter.drawText(right, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, high)
        table = (diverging_table if self.signed else size_table)(is_dark(self))
        row = np.full((1, 255, 4), 255, dtype=np.uint8)
        row[0, :, :3] = table[:, ::-1]
        bar = QRectF(side, 5, self.width() - 2 * side, self.height() - 10)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(bar, QImage(row.data, 255, 1, 1020, QImage.Format.Format_RGB32))
        painter.setPen(self.palette().mid().color())
        painter.drawRect(bar)
        painter.end()
