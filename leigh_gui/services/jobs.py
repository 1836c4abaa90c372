"""Long jobs: scan, train, map, export.

Each is a process of its own, can be stopped, and never harms the window.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from core.isolation import child_environment
from leigh_gui.scan_request import ScanRequest

log = logging.getLogger(__name__)
STOPPED, USER_ERROR = 130, 2
SCANNING = "Looking through the folder"
PATIENCE_MS = 15_000  # a job that does not heed "stop" within this time is ended


@dataclass(frozen=True)
class Job:
    """One verb of the command line with its arguments. `then` is what follows when it succeeds."""

    title: str
    arguments: tuple[str, ...]
    then: tuple[Job, ...] = ()


class JobRunner(QObject):
    """Runs one job at a time, and what follows it."""

    began = Signal()  # what was asked for; not a step that follows
    started = Signal(str)  # title
    progress = Signal(object)  # {"done", "total", "what", "seconds_left", "values"}
    warned = Signal(str)
    step_finished = Signal(str, object)  # verb, result
    finished = Signal(str)  # verb of the last step
    failed = Signal(str, str, str)  # message, hint, details
    asked = Signal(object)  # result of a scan that wrote nothing
    stopped = Signal()

    def __init__(self, parent: QObject | None = None, program: tuple[str, ...] = ()) -> None:
        super().__init__(parent)
        self.program = program or (sys.executable, "-m", "core.cli.main")
        self._process: QProcess | None = None
        self._job: Job | None = None
        self._queue: list[Job] = []
        self._stderr = b""
        self._stdout = b""
        self._tail: deque[str] = deque(maxlen=60)
        self._stopping = False
        self._kill = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._kill.timeout.connect(self._on_patience_over)

    def running(self) -> bool:
        """Whether a job runs."""
        return self._process is not None

    def verb(self) -> str:
        """The verb that runs, or ""."""
        return self._job.arguments[0] if self._process is not None and self._job is not None else ""

    def arguments_after(self, flag: str) -> str:
        """Value of an argument of the last job."""
        arguments = self._job.arguments if self._job is not None else ()
        return arguments[arguments.index(flag) + 1] if flag in arguments else ""

    def has(self, flag: str) -> bool:
        """Whether the last job was started with this flag."""
        return self._job is not None and flag in self._job.arguments

    def more(self) -> bool:
        """Whether steps of the job are still to come."""
        return bool(self._queue)

    def start(self, job: Job) -> bool:
        """Start a job; False when another one is running."""
        if self.running():
            return False
        self._queue = list(job.then)
        self.began.emit()
        self._launch(job)
        return True

    def stop(self) -> None:
        """Ask the job to stop; it leaves everything consistent."""
        if self._process is None or self._stopping:
            return
        self._stopping = True
        self._process.write(b"stop\n")
        self._process.closeWriteChannel()
        self._kill.start()

    def wait(self, timeout_ms: int) -> bool:
        """Wait for the end; only while closing the program."""
        return self._process is None or self._process.waitForFinished(timeout_ms)

    def _launch(self, job: Job) -> None:
        self._job, self._stderr, self._stdout, self._stopping = job, b"", b"", False
        self._tail.clear()
        process = QProcess(self)
        environment = QProcessEnvironment()
        for name, value in child_environment().items():
            environment.insert(name, value)
        environment.insert("PYTHONUNBUFFERED", "1")
        environment.insert("PYTHONIOENCODING", "utf-8")
        process.setProcessEnvironment(environment)
        process.readyReadStandardError.connect(self._on_stderr)
        process.readyReadStandardOutput.connect(self._on_stdout)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        self._process = process
        self.started.emit(job.title)
        log.info("Job: %s", " ".join(job.arguments))
        options = ("--progress", "json", "--json", "--end-with-window")
        process.start(self.program[0], [*self.program[1:], *job.arguments, *options])

    def _on_stderr(self) -> None:
        if self._process is None:
            return
        *lines, self._stderr = (self._stderr + self._process.readAllStandardError().data()).split(
            b"\n"
        )
        for line in lines:
            self._take_line(line.decode("utf-8", "replace").strip())

    def _take_line(self, line: str) -> None:
        message = _json(line)
        if message is not None and isinstance(message.get("progress"), dict):
            self.progress.emit(message["progress"])
        elif message is not None and isinstance(message.get("warning"), str):
            self.warned.emit(message["warning"])
        elif line:
            self._tail.append(line)

    def _on_stdout(self) -> None:
        if self._process is not None:
            self._stdout += self._process.readAllStandardOutput().data()

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._end()
            self.failed.emit(
                "The job could not be started.", "Reinstall the program if this stays so.", ""
            )

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._on_stderr()
        self._on_stdout()
        self._take_line(self._stderr.decode("utf-8", "replace").strip())
        job, stopping = self._job, self._stopping
        self._end()
        assert job is not None
        verb, title = job.arguments[0], job.title
        tail = list(self._tail)
        if code == STOPPED or stopping:
            self._queue = []
            self.stopped.emit()
        elif code == 0 and status == QProcess.ExitStatus.NormalExit:
            self._succeed(verb)
        elif code == USER_ERROR and "questions" in self._result():
            self.asked.emit(self._result())
        elif code == USER_ERROR and (error := self._result().get("error")):
            self.failed.emit(error["message"], error["hint"], "\n".join(tail))
        else:
            hint = "What was finished is kept. Look at the details, or try again."
            self.failed.emit(
                f"{title} stopped unexpectedly (exit code {code}).", hint, "\n".join(tail)
            )

    def _result(self) -> dict[str, Any]:
        """The JSON object that the job printed last; {} where there is none."""
        lines = [x for x in self._stdout.decode("utf-8", "replace").splitlines() if x.strip()]
        return (_json(lines[-1]) if lines else None) or {}

    def _succeed(self, verb: str) -> None:
        self.step_finished.emit(verb, self._result())
        if self._queue:
            self._launch(self._queue.pop(0))
        else:
            self.finished.emit(verb)

    def _on_patience_over(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _end(self) -> None:
        self._kill.stop()
        if self._process is not None:
            self._process.deleteLater()
        self._process = None


def _json(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        value = json.loads(line)
    except json.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def scan(request: ScanRequest) -> Job:
    """Look through a folder of images."""
    return Job(SCANNING, ("scan", *request.arguments()))


def train(
    project: Path, preset: str, resume: bool = False, conditions: tuple[str, ...] = ()
) -> Job:
    """Train, which also measures the model and reads the latents; then draw the map."""
    where = ("--project", str(project))
    options = (
        *(("--resume",) if resume else ()),
        *(("--conditions", *conditions) if conditions else ()),
    )
    return Job(
        "Training",
        ("train", *where, "--preset", preset, *options),
        (Job("Drawing the map", ("map", *where)),),
    )


def read_and_map(project: Path) -> Job:
    """What makes a model from elsewhere ready to explore."""
    where = ("--project", str(project))
    following = (
        Job("Measuring the model", ("evaluate", *where)),
        Job("Drawing the map", ("map", *where)),
    )
    return Job("Reading all images", ("encode", *where), following)


def positive_control(project: Path, images: str, channel: str, factor: float, preset: str) -> Job:
    """Make a known change, train on it and measure how much of it is found.

    Each choice has its own folder, and so have other images or labels: `images` is the digest of
    the data set.
    """
    from core.io.tables import safe_name

    out = (
        project
        / "exports"
        / "positive-control"
        / safe_name(f"{channel}-{factor:g}-{preset}-{images[:6]}")
    )
    plant = ("--plant", f"channel={channel},factor={factor:g}", "--preset", preset)
    return Job(
        "Checking the explanation",
        ("counterfactual", "--project", str(project), *plant, "--out", str(out)),
    )


def screen(project: Path) -> Job:
    """Place every treatment between diseased and healthy, and rank them."""
    out = project / "exports" / "screen"
    return Job("Ranking the treatments", ("screen", "--project", str(project), "--out", str(out)))


def figure(project: Path, specs: Path, out: Path) -> Job:
    """Export the collected panels."""
    return Job(
        "Exporting the figure",
        ("figure", "--project", str(project), "--specs", str(specs), "--out", str(out)),
    )


def look_through(project: Path, repair: bool) -> Job:
    """Check every part of a project."""
    words = "Repairing the project" if repair else "Checking the project"
    return Job(words, ("check", str(project), *(["--repair"] if repair else [])))


def copy(project: Path, folder: Path) -> Job:
    """Save a copy of a project."""
    return Job(f"Copying to {folder.name}", ("copy", str(folder), "--project", str(project)))


def relink(project: Path, folder: Path) -> Job:
    """Tell a project where its images are now."""
    return Job("Comparing images", ("relink", str(folder), "--project", str(project)))
