"""Train: choose how long to train, watch it learn, and see how far the model can be trusted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QStackedLayout,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from leigh_gui.pages.train.choices import TrainChoices
from leigh_gui.pages.train.held_out import HeldOutView
from leigh_gui.pages.train.model_card import ModelCardView
from leigh_gui.pages.train.model_versions import ModelVersions, confirm_training
from leigh_gui.pages.train.spike_in_check import CheckDialog, check_words
from leigh_gui.pages.train.warning import TrainWarning
from leigh_gui.readiness import must_be_known, why_not_train, with_known
from leigh_gui.services.thumbnails import Thumbnails
from leigh_gui.state import AppState
from leigh_gui.widgets.common.curves import HINT, Curves
from leigh_gui.widgets.common.empty_state import EmptyState
from leigh_gui.widgets.common.look import plain, scrolled, set_kind, tip

NO_CURVES = (
    "Loss and accuracy are drawn here while a model learns, and stay. A model of an earlier version"
    " did not keep them: train again to see them."
)


class TrainPage(QWidget):
    """Preset cards, live curves, the model card."""

    start_asked = Signal()
    train_asked = Signal(str, bool, object)  # preset, resume, conditions to learn from (): all
    stop_asked = Signal()
    map_asked = Signal()
    explore_asked = Signal()
    model_asked = Signal(Path)
    check_asked = Signal(str, float, str)  # channel, factor, preset

    def __init__(
        self, state: AppState, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.state = state
        self.held_out = HeldOutView(state, thumbnails)
        self._training = False
        self._why = self._why_same_model = ""
        self._can_resume = False
        self._checked = ("", "")  # digest of the model, what its check found
        self._build()
        self._connect()
        self._on_model()

    def _build(self) -> None:
        self.empty = EmptyState(
            "Nothing to train on yet",
            "Drop a folder of images anywhere on this window.",
            "Go to Start",
        )
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(24, 16, 24, 16)
        row.setSpacing(24)
        row.addLayout(self._build_left(), 3)
        row.addWidget(self._build_right(), 2)
        self.stack = QStackedLayout(self)
        self.stack.addWidget(self.empty)
        self.stack.addWidget(body)

    def _build_left(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(12)
        column.addWidget(plain("Train a model", "title"))
        words = (
            "Whole wells are kept aside for the test; the model never sees them while it learns."
        )
        column.addWidget(plain(words, "muted", wrap=True))
        self.choices = TrainChoices()
        column.addWidget(self.choices)
        self.warning = TrainWarning()
        column.addWidget(self.warning)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        self.start, self.resume = QPushButton("Train"), QPushButton("Resume")
        self.stop = QPushButton("Stop")
        self.start.setObjectName("train-start")
        self.start.setProperty("kind", "primary")
        for button in (self.start, self.resume, self.stop):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column.addLayout(buttons)
        self.curves, self.tabs = Curves(), QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.tabs.addTab(self.held_out, "Held-out wells")
        self.tabs.addTab(self.curves, "Curves")
        column.addWidget(self.tabs, 1)
        return column

    def _build_right(self) -> QWidget:
        inner = QWidget()
        inner.setObjectName("page-body")
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(plain("Model", "title"))
        self.versions, self.card = ModelVersions(), ModelCardView()
        column.addWidget(self.versions)
        column.addWidget(self.card)
        self.explore = QPushButton("Next: explore")
        self.explore.setObjectName("train-next")
        self.explore.setProperty("kind", "primary")
        self.map, self.other = QPushButton("Compute the map"), QPushButton("Open a model…")
        self.other.setToolTip(
            "Use a model that was trained before: choose the folder with its model.json"
        )
        foot = QHBoxLayout()
        foot.setSpacing(8)
        for button in (self.explore, self.map, self.other):
            foot.addWidget(button)
        foot.addStretch(1)
        column.addLayout(foot)
        self.check = QPushButton("Check the explanation…")
        self.check.setObjectName("train-check")
        column.addWidget(self.check, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        scroll = scrolled(inner)
        scroll.setMinimumWidth(400)
        return scroll

    def _connect(self) -> None:
        self.empty.asked.connect(self.start_asked)
        self.start.clicked.connect(self._on_start)
        self.resume.clicked.connect(lambda: self._train(resume=True))
        self.stop.clicked.connect(self.stop_asked)
        self.map.clicked.connect(self.map_asked)
        self.explore.clicked.connect(self.explore_asked)
        self.other.clicked.connect(self._on_other)
        self.versions.chosen.connect(self._on_version)
        self.check.clicked.connect(self._on_check)
        self.warning.accepted.connect(self._on_known)
        self.state.model_changed.connect(self._on_model)
        self.state.asked_changed.connect(self._show_buttons)
        self.state.project_changed.connect(self._show_buttons)

    def set_job(self, training: bool, why: str, why_same_model: str, resumable: bool) -> None:
        """Say whether a training runs, and whether one can resume.

        Also why no job can start, and why no other model can be used.
        """
        if training and not self._training:
            self.curves.clear()
            self.tabs.setCurrentWidget(self.curves)
        self._training, self._why, self._can_resume = training, why, resumable
        self._why_same_model = why_same_model
        self._show_buttons()

    def add_progress(self, verb: str, progress: dict[str, Any]) -> None:
        """One more point on the curves."""
        values = progress.get("values") or {}
        if verb == "train":
            step = progress.get("done", 0)
            self.curves.add(step, values.get("loss"), values.get("accuracy"))

    def show_check(self, result: dict[str, Any]) -> None:
        """What the check of the explanation found; it stays as long as the model."""
        card = self.state.opened.card if self.state.opened else None
        self._checked = (card.digest if card else "", check_words(result))
        self._on_model()

    def _on_model(self) -> None:
        opened = self.state.opened
        there = opened is not None and opened.project.dataset is not None
        self.stack.setCurrentIndex(1 if there else 0)
        card = opened.card if opened else None
        self.card.set_card(
            card, self._checked[1] if card is not None and card.digest == self._checked[0] else ""
        )
        models, used = (opened.models, opened.project.model) if opened else ((), "")
        self.versions.offer(models, used)
        self.held_out.show_model()
        if not self._training:
            rows = card.training.get("curve", ()) if card is not None else ()
            self.curves.show_all(rows, HINT if card is None else NO_CURVES)
        self._show_buttons()

    def _show_buttons(self) -> None:
        opened = self.state.opened
        model = bool(opened and opened.card)
        self.start.setText("Train again" if model else "Train")
        set_kind(self.start, "" if model else "primary")
        set_kind(self.explore, "primary" if self.state.ready_to_explore else "")
        dataset = opened.project.dataset if opened else None
        self.choices.set_dataset(dataset)
        self.warning.set_dataset(dataset)
        not_yet = self._why or why_not_train(self.state) or self.warning.why()
        self._enable(self.start, not_yet, "Train, then measure the model and draw its map")
        stopped = self._can_resume and not self._training
        why = not_yet or ("" if stopped else "No stopped training to resume.")
        self._enable(self.resume, why, "Resume where the training stopped")
        self._enable(
            self.stop,
            "" if self._training else "Nothing is being trained.",
            "Stop; what was learned is kept",
        )
        why = self._why or ("" if model else "Train or open a model first.")
        self._enable(self.map, why, "Read all images with the model and draw the map")
        self._enable(
            self.check,
            why,
            "Make a known change in copies of your images and see whether it is found",
        )
        ready = self.state.ready_to_explore
        why = "" if ready else "Explore needs a trained model and its map."
        self._enable(self.explore, why, "Go to Explore")
        read_only = opened.read_only if opened is not None else ""
        self.versions.set_why_not(self._why_same_model or read_only)
        self._enable(
            self.other,
            self._why_same_model,
            "Use a model that was trained before (its folder)",
        )
        self.map.setVisible(bool(opened and opened.card and opened.projection is None))

    @staticmethod
    def _enable(button: QPushButton, why: str, does: str) -> None:
        button.setEnabled(not why)
        button.setToolTip(tip(why or does))

    def _on_known(self, known: bool) -> None:
        project = self.state.project
        if project is not None and project.dataset is not None:
            data = with_known(project.dataset, must_be_known(project.dataset), known)
            text = "Know what goes with the condition"
            self.state.edit_project(replace(project, dataset=data), text)
        self._show_buttons()

    def _on_check(self) -> None:
        assert self.state.opened is not None and self.state.opened.card is not None
        dialog = CheckDialog([c.name for c in self.state.opened.card.channels], self)
        if dialog.exec():
            change = dialog.perturbation()
            self.check_asked.emit(change.channel, change.factor, change.preset)

    def _on_start(self) -> None:
        """Train; where there is a model, ask first, and say that it stays."""
        card = self.state.opened.card if self.state.opened else None
        if card is None or confirm_training(self, card.name):
            self._train(resume=False)

    def _train(self, *, resume: bool) -> None:
        self.train_asked.emit(self.choices.preset(), resume, self.choices.conditions())

    def _on_version(self, name: str) -> None:
        assert self.state.project is not None
        self.model_asked.emit(self.state.project.folder / "models" / name)

    def _on_other(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of the model")
        if chosen:
            self.model_asked.emit(Path(chosen))
