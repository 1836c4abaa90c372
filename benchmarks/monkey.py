"""Random mouse and key events on the whole window: no exception, and the event loop stays quick.

`python -m benchmarks.monkey FOLDER EVENTS SEED...` opens a copy of the demo in FOLDER and prints
one JSON object. Gaps are processor time of the window's own thread between two beats of a timer.
"""

import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QWidget
from shiboken6 import isValid

from core.workflows.demo import copy_demo
from leigh_gui import errors, theme
from leigh_gui.main_window import MainWindow
from leigh_gui.services.garbage_collector import GarbageCollector
from leigh_gui.settings import Settings

BEAT_MS = 5
NAMED = 12  # of the longest gaps
PAUSE_S = 0.02  # between two events: fifty a second
KEYS = (
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Space,
    Qt.Key.Key_F, Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_BracketLeft,
    Qt.Key.Key_BracketRight, Qt.Key.Key_Tab, Qt.Key.Key_Return, Qt.Key.Key_Escape,
)  # fmt: skip
PAGES = range(Qt.Key.Key_1, Qt.Key.Key_8)
LEFT = Qt.MouseButton.LeftButton


class Monkey:
    """One window, its heartbeat, and what was raised in it."""

    def __init__(self, folder: Path) -> None:
        self.app = QApplication.instance() or QApplication([])
        assert isinstance(self.app, QApplication)
        theme.apply(self.app, False)
        self.raised: list[str] = []
        self.gaps: list[float] = []
        self.slowest: list[tuple[int, str]] = []  # milliseconds and the last event
        self._doing = "start"
        bus = errors.ErrorBus()
        errors.install(bus)
        bus.raised.connect(self._on_error)
        self.window = MainWindow(Settings(folder / "settings.ini"), bus)
        self.collector = GarbageCollector(self.app)
        self.window.backstage.loader.opened.connect(self.collector.settle)
        self.window.resize(1366, 768)
        self.window.show()
        self._last = time.thread_time()
        self._beat = QTimer(self.window, interval=BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._beat.timeout.connect(self._on_beat)
        self._beat.start()
        self._closer = QTimer(self.window, interval=200)  # dialogs have their own event loop
        self._closer.timeout.connect(self._close_dialogs)
        self._closer.start()
        self.window.launch()

    def open(self, project: Path) -> None:
        """Open a project and wait for it."""
        self.window.commands.open(project)
        end = time.monotonic() + 60
        while time.monotonic() < end and not self.window.state.ready_to_explore:
            self.rest(0.02)

    def rest(self, seconds: float) -> None:
        """Let the window work."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.app.processEvents()
            time.sleep(0.001)

    def act(self, chance: random.Random) -> None:
        """One random event."""
        window = self.window
        at = QPoint(chance.randrange(window.width()), chance.randrange(window.height()))
        target = window.childAt(at) or window
        place = target.mapFrom(window, at) if target is not window else at
        what = chance.random()
        on = f"{window.current_page()}: {type(target).__name__} {target.objectName()}"
        if what < 0.45:
            self._doing = f"click, {on}"
            QTest.mouseClick(target, LEFT, pos=place)
        elif what < 0.6:
            self._doing = f"drag, {on}"
            self._drag(target, place, chance)
        elif what < 0.9:
            key, focus = chance.choice(KEYS), QApplication.focusWidget() or window
            self._doing = f"{key.name}, {window.current_page()}: {type(focus).__name__}"
            QTest.keyClick(focus, key)
        else:
            page = Qt.Key(chance.choice(PAGES))
            self._doing = f"Alt+{page.name}, {window.current_page()}"
            QTest.keyClick(window, page, Qt.KeyboardModifier.AltModifier)
        self.app.processEvents()

    def _drag(self, target: QWidget, place: QPoint, chance: random.Random) -> None:
        QTest.mousePress(target, LEFT, pos=place)
        for _ in range(5):
            place += QPoint(chance.randrange(-40, 40), chance.randrange(-40, 40))
            QTest.mouseMove(target, place)
            self.app.processEvents()
            if not isValid(target):  # the window was filled again meanwhile
                return
        QTest.mouseRelease(target, LEFT, pos=place)

    def _on_beat(self) -> None:
        now = time.thread_time()
        self.gaps.append(now - self._last)
        self.slowest.append((round(1000 * self.gaps[-1]), self._doing))
        self.slowest = sorted(self.slowest, reverse=True)[:NAMED]
        self._last = now

    def _on_error(self, message: str, hint: str, details: str) -> None:
        if "Traceback" in details and "unexpected" in message:
            self.raised.append(details)

    def _close_dialogs(self) -> None:
        dialog = QApplication.activeModalWidget() or QApplication.activePopupWidget()
        if isinstance(dialog, QDialog):
            dialog.reject()
        elif isinstance(dialog, QMenu):
            dialog.close()


def run(folder: Path, events: int, seeds: list[int]) -> dict[str, Any]:
    """Play the monkey with every seed in one window; a job that it starts is stopped again."""
    monkey = Monkey(folder)
    project = copy_demo(folder / "demo").folder
    monkey.open(project)
    for seed in seeds:
        chance = random.Random(seed)
        for _ in range(events):
            if monkey.window.backstage.runner.running() and chance.random() < 0.05:
                monkey.window.backstage.jobs.stop()
            monkey.act(chance)
            monkey.rest(PAUSE_S)
    monkey.window.backstage.jobs.stop()
    monkey.rest(3)
    gaps = 1000 * np.array(monkey.gaps)
    return {
        "events": events * len(seeds),
        "exceptions": len(monkey.raised),
        "gap_p99_ms": float(np.percentile(gaps, 99)),
        "gap_max_ms": float(gaps.max()),
        "beats": len(gaps),
        "slowest": monkey.slowest,
        "first_exceptions": monkey.raised[:3],
    }


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), int(sys.argv[2]), [int(s) for s in sys.argv[3:]])))
    sys.stdout.flush()
    os._exit(0)
