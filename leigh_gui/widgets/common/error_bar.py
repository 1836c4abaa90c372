"""What went wrong, where, and what to do: a card over the page, which stays where it is."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QToolButton, QVBoxLayout, QWidget

from leigh_gui.widgets.common.look import plain

WIDEST, MARGIN = 560, 16  # pixels of the card, and around it


class ErrorBar(QWidget):
    """One error in plain words, what to do, and folded technical details; the program goes on.

    It lies over the lower right of its parent, above `floor`, and moves nothing of the page.
    """

    def __init__(self, parent: QWidget | None = None, floor: QWidget | None = None) -> None:
        super().__init__(parent)
        self._floor = floor
        if parent is not None:
            parent.installEventFilter(self)
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
        self.fold.toggled.connect(lambda _: self._place())
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
        self._appear()

    def show_offer(self, label: str, action: Callable[[], object]) -> None:
        """A button for what can be done about this error."""
        self._action = action
        self.offer.setText(label)
        self.offer.show()
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def _appear(self) -> None:
        self.show()
        self.raise_()
        self._place()

    def _place(self) -> None:
        """As wide as allowed and as high as the words need, above the floor."""
        parent, layout = self.parentWidget(), self.layout()
        if parent is None or layout is None:
            return
        layout.invalidate()
        width = min(WIDEST, parent.width() - 2 * MARGIN)
        bottom = parent.height() - (self._floor.height() if self._floor else 0) - MARGIN
        height = min(layout.totalHeightForWidth(width), bottom - MARGIN)
        self.setGeometry(parent.width() - width - MARGIN, bottom - height, width, height)
