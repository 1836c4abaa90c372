"""Data: images of the folder, meaning of the conditions, the plates, and what was left out."""

from __future__ import annotations

from collections.abc import Callable
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

from core.domain import Channel, Condition, Dataset, ImageRecord, Role, ScanOptions
from leigh_gui.pages.data.channels import ChannelTable
from leigh_gui.pages.data.conditions import ConditionTable
from leigh_gui.pages.data.naming import NamingView
from leigh_gui.pages.data.notices import Notices
from leigh_gui.pages.data.plates import PlateTab
from leigh_gui.pages.data.problems import ProblemTable
from leigh_gui.pages.data.questions import QuestionsPanel
from leigh_gui.pages.data.role_card import no_roles
from leigh_gui.pages.data.sample_window import SampleWindow
from leigh_gui.pages.data.samples import SampleGrid
from leigh_gui.pages.data.scan_options import ScanForm
from leigh_gui.readiness import why_not_train, with_known
from leigh_gui.scan_request import OpenScan, ScanRequest
from leigh_gui.services.background import why_not_read
from leigh_gui.state import AppState
from leigh_gui.widgets.common.elided_label import ElidedLabel
from leigh_gui.widgets.common.empty_state import EmptyState
from leigh_gui.widgets.common.look import count, plain, scrolled, tip

NOTHING, QUESTIONS, BODY = range(3)
IMAGES, PLATE, PROBLEMS = range(3)


