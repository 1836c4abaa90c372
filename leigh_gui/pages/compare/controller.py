"""What happens on the Compare page: which attribution is asked for next, and what is known."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from core.domain import AUTOENCODER, METHODS, Attribution, AttributionRequest
from core.io.models import list_cards
from core.progress import Progress
from leigh_gui.pages.compare.occlusion_window import OcclusionWindow
from leigh_gui.services.inference_client import InferenceClient
from leigh_gui.settings import Settings
from leigh_gui.state import AppState
from leigh_gui.view import default_target
from leigh_gui.widgets.common.look import duration

REMEMBERED = 64  # attributions
OCCLUSION = "occlusion"


@dataclass(frozen=True)
class Subject:
    """What is explained: one image, from its condition to a target."""

    record_id: str
    source: str
    target: str


@dataclass(frozen=True)
class Stage:
    """How far the attributions of a subject are."""

    done: float = 0.0
    total: int = 0  # 0: nothing is being computed
    words: str = ""


class CompareControl(QObject):
    """Asks the model process for one attribution after the other; drags and images come first."""

    subject_changed = Signal()
    networks_changed = Signal()
    window_changed = Signal()
    found = Signal(object)  # Attribution
    failed = Signal(str, str)  # method, words
    progressed = Signal(object)  # Stage

    def __init__(
        self,
        state: AppState,
        client: InferenceClient,
        settings: Settings,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.state, self.client = state, client
        self.window = OcclusionWindow(state, settings)
        self.subject: Subject | None = None
        self.network = ""
        self.networks: list[str] = []  # whose decisions can be explained
        self.autoencoder = ""  # name of the autoencoder to compare with; "": there is none
        self._known: OrderedDict[AttributionRequest, Attribution] = OrderedDict()
        self._failed: dict[AttributionRequest, str] = {}  # why
        self._computed: tuple[AttributionRequest, Progress] | None = None
        self._stopped = False
        self._connect()
        self._on_model()

    def _connect(self) -> None:
        self.state.view_changed.connect(self._on_view)
        self.state.answer_changed.connect(self._on_answer)
        self.state.model_changed.connect(self._on_model)
        self.client.explained.connect(self._on_explained)
        self.client.not_explained.connect(self._on_not_explained)
        self.client.explaining.connect(self._on_explaining)

    @property
    def methods(self) -> tuple[str, ...]:
        """All that is asked of this project's networks."""
        return (*METHODS, AUTOENCODER) if self.autoencoder else METHODS

    def known(self, method: str) -> Attribution | None:
        """What this method says of the subject, if it was computed."""
        request = self._request(method)
        return self._known.get(request) if request is not None else None

    def words_for(self, method: str) -> str:
        """Why there is nothing of this method yet."""
        request = self._request(method)
        waiting = "Stopped. Choose another image to go on." if self._stopped else "Waiting…"
        return self._failed.get(request, waiting) if request is not None else waiting

    def stage(self) -> Stage:
        """How many of how many are done, parts of one included, and what is being computed."""
        waiting = self._waiting()
        if self._stopped or not waiting:
            return Stage()
        words, share = waiting[0].method.replace("-", " ").capitalize(), 0.0
        if self._computed is not None and self._computed[0] == waiting[0]:
            progress = self._computed[1]
            share = min(max(progress.done / max(progress.total, 1), 0.0), 1.0)
            left = duration(progress.seconds_left)
            words += f", {left} left" if left else ""
        done = len(self.methods) - len(waiting) + share
        return Stage(done, len(self.methods), words)

    def set_window(self, side: float) -> None:
        """Hide more or less at once: occlusion alone is computed again."""
        if side == self.window.side:
            return
        waiting = self._waiting()
        computed = not self._stopped and waiting and waiting[0].method == OCCLUSION
        self.window.set_side(side)
        if computed:
            self.client.stop_explaining()
        self.window_changed.emit()
        self._ask_next()

    def set_network(self, name: str) -> None:
        """Explain the decision of another network."""
        if name != self.network:
            self.network, self._stopped = name, False
            self.subject_changed.emit()
            self._ask_next()

    def stop(self) -> None:
        """Give up what is not there yet, until another image is chosen."""
        self._stopped = True
        self.client.stop_explaining()
        self.progressed.emit(self.stage())

    def _request(self, method: str) -> AttributionRequest | None:
        """The question about the subject; only occlusion has a window."""
        if self.subject is None:
            return None
        network = self.autoencoder if method == AUTOENCODER else self.network
        request = AttributionRequest(self.subject.record_id, method, self.subject.target, network)
        if method != OCCLUSION:
            return request
        names = request.record_id, request.method, request.target, request.network
        return AttributionRequest(*names, self.window.side_um, self.window.side_px)

    def _waiting(self) -> list[AttributionRequest]:
        requests = [self._request(method) for method in self.methods]
        there = self._known.keys() | self._failed.keys()
        return [r for r in requests if r is not None and r not in there]

    def _ask_next(self) -> None:
        """The next attribution, once the image itself is on show: that comes first."""
        self.progressed.emit(self.stage())
        waiting, shown = self._waiting(), self.state.counterfactual
        if self._stopped or not waiting or shown is None or not self.client.ready:
            return
        if shown.record_id == waiting[0].record_id and not self.state.view.dragging:
            self.client.explain(waiting[0])

    def _on_model(self) -> None:
        self._known.clear()
        self._failed.clear()
        project = self.state.project
        cards = list_cards(project) if project is not None and project.model else []
        self.networks = [c.name for c in cards if AUTOENCODER not in c.kind]
        self.autoencoder = next((c.name for c in cards if AUTOENCODER in c.kind), "")
        self.network = self.network if self.network in self.networks else (self.networks or [""])[0]
        self.networks_changed.emit()
        self._on_view()

    def _on_view(self) -> None:
        record, target = self.state.record(self.state.view.current), self.state.mix.target
        if record is not None and target in ("", record.condition):
            target = default_target(record, self.state.conditions())
        subject = None
        if record is not None and target:
            subject = Subject(record.id, record.condition, target)
        if subject != self.subject:
            self.subject, self._stopped = subject, False
            self.subject_changed.emit()
            self._ask_next()

    def _on_answer(self) -> None:
        self._on_view()  # the answer to a drag says what its target is
        self._ask_next()

    def _on_explained(self, request: AttributionRequest, found: Attribution) -> None:
        self._known[request] = found
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        if request == self._request(request.method):
            self.found.emit(found)
        self._ask_next()

    def _on_not_explained(self, request: AttributionRequest, words: str) -> None:
        self._failed[request] = words
        if request == self._request(request.method):
            self.failed.emit(request.method, words)
        self._ask_next()

    def _on_explaining(self, request: AttributionRequest, progress: Progress) -> None:
        self._computed = request, progress
        self.progressed.emit(self.stage())
