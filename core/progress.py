"""How long work reports itself, and how it is stopped."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Stage(StrEnum):
    """What a caller may act on while work goes on."""

    WORKING = "working"
    REFINING_MAP = "refining-map"  # a rougher map is on disk already


@dataclass(frozen=True)
class Progress:
    """`done` of `total` steps of the work called `what`, a phrase for people.

    `values` carries curves (loss, accuracy).
    """

    done: int
    total: int
    what: str
    seconds_left: float | None = None
    values: dict[str, float] = field(default_factory=dict)
    stage: Stage = Stage.WORKING


class Cancelled(Exception):
    """Raised by a report when the user pressed stop; state on disk is consistent."""


Report = Callable[[Progress], None]


def with_time_left(report: Report) -> Report:
    """The same report, with the seconds that are left at the pace so far."""
    began: dict[
        tuple[str, int], tuple[float, int]
    ] = {}  # of this work: when, and how much was done

    def timed(progress: Progress) -> None:
        now = time.monotonic()
        start, first = began.setdefault((progress.what, progress.total), (now, progress.done))
        if progress.done > first:
            pace = (now - start) / (progress.done - first)
            progress = replace(progress, seconds_left=pace * (progress.total - progress.done))
        report(progress)

    return timed


def silent(progress: Progress) -> None:
    """The report of a caller who does not listen."""
