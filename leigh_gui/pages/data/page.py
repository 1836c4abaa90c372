"""Data: images of the folder, meaning of the conditions, the plate, and what was left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QSplitter,
    QStackedLayout,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from core.domain import Channel, Condition, Dataset, Project
from leigh_gui.pages.data.problems import ProblemTable
from leigh_gui.pages.data.scan_options import ScanOptions
from leigh_gui.pages.data.tables import ChannelTable, ConditionTable
from leigh_gui.state import AppState
from leigh_gui.widgets.common.empty_state import EmptyState
from leigh_gui.widgets.common.look import count, plain, scrolled, tip
from leigh_gui.widgets.image.plate_view import PlateView


class DataPage(QWidget):
    """Tables on the left, plate and problems on the right, one button to go on."""

    start_asked = Signal()
    train_asked = Signal()
    scan_asked = Signal(object)  # tuple of command line options

    def __init__(self, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self._build()
        self._connect()
        self._on_project()

    def _build(self) -> None:
        self.empty = EmptyState(
            "No images yet", "Drop a folder of images anywhere on this window.", "Go to Start"
        )
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        head = QHBoxLayout()
        words = QVBoxLayout()
        words.setSpacing(2)
        self.summary = plain("", "title", wrap=True)
        self.summary.setObjectName("data-summary")
        self.place = plain("", "small")
        words.addWidget(self.summary)
        words.addWidget(self.place)
        head.addLayout(words, 1)
        self.next = QPushButton("Next: train")
        self.next.setObjectName("data-next")
        self.next.setProperty("kind", "primary")
        head.addWidget(self.next)
        column.addLayout(head)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setHandleWidth(16)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(self._build_left())
        self.split.addWidget(self._build_right())
        self.split.setSizes([560, 520])
        column.addWidget(self.split, 1)
        self.stack = QStackedLayout(self)
        self.stack.addWidget(self.empty)
        self.stack.addWidget(body)

    def _build_left(self) -> QWidget:
        inner = QWidget()
        inner.setObjectName("page-body")
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self.conditions, self.channels = ConditionTable(), ChannelTable()
        self.options = ScanOptions()
        column.addWidget(plain("Conditions", "strong"))
        column.addWidget(
            plain(
                "The role says which conditions are healthy. Untick what must not be used.",
                "small",
                wrap=True,
            )
        )
        column.addWidget(self.conditions)
        column.addSpacing(8)
        column.addWidget(plain("Channels", "strong"))
        column.addWidget(self.channels)
        column.addSpacing(8)
        column.addWidget(plain("How the folder is read", "strong"))
        column.addWidget(self.options)
        column.addStretch(1)
        scroll = scrolled(inner)
        scroll.setMinimumWidth(420)
        return scroll

    def _build_right(self) -> QWidget:
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.plate, self.problems = PlateView(), ProblemTable()
        self.tabs.addTab(self.plate, "Plate")
        self.tabs.addTab(self.problems, "Problems")
        return self.tabs

    def _connect(self) -> None:
        self.empty.asked.connect(self.start_asked)
        self.next.clicked.connect(self.train_asked)
        self.conditions.edited.connect(self._on_condition)
        self.conditions.use_changed.connect(self._on_use)
        self.channels.edited.connect(self._on_channel)
        self.options.scan_asked.connect(self._on_scan)
        self.problems.export_asked.connect(self._on_export)
        self.state.project_changed.connect(self._on_project)

    def set_busy(self, why: str) -> None:
        """Say why the folder cannot be read again now; empty when it can."""
        self.options.set_busy(why)

    def _on_project(self) -> None:
        project = self.state.project
        dataset = project.dataset if project else None
        self.stack.setCurrentIndex(0 if dataset is None else 1)
        if project is None or dataset is None:
            return
        self.summary.setText(summary(dataset))
        self.place.setText(str(dataset.root))
        self.place.setToolTip(tip(str(project.folder)))
        self.conditions.set_dataset(dataset)
        self.channels.set_channels(dataset.channels)
        self.problems.set_problems(dataset.problems)
        number = len(dataset.problems)
        self.tabs.setTabText(1, f"Problems ({number})" if number else "No problems")
        plates = list(dict.fromkeys(r.plate for r in dataset.records))
        first = [r for r in dataset.records if not plates or r.plate == plates[0]]
        self.tabs.setTabText(0, f"Plate {plates[0]}" if len(plates) > 1 else "Plate")
        self.plate.set_plate(first, dataset.conditions, dataset.plate_shape)
        why = why_not_train(dataset)
        self.next.setEnabled(not why)
        self.next.setToolTip(tip(why or "Choose how to train"))

    def _on_condition(self, index: int, condition: Condition) -> None:
        def change(dataset: Dataset) -> Dataset:
            conditions = list(dataset.conditions)
            conditions[index] = condition
            return replace(dataset, conditions=tuple(conditions))

        self._edit(change, f"Change {condition.name}")

    def _on_channel(self, index: int, channel: Channel) -> None:
        def change(dataset: Dataset) -> Dataset:
            channels = list(dataset.channels)
            channels[index] = channel
            return replace(dataset, channels=tuple(channels))

        self._edit(change, f"Change channel {channel.name}")

    def _edit(self, change: object, text: str) -> None:
        project = self.state.project
        if project is not None and project.dataset is not None:
            dataset = change(project.dataset)  # type: ignore[operator]
            after: Project = replace(project, dataset=dataset)
            self.state.edit_project(after, text)

    def _on_use(self) -> None:
        unused = self.conditions.unused()
        self.options.set_excluded(unused)

    def _on_scan(self, options: tuple[str, ...]) -> None:
        self.scan_asked.emit(options)

    def _on_export(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Save the list of problems", "problems.csv", "CSV (*.csv)"
        )
        if chosen and self.state.project and self.state.project.dataset:
            export_problems(self.state.project.dataset, Path(chosen))


def summary(dataset: Dataset) -> str:
    """'6 conditions, 240 images, 48 wells'."""
    parts = [count(len(dataset.conditions), "condition"), count(len(dataset.records), "image")]
    wells = {(r.plate, r.well) for r in dataset.records if r.well}
    groups = {r.group for r in dataset.records}
    parts.append(count(len(wells), "well") if wells else count(len(groups), "group"))
    plates = {r.plate for r in dataset.records if r.plate}
    if len(plates) > 1:
        parts.append(count(len(plates), "plate"))
    return ", ".join(parts)


def why_not_train(dataset: Dataset) -> str:
    """Why these images cannot be trained on yet; empty when they can."""
    filled = [name for name, number in dataset.counts().items() if number]
    if len(filled) < 2:
        return (
            "Training needs at least two conditions. Give a plate map, or choose where the"
            " condition is written."
        )
    return ""


def export_problems(dataset: Dataset, out: Path) -> None:
    """The problems list as a table."""
    from core.io.tables import write_csv

    rows = [
        {"item": p.item, "reason": p.reason, "remedy": p.remedy, "severity": p.severity}
        for p in dataset.problems
    ]
    write_csv(out, rows, ("item", "reason", "remedy", "severity"))
