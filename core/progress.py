"""How long-running work reports its progress, and how it is stopped."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

REFINING = "Refining the regions"  # of the map: rougher regions are saved already


@dataclass(frozen=True)
class Progress:
    """`done` of `total` steps of the work called `what`; `values` are points of curves (loss)."""

    done: int
    total: int
    what: str
    seconds_left: float | None = None
    values: dict[str, float] = field(default_factory=dict)


class Cancelled(Exception):
    """Raised by a report when the user pressed stop; all files on disk are complete."""


Report = Callable[[Progress], None]


def with_time_left(report: Report) -> Report:
    """A report that adds the seconds left, estimated from the pace so far."""
    # Name and total of a piece of work -> when the work began, and what was done by then.
    began: dict[tuple[str, int], tuple[float, int]] = {}

    def timed(progress: Progress) -> None:
        now = time.monotonic()
        start, first = began.setdefault((progress.what, progress.total), (now, progress.done))
        if progress.done > first:
            pace = (now - start) / (progress.done - first)
            progress = replace(progress, seconds_left=pace * (progress.total - progress.done))
        report(progress)

    return timed


def silent(progress: Progress) -> None:
    """A report that does nothing."""
