"""The path: how far the image is moved, from 0 % to the target at 100 % and a little beyond."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractSlider, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from core.domain.limits import LARGEST_DRAGGED_STRENGTH
from leigh_gui.widgets.common.look import WARN, plain, small_font, tip

END = round(100 * LARGEST_DRAGGED_STRENGTH)  # percent
EDGE = 8.0


class PathSlider(QAbstractSlider):
    """0 to 150 percent, with the boundary crossing marked and the part beyond 100 set apart."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.crossing: float | None = None
        self.crossing_to = ""
        self.far: tuple[tuple[float, float], ...] = ()  # stretches of strength
        self.answered = 0.0  # strength of the picture on show; the handle is where it is wanted
        self.colour = QColor("#888888")
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setRange(0, END)
        self.setSingleStep(1)
        self.setPageStep(10)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.valueChanged.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(240, 36)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 36)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._move(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._move(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)

    def place(self, value: float) -> float:
        """Pixel of a percent value."""
        return EDGE + value / END * (self.width() - 2 * EDGE)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_track(painter)
        self._paint_words(painter)
        here = QPointF(self.place(self.value()), 11)
        painter.setPen(QPen(self.palette().windowText().color(), 1.5))
        painter.setBrush(self.colour if self.isEnabled() else self.palette().mid().color())
        painter.drawEllipse(here, 7, 7)
        painter.end()

    def _paint_track(self, painter: QPainter) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(WARN))
        for low, high in self.far:
            left = self.place(100 * low)
            painter.drawRoundedRect(QRectF(left, 5, self.place(100 * high) - left, 12), 3, 3)
        painter.setBrush(self.palette().mid())
        painter.drawRoundedRect(QRectF(EDGE, 9, self.place(100) - EDGE, 4), 2, 2)
        painter.setBrush(QColor(self.colour) if self.isEnabled() else self.palette().mid().color())
        shown = self.place(min(self.answered * 100, END))
        painter.drawRoundedRect(QRectF(EDGE, 9, max(shown - EDGE, 0), 4), 2, 2)
        painter.setPen(QPen(self.palette().mid().color(), 2, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(self.place(100) + 4, 11), QPointF(self.place(END), 11))
        painter.setPen(QPen(self.palette().placeholderText().color(), 1.5))
        painter.drawLine(QPointF(self.place(100), 4), QPointF(self.place(100), 18))
        if self.crossing is not None:
            painter.setPen(QPen(self.palette().windowText().color(), 2))
            x = self.place(self.crossing * 100)
            painter.drawLine(QPointF(x, 2), QPointF(x, 20))

    def _paint_words(self, painter: QPainter) -> None:
        painter.setFont(small_font(self))
        painter.setPen(self.palette().placeholderText().color())
        line = QRectF(0, 20, 0, 16)
        metrics = painter.fontMetrics()
        painter.drawText(line.adjusted(EDGE - 6, 0, 80, 0), Qt.AlignmentFlag.AlignLeft, "original")
        free = (EDGE + metrics.horizontalAdvance("original") + 8, self.width() - 0.0)
        right = QRectF(self.place(100) + 4, 20, self.width() - self.place(100) - 4, 16)
        if metrics.horizontalAdvance("exaggerated") <= right.width():
            beyond = (
                self.palette().windowText()
                if self.value() > 100
                else self.palette().placeholderText()
            )
            painter.setPen(beyond.color())
            painter.drawText(right, Qt.AlignmentFlag.AlignRight, "exaggerated")
            free = (free[0], right.right() - metrics.horizontalAdvance("exaggerated") - 8)
        painter.setPen(self.palette().windowText().color())
        if self.crossing is not None and self.crossing > 0.08:
            text = self.crossing_words(metrics, free[1] - free[0])
            width = metrics.horizontalAdvance(text) + 2
            left = max(min(self.place(self.crossing * 100) - width / 2, free[1] - width), free[0])
            painter.drawText(QRectF(left, 20, width, 16), Qt.AlignmentFlag.AlignHCenter, text)

    def crossing_words(self, metrics: QFontMetrics, room: float) -> str:
        """Where the class changes, and to what, in as many words as fit into `room` pixels."""
        at = f"at {(self.crossing or 0) * 100:.0f} %"
        to = f"to {self.crossing_to} " if self.crossing_to else ""
        texts = (
            f"class first changes {to}{at}",
            f"changes {to}{at}",
            f"class first changes {at}",
            at,
        )
        return next((text for text in texts if metrics.horizontalAdvance(text) <= room), at)

    def _move(self, x: float) -> None:
        self.setValue(round((x - EDGE) / max(self.width() - 2 * EDGE, 1) * END))


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