class DataPage(QWidget):
    """What a scan asks; else tables on the left, pictures, plates and problems on the right."""

    start_asked = Signal()
    train_asked = Signal()
    scan_asked = Signal(object)  # ScanOptions: read the folder of the project again
    answered = Signal(object)  # ScanRequest: the scan that asked, with its answers
    replace_asked = Signal()
    locate_asked = Signal()

    def __init__(self, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self._window: SampleWindow | None = None
        self._build()
        self._connect()
        self._on_asked()

    def _build(self) -> None:
        self.empty = EmptyState(
            "No images yet", "Drop a folder of images anywhere on this window.", "Go to Start"
        )
        self.questions = QuestionsPanel()
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        column.addLayout(self._build_head())
        self.notices = Notices()
        column.addWidget(self.notices)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setHandleWidth(16)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(self._build_left())
        self.split.addWidget(self._build_right())
        self.split.setSizes([520, 640])
        column.addWidget(self.split, 1)
        self.stack = QStackedLayout(self)
        for part in (self.empty, self.questions, body):
            self.stack.addWidget(part)

    def _build_head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        words = QVBoxLayout()
        words.setSpacing(2)
        self.summary = plain("", "title", wrap=True)
        self.summary.setObjectName("data-summary")
        self.place = ElidedLabel("", "small")
        words.addWidget(self.summary)
        words.addWidget(self.place)
        head.addLayout(words, 1)
        self.next = QPushButton("Next: train")
        self.next.setObjectName("data-next")
        self.next.setProperty("kind", "primary")
        head.addWidget(self.next)
        return head

    def _build_left(self) -> QWidget:
        inner = QWidget()
        inner.setObjectName("page-body")
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(8)
        self.naming = NamingView()
        self.conditions, self.channels = ConditionTable(), ChannelTable()
        self.options = ScanForm()
        column.addWidget(self.naming)
        column.addWidget(plain("Conditions", "strong"))
        words = "The role says which conditions are healthy. Untick what must not be used."
        column.addWidget(plain(words, "small", wrap=True))
        column.addWidget(self.conditions)
        column.addWidget(plain("Channels", "strong"))
        column.addWidget(self.channels)
        column.addWidget(plain("How the folder is read", "strong"))
        column.addWidget(self.options)
        column.addStretch(1)
        scroll = scrolled(inner)
        scroll.setMinimumWidth(440)
        return scroll

    def _build_right(self) -> QWidget:
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.samples, self.plate, self.problems = SampleGrid(), PlateTab(), ProblemTable()
        self.tabs.addTab(self.samples, "Images")
        self.tabs.addTab(self.plate, "Plate")
        self.tabs.addTab(self.problems, "Problems")
        return self.tabs

    def _connect(self) -> None:
        self.empty.asked.connect(self.start_asked)
        self.questions.answered.connect(self.answered)
        self.questions.cancelled.connect(lambda: self.state.ask(None))
        self.notices.locate_asked.connect(self.locate_asked)
        self.notices.problems_asked.connect(self._on_problems)
        self.notices.role_chosen.connect(self._on_role)
        self.notices.change_asked.connect(self._on_change)
        self.notices.no_role.connect(self._on_no_role)
        self.next.clicked.connect(self.train_asked)
        self.conditions.edited.connect(self._on_condition)
        self.conditions.use_changed.connect(
            lambda: self.options.set_excluded(self.conditions.unused())
        )
        self.channels.edited.connect(self._on_channel)
        self.options.scan_asked.connect(self.scan_asked)
        self.options.replace_asked.connect(self.replace_asked)
        self.problems.export_asked.connect(self._on_export)
        self.samples.picked.connect(self._on_sample)
        self.plate.turned.connect(self._name_plate_tab)
        self.state.project_changed.connect(self._on_project)
        self.state.asked_changed.connect(self._on_asked)

    def remember_layout(self) -> None:
        """The window closes: nothing is read any more."""
        self.samples.model.pictures.stop()
        self.questions.pictures.stop()

    def set_busy(self, why: str) -> None:
        """Say why the folder cannot be read again now; empty when it can."""
        self.options.set_busy(why)
        self.questions.set_busy(why)

    def _on_asked(self) -> None:
        self.questions.set_asked(self.state.asked)
        self._on_project()

    def _on_project(self) -> None:
        project = self.state.project
        dataset = project.dataset if project else None
        asked = self.state.asked is not None
        self.stack.setCurrentIndex(QUESTIONS if asked else NOTHING if dataset is None else BODY)
        if project is None or dataset is None:
            return
        self.summary.setText(summary(dataset))
        size = "" if dataset.pixel_size_um else "  ·  pixel size unknown"
        elsewhere = project.untouched.images
        place = f"Not opened: {elsewhere}" if elsewhere else str(dataset.root)
        left_out = any(problem.severity == "excluded" for problem in dataset.problems)
        lost = "  ·  some files are left out, see Problems" if left_out else ""
        self.place.setText(f"{place}{size}{lost}")
        unread = why_not_read(self.state.opened)
        self.options.set_closed(unread)
        self.place.setToolTip(tip(str(project.folder)))
        self.notices.set_dataset(dataset, unread)
        self.naming.set_read_as(dataset.read_as)
        self.conditions.set_dataset(dataset)
        self.channels.set_channels(dataset.channels)
        self.options.set_dataset(dataset)
        self.samples.set_dataset(dataset)
        self.problems.set_problems(dataset.problems)
        number = len(dataset.problems)
        self.tabs.setTabText(PROBLEMS, f"Problems ({number})" if number else "No problems")
        self.plate.set_dataset(dataset)
        self._name_plate_tab()
        why = why_not_train(self.state)
        self.next.setEnabled(not why)
        self.next.setToolTip(tip(why or "Choose how to train"))

    def _name_plate_tab(self) -> None:
        plates = self.plate.plates()
        self.tabs.setTabText(PLATE, f"Plates ({len(plates)})" if len(plates) > 1 else "Plate")

    def _on_problems(self) -> None:
        self.tabs.setCurrentIndex(PROBLEMS)
        self.problems.show_with_condition()

    def _on_sample(self, record: ImageRecord, stain: int) -> None:
        dataset = self.samples.model.dataset
        if dataset is not None:
            self._window = self._window or SampleWindow(self)
            display = self.samples.model.display(stain)
            self._window.show_sample(dataset, record, stain, display)

    def _on_change(self) -> None:
        """Ask again what a scan has decided by itself."""
        project = self.state.project
        if project is None or project.dataset is None or project.dataset.read_as is None:
            return
        dataset, read_as = project.dataset, project.dataset.read_as
        options = dataset.options or ScanOptions()
        request = ScanRequest(dataset.root, project.folder, options, again=True)
        self.state.ask(OpenScan(request, read_as.questions, read_as))

    def _on_role(self, name: str, role: Role) -> None:
        def change(dataset: Dataset) -> Dataset:
            conditions = (
                replace(c, role=role) if c.name == name else c for c in dataset.conditions
            )
            return replace(dataset, conditions=tuple(conditions))

        self._edit(change, f"{name} is {role}")

    def _on_no_role(self) -> None:
        self._edit(lambda data: with_known(data, no_roles(data)), "No such condition")

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

    def _edit(self, change: Callable[[Dataset], Dataset], text: str) -> None:
        project = self.state.project
        if project is not None and project.dataset is not None:
            self.state.edit_project(replace(project, dataset=change(project.dataset)), text)

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


def export_problems(dataset: Dataset, out: Path) -> None:
    """The problems list as a table."""
    from core.io.tables import write_csv

    rows = [
        {"item": p.item, "reason": p.reason, "remedy": p.remedy, "severity": p.severity}
        for p in dataset.problems
    ]
    write_csv(out, rows, ("item", "reason", "remedy", "severity"))
