"""The line of jobs: one runs, the others wait, and each can be taken out again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal


@dataclass(frozen=True)
class WaitingJob:
    """A job that was asked for; `key` is equal for the same work."""

    title: str
    key: Hashable
    start: Callable[[], bool]


class WaitingJobs(QObject):
    """First come, first served; the same work is never twice in the line."""

    changed = Signal(object)  # titles, the next one first

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._line: list[WaitingJob] = []

    def __len__(self) -> int:
        return len(self._line)

    def titles(self) -> tuple[str, ...]:
        """What waits, the next one first."""
        return tuple(job.title for job in self._line)

    def add(self, job: WaitingJob) -> bool:
        """Put a job at the end of the line; False where the same work waits already."""
        if any(other.key == job.key for other in self._line):
            return False
        self._line.append(job)
        self._tell()
        return True

    def take(self) -> WaitingJob | None:
        """The next job, which leaves the line; None where nobody waits."""
        if not self._line:
            return None
        job = self._line.pop(0)
        self._tell()
        return job

    def cancel(self, place: int) -> str:
        """Take the job at this place out of the line; returns its title, "" for no such place."""
        if not 0 <= place < len(self._line):
            return ""
        job = self._line.pop(place)
        self._tell()
        return job.title

    def clear(self) -> None:
        """Nobody waits any longer: the window closes."""
        self._line.clear()
        self._tell()

    def _tell(self) -> None:
        self.changed.emit(self.titles())
