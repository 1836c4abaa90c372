"""Threads of the background free no object of the window."""

import gc
import threading
from typing import ClassVar

from leigh_gui.services.background import Background
from leigh_gui.services.garbage_collector import GarbageCollector


class Cycle:
    """An object that only the collection of garbage can free; it notes the thread that did."""

    freed_in: ClassVar[list[int]] = []

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        self.freed_in.append(threading.get_ident())


def allocate() -> list[int]:
    """Enough new containers for many automatic collections; returns how many ran."""
    before = [stats["collections"] for stats in gc.get_stats()]
    kept = [[number] for number in range(300_000)]
    del kept
    return [stats["collections"] - b for stats, b in zip(gc.get_stats(), before, strict=True)]


def test_only_the_thread_of_the_window_frees_what_refers_to_itself(qtbot):
    Cycle.freed_in.clear()
    Cycle()
    answers: list[list[int]] = []
    background = Background()
    background.run(allocate, answers.append, answers.append)
    qtbot.waitUntil(lambda: len(answers) == 1)
    assert answers[0] == [0, 0, 0] and Cycle.freed_in == []
    kept = [[number] for number in range(2000)]  # reason enough to collect
    qtbot.waitUntil(lambda: len(Cycle.freed_in) == 1)  # by the timer
    assert len(kept) == 2000
    assert Cycle.freed_in == [threading.get_ident()]


def test_without_the_collector_a_thread_frees_it(qtbot, collected_here):
    """The fault itself, so that the test above cannot pass by chance."""
    Cycle.freed_in.clear()
    gc.enable()
    try:
        Cycle()
        thread = threading.Thread(target=allocate)
        thread.start()
        thread.join()
    finally:
        gc.disable()
    assert Cycle.freed_in == [thread.ident]


def test_stopping_collects_everything(qtbot):
    Cycle.freed_in.clear()
    collector = GarbageCollector()
    Cycle()
    collector.stop()
    assert len(Cycle.freed_in) == 1 and gc.isenabled()
    gc.disable()
