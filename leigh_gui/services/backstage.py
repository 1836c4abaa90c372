"""Everything behind the pages: the state, the model process, jobs, and the project on disk."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from leigh_gui.errors import ErrorBus
from leigh_gui.project_memory import ProjectMemory
from leigh_gui.services.background import Background
from leigh_gui.services.inference_client import InferenceClient
from leigh_gui.services.job_controller import BUSY, JobController
from leigh_gui.services.jobs import JobRunner
from leigh_gui.services.project_loader import ProjectLoader
from leigh_gui.services.saver import Saver
from leigh_gui.settings import Settings
from leigh_gui.state import AppState

READ_ONLY = "This project is open for reading only."
ASKED_AGAIN = "What you asked last is being computed again; the project was only read."
KEPT = "Your changes stay in this window, and saving is tried again by itself."


class Backstage(QObject):
    """Made once per window, and handed to whatever builds a page."""

    busy_changed = Signal(str)  # why nothing else can start now; "" when it can

    def __init__(
        self,
        settings: Settings,
        bus: ErrorBus,
        client: InferenceClient | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.settings, self.bus = settings, bus
        self.state = AppState(self)
        self.memory = ProjectMemory(settings, self.state, self)
        self.client = client or InferenceClient(self)
        self.runner = JobRunner(self)
        self.background, self.saver = Background(self), Saver(self)
        self.loader = ProjectLoader(self.state, self.runner, self.background, self.saver, self)
        self.jobs = JobController(self.state, self.runner, self.loader, self.saver, self)
        self._connect()

    def _connect(self) -> None:
        self.saver.failed.connect(lambda error: self.bus.report(error, KEPT))
        self.loader.failed.connect(self.bus.report)
        self.jobs.failed.connect(self.bus.tell)
        self.jobs.warned.connect(self.bus.tell)
        self.client.failed.connect(self.bus.tell)
        self.client.restarted.connect(lambda text: self.bus.tell(text, ASKED_AGAIN))
        self.client.gave_up.connect(lambda: self.bus.offer("Try again", self._open_model))
        self.state.edited.connect(self._save)
        self.state.refused.connect(lambda why: self.bus.tell(READ_ONLY, why))
        self.jobs.changed.connect(self._on_busy)
        self.loader.busy_changed.connect(self._on_busy)

    def why_busy(self) -> str:
        """Why no job can be asked for now; "" when it can run or wait in line."""
        return "A project is being opened." if self.loader.busy() else ""

    def why_same_model(self) -> str:
        """Why no other model can be used now; "" when it can."""
        return BUSY if self.jobs.busy() else self.why_busy()

    def may_open(self) -> bool:
        """Whether another project can be opened now; says why where it cannot."""
        if self.jobs.busy():
            self.bus.tell("A job is still running.", BUSY)
            return False
        return True

    def close(self) -> None:
        """The model process ends; what had to be saved was saved before."""
        self.memory.write()
        self.client.close()
        self.loader.owner.release()

    def _save(self) -> None:
        if self.state.project is not None:
            self.saver.save(self.state.project)

    def _open_model(self) -> None:
        """Start the model process once more."""
        if self.state.project is not None and self.state.ready_to_explore:
            self.client.open(self.state.project.folder)
        else:
            self.client.start()

    def _on_busy(self, _: object = None) -> None:
        self.busy_changed.emit(self.why_busy())
