"""The path: how far the image is moved, from 0 % to the target at 100 % and a little beyond."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from leigh_gui.widgets.common.look import plain, tip
from leigh_gui.widgets.counterfactual.path_slider import PathSlider

FAR = "Amber: pictures there are farther from real images than these are from one another."
SPEEDS = (0.5, 1.0, 2.0, 4.0)


class PathBar(QWidget):
    """Play button, loop, speed, strength slider and its percent."""

    strength_moved = Signal(float)  # while moving
    strength_set = Signal(float)  # let go
    playing_changed = Signal()  # loop or speed

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._playing = QTimer(self)
        self._playing.setInterval(60)
        self._build()
        self._connect()

    def _build(self) -> None:
        self.play = QToolButton()
        self.play.setObjectName("path-play")
        self.play.setText("▶")
        self.play.setToolTip("Play the path from the original to the target (Space)")
        self.loop = QToolButton()
        self.loop.setObjectName("path-loop")
        self.loop.setText("↻")
        self.loop.setCheckable(True)
        self.loop.setToolTip("Play there and back without end")
        self.speed = QToolButton()
        self.speed.setObjectName("path-speed")
        self.speed.setToolTip("Speed of the film; a click takes the next one")
        self._target_tip = ""
        self._speed = 1.0
        self._back = False  # a loop plays back to the original
        self.set_speed(1.0)
        self.slider = PathSlider()
        self.slider.setObjectName("path-slider")
        self.percent = plain("0 %", "strong")
        self.percent.setMinimumWidth(self.percent.fontMetrics().horizontalAdvance("150 %  ") + 8)
        self.percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.play)
        row.addWidget(self.loop)
        row.addWidget(self.speed)
        row.addWidget(self.slider, 1)
        row.addWidget(self.percent)

    def _connect(self) -> None:
        self.play.clicked.connect(self.toggle_play)
        self.loop.toggled.connect(lambda _: self.playing_changed.emit())
        self.speed.clicked.connect(self._next_speed)
        self.slider.valueChanged.connect(self._on_value)
        self.slider.sliderReleased.connect(self._on_released)
        self._playing.timeout.connect(self._on_tick)

    def strength(self) -> float:
        """Strength on show."""
        return self.slider.value() / 100

    def set_strength(self, strength: float) -> None:
        """Show this strength; emits nothing. Ignored while the slider is dragged."""
        if self.slider.isSliderDown() or self._playing.isActive():
            return
        self.slider.blockSignals(True)
        self.slider.setValue(round(strength * 100))
        self.slider.blockSignals(False)
        self._show_percent()
        self.slider.update()

    def set_answered(self, strength: float) -> None:
        """The strength of the picture on show."""
        self.slider.answered = strength
        self.slider.update()

    def set_crossing(self, crossing: float | None, to: str = "") -> None:
        """Mark where the model changes its mind, and to what."""
        self.slider.crossing, self.slider.crossing_to = crossing, to
        self.slider.update()

    def set_far(self, stretches: tuple[tuple[float, float], ...]) -> None:
        """Colour where pictures are farther from real images than these are from one another."""
        self.slider.far = stretches
        self.slider.setToolTip(tip("\n".join(filter(None, (self._target_tip, self._far_tip())))))
        self.slider.update()

    def set_target(self, name: str, colour: str) -> None:
        """Colour the path as its target."""
        self.slider.colour = QColor(colour)
        self._target_tip = (
            f"How far toward {name}: 0 % is the original, 100 % as far as {name} typically is."
        )
        self.set_far(self.slider.far)

    def _far_tip(self) -> str:
        return FAR if self.slider.far else ""

    def toggle_play(self) -> None:
        """Play from the original to the target, or pause."""
        if self._playing.isActive():
            self._stop()
            return
        self._back = False
        if self.slider.value() >= 100:
            self.slider.setValue(0)
        self.play.setText("❚❚")
        self._playing.start()

    def playing(self) -> bool:
        """Whether the path is being played."""
        return self._playing.isActive()

    def speed_now(self) -> float:
        """How many times the usual speed."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Play at one of SPEEDS."""
        self._speed = speed if speed in SPEEDS else 1.0
        self.speed.setText(f"{self._speed:g}×")

    def _next_speed(self) -> None:
        self.set_speed(SPEEDS[(SPEEDS.index(self._speed) + 1) % len(SPEEDS)])
        self.playing_changed.emit()

    def _on_tick(self) -> None:
        by = round(2 * self._speed) * (-1 if self._back else 1)
        self.slider.setValue(min(max(self.slider.value() + by, 0), 100))
        if self.loop.isChecked():
            if self.slider.value() in (0, 100):
                self._back = self.slider.value() == 100
        elif self.slider.value() >= 100:
            self._stop()

    def _stop(self) -> None:
        self._playing.stop()
        self.play.setText("▶")
        self.strength_set.emit(self.strength())

    def _on_value(self) -> None:
        self._show_percent()
        if self.slider.isSliderDown() or self._playing.isActive():
            self.strength_moved.emit(self.strength())
        else:
            self.strength_set.emit(self.strength())

    def _on_released(self) -> None:
        self.strength_set.emit(self.strength())

    def _show_percent(self) -> None:
        self.percent.setText(f"{self.slider.value()} %")
