"""Whether the program ended as it should the last time: each run leaves a mark until its end."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

MARK = "running-"
SAME_START_S = 2.0  # clocks and file systems round


def begin(folder: Path) -> bool:
    """Mark this run; returns whether an earlier one stopped without its end.

    Other windows that are open now do not count.
    """
    crashed = False
    with suppress(OSError):  # a full or read-only disk must not keep the window from opening
        for mark in folder.glob(f"{MARK}*"):
            if not _lives(mark):
                crashed = True
                mark.unlink()
        _mark(folder).write_text(str(_started(os.getpid())), encoding="utf-8")
    return crashed


def end(folder: Path) -> None:
    """This run ends as it should."""
    with suppress(OSError):
        _mark(folder).unlink(missing_ok=True)


def _mark(folder: Path) -> Path:
    return folder / f"{MARK}{os.getpid()}"


def _lives(mark: Path) -> bool:
    """Whether the program of this mark runs; another one may have got its number since."""
    import psutil

    try:
        pid, started = int(mark.name.removeprefix(MARK)), float(mark.read_text(encoding="utf-8"))
        return abs(_started(pid) - started) < SAME_START_S
    except (ValueError, psutil.Error):
        return False


def _started(pid: int) -> float:
    import psutil

    return psutil.Process(pid).create_time()
