"""The curves of a training; the charts are loaded when the first training starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from leigh_gui.widgets.common.look import plain

if TYPE_CHECKING:
    from leigh_gui.widgets.common.curves import Curves


class LiveCurves(QWidget):
    """Says what will be seen until there is something to see."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.curves: Curves | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._hint = plain("Loss and accuracy are drawn here while the model learns.", "muted")
        self._column.addWidget(self._hint)
        self._column.addStretch(1)

    def clear(self) -> None:
        """A training starts."""
        if self.curves is None:
            from leigh_gui.widgets.common.curves import Curves

            self.curves = Curves()
            self._hint.hide()
            self._column.insertWidget(0, self.curves, 1)
        self.curves.clear()

    def add(self, step: int, loss: float | None, accuracy: float | None) -> None:
        """One more point."""
        if self.curves is None:
            self.clear()
        assert self.curves is not None
        self.curves.add(step, loss, accuracy)
