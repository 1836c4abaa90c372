"""The desk where long jobs are handed in: it starts them, shows how far they are, and opens what
they made.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from core.progress import REFINING
from leigh_gui.services.jobs import (
    Job,
    JobRunner,
    figure,
    positive_control,
    read_and_map,
    scan,
    screen,
    train,
)

if TYPE_CHECKING:
    from leigh_gui.errors import ErrorBus
    from leigh_gui.frame import StatusStrip
    from leigh_gui.services.background import Saver
    from leigh_gui.services.project_loader import Opener
    from leigh_gui.state import AppState
    from leigh_gui.widgets.common.job_bar import JobBar

BUSY = "Wait for the job in the bar below, or stop it."
NEXT_PAGE = {
    "scan": "data",
    "map": "explore",
    "train": "train",
    "encode": "train",
    "evaluate": "train",
}


class JobDesk(QObject):
    """Between the pages that ask for work and the process that does it."""

    changed = Signal()  # a job began or ended
    progress = Signal(str, object)  # verb, progress
    ended = Signal()
    checked = Signal(object)  # what the check of the explanation found
    screened = Signal()  # there is a new ranking

    def __init__(
        self,
        state: AppState,
        runner: JobRunner,
        opener: Opener,
        saver: Saver,
        bus: ErrorBus,
        bar: JobBar,
        strip: StatusStrip,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.state, self.runner, self.opener, self.saver = state, runner, opener, saver
        self.bus, self.bar, self.strip = bus, bar, strip
        self._connect()

    def _connect(self) -> None:
        self.runner.started.connect(self._on_started)
        self.runner.progress.connect(self._on_progress)
        self.runner.step_finished.connect(self._on_step)
        self.runner.finished.connect(self._on_finished)
        self.runner.failed.connect(self._on_failed)
        self.runner.stopped.connect(self._on_stopped)
        self.bar.stop_asked.connect(self.stop)

    def start(self, job: Job) -> bool:
        """Start a job, with everything saved that it needs."""
        self.saver.flush()
        started = self.runner.start(job)
        if not started:
            self.bus.tell("A job is still running.", BUSY)
        return started

    def stop(self) -> None:
        """Ask the running job to stop."""
        if self.runner.running():
            self.bar.stopping()
            self.runner.stop()

    def train(self, preset: str, resume: bool, conditions: tuple[str, ...] = ()) -> None:
        """Train, measure, read, map."""
        if self.state.project is not None:
            self.start(train(self.state.project.folder, preset, resume, conditions))

    def map(self) -> None:
        """Measure, read and map with the model that is there."""
        if self.state.project is not None:
            self.start(read_and_map(self.state.project.folder))

    def check(self, channel: str, factor: float, preset: str) -> None:
        """Plant a known change and see whether it is found again."""
        project = self.state.project
        if project is not None and project.dataset is not None:
            self.start(
                positive_control(project.folder, project.dataset.digest, channel, factor, preset)
            )

    def scan(self, options: tuple[str, ...]) -> None:
        """Look through the project's folder again."""
        project = self.state.project
        if project is not None and project.dataset is not None:
            self.start(scan(project.dataset.root, project.folder, options))

    def screen(self) -> None:
        """Rank the treatments."""
        if self.state.project is not None:
            self.start(screen(self.state.project.folder))

    def figure(self, specs: Path, out: Path) -> None:
        """Export the collected panels."""
        if self.state.project is not None:
            self.start(figure(self.state.project.folder, specs, out))

    def _on_started(self, title: str) -> None:
        self.bar.start(title)
        self.changed.emit()

    def _on_progress(self, progress: dict[str, Any]) -> None:
        self.bar.set_progress(
            progress.get("done", 0),
            progress.get("total", 0),
            str(progress.get("what", "")),
            progress.get("seconds_left"),
        )
        self.progress.emit(self.runner.verb(), progress)
        if progress.get("what") == REFINING:
            self.opener.take_map()

    def _on_step(self, verb: str, result: dict[str, Any]) -> None:
        if verb == "figure":
            out = str(result.get("out") or self.runner.arguments_after("--out"))
            self.strip.tell(f"Saved {out}")
            self.strip.show_file(Path(out))
        elif verb == "counterfactual":
            self.checked.emit(result)
            self.strip.tell("The explanation was checked; the Train page says what was found.")
        elif verb == "screen":
            self.screened.emit()
            self.strip.tell("The treatments are ranked; the Screen page shows them.")
        elif verb in ("train", "evaluate") and self.runner.more():
            self.opener.reopen("explore")  # on an exact plane, while the map is being fitted

    def _on_finished(self, verb: str) -> None:
        self._end()
        if verb in NEXT_PAGE:
            self.opener.reopen(NEXT_PAGE[verb])

    def _on_failed(self, message: str, hint: str, details: str) -> None:
        self._end()
        self.bus.tell(message, hint, details)
        self.opener.after_failure()

    def _on_stopped(self) -> None:
        self._end()
        self.strip.tell("Stopped. What was finished is kept.")
        self.opener.after_failure()

    def _end(self) -> None:
        self.bar.finish()
        self.changed.emit()
        self.ended.emit()


def ask_about_job(parent: QWidget) -> str:
    """Closing during a job: 'finish' it in the background, 'stop' it, or 'stay'."""
    box = QMessageBox(
        QMessageBox.Icon.NoIcon, "A job is running", "A job is still running.", parent=parent
    )
    box.setInformativeText(
        "It can finish in the background without the window, or stop now; what is done is kept."
    )
    finish = box.addButton("Finish in background", QMessageBox.ButtonRole.AcceptRole)
    stop = box.addButton("Stop and close", QMessageBox.ButtonRole.DestructiveRole)
    box.addButton("Keep the window", QMessageBox.ButtonRole.RejectRole)
    box.exec()
    if box.clickedButton() is finish:
        return "finish"
    return "stop" if box.clickedButton() is stop else "stay"
