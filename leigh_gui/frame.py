"""The frame around the pages: the page switch on top, the status line at the bottom."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QAction, QDesktopServices, QUndoStack
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from core.domain import headline
from leigh_gui.icons import icon
from leigh_gui.widgets.common.job_bar import JobBar
from leigh_gui.widgets.common.look import count, keep_place, percent, plain, tip

if TYPE_CHECKING:
    from leigh_gui.state import AppState
    from leigh_gui.widgets.common.elided_label import ElidedLabel

NAMES = ("start", "data", "train", "explore", "compare", "screen", "figure")
STRIP = 30  # pixels of the status line
PAGES = tuple((name, name.capitalize()) for name in NAMES)


class TopBar(QWidget):
    """Pages in the order of the work, undo, theme, help and the menu."""

    page_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("top-bar")
        self.buttons: dict[str, QToolButton] = {}
        self._build()

    def _build(self) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(0)
        group = QButtonGroup(self)
        for name, text in PAGES:
            button = QToolButton()
            button.setText(text)
            button.setObjectName(f"page-{name}")
            button.setProperty("kind", "nav")
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, n=name: self.page_asked.emit(n))
            group.addButton(button)
            row.addWidget(button)
            self.buttons[name] = button
        self.buttons["start"].setChecked(True)
        row.addSpacing(16)
        self.project: ElidedLabel | None = None  # made when a project opens
        place = QWidget()
        self._project_row = QHBoxLayout(place)
        self._project_row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(place, 1)
        self.undo, self.redo = (
            self._tool("undo", "Nothing to undo"),
            self._tool("redo", "Nothing to redo"),
        )
        self.theme, self.help = (
            self._tool("theme", "Light or dark (Ctrl+T)"),
            self._tool("help", "All shortcuts (?)"),
        )
        self.menu = self._tool("menu", "More")
        self.menu.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        for button in (self.undo, self.redo, self.theme, self.help, self.menu):
            row.addWidget(button)
        self.undo.setEnabled(False)
        self.redo.setEnabled(False)

    def _tool(self, name: str, words: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"tool-{name}")
        button.setProperty("kind", "flat")
        button.setIcon(icon(name))
        button.setIconSize(QSize(20, 20))
        button.setToolTip(tip(words))
        button.setAccessibleName(words)
        return button

    def redraw_icons(self) -> None:
        """The theme changed: draw the icons in the new text colour."""
        for name in ("undo", "redo", "theme", "help", "menu"):
            getattr(self, name).setIcon(icon(name))

    def set_menu(self, entries: Sequence[QAction]) -> None:
        """What the menu button offers."""
        menu = QMenu(self)
        menu.addActions(list(entries))
        self.menu.setMenu(menu)

    def show_page(self, name: str) -> None:
        """Mark this page."""
        self.buttons[name].setChecked(True)

    def show_project(self, name: str) -> None:
        """Name of what is open."""
        if self.project is None and name:
            from leigh_gui.widgets.common.elided_label import ElidedLabel

            self.project = ElidedLabel(kind="muted")
            self._project_row.addWidget(self.project)
        if self.project is not None:
            self.project.setText(name)

    def show_reasons(self, reasons: dict[str, str]) -> None:
        """Disable the pages that have a reason to be, and say it."""
        for name, why in reasons.items():
            self.buttons[name].setEnabled(not why)
            self.buttons[name].setToolTip(tip(why))

    def show_undo(self, stack: QUndoStack) -> None:
        """What can be undone and redone."""
        for button, can, text, word in (
            (self.undo, stack.canUndo(), stack.undoText(), "Undo"),
            (self.redo, stack.canRedo(), stack.redoText(), "Redo"),
        ):  # fmt: skip
            button.setEnabled(can)
            button.setToolTip(tip(f"{word}: {text}" if can else f"Nothing to {word.lower()}"))


class StatusStrip(QWidget):
    """Images, model, round-trip error, device; passing messages and the job on the right.

    It has one height, and each of its buttons has one place, whether it is shown or not.
    """

    unsaved_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status-strip")
        self._file: Path | None = None
        self._build()
        self._quiet = QTimer(self, singleShot=True, interval=8000)
        self._quiet.timeout.connect(lambda: self.message.setText(""))

    def _build(self) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(STRIP)
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 8, 0)
        row.setSpacing(12)
        self.words, self.message = plain("No project is open", "small"), plain("", "small")
        self.words.setObjectName("status-words")
        self.message.setObjectName("status-message")
        for label in (self.words, self.message):
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.jobs = JobBar()
        self.open, self.unsaved = QToolButton(), QToolButton()
        self.open.setText("Show file")
        self.open.clicked.connect(self._on_open)
        self.unsaved.setObjectName("status-unsaved")
        self.unsaved.setText("Not saved")
        self.unsaved.clicked.connect(self.unsaved_asked)
        for button in (self.open, self.unsaved):
            button.setProperty("kind", "small")
            keep_place(button)
            button.hide()
        row.addWidget(self.words, 3)
        row.addWidget(self.message, 2)
        row.addWidget(self.jobs)
        row.addWidget(self.open)
        row.addWidget(self.unsaved)

    def show_state(self, state: AppState) -> None:
        """What is open, in one line."""
        project, opened = state.project, state.opened
        if project is None or opened is None:
            self.words.setText("No project is open")
            return
        self._elide()
        parts = [
            count(len(project.dataset.records), "image") if project.dataset else "no images yet"
        ]
        card = opened.card
        if card is None:
            parts.append("no model yet")
        else:
            main = headline(card.accuracy)
            measured = f", {main.name} {percent(main.value, 1)} on held-out wells" if main else ""
            parts.append(f"model {card.name}{measured}")
            if card.inverse is not None:
                parts.append(f"round-trip error {percent(card.inverse.roundtrip_max, 4)}")
        if state.device:
            parts.append(
                "CPU only"
                if state.device.startswith("cpu")
                else state.device.upper().replace("CUDA", "GPU")
            )
        self.words.setText("  ·  ".join(parts))

    def _elide(self) -> None:
        """From the first project on, words that are too long are shortened."""
        from leigh_gui.widgets.common.elided_label import ElidedLabel

        if isinstance(self.words, ElidedLabel):
            return
        before = (self.words, self.message)
        self.words, self.message = ElidedLabel(kind="small"), ElidedLabel(kind="small")
        for old, new in zip(before, (self.words, self.message), strict=True):
            new.setObjectName(old.objectName())
            new.setSizePolicy(old.sizePolicy())
            new.setText(old.text())
            self._row.replaceWidget(old, new)
            old.deleteLater()

    def tell(self, text: str) -> None:
        """A passing message."""
        self._elide()
        self.message.setText(text)
        self.open.hide()
        self._quiet.start()

    def show_unsaved(self, why: str) -> None:
        """Say that the last changes are not on disk, and why; nothing where they are."""
        self.unsaved.setVisible(bool(why))
        self.unsaved.setToolTip(tip(why))

    def show_file(self, path: Path) -> None:
        """Offer to show where a file was saved."""
        self._file = path
        self.open.show()

    def _on_open(self) -> None:
        if self._file is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._file.parent)))
