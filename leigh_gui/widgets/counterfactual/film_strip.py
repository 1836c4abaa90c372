"""The path as a film: a few pictures from the original to the target, and what they are read as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.domain import Condition, CounterfactualPath
from leigh_gui.widgets.common.look import percent, small_font, tip
from leigh_gui.widgets.image.channel_display import ChannelDisplay, composite

CAPTION, GAP = 18, 6
STEPS = 5  # between the frames; the frame at the crossing comes on top
LEAST_CHART = 110  # pixels


@dataclass(frozen=True)
class Frame:
    """One picture of the film: its strength, and what the model reads in it."""

    strength: float
    picture: np.ndarray  # C Y X grey values
    read: int  # index of the most probable condition
    crosses: bool = False  # the first that is read as another condition than the original


def frames_of(path: CounterfactualPath) -> tuple[Frame, ...]:
    """At even steps, and where the class first changes; none without pictures."""
    points, first = path.points, path.changes[:1]
    even = [min(points, key=lambda p: abs(p.strength - k / STEPS)) for k in range(STEPS + 1)]
    wanted = {point.strength: point for point in (*even, *first) if points}
    return tuple(
        Frame(strength, point.picture, point.read, point in first)
        for strength, point in sorted(wanted.items())
        if point.picture is not None
    )


class FilmStrip(QWidget):
    """Frames on the left, the probabilities along the path on the right. A click goes there."""

    picked = Signal(float)  # strength

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frames: tuple[Frame, ...] = ()
        self._path: CounterfactualPath | None = None
        self._conditions: tuple[Condition, ...] = ()
        self._channels: tuple[ChannelDisplay, ...] = ()
        self._images: list[tuple[QImage, np.ndarray]] = []  # with the memory of each
        self._strength = 0.0
        self._hint = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_side(72)
        self.setMouseTracking(True)

    def set_side(self, side: int) -> None:
        """Height of the frames in pixels."""
        if self.height() != side + CAPTION:
            self._images = []
        self.setFixedHeight(side + CAPTION)

    def sizeHint(self) -> QSize:
        return QSize(480, self.height())

    def set_conditions(self, conditions: Sequence[Condition]) -> None:
        """Names and colours, in class order."""
        self._conditions = tuple(conditions)
        self.update()

    def set_channels(self, channels: Sequence[ChannelDisplay]) -> None:
        """Colours and contrast of the frames."""
        if tuple(channels) != self._channels:
            self._channels, self._images = tuple(channels), []
            self.update()

    def set_path(self, path: CounterfactualPath | None, hint: str = "") -> None:
        """Show this path; without one, the `hint`."""
        self._path, self._images, self._hint = path, [], hint
        self.frames = frames_of(path) if path is not None else ()
        self.update()

    def set_strength(self, strength: float) -> None:
        """Mark where the image on show is."""
        if strength != self._strength:
            self._strength = strength
            self.update()

    def tiles(self) -> list[QRectF]:
        """Where the frames are; fewer where room is short."""
        if not self.frames:
            return []
        side = float(self.height() - CAPTION)
        height, width = self.frames[0].picture.shape[1:]
        room = self.width() - LEAST_CHART - 3 * GAP - 8
        step = max(min(side * width / height, room / len(self.frames) - GAP), 8.0)
        tall = step * height / width
        return [QRectF(k * (step + GAP) + 1, 1, step, tall) for k in range(len(self.frames))]

    def chart(self) -> QRectF:
        """Where the probabilities are drawn; empty where room is short."""
        tiles = self.tiles()
        left = tiles[-1].right() + 2 * GAP if tiles else 0.0
        room = self.width() - left - 8
        if self._path is None or room < LEAST_CHART:
            return QRectF()
        return QRectF(left, 3, room, self.height() - CAPTION - 4)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        strength = self._strength_at(event.position())
        if strength is not None:
            self.picked.emit(strength)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        words = self._words_at(event.position())
        if words != self.toolTip():
            self.setToolTip(tip(words))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(small_font(self))
        if not self.frames:
            painter.setPen(self.palette().placeholderText().color())
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._hint)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for k, tile in enumerate(self.tiles()):
            self._paint_frame(painter, k, tile)
        chart = self.chart()
        if self._path is not None and not chart.isEmpty():
            self._paint_chart(painter, chart, self._path)
        painter.end()

    def _strength_at(self, at: QPointF) -> float | None:
        for frame, tile in zip(self.frames, self.tiles(), strict=True):
            if tile.adjusted(0, 0, 0, CAPTION).contains(at):
                return frame.strength
        chart = self.chart()
        if chart.contains(at):
            return round((at.x() - chart.x()) / chart.width(), 2)
        return None

    def _words_at(self, at: QPointF) -> str:
        strength = self._strength_at(at)
        if strength is None or self._path is None:
            return ""
        points = self._path.points
        along = [p.strength for p in points]
        table = np.array([p.probabilities for p in points])
        shares = [np.interp(strength, along, table[:, k]) for k in range(table.shape[1])]
        lines = [f"{c.name} {percent(float(s), 1)}"
                 for c, s in zip(self._conditions, shares, strict=False)]  # fmt: skip
        return "\n".join((f"At strength {strength * 100:.0f} %", *lines))

    def _composed(self) -> list[tuple[QImage, np.ndarray]]:
        if not self._images:
            for frame in self.frames:
                if len(frame.picture) != len(self._channels):
                    return []
                step = max(min(frame.picture.shape[1:]) // (self.height() - CAPTION), 1)
                pixels = composite(frame.picture[:, ::step, ::step], self._channels)
                height, width = pixels.shape[:2]
                image = QImage(pixels.data, width, height, width * 4, QImage.Format.Format_RGB32)
                self._images.append((image, pixels))
        return self._images

    def _paint_frame(self, painter: QPainter, k: int, tile: QRectF) -> None:
        frame, images = self.frames[k], self._composed()
        if images:
            painter.drawImage(tile, images[k][0])
        here = abs(frame.strength - self._strength) < 0.05
        painter.setBrush(Qt.BrushStyle.NoBrush)
        words = f"{frame.strength * 100:.0f} %"
        if frame.crosses and frame.read < len(self._conditions):
            condition = self._conditions[frame.read]
            painter.setPen(QPen(QColor(condition.colour), 3))
            painter.drawRect(tile.adjusted(1, 1, -1, -1))
            words += f" {condition.name}"
        if here:
            painter.setPen(QPen(self.palette().highlight().color(), 2))
            bottom = tile.bottom() + CAPTION - 2
            painter.drawLine(QPointF(tile.x(), bottom), QPointF(tile.right(), bottom))
        room = GAP + (tile.width() / 4 if frame.crosses else 0)  # the captions around are short
        line = QRectF(tile.x() - room, tile.bottom() + 1, tile.width() + 2 * room, CAPTION - 4)
        painter.setPen(
            (self.palette().windowText() if here or frame.crosses else
             self.palette().placeholderText()).color()
        )  # fmt: skip
        text = painter.fontMetrics().elidedText(
            words, Qt.TextElideMode.ElideRight, int(line.width())
        )
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_chart(self, painter: QPainter, box: QRectF, path: CounterfactualPath) -> None:
        """Probability of every condition over the strength, with the crossing and the image."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.palette().mid().color(), 1))
        painter.drawRect(box)

        def place(strength: float, share: float) -> QPointF:
            x = box.x() + min(strength, 1.0) * box.width()
            return QPointF(x, box.bottom() - share * box.height())

        for k, condition in enumerate(self._conditions):
            line = [place(p.strength, float(p.probabilities[k])) for p in path.points
                    if k < len(p.probabilities)]  # fmt: skip
            painter.setPen(QPen(QColor(condition.colour), 2))
            painter.drawPolyline(QPolygonF(line))
        for change in path.changes[:1]:
            painter.setPen(QPen(self.palette().windowText().color(), 1, Qt.PenStyle.DashLine))
            painter.drawLine(place(change.strength, 0), place(change.strength, 1))
        painter.setPen(QPen(self.palette().highlight().color(), 2))
        painter.drawLine(place(self._strength, 0), place(self._strength, 1))
        painter.setPen(self.palette().placeholderText().color())
        under = QRectF(box.x(), box.bottom() + 2, box.width(), CAPTION - 4)
        painter.drawText(under, Qt.AlignmentFlag.AlignLeft, "0 %")
        painter.drawText(under, Qt.AlignmentFlag.AlignRight, "100 %")
        words = "probability along the path"
        if painter.fontMetrics().horizontalAdvance(words) < box.width() - 80:
            painter.drawText(under, Qt.AlignmentFlag.AlignCenter, words)
