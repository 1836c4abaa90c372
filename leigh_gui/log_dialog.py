"""Shows the last lines of the log, to read them or to send them to somebody."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QPlainTextEdit,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from leigh_gui.widgets.common.look import plain

FILES = {"leigh-gui.log": "Window", "leigh.log": "Jobs", "crash.log": "Crashes"}
LINES, BYTES = 500, 200_000


class LogDialog(QDialog):
    """One tab per file; Copy takes the tab on show."""

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.setWindowTitle("The log")
        self.resize(900, 600)
        self.tabs = QTabWidget()
        for file, title in FILES.items():
            self.tabs.addTab(_text_view(last_lines(folder / file)), title)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        role = QDialogButtonBox.ButtonRole.ActionRole
        self.copy = buttons.addButton("Copy", role)
        self.show_folder = buttons.addButton("Open folder", role)
        self.copy.clicked.connect(self._on_copy)
        self.show_folder.clicked.connect(self._on_open)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(plain(f"The last {LINES} lines of the files in {folder}", "muted", True))
        column.addWidget(self.tabs, 1)
        column.addWidget(buttons)

    def text(self) -> str:
        """The lines on show."""
        view = self.tabs.currentWidget()
        return view.toPlainText() if isinstance(view, QPlainTextEdit) else ""

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text())

    def _on_open(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.folder)))


def last_lines(path: Path) -> str:
    """The end of a text file, or why there is none."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(size - BYTES, 0))
            text = stream.read().decode("utf-8", "replace")
    except FileNotFoundError:
        text = ""
    except OSError as error:
        return f"{path} cannot be read: {error.strerror or error}."
    lines = "\n".join(text.splitlines()[-LINES:])
    return lines or f"{path.name} is empty: nothing was written yet."


def _text_view(text: str) -> QPlainTextEdit:
    view = QPlainTextEdit()
    view.setReadOnly(True)
    view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    view.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    view.setPlainText(text)
    bar = view.verticalScrollBar()
    bar.setValue(bar.maximum())
    return view
