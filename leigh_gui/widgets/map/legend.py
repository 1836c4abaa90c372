"""Legend: every condition with its colour and count; tick to show, untick to grey it out on the
map.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QLayout, QLayoutItem, QWidget

from core.domain import Condition
from leigh_gui.widgets.common.look import swatch_icon


class FlowLayout(QLayout):
    """Places its widgets in rows and wraps like text."""

    def __init__(self, parent: QWidget | None = None, spacing: int = 8) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(spacing)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._arrange(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._arrange(rect, move=True)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        size = QSize(0, 0)
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        return size

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def _arrange(self, rect: QRect, move: bool) -> int:
        x, y, row = rect.x(), rect.y(), 0
        for item in self._items:
            size = item.sizeHint()
            if x + size.width() > rect.right() + 1 and row > 0:
                x, y, row = rect.x(), y + row + 2, 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), size))
            x += size.width() + self.spacing()
            row = max(row, size.height())
        return y + row - rect.y()


class Legend(QWidget):
    """One tick per condition."""

    hidden_changed = Signal(object)  # frozenset of names

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ticks: dict[str, QCheckBox] = {}
        self._flow = FlowLayout(self, spacing=12)

    def set_conditions(self, conditions: Sequence[Condition], counts: dict[str, int], shapes: Sequence[int],
                       hidden: frozenset[str] = frozenset()) -> None:  # fmt: skip
        """Show these conditions, ticked but for those that are `hidden`."""
        while self._flow.count():
            item = self._flow.takeAt(0)
            if item is not None and item.widget() is not None:
                item.widget().deleteLater()
        self.ticks = {}
        for condition, shape in zip(conditions, shapes, strict=True):
            tick = QCheckBox(
                f"{condition.name}  {counts.get(condition.name, 0)}".replace("&", "&&")
            )
            tick.setIcon(swatch_icon(condition.colour, shape))
            tick.setChecked(condition.name not in hidden)
            tick.setToolTip(f"Show {condition.name} in colour; without the tick it turns grey")
            tick.toggled.connect(self._on_toggled)
            self.ticks[condition.name] = tick
            self._flow.addWidget(tick)
        self.updateGeometry()

    def hidden(self) -> frozenset[str]:
        """Names of the conditions that are greyed out."""
        return frozenset(name for name, tick in self.ticks.items() if not tick.isChecked())

    def _on_toggled(self) -> None:
        self.hidden_changed.emit(self.hidden())
