"""The head of the Screen page: find a treatment, rank again, open what was written."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

from leigh_gui.pages.screen.controller import ScreenControl
from leigh_gui.widgets.common.elided_label import ElidedLabel
from leigh_gui.widgets.common.look import plain, tip


class ScreenHead(QWidget):
    """One row; its buttons say why they are disabled."""

    def __init__(self, control: ScreenControl, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.control = control
        self._build()
        self.report.clicked.connect(self._on_report)
        self.files.clicked.connect(self._on_files)

    def _build(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.search = QLineEdit()
        self.search.setObjectName("treatment-search")
        self.search.setPlaceholderText("Find a treatment")
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(200)
        self.title = ElidedLabel("")
        self.again, self.report = QPushButton("Rank again"), QPushButton("Open report")
        self.files, self.add = QPushButton("Show files"), QPushButton("Add to figure")
        row.addWidget(self.search)
        row.addWidget(self.title, 1)
        names = ("rank-again", "open-report", "show-files", "add-ranking")
        buttons = (self.again, self.report, self.files, self.add)
        for button, name in zip(buttons, names, strict=True):
            button.setObjectName(name)
            row.addWidget(button)

    def show_report(self) -> None:
        """Enable the report where there is one."""
        there = self.control.report() is not None
        self.report.setEnabled(there)
        missing = "This screen does not have a report. Rank again to write it."
        self.report.setToolTip(tip("" if there else missing))

    def _on_report(self) -> None:
        path = self.control.report()
        if path is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
        self.show_report()

    def _on_files(self) -> None:
        folder = self.control.folder()
        if folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


class NoticeBar(QWidget):
    """Says that the ranking is of something else than what is open."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice-bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 8, 4)
        self.words = plain("", wrap=True)
        self.again = QPushButton("Rank again")
        row.addWidget(self.words, 1)
        row.addWidget(self.again)
        self.hide()

    def show_words(self, words: str) -> None:
        """Hidden without words."""
        self.setVisible(bool(words))
        self.words.setText(words)
