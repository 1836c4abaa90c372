"""The error bar: what went wrong, where, and what to do; it never blocks the window."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QToolButton, QVBoxLayout, QWidget

from leigh_gui.widgets.common.look import plain


class ErrorBar(QWidget):
    """One error in plain words, what to do, and folded technical details; the program goes on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("error-bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._action: Callable[[], object] = self.hide
        self._build()
        self.hide()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 8)
        column.setSpacing(4)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.message = plain("", "strong", wrap=True)
        self.message.setObjectName("error-message")
        self.fold = QToolButton()
        self.fold.setText("Details")
        self.fold.setCheckable(True)
        self.offer = QToolButton()
        self.offer.setObjectName("error-offer")
        self.dismiss = QToolButton()
        self.dismiss.setText("Dismiss")
        row.addWidget(self.message, 1)
        row.addWidget(self.offer)
        row.addWidget(self.fold)
        row.addWidget(self.dismiss)
        self.hint = plain("", wrap=True)
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setFixedHeight(140)
        self.details.hide()
        column.addLayout(row)
        column.addWidget(self.hint)
        column.addWidget(self.details)
        self.fold.toggled.connect(self.details.setVisible)
        self.offer.clicked.connect(lambda: self._action())
        self.dismiss.clicked.connect(self.hide)

    def show_error(self, message: str, hint: str = "", details: str = "") -> None:
        """Show this error until it is dismissed or the next one comes."""
        self.message.setText(message)
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint))
        self.details.setPlainText(details)
        self.fold.setVisible(bool(details))
        self.fold.setChecked(False)
        self.offer.hide()
        self.show()

    def show_offer(self, label: str, action: Callable[[], object]) -> None:
        """A button for what can be done about this error."""
        self._action = action
        self.offer.setText(label)
        self.offer.show()
