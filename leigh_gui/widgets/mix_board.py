"""The mix: one slider per condition says how far an image is moved toward it; together they are the strength."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QScrollArea, QSizePolicy, QSlider, QWidget

from core.domain import Condition
from leigh_gui.widgets.look import ElidedLabel, plain, swatch

END = 150  # percent, all conditions together
NAME_WIDTH = 120  # pixels


def mixed(amounts: dict[str, int], name: str, value: int) -> dict[str, int]:
    """The percents with `name` at `value`; the others make room where all would be more than END."""
    others = {k: v for k, v in amounts.items() if k != name}
    before, room = sum(others.values()), END - value
    share = min(1.0, room / before) if before else 1.0
    return {k: value if k == name else int(v * share) for k, v in amounts.items()}


class Amount(QSlider):
    """A slider that keeps the arrow keys while it has the focus; elsewhere they step through the images."""

    KEYS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and event.key() in self.KEYS:
            event.accept()
            return True
        return super().event(event)


class MixBoard(QScrollArea):
    """Sliders of 0 to 150 percent. What the image is already has none: 0 everywhere is the original."""

    moved = Signal(object)  # shares by condition, while a slider is held
    let_go = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.sliders: dict[str, QSlider] = {}
        self._percents: dict[str, QLabel] = {}
        self._rows: dict[str, tuple[QWidget, ...]] = {}
        self._filling = False
        self.total = plain("", "muted")
        self.total.setObjectName("mix-total")

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
        """Show how an image of `source` is moved; emits nothing. Ignored while a slider is held."""
        if any(slider.isSliderDown() for slider in self.sliders.values()):
            return
        self._filling = True
        for name, slider in self.sliders.items():
            slider.setValue(round(100 * strength * weights.get(name, 0.0)) if name != source else 0)
            slider.setEnabled(bool(source))
            for widget in self._rows[name]:
                widget.setVisible(name != source)
        self._filling = False
        self._show_words()

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
        slider.sliderReleased.connect(lambda: self.let_go.emit(self._shares()))
        percent = plain("")
        percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        percent.setMinimumWidth(percent.fontMetrics().horizontalAdvance("150 %") + 4)
        self._rows[condition.name] = (mark, name, slider, percent)
        for column, widget in enumerate(self._rows[condition.name]):
            grid.addWidget(widget, row, column)
            widget.setToolTip(f"How far toward {condition.name}")
        self.sliders[condition.name], self._percents[condition.name] = slider, percent

    def _on_value(self, name: str, value: int) -> None:
        if self._filling:
            return
        self._filling = True
        for other, percent in mixed({n: s.value() for n, s in self.sliders.items()}, name, value).items():
            self.sliders[other].setValue(percent)
        self._filling = False
        self._show_words()
        signal = self.moved if self.sliders[name].isSliderDown() else self.let_go
        signal.emit(self._shares())

    def _shares(self) -> dict[str, float]:
        return {name: slider.value() / 100 for name, slider in self.sliders.items() if slider.value()}

    def _show_words(self) -> None:
        for name, slider in self.sliders.items():
            self._percents[name].setText(f"{slider.value()} %")
        together = sum(slider.value() for slider in self.sliders.values())
        beyond = ": exaggerated" if together > 100 else ""
        self.total.setText(f"Together {together} %{beyond}" if together else "The original. Slide to mix conditions.")
