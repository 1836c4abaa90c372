"""Starts the long jobs that the pages ask for, and opens what they made."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from core.progress import Stage
from leigh_gui.scan_request import ScanRequest, open_scan, problem_lines
from leigh_gui.services.jobs import (
    SCANNING,
    Job,
    JobRunner,
    copy,
    figure,
    look_through,
    positive_control,
    read_and_map,
    relink,
    screen,
    train,
)
from leigh_gui.services.saver import SAVE_FIRST
from leigh_gui.services.waiting_jobs import WaitingJob, WaitingJobs
from leigh_gui.turns import next_turn

if TYPE_CHECKING:
    from core.domain import ScanOptions
    from leigh_gui.services.project_loader import ProjectLoader
    from leigh_gui.services.saver import Saver
    from leigh_gui.state import AppState

NOT_STARTED = "The job was not started: the project is not saved."
BUSY = "Wait for the job in the line below, or stop it."
NEXT_PAGE = {
    "scan": "data",
    "map": "explore",
    "train": "train",
    "encode": "train",
    "evaluate": "train",
    "relink": "data",
}


class JobController(QObject):
    """Between the pages that ask for work and the process that does it."""

    changed = Signal()  # a job started or ended
    ended = Signal()
    stopping = Signal()
    progress = Signal(str, object)  # verb, progress
    reported = Signal(str)  # a passing message
    saved = Signal(Path)  # a file
    failed = Signal(str, str, str)  # message, hint, details
    warned = Signal(str)
    checked = Signal(object)  # what the check of the explanation found
    screened = Signal()  # there is a new ranking
    looked_through = Signal(object)  # the findings in the parts of the project

    def __init__(
        self,
        state: AppState,
        runner: JobRunner,
        loader: ProjectLoader,
        saver: Saver,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.state, self.runner, self.loader, self.saver = state, runner, loader, saver
        self.waiting = WaitingJobs(self)
        self._key: Hashable = None  # of the job that runs
        self._warnings: list[str] = []  # of the job that runs
        self._connect()

    def _connect(self) -> None:
        self.runner.started.connect(lambda title: self.changed.emit())
        self.runner.progress.connect(self._on_progress)
        self.runner.warned.connect(self._warnings.append)
        self.runner.step_finished.connect(self._on_step)
        self.runner.finished.connect(self._on_finished)
        self.runner.failed.connect(self._on_failed)
        self.runner.asked.connect(self._on_asked)
        self.runner.stopped.connect(self._on_stopped)
        self.loader.busy_changed.connect(lambda _: next_turn(self, self._start_next))

    def start(self, job: Job) -> bool:
        """Start a job, with everything saved that it needs, or let it wait for its turn."""
        return self._in_turn(WaitingJob(job.title, job.arguments, lambda: self.runner.start(job)))

    def busy(self) -> bool:
        """Whether a job runs or waits."""
        return self.runner.running() or len(self.waiting) > 0

    def _in_turn(self, job: WaitingJob) -> bool:
        """Whether the job was started, or waits now."""
        if self.busy() and (job.key == self._key or not self.waiting.add(job)):
            self.reported.emit(f"{job.title}: this runs or waits already.")
            return False
        if self.busy():
            self.reported.emit(f"{job.title} waits for its turn.")
            return True
        return self._start(job)

    def _start(self, job: WaitingJob) -> bool:
        started = self._all_saved() and job.start()
        self._key = job.key if started else None
        return started

    def _start_next(self) -> None:
        """The next one in line, once what the last one wrote was read."""
        if self.runner.running() or self.loader.busy():
            return
        job = self.waiting.take()
        if job is not None and not self._start(job):  # what is wrong was said
            self.ended.emit()
            next_turn(self, self._start_next)

    def cancel(self, place: int) -> None:
        """Take a waiting job out of the line."""
        title = self.waiting.cancel(place)
        if title:
            self.reported.emit(f"{title} does not wait any longer.")

    def _all_saved(self) -> bool:
        if not self.saver.flush():  # the job would work with the version before
            self.failed.emit(NOT_STARTED, f"{self.saver.why} {SAVE_FIRST}", "")
            return False
        return True

    def stop(self) -> None:
        """Ask the running job to stop."""
        if self.runner.running():
            self.stopping.emit()
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
        """Make a known change in copies of real images and see whether it is found."""
        project = self.state.project
        if project is not None and project.dataset is not None:
            self.start(
                positive_control(project.folder, project.dataset.digest, channel, factor, preset)
            )

    def look_through(self, repair: bool = False) -> None:
        """Check every part of the project, and repair what can be repaired."""
        if self.state.project is not None:
            self.start(look_through(self.state.project.folder, repair))

    def copy(self, folder: Path) -> None:
        """Save a copy of the project."""
        if self.state.project is not None:
            self.start(copy(self.state.project.folder, folder))

    def relink(self, folder: Path) -> None:
        """The images are in this folder now."""
        if self.state.project is not None:
            self.start(relink(self.state.project.folder, folder))

    def scan(self, request: ScanRequest) -> None:
        """Look through a folder, for the first time or again."""
        key = ("scan", *request.arguments())
        self._in_turn(WaitingJob(SCANNING, key, lambda: self.loader.scan(request)))

    def scan_again(self, options: ScanOptions) -> None:
        """Look through the project's folder again, with these choices."""
        project = self.state.project
        if project is not None and project.dataset is not None:
            self.scan(ScanRequest(project.dataset.root, project.folder, options, again=True))

    def replace_images(self, folder: Path) -> None:
        """Read another folder into the project; choices for the old folder are forgotten."""
        if self.state.project is not None:
            self.scan(ScanRequest(folder, self.state.project.folder, again=True))

    def screen(self) -> None:
        """Rank the treatments."""
        if self.state.project is not None:
            self.start(screen(self.state.project.folder))

    def figure(self, specs: Path, out: Path) -> None:
        """Export the collected panels."""
        if self.state.project is not None:
            self.start(figure(self.state.project.folder, specs, out))

    def _on_progress(self, progress: dict[str, Any]) -> None:
        self.progress.emit(self.runner.verb(), progress)
        if progress.get("stage") == Stage.REFINING_MAP:
            self.loader.take_map()

    def _on_step(self, verb: str, result: dict[str, Any]) -> None:
        if verb == "figure":
            out = str(result.get("out") or self.runner.arguments_after("--out"))
            self.reported.emit(f"Saved {out}")
            self.saved.emit(Path(out))
        elif verb == "counterfactual":
            self.checked.emit(result)
            self.reported.emit("The explanation was checked; the Train page says what was found.")
        elif verb == "check":
            self.looked_through.emit(result["findings"])
            if self.runner.has("--repair"):
                self.loader.reopen("stay")
        elif verb == "copy":
            self.reported.emit(f"The copy is in {result['project']}.")
        elif verb == "relink":
            self.reported.emit(f"The images are read from {result['images']} now.")
        elif verb == "screen":
            self.screened.emit()
            self.reported.emit("The treatments are ranked; the Screen page shows them.")
        elif verb in ("train", "evaluate") and self.runner.more():
            self.loader.reopen("explore")  # on a ternary plane, while the map is being fitted

    def _on_finished(self, verb: str) -> None:
        warnings = tuple(dict.fromkeys(self._warnings))
        self._end()
        request = self.loader.take_request()
        if verb in NEXT_PAGE:
            made = request.project if request else None
            self.loader.reopen(NEXT_PAGE[verb], warnings, made)  # shown when it is open again
        else:
            for warning in warnings:
                self.warned.emit(warning)

    def _on_asked(self, result: dict[str, Any]) -> None:
        """A scan wrote nothing: show what it asks, or else what is wrong."""
        self._end()
        request = self.loader.take_request()
        asked = open_scan(request, result) if request is not None else None
        if asked is not None:
            self.state.ask(asked)
        else:
            error, details = result["error"], problem_lines(result["problems"])
            self.failed.emit(error["message"], error["hint"], details)

    def _on_failed(self, message: str, hint: str, details: str) -> None:
        self._end()
        self.loader.take_request()
        self.failed.emit(message, hint, details)

    def _on_stopped(self) -> None:
        self._end()
        self.loader.take_request()
        self.reported.emit("Stopped. What was finished is kept.")

    def _end(self) -> None:
        self._warnings.clear()
        self._key = None
        self.changed.emit()
        self.ended.emit()
        next_turn(self, self._start_next)
