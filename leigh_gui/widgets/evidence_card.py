"""Evidence card: can this counterfactual be trusted? Failures stay visible."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from core.domain import Counterfactual
from leigh_gui.widgets.look import BAD, GOOD, WARN, percent, plain

GREY_LEVEL = 1 / 255  # a round trip within a quarter of one grey level of 255 is exact to the eye
LINES = 7  # headline, flip, round trip, up to three for the channels, clipped
LIGHT_COLOURS = {"good": GOOD, "warn": WARN, "bad": BAD, "none": "#8A8F98"}


class Light(QWidget):
    """A tick, a dash, an exclamation mark or a cross; never colour alone."""

    def __init__(self, size: int = 16, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = "none"
        self.setFixedSize(QSize(size, size))

    def set_state(self, state: str, why: str = "") -> None:
        """Show good, warn, bad or none, with the reason as tooltip."""
        self.state = state
        self.setToolTip(why)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        half = self.width() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(LIGHT_COLOURS[self.state]))
        painter.drawEllipse(QPointF(half, half), half - 1, half - 1)
        pen = QPen(QColor("white"), 1.8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        r = half * 0.42
        if self.state == "good":
            painter.drawPolyline([QPointF(half - r, half), QPointF(half - r * 0.2, half + r * 0.8),
                                  QPointF(half + r, half - r * 0.7)])  # fmt: skip
        elif self.state == "bad":
            painter.drawLine(QPointF(half - r, half - r), QPointF(half + r, half + r))
            painter.drawLine(QPointF(half - r, half + r), QPointF(half + r, half - r))
        elif self.state == "warn":
            painter.drawLine(QPointF(half, half - r * 1.2), QPointF(half, half + r * 0.2))
            painter.drawPoint(QPointF(half, half + r * 1.2))
        else:
            painter.drawLine(QPointF(half - r, half), QPointF(half + r, half))
        painter.end()


def verdict(cf: Counterfactual, names: Sequence[str]) -> tuple[str, str]:
    """(light, reason) of one counterfactual in a few words."""
    if not cf.valid:
        return "bad", cf.reason or "This counterfactual did not pass its checks and is not drawn."
    predicted = names[int(np.argmax(cf.probabilities))]
    if cf.roundtrip_error > GREY_LEVEL / 4:
        return "warn", f"The inverse is off by {percent(cf.roundtrip_error, 3)} of the range."
    if cf.clipped > 0.01:
        return "warn", f"{percent(cf.clipped, 1)} of the pixels left the camera's range and were clipped."
    if cf.strength > 1.005:
        return "warn", "Exaggerated: further than real images of the target typically are."
    if predicted == cf.source:
        return "none", f"Not across the boundary yet: still {cf.source}."
    if predicted != cf.target:
        return "warn", f"It landed in {predicted}, not in {cf.target}."
    return "good", f"Reaches {cf.target}, by this model's own reading."


class EvidenceCard(QWidget):
    """Flips or not, round-trip error, which channels changed, clipping."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.light = Light()
        self._values: dict[str, QLabel] = {}
        self._build()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        self.headline = plain("", "strong", wrap=True)
        self.headline.setObjectName("evidence-headline")
        flip = plain("–", wrap=True)
        flip.setToolTip("Whether the model reads the picture as the target, and how surely.")
        self._values["flip"] = flip
        grid.addWidget(self.light, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.headline, 0, 1, 1, 2)
        grid.addWidget(flip, 1, 1, 1, 2)
        rows = (
            ("roundtrip", "Round trip", "How exactly the network can be run backwards: share of the range."),
            ("channels", "Change", "Share of the whole change that each stain carries."),
            ("clipped", "Clipped", "Pixels the change would push outside the camera's grey values."),
        )
        for row, (key, title, tip) in enumerate(rows, start=2):
            name, value = plain(title, "small"), plain("–", wrap=True)
            name.setToolTip(tip)
            name.setAlignment(Qt.AlignmentFlag.AlignTop)
            value.setToolTip(tip)
            value.setAlignment(Qt.AlignmentFlag.AlignTop)
            grid.addWidget(name, row, 1)
            grid.addWidget(value, row, 2)
            self._values[key] = value
        grid.setColumnStretch(2, 1)
        column.addLayout(grid)
        column.addStretch(1)
        self.setMinimumHeight(self.fontMetrics().height() * LINES + 16)
        self.clear("Select an image and move it toward a condition.")

    def text(self, key: str) -> str:
        """What the card says about flip, roundtrip, channels or clipped."""
        return self._values[key].text()

    def clear(self, text: str) -> None:
        """No counterfactual yet; say what to do."""
        self.light.set_state("none", text)
        self.headline.setText(text)
        for value in self._values.values():
            value.setText("–")

    def set_counterfactual(self, cf: Counterfactual, names: Sequence[str], channels: Sequence[str],
                           spans: Sequence[float]) -> None:  # fmt: skip
        """Judge this counterfactual."""
        if cf.strength <= 0 and cf.valid:
            self.clear("This is the original. Drag its handle or press “Move to”.")
            self._values["roundtrip"].setText(f"off by {percent(cf.roundtrip_error, 4)} of the range")
            return
        state, reason = verdict(cf, names)
        self.light.set_state(state, reason)
        self.headline.setText(reason)
        winner = int(np.argmax(cf.probabilities))
        sure = f"{names[winner]}, {percent(float(cf.probabilities[winner]), 1)}"
        flips = "Flips the model: it reads" if names[winner] == cf.target else f"Does not reach {cf.target}: it reads"
        self._values["flip"].setText(f"{flips} {sure}")
        self._values["roundtrip"].setText(f"off by {percent(cf.roundtrip_error, 4)} of the range")
        self._values["clipped"].setText(f"{percent(cf.clipped, 2)} of the pixels")
        shares = cf.channel_shares(tuple(spans)) if cf.valid else None
        text = "not drawn" if shares is None else " · ".join(
            f"{n} {percent(float(s))}" for n, s in zip(channels, shares, strict=True))  # fmt: skip
        self._values["channels"].setText(text)
