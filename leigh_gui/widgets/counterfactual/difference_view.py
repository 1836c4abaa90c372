"""Difference maps: added in red, removed in blue; one pane per stain, one scale for all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from core.domain import FloatArray
from leigh_gui.widgets.common.elided_label import ElidedLabel
from leigh_gui.widgets.common.look import clear_layout, is_dark, plain, small_font
from leigh_gui.widgets.image.channel_display import ChannelDisplay
from leigh_gui.widgets.image.image_view import Pane, Viewpoint

LIGHT_STOPS = ((5, 48, 97), (67, 147, 195), (247, 247, 247), (214, 96, 77), (103, 0, 31))
DARK_STOPS = ((120, 200, 255), (33, 102, 172), (22, 22, 24), (178, 60, 43), (255, 176, 120))
LIGHT_SIZES = ((247, 247, 247), (158, 154, 200), (63, 0, 125))  # of what has no sign
DARK_SIZES = ((22, 22, 24), (98, 74, 160), (222, 206, 255))
STEPS = (0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


def diverging_table(dark: bool) -> np.ndarray:
    """(255, 3) uint8 R G B from removed through unchanged (row 127) to added."""
    return _table(DARK_STOPS if dark else LIGHT_STOPS)


def size_table(dark: bool) -> np.ndarray:
    """(255, 3) uint8 R G B from nothing (row 0), as grey as there, to the largest size."""
    return _table(DARK_SIZES if dark else LIGHT_SIZES)


def _table(stops: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """(255, 3) uint8 between these colours."""
    at, colours = np.linspace(0, 254, len(stops)), np.array(stops, dtype=np.float64)
    rows = [np.interp(np.arange(255), at, colours[:, c]) for c in range(3)]
    return np.stack(rows, axis=1).round().astype(np.uint8)


def symmetric_limit(difference: FloatArray, spans: Sequence[float]) -> float:
    """One scale limit for all channels, as share of each channel's display range; at least 1 %."""
    largest = 0.0
    for plane, span in zip(difference, spans, strict=True):
        values = np.abs(plane[:: max(plane.shape[0] // 256, 1), :: max(plane.shape[1] // 256, 1)])
        largest = max(largest, float(np.percentile(values, 99.5)) / max(span, 1e-12))
    return next((step for step in STEPS if step >= largest), largest)


def coloured(
    plane: FloatArray, span: float, limit: float, table: np.ndarray, signed: bool = True
) -> np.ndarray:
    """Y X difference -> (Y, X, 4) uint8 B G R A.

    Zero is the middle of the table; for unsigned values, its start.
    """
    zero = 127 if signed else 0
    level = plane * np.float32((254 - zero) / (max(span, 1e-12) * limit))
    np.clip(level, -zero, 254 - zero, out=level)
    np.rint(level, out=level)
    level += zero
    lookup = np.full((255, 4), 255, dtype=np.uint8)
    lookup[:, :3] = table[:, ::-1]
    packed = lookup.view(np.uint32).ravel()[level.astype(np.uint8)]
    return packed.view(np.uint8).reshape(*plane.shape, 4)


class DifferencePane(Pane):
    """The change of one channel, or, not `signed`, the size of something on a scale from 0.

    A change of zero everywhere is not drawn: the hint says so.
    """

    def __init__(
        self, viewpoint: Viewpoint | None = None, parent: QWidget | None = None, signed: bool = True
    ) -> None:
        super().__init__(viewpoint, parent)
        self.signed = signed
        self._plane: FloatArray | None = None
        self._span = 1.0
        self._limit = 1.0

    def set_difference(self, plane: FloatArray | None, span: float, limit: float) -> None:
        """Show this Y X change on a scale of +- limit times span (from 0 where it has no sign)."""
        drawn = plane is not None and bool(plane.any())
        self._plane, self._span, self._limit = plane if drawn else None, span, limit
        self._compose()

    def background(self) -> QColor:
        return QColor(*diverging_table(is_dark(self))[127])

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._compose()
        super().changeEvent(event)

    def _compose(self) -> None:
        if self._plane is None:
            self._image = None
            self.update()
            return
        table = (diverging_table if self.signed else size_table)(is_dark(self))
        self._set_pixels(coloured(self._plane, self._span, self._limit, table, self.signed))


class ColourBar(QWidget):
    """The one scale of all difference panes, with its limits printed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.limit = 1.0
        self.setFixedHeight(20)
        self.setMinimumWidth(160)
        self.setToolTip(
            "Change as share of each channel's display range. Zero is the middle; one scale for"
            " all."
        )

    def set_limit(self, limit: float) -> None:
        """Print this limit at both ends."""
        self.limit = limit
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(small_font(self))
        painter.setPen(self.palette().windowText().color())
        low, high = f"−{self.limit * 100:g} %", f"+{self.limit * 100:g} %"
        metrics = painter.fontMetrics()
        side = max(metrics.horizontalAdvance(low), metrics.horizontalAdvance(high)) + 8
        painter.drawText(QRectF(0, 0, side, self.height()), Qt.AlignmentFlag.AlignVCenter, low)
        right = QRectF(self.width() - side, 0, side, self.height())
        painter.drawText(right, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, high)
        table = diverging_table(is_dark(self))
        row = np.full((1, 255, 4), 255, dtype=np.uint8)
        row[0, :, :3] = table[:, ::-1]
        bar = QRectF(side, 5, self.width() - 2 * side, self.height() - 10)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(bar, QImage(row.data, 255, 1, 1020, QImage.Format.Format_RGB32))
        painter.setPen(self.palette().mid().color())
        painter.drawRect(bar)
        painter.end()


class DifferenceView(QWidget):
    """All difference panes side by side, and their one scale."""

    def __init__(self, viewpoint: Viewpoint, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewpoint = viewpoint
        self.panes: list[DifferencePane] = []
        self.limit = STEPS[0]
        self._titles: list[ElidedLabel] = []
        self._channels: tuple[ChannelDisplay, ...] = ()
        self._spans: tuple[float, ...] = ()
        self._difference: FloatArray | None = None
        self._build()

    def _build(self) -> None:
        self._row = QHBoxLayout()
        self._row.setSpacing(8)
        self.bar = ColourBar()
        self.lock = QCheckBox("Keep scale")
        self.lock.setToolTip(
            "Keep the limits when the image or the target changes, to compare by eye."
        )
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(plain("Less", "small"))
        foot.addWidget(self.bar, 1)
        foot.addWidget(plain("More", "small"))
        foot.addSpacing(8)
        foot.addWidget(self.lock)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(self._row, 1)
        column.addLayout(foot)

    def set_channels(self, channels: Sequence[ChannelDisplay], spans: Sequence[float]) -> None:
        """One pane per channel, named after it.

        `spans` (raw grey values) do not follow the contrast sliders.
        """
        spans_changed = tuple(spans) != self._spans
        self._channels, self._spans = tuple(channels), tuple(spans)
        if len(self.panes) != len(channels):
            self._rebuild()
        for title, channel in zip(self._titles, channels, strict=True):
            title.setText(f"Δ {channel.name}")
        if spans_changed:
            self._show()

    def set_difference(self, difference: FloatArray | None, keep_scale: bool = False) -> None:
        """Show a C Y X change; `keep_scale` lets the limit only grow (while dragging)."""
        self._difference = difference
        if (
            difference is not None
            and len(difference) == len(self._channels)
            and not self.lock.isChecked()
        ):
            found = symmetric_limit(difference, self._spans)
            self.limit = max(found, self.limit) if keep_scale else found
        self._show()

    def _show(self) -> None:
        fits = self._difference is not None and len(self._difference) == len(self._channels)
        for index, pane in enumerate(self.panes):
            plane = self._difference[index] if fits and self._difference is not None else None
            pane.set_difference(plane, self._spans[index], self.limit)
        self.bar.set_limit(self.limit)

    def _rebuild(self) -> None:
        clear_layout(self._row)
        self.panes, self._titles = [], []
        for channel in self._channels:
            holder = QWidget()
            column = QVBoxLayout(holder)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(2)
            title, pane = ElidedLabel(channel.name), DifferencePane(self.viewpoint)
            pane.set_hint("No change")
            column.addWidget(title)
            column.addWidget(pane, 1)
            self.panes.append(pane)
            self._titles.append(title)
            self._row.addWidget(holder, 1)
