"""The window's side of the model process: it sends the newest question and drops late answers.

A process that crashes is started again.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from core.domain import (
    ORIGINAL,
    AttributionRequest,
    MapPosition,
    Move,
    PathRequest,
    Precision,
)
from core.isolation import starting_child
from leigh_gui.services.requests import LANES, Request, Requests

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

ENGINE = "core.counterfactual.engine:Engine"
DEATHS, DEATHS_WITHIN_S = 3, 1800  # those while loading count for ever
LAST_MOMENT_S = 1.0  # for each of the ways to end the process
log = logging.getLogger(__name__)


class InferenceClient(QObject):
    """One persistent process. Nothing here blocks the window."""

    opened = Signal(str)  # device
    answered = Signal(object)  # Answer
    path_found = Signal(object, object)  # PathRequest, CounterfactualPath
    explained = Signal(object, object)  # AttributionRequest, Attribution
    failed = Signal(str, str, str)  # message, hint, details
    not_explained = Signal(object, str)  # AttributionRequest, why
    explaining = Signal(object, object)  # AttributionRequest, Progress
    busy_changed = Signal(bool)
    restarted = Signal(str)
    gave_up = Signal()  # after `failed`: the process is not started again by itself
    _arrived = Signal(int, object)

    def __init__(self, parent: QObject | None = None, engine: str = ENGINE) -> None:
        super().__init__(parent)
        self.no_evidence = ""  # why the evidence rests on the model alone; "" where it does not
        self.ready = False  # the process has the project open
        self.wanted: Move | None = None
        self.late_dropped = 0
        self.restarts = 0
        self._engine = engine
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._generation = 0  # of the process
        self._requests = Requests()
        self._project: tuple[str, str] | None = None  # folder and device
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
            target=serve, args=(theirs, self._engine), name="leigh-model", daemon=True
        )
        with starting_child():
            process.start()
        theirs.close()
        self._process, self._connection = process, ours
        reader = threading.Thread(
            target=self._read, args=(ours, self._generation), name="leigh-reader", daemon=True
        )
        reader.start()
        self._ask("warm", None)

    def pid(self) -> int | None:
        """Process id, for the log and the tests."""
        return self._process.pid if self._process is not None else None

    def open(self, folder: Path, device: str = "auto") -> None:
        """Load this project's model; everything asked before is forgotten."""
        self._project, self.ready = (str(folder), device), False
        self._deaths.clear()
        for lane in LANES[1:]:
            self._requests.forget(lane)
        self.wanted = None
        self.start()
        self._ask("open", self._project)

    def want(self, move: Move | None) -> None:
        """The image that is wanted from now on; None where the one on show is the wanted one.

        Answers to earlier moves are dropped, except to those of the same drag.
        """
        if not _one_drag(self.wanted, move):
            self._requests.forget("move")
        self.wanted = move
        if move is not None:
            self._ask("move", move)
        self._tell_busy()

    def follow(self, request: PathRequest) -> None:
        """Ask for a path; given up when something newer is asked."""
        self._requests.forget("path")
        self._ask("path", request)

    def explain(self, request: AttributionRequest) -> None:
        """Ask for an attribution, when nothing else is asked; interrupted, it starts again."""
        self._requests.forget("explain")
        self._ask("explain", request)

    def stop_explaining(self) -> None:
        """Give up the attribution that waits or is being computed."""
        self._requests.forget("explain")
        lanes = self._requests.on_their_way()
        if "explain" in lanes and "path" not in lanes:  # a path interrupts it already
            self._ask("warm", None)  # any message interrupts it

    def busy(self) -> bool:
        """Whether an image or a model is awaited."""
        return self._requests.awaited("move", "open")

    def close(self) -> None:
        """End the process."""
        process, connection = self._process, self._connection
        self._process, self._connection = None, None
        self._generation += 1
        if connection is not None:
            try:
                connection.send(("quit", 0, None))
            except OSError:
                log.debug("The model process was already gone.")
        if process is None:
            return
        for end in (process.terminate, process.kill, None):  # a frozen one heeds only `kill`
            process.join(LAST_MOMENT_S)
            if not process.is_alive() or end is None:
                return
            end()

    def _ask(self, lane: str, question: Any) -> None:
        self._requests.add(lane, question)
        self._send()

    def _send(self) -> None:
        for request in self._requests.to_send() if self._connection is not None else ():
            try:
                self._transmit(request)
            except OSError:
                log.warning("The model process did not take a request.")  # the reader sees its end
        self._tell_busy()

    def _transmit(self, request: Request) -> None:
        assert self._connection is not None
        self._connection.send((request.lane, request.number, request.question))

    def _tell_busy(self) -> None:
        if self.busy() != self._was_busy:
            self._was_busy = self.busy()
            self.busy_changed.emit(self._was_busy)

    def _read(self, connection: Connection, generation: int) -> None:
        """Runs in a thread: takes answers and copies their pictures out of shared memory."""
        from leigh_gui.services.inference_process import unpack

        originals: dict[str, Any] = {}
        while True:
            try:
                kind, number, answer = connection.recv()
                if kind == "picture":
                    light, name, shapes = answer
                    answer = unpack(light, name, shapes, originals.get(light.record_id))
                    originals = {answer.record_id: answer.original}
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
        request = self._requests.find(number)
        if request is None:
            return
        late = self._requests.is_late(request)
        if kind == "progress":
            if not late:
                self.explaining.emit(request.question, answer)
            return
        self._requests.answered(request)
        if late:
            self.late_dropped += 1
        elif kind == "cancelled" and request.lane == "explain":  # a drag came between
            self._requests.repeat(request)
        elif kind == "failed":
            self._on_failed(request, answer)
        elif kind != "cancelled":
            self._deliver(request, answer)
        self._send()

    def _deliver(self, request: Request, answer: Any) -> None:
        question = request.question
        if request.lane == "open":
            device, self.no_evidence = answer
            self.ready = True
            self.opened.emit(device)
        elif request.lane == "move":
            from core.domain import Answer

            now = time.monotonic()  # it works: what is long ago does not count any more
            self._deaths = [t for t in self._deaths if now - t < DEATHS_WITHIN_S]
            self.answered.emit(Answer(question, answer))
        elif request.lane == "path":
            self.path_found.emit(question, answer)
        elif request.lane == "explain":
            self.explained.emit(question, answer)

    def _on_failed(self, request: Request, words: tuple[str, str, str]) -> None:
        if request.lane == "explain":
            self.not_explained.emit(request.question, " ".join(words[:2]))
        else:
            self.failed.emit(*words)

    def _on_ended(self) -> None:
        waiting = self._requests.waiting()
        lost = self._requests.lose_all()
        self._process, self._connection, self.ready = None, None, False
        self._deaths.append(time.monotonic())
        gave_up = len(self._deaths) > DEATHS
        for request in lost:  # an attribution may be what ended the process: not again
            if request.lane == "explain" and (gave_up or request not in waiting):
                words = "The model process stopped while this was computed."
                self.not_explained.emit(request.question, words)
        if gave_up:
            self.wanted = None  # it is asked again when the model is open again
            self._tell_busy()
            hint = "Close other programs that use much memory, then try again."
            self.failed.emit("The model process keeps stopping.", hint, "")
            self.gave_up.emit()
            return
        self.restarts += 1
        self.start()
        self._ask_again(lost, waiting)
        self.restarted.emit("The model process had stopped and was started again.")

    def _ask_again(self, lost: list[Request], waiting: list[Request]) -> None:
        """What was wanted of the process that ended is asked of the new one."""
        if self._project is not None:
            self._ask("open", self._project)
        lanes = {request.lane for request in lost}
        if self.wanted is not None and "move" in lanes:
            self._ask("move", self.wanted)
        else:
            self.wanted = None  # the page asks for it when the model is open
        for request in lost:
            if request.lane == "path" or (request.lane == "explain" and request in waiting):
                self._ask(request.lane, request.question)


def _one_drag(before: Move | None, after: Move | None) -> bool:
    """Whether a move goes on with the drag of another: its images may still be shown meanwhile."""
    if before is None or after is None or before.precision == Precision.EXACT:
        return False
    return _drag_of(before) == _drag_of(after)


def _drag_of(move: Move) -> tuple[object, ...]:
    plane = move.goal.plane if isinstance(move.goal, MapPosition) else None
    return move.record_id, move.locked, plane, move.goal == ORIGINAL
