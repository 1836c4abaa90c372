"""The window's side of the model process: the latest request wins, late answers are dropped, a
crash is repaired.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

SESSION = "core.counterfactual.engine:Session"
LANES = ("warm", "open", "picture", "path", "explain")  # who comes first
INTERRUPTIBLE = ("path", "explain")  # given up by the process as soon as anything else is asked
Hold = (
    tuple[str, ...] | None
)  # stains that must not change; None: those in which no readout differs
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """One numbered question.

    `epoch` changes with the record: answers of an older epoch are late.
    """

    verb: str
    number: int
    epoch: int
    arguments: dict[str, Any]

    @property
    def lane(self) -> str:
        """Requests of one lane replace one another."""
        return self.verb if self.verb in LANES else "picture"


class InferenceWorker(QObject):
    """One persistent process. Nothing here blocks the window."""

    opened = Signal(str)  # device
    answered = Signal(str, object, object)  # verb, Counterfactual or CounterfactualPath, arguments
    failed = Signal(str, str, str, str)  # verb, message, hint, details
    not_explained = Signal(object, str)  # arguments of the request, why
    explaining = Signal(object, object)  # arguments of the request, Progress
    busy_changed = Signal(bool)
    restarted = Signal(str)
    _arrived = Signal(int, object)

    def __init__(self, parent: QObject | None = None, session: str = SESSION) -> None:
        super().__init__(parent)
        self.no_evidence = ""  # why nothing but the model can be asked, where that is so
        self.late_dropped = 0
        self.restarts = 0
        self._session = session
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._generation = 0
        self._number = 0
        self._epoch = 0
        self._flying: dict[int, Request] = {}
        self._waiting: dict[str, Request] = {}
        self._given_up: set[int] = set()  # numbers of explanations that are not wanted any more
        self._folder: Path | None = None
        self._device = "auto"
        self._deaths: list[float] = []
        self._was_busy = False
        self._arrived.connect(self._on_arrived)

    def start(self) -> None:
        """Start the process and let it load what it needs; returns at once."""
        if self._process is not None:
            return
        from multiprocessing import get_context

        from leigh_gui.services.inference_process import serve

        context = get_context("spawn")
        ours, theirs = context.Pipe(duplex=True)
        self._generation += 1
        process = context.Process(
            target=serve, args=(theirs, self._session), name="leigh-model", daemon=True
        )
        process.start()
        theirs.close()
        self._process, self._connection = process, ours
        reader = threading.Thread(
            target=self._read, args=(ours, self._generation), name="leigh-reader", daemon=True
        )
        reader.start()
        self._ask("warm", {})

    def pid(self) -> int | None:
        """Process id, for the log and the tests."""
        return self._process.pid if self._process is not None else None

    def open(self, folder: Path, device: str = "auto") -> None:
        """Load this project's model; everything asked before is forgotten."""
        self._folder, self._device = folder, device
        self._epoch += 1
        self._waiting.clear()
        self.start()
        self._ask("open", {"folder": str(folder), "device": device})

    def select(self, record_id: str, hold: Hold = None) -> None:
        """The counterfactual of strength 0: pays for the inverse once."""
        self._epoch += 1
        self._waiting.pop("path", None)
        self._ask("select", {"record_id": record_id, "hold": hold})

    def move(self, record_id: str, weights: dict[str, float], strength: float, exact: bool = False,
             hold: Hold = None, draft: bool = False) -> None:  # fmt: skip
        """Move toward conditions; `exact` asks for the evidence, too, and a `draft` is enough while
        a hand moves.
        """
        way = {"weights": weights, "strength": strength}
        self._ask(
            "move", {"record_id": record_id, **way, "hold": hold, "exact": exact, "draft": draft}
        )

    def drag(self, record_id: str, x: float, y: float, exact: bool = False, hold: Hold = None,
             draft: bool = False, plane: tuple[str, ...] = ()) -> None:  # fmt: skip
        """Move to a place on the map, or on the exact plane of these conditions; as `move`."""
        way = {"x": x, "y": y, "plane": plane}
        self._ask(
            "drag", {"record_id": record_id, **way, "hold": hold, "exact": exact, "draft": draft}
        )

    def path(
        self, record_id: str, weights: dict[str, float], frames: int = 11, hold: Hold = None
    ) -> None:
        """The whole way; given up when something newer is asked."""
        self._ask(
            "path", {"record_id": record_id, "weights": weights, "frames": frames, "hold": hold}
        )

    def explain(self, record_id: str, method: str, target: str, network: str, window_um: float | None = None,
                window_px: int | None = None) -> None:  # fmt: skip
        """Another explanation of the selected record, when nothing else is asked; interrupted, it
        is begun anew.
        """
        words = {"record_id": record_id, "method": method, "target": target, "network": network}
        self._ask("explain", {**words, "window_um": window_um, "window_px": window_px})

    def stop_explaining(self) -> None:
        """Give up the explanation that waits or is on its way."""
        self._waiting.pop("explain", None)
        self._given_up |= {n for n, r in self._flying.items() if r.lane == "explain"}
        flying = {r.lane for r in self._flying.values()}
        if "explain" in flying and "path" not in flying:  # a path interrupts it already
            self._ask("warm", {})  # whatever arrives interrupts it

    def busy(self) -> bool:
        """Whether a picture or a model is being waited for."""
        return any(
            r.lane in ("picture", "open") for r in (*self._flying.values(), *self._waiting.values())
        )

    def close(self) -> None:
        """End the process."""
        process, connection = self._process, self._connection
        self._process, self._connection = None, None
        self._generation += 1
        if connection is not None:
            try:
                connection.send(("quit", 0, {}))
            except OSError:
                log.debug("The model process was already gone.")
        if process is not None:
            process.join(1.0)
            if process.is_alive():
                process.terminate()

    def _ask(self, verb: str, arguments: dict[str, Any]) -> None:
        self._number += 1
        request = Request(verb, self._number, self._epoch, arguments)
        self._waiting[request.lane] = request
        self._pump()

    def _pump(self) -> None:
        for lane in LANES:
            request = self._waiting.get(lane)
            if request is None or self._connection is None or not self._may_send(lane):
                continue
            del self._waiting[lane]
            self._flying[request.number] = request
            try:
                self._connection.send((request.verb, request.number, request.arguments))
            except OSError:
                log.warning(
                    "The model process did not take a request."
                )  # the reader notices its end
        if self.busy() != self._was_busy:
            self._was_busy = self.busy()
            self.busy_changed.emit(self._was_busy)

    def _may_send(self, lane: str) -> bool:
        lanes = {r.lane for r in self._flying.values()}
        return all(
            LANES.index(lane) < LANES.index(other) and other in INTERRUPTIBLE for other in lanes
        )

    def _read(self, connection: Connection, generation: int) -> None:
        """Runs in a thread: takes answers and copies their pictures out of shared memory."""
        from leigh_gui.services.inference_process import unpack

        originals: dict[str, Any] = {}
        while True:
            try:
                kind, number, answer = connection.recv()
                if kind == "done" and answer[0] == "picture":
                    light, name, shapes = answer[1]
                    result = unpack(light, name, shapes, originals.get(light.record_id))
                    originals = {result.record_id: result.original}
                    answer = ("picture", result)
            except (EOFError, OSError, FileNotFoundError):
                kind, number, answer = "ended", 0, None
            try:
                self._arrived.emit(generation, (kind, number, answer))
            except RuntimeError:  # the window is gone
                return
            if kind == "ended":
                return

    def _on_arrived(self, generation: int, message: tuple[str, int, Any]) -> None:
        if generation != self._generation:
            return
        kind, number, answer = message
        if kind == "ended":
            self._on_ended()
            return
        if kind == "progress":
            if number in self._flying and number not in self._given_up:
                self.explaining.emit(self._flying[number].arguments, answer)
            return
        request = self._flying.pop(number, None)
        if request is not None and kind == "cancelled":
            again = (
                request.lane == "explain"
                and request.epoch == self._epoch
                and number not in self._given_up
            )
            if again:  # a drag came between
                self._waiting.setdefault("explain", request)
        elif request is not None:
            if request.epoch != self._epoch and request.lane != "warm":
                self.late_dropped += 1
            else:
                self._deliver(request, kind, answer)
        self._pump()

    def _deliver(self, request: Request, kind: str, answer: Any) -> None:
        if kind == "failed" and request.verb == "explain":
            self.not_explained.emit(request.arguments, " ".join(answer[:2]))
        elif kind == "failed":
            self.failed.emit(request.verb, *answer)
        elif request.verb == "open":
            self.no_evidence = answer[2]
            self.opened.emit(answer[1])
        elif request.verb != "warm" and request.number not in self._given_up:
            self.answered.emit(request.verb, answer[1], request.arguments)

    def _on_ended(self) -> None:
        lost = [
            r
            for r in self._flying.values()
            if r.lane in ("picture", "open") and r.epoch == self._epoch
        ]
        explaining = [r for r in self._flying.values() if r.lane == "explain"]
        self._process, self._connection = None, None
        self._flying.clear()
        for request in explaining:  # it may be what ended the process: not again
            self.not_explained.emit(
                request.arguments, "The model process stopped while this was computed."
            )
        now = time.monotonic()
        self._deaths = [t for t in self._deaths if now - t < 60] + [now]
        if len(self._deaths) > 3:
            self._waiting.clear()
            self._pump()
            hint = "Close other programs that use much memory, then open the project again."
            self.failed.emit("open", "The model process keeps stopping.", hint, "")
            return
        self.restarts += 1
        waiting = self._waiting
        self._waiting = {}
        self.start()
        if self._folder is not None:
            self._ask("open", {"folder": str(self._folder), "device": self._device})
        for request in lost:
            if request.lane == "picture":
                self._waiting.setdefault("picture", request)
        self._waiting.update({k: v for k, v in waiting.items() if k == "picture"})
        self.restarted.emit("The model process had stopped and was started again.")
        self._pump()
