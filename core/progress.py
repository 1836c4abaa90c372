"""How long work reports itself, and how it is stopped."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """`done` of `total` steps of the work called `what`; `values` carries curves (loss, accuracy)."""

    done: int
    total: int
    what: str
    seconds_left: float | None = None
    values: dict[str, float] = field(default_factory=dict)


class Cancelled(Exception):
    """Raised by a report when the user pressed stop; state on disk is consistent."""


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """The report of a caller who does not listen."""
