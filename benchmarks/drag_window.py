"""The window of `leigh bench drag`: `python -m benchmarks.drag_window PROJECT EVENTS` prints one JSON object."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtTest import QTest

from leigh_gui.app import create_window
from leigh_gui.errors import ErrorBus
from leigh_gui.main_window import MainWindow
from leigh_gui.settings import Settings

EVERY_S = 1 / 60
WAIT_S = 120.0


def dragged(project: Path, events: int) -> dict[str, Any]:
    """Drag the handle of the image that is selected at the start; what is measured, by the contract's keys."""
    app, _ = create_window()
    window = MainWindow(Settings(project / "settings.ini"), ErrorBus())
    window.resize(1366, 768)
    window.show()
    window.open_path(project)
    _wait(app, lambda: window.state.counterfactual is not None)
    page = window.explore()
    names = [c.name for c in window.state.conditions()]
    goal = window.state.opened.decision.anchors[names.index("WT")]
    at, to = (page.map.screen_of(float(x), float(y)).toPoint() for x, y in (page.map.overlay.handle, goal))
    pane = page.picture.counterfactual
    asked: dict[tuple[float, float], float] = {}
    shown: list[tuple[float, float]] = []  # asked, painted
    fresh: list[float] = []  # when what is on show was asked for, until it is painted

    def answered(verb: str, result: object, arguments: dict[str, Any]) -> None:
        if verb == "drag" and (arguments["x"], arguments["y"]) in asked:
            fresh.append(asked[arguments["x"], arguments["y"]])

    class Painted(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint and fresh:
                watched.event(event)
                shown.append((fresh[-1], time.perf_counter()))
                fresh.clear()
                return True
            return False

    painted = Painted()
    pane.installEventFilter(painted)
    window.worker.answered.connect(answered)
    drag = window.worker.drag

    def asking(record_id: str, x: float, y: float, exact: bool = False, hold: Any = None) -> None:
        asked[x, y] = time.perf_counter()
        drag(record_id, x, y, exact, hold)

    window.worker.drag = asking
    late = window.worker.late_dropped
    QTest.mousePress(page.map, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    began = time.perf_counter()
    for k in range(events):
        share = 0.5 - 0.5 * np.cos(2 * np.pi * k / events * 2)  # to and fro, twice
        where = QPoint(*(round(a + (b - a) * share) for a, b in ((at.x(), to.x()), (at.y(), to.y()))))
        QTest.mouseMove(page.map, where)
        while time.perf_counter() < began + (k + 1) * EVERY_S:
            app.processEvents()
            time.sleep(0.0005)
    seconds = time.perf_counter() - began
    _wait(app, lambda: not window.worker.busy())
    moving = [(a, p) for a, p in shown if p <= began + seconds]
    QTest.mouseRelease(page.map, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    _wait(app, lambda: not window.worker.busy())
    pane.removeEventFilter(painted)
    window.close()
    latency = [(p - a) * 1e3 for a, p in shown]
    paints = [began, *(p for _, p in moving), began + seconds]
    return {
        "events": events,
        "p50_ms": float(np.percentile(latency, 50)),
        "p99_ms": float(np.percentile(latency, 99)),
        "max_gap_ms": float(np.diff(paints).max()) * 1e3,
        "answers_shown": len(moving),
        "late_dropped": window.worker.late_dropped - late,
        "ticks_per_second": len(moving) / seconds,
    }


def _wait(app: Any, until: Any) -> None:
    end = time.perf_counter() + WAIT_S
    while not until():
        if time.perf_counter() > end:
            raise TimeoutError("The window did not answer.")
        app.processEvents()
        time.sleep(0.002)


if __name__ == "__main__":
    print(json.dumps(dragged(Path(sys.argv[1]), int(sys.argv[2]))), flush=True)
    os._exit(0)
