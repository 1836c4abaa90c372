"""The selected treatment in words: every figure with its interval, and the flags in full."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from core.domain.screen import Ranked, Screen
from leigh_gui.widgets.common.look import plain
from leigh_gui.widgets.screen.ranking_rows import flag_lines, row_words

LINES = 5.5  # that are seen without scrolling


class DetailStrip(QScrollArea):
    """A title, the figures, the flags; scrolls where there are many channels or flags."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body = QWidget()
        body.setObjectName("page-body")
        column = QVBoxLayout(body)
        column.setContentsMargins(8, 4, 8, 4)
        column.setSpacing(2)
        self.title, self.figures, self.flags = (
            plain("", "strong", True),
            plain("", "small", True),
            plain("", "", True),
        )
        for label in (self.title, self.figures, self.flags):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(label)
        column.addStretch(1)
        self.setWidget(body)
        self.setFixedHeight(round(LINES * self.fontMetrics().height()) + 12)

    def show_row(self, row: Ranked | None, screen: Screen | None) -> None:
        """Say everything of this treatment."""
        self.setVisible(row is not None)
        if row is None or screen is None:
            return
        words = row_words(row, screen)
        self.title.setText(words.title)
        self.figures.setText(" · ".join(words.figures))
        self.flags.setText("   ".join(flag_lines(words.flags)))
        self.flags.setVisible(bool(words.flags))
        self.verticalScrollBar().setValue(0)
