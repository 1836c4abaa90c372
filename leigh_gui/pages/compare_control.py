"""What happens on the Compare page: which explanation is asked for next, and what is known already."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from core.domain import AUTOENCODER, METHODS, Attribution
from leigh_gui.pages.explore_control import ExploreControl
from leigh_gui.state import AppState
from leigh_gui.worker import InferenceWorker

KEPT = 64  # explanations remembered


@dataclass(frozen=True)
class Subject:
    """What is explained: one image, from its condition to a target."""

    record_id: str
    source: str
    target: str


class CompareControl(QObject):
    """Asks the model process for one explanation after the other; a drag or another image comes first."""

    subject_changed = Signal()
    networks_changed = Signal()
    found = Signal(object)  # Attribution
    failed = Signal(str, str)  # method, words
    progressed = Signal(int, int, str)

    def __init__(self, state: AppState, control: ExploreControl, worker: InferenceWorker,
                 parent: QObject | None = None) -> None:  # fmt: skip
        super().__init__(parent)
        self.state, self.control, self.worker = state, control, worker
        self.subject: Subject | None = None
        self.network = ""
        self.networks: list[str] = []  # whose decisions can be explained
        self.autoencoder = ""  # name of the one whose changes stand beside; "": there is none
        self._known: OrderedDict[tuple[Subject, str, str], Attribution] = OrderedDict()
        self._failed: dict[tuple[Subject, str, str], str] = {}  # why
        self._stopped = False
        self._connect()
        self._on_model()

    def _connect(self) -> None:
        self.state.view_changed.connect(self._on_view)
        self.state.counterfactual_changed.connect(self._ask_next)
        self.state.model_changed.connect(self._on_model)
        self.worker.answered.connect(self._on_answered)
        self.worker.not_explained.connect(self._on_not_explained)

    def known(self, method: str) -> Attribution | None:
        """What this method said of the subject, if it has."""
        return self._known.get((self.subject, self._asked_of(method), method)) if self.subject else None

    def words_for(self, method: str) -> str:
        """Why there is nothing of this method yet."""
        key = (self.subject, self._asked_of(method), method)
        stopped = "Stopped. Choose another image to go on." if self._stopped else "Waiting…"
        return self._failed.get(key, stopped) if self.subject else stopped

    @property
    def methods(self) -> tuple[str, ...]:
        """All that is asked of this project's networks."""
        return (*METHODS, AUTOENCODER) if self.autoencoder else METHODS

    def _asked_of(self, method: str) -> str:
        return self.autoencoder if method == AUTOENCODER else self.network

    def progress(self) -> tuple[int, int, str]:
        """How many of how many are done, and what is on its way."""
        waiting = self._waiting()
        if self._stopped or not waiting:
            return 0, 0, ""
        return len(self.methods) - len(waiting), len(self.methods), waiting[0].replace("-", " ").capitalize()

    def set_network(self, name: str) -> None:
        """Explain the decision of another network."""
        if name != self.network:
            self.network, self._stopped = name, False
            self.subject_changed.emit()
            self._ask_next()

    def stop(self) -> None:
        """Give up what is not there yet, until another image is chosen."""
        self._stopped = True
        self.worker.stop_explaining()
        self.progressed.emit(*self.progress())

    def _on_model(self) -> None:
        self._known.clear()
        self._failed.clear()
        project = self.state.project
        self.networks, self.autoencoder = [], ""
        if project is not None and project.model:
            from core.other_networks import trained_networks

            cards = trained_networks(project)
            self.networks = [c.name for c in cards if AUTOENCODER not in c.kind]
            self.autoencoder = next((c.name for c in cards if AUTOENCODER in c.kind), "")
        self.network = self.network if self.network in self.networks else (self.networks or [""])[0]
        self.networks_changed.emit()
        self._on_view()

    def _on_view(self) -> None:
        record = self.state.record(self.state.view.current)
        weights = self.control.weights()
        target = max(weights, key=lambda name: weights[name]) if weights else ""
        if record is not None and target == record.condition:
            target = self.control.default_target()
        subject = Subject(record.id, record.condition, target) if record is not None and target else None
        if subject != self.subject:
            self.subject, self._stopped = subject, False
            self.subject_changed.emit()
            self._ask_next()

    def _waiting(self) -> list[str]:
        if self.subject is None:
            return []
        keys = {method: (self.subject, self._asked_of(method), method) for method in self.methods}
        return [m for m, key in keys.items() if key not in self._known and key not in self._failed]

    def _ask_next(self) -> None:
        """The next explanation, once the image itself is on show: that comes first."""
        waiting = self._waiting()
        self.progressed.emit(*self.progress())
        shown = self.state.counterfactual
        if self.subject is None or self._stopped or not waiting or not self.control.ready():
            return
        if shown is not None and shown.record_id == self.subject.record_id and not self.control.dragging():
            self.worker.explain(self.subject.record_id, waiting[0], self.subject.target, self._asked_of(waiting[0]))

    def _on_answered(self, verb: str, result: object, arguments: dict[str, object]) -> None:
        if verb != "explain" or not isinstance(result, Attribution):
            return
        subject = Subject(result.record_id, result.source, result.target)
        self._known[subject, result.network, result.method] = result
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        if (subject, result.network) == (self.subject, self._asked_of(result.method)):
            self.found.emit(result)
        self._ask_next()

    def _on_not_explained(self, arguments: dict[str, str], words: str) -> None:
        record = self.state.record(arguments["record_id"])
        if record is None:
            return
        subject = Subject(record.id, record.condition, arguments["target"])
        self._failed[subject, arguments["network"], arguments["method"]] = words
        if (subject, arguments["network"]) == (self.subject, self._asked_of(arguments["method"])):
            self.failed.emit(arguments["method"], words)
        self._ask_next()
