"""The mix: one slider per condition; the sliders add up to the strength."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QStyle,
    QWidget,
)

from core.domain import Condition
from leigh_gui.widgets.common.elided_label import ElidedLabel
from leigh_gui.widgets.common.look import plain, swatch, tip
from leigh_gui.widgets.counterfactual.path_slider import END

NAME_WIDTH = 120  # pixels


def mixed(amounts: dict[str, int], name: str, value: int) -> dict[str, int]:
    """The percents with `name` at `value`; together they are at most END, as on the path.

    `amounts` are the percents before the drag, so the other sliders return when `name` does.
    """
    others = {k: v for k, v in amounts.items() if k != name}
    before, room = sum(others.values()), END - value
    share = min(1.0, room / before) if before else 1.0
    return {k: value if k == name else int(v * share) for k, v in amounts.items()}


class Amount(QSlider):
    """A slider that takes arrow keys and the wheel only while it has the focus."""

    CLOSE = 4  # percent; nearer, the handle itself is taken
    KEYS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)

    def event(self, event: QEvent) -> bool:
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() in self.KEYS
        ):
            event.accept()
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The handle jumps to where the groove is pressed."""
        knob = self.style().pixelMetric(QStyle.PixelMetric.PM_SliderLength, None, self)
        at, room = round(event.position().x() - knob / 2), self.width() - knob
        value = QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), at, room)
        if event.button() == Qt.MouseButton.LeftButton and abs(value - self.value()) > self.CLOSE:
            self.setSliderDown(True)
            self.setValue(value)
        super().mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class MixBoard(QScrollArea):
    """Sliders of 0 to 150 percent.

    What the image is already has none: 0 everywhere is the original.
    """

    moved = Signal(object)  # shares by condition, while a slider is dragged
    let_go = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.sliders: dict[str, QSlider] = {}
        self._percents: dict[str, QLabel] = {}
        self._rows: dict[str, tuple[QWidget, ...]] = {}
        self._filling = False
        self._taken: dict[str, int] = {}  # the percents when a slider was taken
        self._moved = False  # since then
        self._source = ""
        self.total = plain("", "muted")

    def set_conditions(self, conditions: Sequence[Condition], shapes: Sequence[int]) -> None:
        """One row per condition, in class order."""
        self.sliders, self._percents, self._rows = {}, {}, {}
        board = QWidget()
        self.total = plain("", "muted")
        grid = QGridLayout(board)
        grid.setContentsMargins(8, 8, 8, 4)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(0)
        grid.addWidget(self.total, 0, 0, 1, 4)
        for row, (condition, shape) in enumerate(zip(conditions, shapes, strict=True), 1):
            self._add_row(grid, row, condition, shape)
        grid.setColumnStretch(2, 1)
        grid.setRowStretch(len(conditions) + 1, 1)
        self.setWidget(board)
        self.viewport().setAutoFillBackground(False)
        board.setAutoFillBackground(False)
        self._show_words()

    def set_mix(self, source: str, weights: dict[str, float], strength: float) -> None:
        """Show how an image of `source` is moved; emits nothing. Ignored during a drag."""
        if any(slider.isSliderDown() for slider in self.sliders.values()):
            return
        percents = {name: round(100 * strength * weights.get(name, 0.0)) for name in self.sliders}
        self._source = source
        self._filling = True
        for name, slider in self.sliders.items():
            slider.setValue(percents[name] if name != source else 0)
            slider.setEnabled(bool(source))
            for widget in self._rows[name]:
                widget.setVisible(name != source)
        self._filling = False
        self._show_words(round(100 * strength), percents.get(source, 0))

    def _add_row(self, grid: QGridLayout, row: int, condition: Condition, shape: int) -> None:
        mark = QLabel()
        mark.setPixmap(swatch(condition.colour, 14, shape))
        name = ElidedLabel(condition.name)
        name.setMaximumWidth(NAME_WIDTH)
        slider = Amount(Qt.Orientation.Horizontal)
        slider.setObjectName(f"mix-{condition.name}")
        slider.setRange(0, END)
        slider.setPageStep(10)
        slider.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        slider.valueChanged.connect(lambda value, n=condition.name: self._on_value(n, value))
        slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        slider.sliderPressed.connect(self._on_taken)
        slider.sliderReleased.connect(self._on_released)
        percent = plain("")
        percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        percent.setMinimumWidth(percent.fontMetrics().horizontalAdvance("150 %") + 4)
        self._rows[condition.name] = (mark, name, slider, percent)
        for column, widget in enumerate(self._rows[condition.name]):
            grid.addWidget(widget, row, column)
            widget.setToolTip(tip(f"How far toward {condition.name}"))
        self.sliders[condition.name], self._percents[condition.name] = slider, percent

    def _on_taken(self) -> None:
        self._taken, self._moved = self._percents_now(), False

    def _on_released(self) -> None:
        if self._moved:
            self.let_go.emit(self._shares())

    def _on_value(self, name: str, value: int) -> None:
        if self._filling:
            return
        held = self.sliders[name].isSliderDown()
        self._filling = True
        for other, percent in mixed(
            self._taken if held else self._percents_now(), name, value
        ).items():
            self.sliders[other].setValue(percent)
        self._filling = False
        self._show_words(sum(self._percents_now().values()))
        self._moved = held
        (self.moved if held else self.let_go).emit(self._shares())

    def _percents_now(self) -> dict[str, int]:
        return {name: slider.value() for name, slider in self.sliders.items()}

    def _shares(self) -> dict[str, float]:
        return {
            name: slider.value() / 100 for name, slider in self.sliders.items() if slider.value()
        }

    def _show_words(self, together: int = 0, own: int = 0) -> None:
        for name, slider in self.sliders.items():
            self._percents[name].setText(f"{slider.value()} %")
        words = f"Together {together} %" if together else "The original. Slide to mix conditions."
        words += f", {own} % of it toward {self._source}, which the image is already" if own else ""
        self.total.setText(words + (": exaggerated" if together > 100 else ""))
