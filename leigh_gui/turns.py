"""A turn of the window's event loop: between two of them the user is served."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

SOON_MS = 1  # at 0, Qt may run the work in the turn that asks for it


def next_turn(owner: QObject, work: Callable[[], object]) -> None:
    """Call `work` in a turn of its own; not at all if `owner` is gone by then."""
    QTimer.singleShot(SOON_MS, owner, work)
