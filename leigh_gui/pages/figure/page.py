"""Figure: the panels you collected, in order, exported as one sheet in vector or pixel form."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QListView,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from core.domain import PanelSpec
from leigh_gui.state import AppState
from leigh_gui.widgets.common.empty_state import EmptyState
from leigh_gui.widgets.common.look import count, plain, tip

FORMATS = {"PDF": ".pdf", "SVG": ".svg", "PNG": ".png", "TIFF": ".tif"}
KINDS = {
    "counterfactual": "Counterfactual",
    "map": "Decision map",
    "path": "Path",
    "confusion": "Confusion table",
    "comparison": "Explanations compared",
    "ranking": "Ranking of the treatments",
    "residual": "Residual",
}


def panel_key(spec: PanelSpec) -> str:
    """Two panels with the same picture have the same key, whatever their titles."""
    return json.dumps(asdict(replace(spec, title="")), sort_keys=True)


class FigurePage(QWidget):
    """A list of panels that can be reordered, renamed and removed; every step can be undone."""

    export_asked = Signal(Path, Path)  # specs, out
    explore_asked = Signal()

    def __init__(self, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self.pictures: dict[str, QPixmap] = {}
        self.buttons: dict[str, QPushButton] = {}
        self._filling = False
        self._build()
        self._connect()
        self._on_panels()

    def _build(self) -> None:
        self.empty = EmptyState(
            "No panels yet",
            "On the Explore page, move an image and press F to collect it here.",
            "Go to Explore",
        )
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(16)
        self.title = plain("", "title")
        column.addWidget(self.title)
        words = (
            "Drag to reorder, double-click to rename. Panels are computed again from the data when"
            " exported."
        )
        column.addWidget(plain(words, "muted", wrap=True))
        self.list = QListWidget()
        self.list.setObjectName("panels")
        self.list.setIconSize(QSize(288, 160))
        self.list.setSpacing(4)
        self.list.setDragDropMode(QListWidget.DragDropMode.InternalMove)
        self.list.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        column.addWidget(self.list, 1)
        column.addLayout(self._build_buttons())
        self.stack = QStackedLayout(self)
        self.stack.addWidget(self.empty)
        self.stack.addWidget(body)

    def _build_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.up, self.down, self.remove = (
            QPushButton("Move up"),
            QPushButton("Move down"),
            QPushButton("Remove"),
        )
        for button in (self.up, self.down, self.remove):
            row.addWidget(button)
        row.addStretch(1)
        for name in FORMATS:
            button = QPushButton(f"Export {name}…")
            button.setObjectName(f"export-{name.lower()}")
            button.clicked.connect(lambda _=False, n=name: self.ask_export(n))
            self.buttons[name] = button
        self.buttons["PDF"].setProperty("kind", "primary")
        for name in ("TIFF", "PNG", "SVG", "PDF"):
            row.addWidget(self.buttons[name])
        return row

    def _connect(self) -> None:
        self.empty.asked.connect(self.explore_asked)
        self.state.panels_changed.connect(self._on_panels)
        self.list.model().rowsMoved.connect(self._on_list_edited)
        self.list.itemChanged.connect(self._on_list_edited)
        self.list.itemSelectionChanged.connect(self._on_selection)
        self.up.clicked.connect(lambda: self._shift(-1))
        self.down.clicked.connect(lambda: self._shift(1))
        self.remove.clicked.connect(self._on_remove)

    def set_busy(self, why: str) -> None:
        """Say why nothing can be exported now; empty when it can."""
        for button in self.buttons.values():
            button.setEnabled(not why)
            button.setToolTip(tip(why))

    def set_picture(self, spec: PanelSpec, pixmap: QPixmap) -> None:
        """What a panel looked like when it was collected; kept at the size of the list."""
        self.pictures[panel_key(spec)] = pixmap.scaled(
            self.list.iconSize() * self.devicePixelRatioF(),
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )

    def ask_export(self, name: str = "PDF") -> None:
        """Choose a file and export."""
        if self.state.project is None or not self.state.project.panels:
            return
        from core.io.atomic import make_folder
        from core.io.project import exports_folder
        from core.io.tables import safe_name

        project = self.state.project
        exports = make_folder(exports_folder(project), project.folder)
        suggested = exports / f"{safe_name(project.name)}-figure{FORMATS[name]}"
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Export the figure", str(suggested), f"{name} (*{FORMATS[name]})"
        )
        if chosen:
            self.export_to(Path(chosen))

    def export_to(self, out: Path) -> None:
        """Export all panels to this file; its ending says the format."""
        project = self.state.project
        if project is None:
            return
        if out.suffix.lower() not in (*FORMATS.values(), ".tiff"):
            out = out.with_name(out.name + ".pdf")
        from core.io.atomic import atomic_write_text, make_folder
        from core.io.digest import digest_bytes
        from core.io.project import exports_folder

        # One file for each figure: while one export waits, another may be asked for.
        name = f"figure-specs-{digest_bytes(str(out).encode())[:8]}.json"
        specs = make_folder(exports_folder(project), project.folder) / name
        atomic_write_text(specs, json.dumps([asdict(s) for s in project.panels], indent=1))
        self.export_asked.emit(specs, out)

    def _on_panels(self) -> None:
        panels = self.state.project.panels if self.state.project else ()
        self.stack.setCurrentIndex(1 if panels else 0)
        self.title.setText(count(len(panels), "panel"))
        if panels == self._listed():
            return
        self._filling = True
        self.list.clear()
        for spec in panels:
            item = QListWidgetItem(QIcon(self.pictures.get(panel_key(spec), QPixmap())), "")
            item.setData(Qt.ItemDataRole.UserRole, spec)
            item.setText(spec.title or KINDS.get(spec.kind, spec.kind))
            item.setToolTip(tip(_words(spec)))
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            self.list.addItem(item)
        self._filling = False
        self._on_selection()

    def _listed(self) -> tuple[PanelSpec, ...]:
        made = []
        for row in range(self.list.count()):
            item = self.list.item(row)
            spec = item.data(Qt.ItemDataRole.UserRole)
            shown = spec.title or KINDS.get(spec.kind, spec.kind)
            made.append(spec if item.text() == shown else replace(spec, title=item.text()))
        return tuple(made)

    def _set_panels(self, panels: tuple[PanelSpec, ...], text: str) -> None:
        if self.state.project is not None:
            self.state.edit_project(replace(self.state.project, panels=panels), text)

    def _on_list_edited(self, *_: object) -> None:
        if not self._filling:
            self._set_panels(self._listed(), "Arrange panels")

    def _on_selection(self) -> None:
        chosen = bool(self.list.selectedItems())
        for button, does in (
            (self.up, "Move up"),
            (self.down, "Move down"),
            (self.remove, "Remove"),
        ):
            button.setEnabled(chosen)
            button.setToolTip(tip(does if chosen else "Select a panel first."))

    def _shift(self, by: int) -> None:
        row = self.list.currentRow()
        panels = list(self._listed())
        if 0 <= row < len(panels) and 0 <= row + by < len(panels):
            panels.insert(row + by, panels.pop(row))
            self._set_panels(tuple(panels), "Move a panel")
            self.list.setCurrentRow(row + by)

    def _on_remove(self) -> None:
        gone = {self.list.row(item) for item in self.list.selectedItems()}
        kept = tuple(p for i, p in enumerate(self._listed()) if i not in gone)
        self._set_panels(kept, "Remove panels")


def _words(spec: PanelSpec) -> str:
    """What the panel is, in words."""
    words = KINDS.get(spec.kind, spec.kind)
    if spec.record_id:
        toward = ", ".join(f"{n} {w * 100:.0f} %" for n, w in spec.weights.items())
        words += f" of {spec.record_id} toward {toward}, strength {spec.strength * 100:.0f} %"
    if spec.hold is not None:
        words += f", locked: {', '.join(spec.hold) or 'nothing'}"
    return words
