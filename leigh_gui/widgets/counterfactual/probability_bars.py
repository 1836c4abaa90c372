"""How sure the model is of each condition, now and for the original, with buttons to move there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from core.domain import Condition
from leigh_gui.widgets.common.elided_label import ElidedLabel
from leigh_gui.widgets.common.look import percent, plain, swatch, tip

WIDEST_BUTTON = 124  # pixels; a window of 1366 x 768 has no room for more


class Bar(QWidget):
    """One probability as a bar, with a tick where the original was."""

    def __init__(self, colour: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colour = colour
        self.share: float | None = None
        self.before: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def sizeHint(self) -> QSize:
        return QSize(120, 20)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(1, self.height() / 2 - 6, self.width() - 2, 12)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().midlight())
        painter.drawRoundedRect(box, 3, 3)
        if self.share:
            painter.setBrush(QColor(self.colour))
            painter.drawRoundedRect(
                QRectF(box.x(), box.y(), max(box.width() * self.share, 2), box.height()), 3, 3
            )
        if self.before is not None:
            x = box.x() + min(max(self.before, 0.006), 0.994) * box.width()
            painter.setPen(QPen(self.palette().windowText().color(), 2))
            painter.drawLine(round(x), round(box.top()) - 2, round(x), round(box.bottom()) + 2)
        painter.end()


class ProbabilityBars(QWidget):
    """One row per condition. "Move to" goes to the condition with full strength."""

    move_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[str, QToolButton] = {}
        self._bars: list[Bar] = []
        self._numbers: list[QLabel] = []
        self._holder: QWidget | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)

    def set_conditions(self, conditions: Sequence[Condition], shapes: Sequence[int] = ()) -> None:
        """One row per condition, in class order."""
        if self._holder is not None:
            self._holder.setParent(None)
            self._holder.deleteLater()
        self._holder = QWidget()
        grid = QGridLayout(self._holder)
        grid.setContentsMargins(0, 0, 8, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        self.buttons, self._bars, self._numbers = {}, [], []
        for row, condition in enumerate(conditions):
            self._add_row(grid, row, condition, shapes[row] if row < len(shapes) else 0)
        grid.setRowStretch(len(conditions), 1)
        widest = max((self.fontMetrics().horizontalAdvance(c.name) for c in conditions), default=24)
        grid.setColumnMinimumWidth(1, min(widest + 6, 96))
        grid.setColumnStretch(2, 1)
        if max((b.sizeHint().width() for b in self.buttons.values()), default=0) > WIDEST_BUTTON:
            for button in self.buttons.values():
                button.setText("Move")  # the row already names the condition
        width = max((b.sizeHint().width() for b in self.buttons.values()), default=0)
        for button in self.buttons.values():
            button.setFixedWidth(width)
        layout = self.layout()
        assert layout is not None
        layout.addWidget(self._holder)

    def set_probabilities(self, now: np.ndarray | None, before: np.ndarray | None = None) -> None:
        """Show what the model says now and said of the original."""
        for row, bar in enumerate(self._bars):
            bar.share = None if now is None else float(now[row])
            bar.before = None if before is None else float(before[row])
            self._numbers[row].setText("–" if now is None else percent(float(now[row]), 1))
            bar.update()

    def set_movable(self, movable: bool, why: str) -> None:
        """Whether an image can be moved now; otherwise why not."""
        for row, (name, button) in enumerate(self.buttons.items()):
            button.setEnabled(movable)
            key = f" ({row + 1})" if row < 9 else ""
            button.setToolTip(tip(f"Move the image to {name}{key}" if movable else why))

    def _add_row(self, grid: QGridLayout, row: int, condition: Condition, shape: int) -> None:
        mark = QLabel()
        mark.setPixmap(swatch(condition.colour, 14, shape))
        bar = Bar(condition.colour)
        number = plain("–")
        number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        number.setMinimumWidth(number.fontMetrics().horizontalAdvance("> 99.9 %") + 2)
        button = QToolButton()
        button.setText(f"Move to {condition.name}".replace("&", "&&"))
        button.setObjectName(f"move-to-{condition.name}")
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        button.clicked.connect(lambda _=False, name=condition.name: self.move_asked.emit(name))
        for column, widget in enumerate((mark, ElidedLabel(condition.name), bar, number, button)):
            grid.addWidget(widget, row, column)
        self.buttons[condition.name] = button
        self._bars.append(bar)
        self._numbers.append(number)
