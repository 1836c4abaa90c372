"""What happens on the Compare page: which explanation is asked for next, and what is known already."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from core.domain import AUTOENCODER, METHODS, Attribution
from core.progress import Progress
from leigh_gui.pages.explore.controller import ExploreControl
from leigh_gui.services.inference_client import InferenceWorker
from leigh_gui.settings import Settings
from leigh_gui.state import AppState
from leigh_gui.widgets.common.look import duration

KEPT = 64  # explanations remembered
OCCLUSION = "occlusion"
USUAL_UM, USUAL_PX = 8.0, 16.0  # side of occlusion's window, as in core.attribution.methods
RANGE_UM, RANGE_PX = (1.0, 100.0), (2.0, 512.0)


@dataclass(frozen=True)
class Subject:
    """What is explained: one image, from its condition to a target."""

    record_id: str
    source: str
    target: str


Key = tuple[Subject, str, str, float]  # network, method, side of the window


class CompareControl(QObject):
    """Asks the model process for one explanation after the other; a drag or another image comes
    first.
    """

    subject_changed = Signal()
    networks_changed = Signal()
    window_changed = Signal()
    found = Signal(object)  # Attribution
    failed = Signal(str, str)  # method, words
    progressed = Signal(
        float, int, str
    )  # explanations that are there, of how many, what is on its way

    def __init__(self, state: AppState, control: ExploreControl, worker: InferenceWorker,
                 settings: Settings, parent: QObject | None = None) -> None:  # fmt: skip
        super().__init__(parent)
        self.state, self.control, self.worker, self.settings = state, control, worker, settings
        self.subject: Subject | None = None
        self.network = ""
        self.networks: list[str] = []  # whose decisions can be explained
        self.autoencoder = ""  # name of the one whose changes stand beside; "": there is none
        self._known: OrderedDict[Key, Attribution] = OrderedDict()
        self._failed: dict[Key, str] = {}  # why
        self._inside: tuple[Key, float, str] | None = (
            None  # how much of which explanation is done, and time left
        )
        self._stopped = False
        self._connect()
        self._on_model()

    def _connect(self) -> None:
        self.state.view_changed.connect(self._on_view)
        self.state.counterfactual_changed.connect(self._ask_next)
        self.state.model_changed.connect(self._on_model)
        self.worker.answered.connect(self._on_answered)
        self.worker.not_explained.connect(self._on_not_explained)
        self.worker.explaining.connect(self._on_explaining)

    def known(self, method: str) -> Attribution | None:
        """What this method said of the subject, if it has."""
        key = self._key(method)
        return self._known.get(key) if key else None

    def words_for(self, method: str) -> str:
        """Why there is nothing of this method yet."""
        key = self._key(method)
        stopped = "Stopped. Choose another image to go on." if self._stopped else "Waiting…"
        return self._failed.get(key, stopped) if key else stopped

    @property
    def methods(self) -> tuple[str, ...]:
        """All that is asked of this project's networks."""
        return (*METHODS, AUTOENCODER) if self.autoencoder else METHODS

    def _asked_of(self, method: str) -> str:
        return self.autoencoder if method == AUTOENCODER else self.network

    def _key(self, method: str) -> Key | None:
        """What an explanation of the subject is remembered by; only occlusion has a window."""
        if self.subject is None:
            return None
        return (
            self.subject,
            self._asked_of(method),
            method,
            self.window() if method == OCCLUSION else 0.0,
        )

    def progress(self) -> tuple[float, int, str]:
        """How many of how many are done, parts of one included, and what is on its way."""
        waiting = self._waiting()
        if self._stopped or not waiting:
            return 0, 0, ""
        words, share = waiting[0].replace("-", " ").capitalize(), 0.0
        if self._inside is not None and self._inside[0] == self._key(waiting[0]):
            _, share, left = self._inside
            words += f", {left} left" if left else ""
        return len(self.methods) - len(waiting) + share, len(self.methods), words

    def in_um(self) -> bool:
        """Whether the window is given in micrometres: the size of a pixel is known."""
        dataset = self.state.project.dataset if self.state.project is not None else None
        return dataset is not None and bool(dataset.pixel_size_um)

    def window_range(self) -> tuple[float, float]:
        """The smallest and the largest side that can be chosen."""
        return RANGE_UM if self.in_um() else RANGE_PX

    def window(self) -> float:
        """Side of what occlusion hides, in micrometres or pixels of the file; remembered between
        starts.
        """
        if self.in_um():
            side = round(self.settings.number("window-um", USUAL_UM), 1)
        else:
            side = round(self.settings.number("window-px", USUAL_PX))
        least, most = self.window_range()
        return min(max(side, least), most)

    def window_words(self) -> dict[str, float | int]:
        """The same as a request and a figure's panel have it."""
        return {"window_um": self.window()} if self.in_um() else {"window_px": round(self.window())}

    def set_window(self, side: float) -> None:
        """Hide more or less at once: occlusion alone is asked for anew."""
        if side == self.window():
            return
        on_its_way = not self._stopped and self._waiting()[:1] == [OCCLUSION]
        self.settings.set_number("window-um" if self.in_um() else "window-px", side)
        if on_its_way:
            self.worker.stop_explaining()
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
        self.worker.stop_explaining()
        self.progressed.emit(*self.progress())

    def _on_model(self) -> None:
        self._known.clear()
        self._failed.clear()
        project = self.state.project
        self.networks, self.autoencoder = [], ""
        if project is not None and project.model:
            from core.workflows.baselines import trained_networks

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
        subject = (
            Subject(record.id, record.condition, target) if record is not None and target else None
        )
        if subject != self.subject:
            self.subject, self._stopped = subject, False
            self.subject_changed.emit()
            self._ask_next()

    def _waiting(self) -> list[str]:
        if self.subject is None:
            return []
        keys = {method: self._key(method) for method in self.methods}
        return [m for m, key in keys.items() if key not in self._known and key not in self._failed]

    def _ask_next(self) -> None:
        """The next explanation, once the image itself is on show: that comes first."""
        waiting = self._waiting()
        self.progressed.emit(*self.progress())
        shown = self.state.counterfactual
        if self.subject is None or self._stopped or not waiting or not self.control.ready():
            return
        if (
            shown is not None
            and shown.record_id == self.subject.record_id
            and not self.control.dragging()
        ):
            window = self.window_words() if waiting[0] == OCCLUSION else {}
            asked_of = self._asked_of(waiting[0])
            self.worker.explain(
                self.subject.record_id, waiting[0], self.subject.target, asked_of, **window
            )

    def _on_answered(self, verb: str, result: object, arguments: dict[str, Any]) -> None:
        if verb != "explain" or not isinstance(result, Attribution):
            return
        key = self._key_of(arguments)
        if key is None:
            return
        self._known[key] = result
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        if key == self._key(result.method):
            self.found.emit(result)
        self._ask_next()

    def _on_not_explained(self, arguments: dict[str, Any], words: str) -> None:
        key = self._key_of(arguments)
        if key is None:
            return
        self._failed[key] = words
        if key == self._key(arguments["method"]):
            self.failed.emit(arguments["method"], words)
        self._ask_next()

    def _on_explaining(self, arguments: dict[str, Any], progress: Progress) -> None:
        key = self._key_of(arguments)
        if key is not None:
            share = min(max(progress.done / max(progress.total, 1), 0.0), 1.0)
            self._inside = key, share, duration(progress.seconds_left)
            self.progressed.emit(*self.progress())

    def _key_of(self, arguments: dict[str, Any]) -> Key | None:
        """What an answer to this request is remembered by; None where its record is gone."""
        record = self.state.record(str(arguments["record_id"]))
        if record is None:
            return None
        side = float(arguments.get("window_um") or arguments.get("window_px") or 0.0)
        subject = Subject(record.id, record.condition, str(arguments["target"]))
        return subject, str(arguments["network"]), str(arguments["method"]), side
