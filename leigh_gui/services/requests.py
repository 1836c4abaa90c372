"""The questions to the model process: which wait, which are on their way, and which are late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LANES = ("warm", "open", "move", "path", "explain")  # the first goes first
INTERRUPTIBLE = ("path", "explain")  # the process gives these up as soon as anything else is asked


@dataclass(frozen=True)
class Request:
    """One numbered question; a newer one of the same lane replaces one that still waits."""

    lane: str
    number: int
    question: Any  # Move, PathRequest, AttributionRequest; for "open": folder and device


class Requests:
    """Numbers the questions; an answer is late where its number is below the oldest wanted one."""

    def __init__(self) -> None:
        self._number = 0
        self._oldest = dict.fromkeys(LANES, 0)
        self._sent: dict[int, Request] = {}
        self._waiting: dict[str, Request] = {}

    def add(self, lane: str, question: Any) -> None:
        """A new question; one of the same lane that still waits is dropped."""
        self._number += 1
        self._waiting[lane] = Request(lane, self._number, question)

    def repeat(self, request: Request) -> None:
        """Ask again what the process gave up, unless something newer waits."""
        self._waiting.setdefault(request.lane, request)

    def forget(self, lane: str) -> None:
        """Drop what waits in a lane; answers to everything that was sent are late."""
        self._waiting.pop(lane, None)
        self._oldest[lane] = self._number + 1

    def is_late(self, request: Request) -> bool:
        """Whether its answer is not wanted any more."""
        return request.number < self._oldest[request.lane]

    def to_send(self) -> Iterator[Request]:
        """What may be sent now: one at a time, or what interrupts the one on its way."""
        for lane in LANES:
            if lane in self._waiting and self._may_send(lane):
                request = self._waiting.pop(lane)
                self._sent[request.number] = request
                yield request

    def find(self, number: int) -> Request | None:
        """A request that was sent and not answered yet."""
        return self._sent.get(number)

    def answered(self, request: Request) -> None:
        """The process has done with a request; the answers to older ones of its lane are late."""
        del self._sent[request.number]
        if not self.is_late(request):
            self._oldest[request.lane] = request.number

    def waiting(self) -> list[Request]:
        """What was not sent yet."""
        return list(self._waiting.values())

    def lose_all(self) -> list[Request]:
        """The process is gone: what was wanted of it and will not be answered."""
        lost = [*self._sent.values(), *self._waiting.values()]
        self._sent, self._waiting = {}, {}
        return [request for request in lost if not self.is_late(request)]

    def on_their_way(self) -> set[str]:
        """Lanes of the requests that were sent."""
        return {request.lane for request in self._sent.values()}

    def awaited(self, *lanes: str) -> bool:
        """Whether an answer in one of these lanes is wanted."""
        requests = (*self._sent.values(), *self._waiting.values())
        return any(r.lane in lanes and not self.is_late(r) for r in requests)

    def _may_send(self, lane: str) -> bool:
        return all(
            LANES.index(lane) < LANES.index(other) and other in INTERRUPTIBLE
            for other in self.on_their_way()
        )
