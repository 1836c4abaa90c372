"""`leigh bench drag`: the real window, real mouse events on the map, and the moment each picture is painted.

A plate of the demo's conditions in fields of 64 pixels is made, the demo's model is put to it, and the handle of one
diseased image is dragged to and fro between its place and the healthy region, one event every 1/60 s.
"""

import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

EVENTS, EVERY_S = 240, 1 / 60
SIDE, WELLS = 64, 4
WAIT_S = 120.0


def bench_drag() -> dict[str, Any]:
    """Keys of the contract: events, p50_ms, p99_ms, max_gap_ms, answers_shown, late_dropped; and ticks_per_second.

    Milliseconds from the mouse event to the paint of its picture; the gap is that between two painted pictures.
    """
    with TemporaryDirectory() as folder:
        project = small_project(Path(folder) / "project")
        return _dragged(project, Path(folder) / "settings.ini")


def small_project(folder: Path) -> Path:
    """Fields of SIDE pixels under the demo's conditions, with the demo's model and a map of their own."""
    from dataclasses import replace

    from core.data.plate import write_plate
    from core.data.synthetic import DEMO_PHENOTYPES
    from core.io.project import model_folder, open_project, save_project
    from core.resources import resource
    from core.workflow import encode, make_map, scan

    write_plate(folder / "images", DEMO_PHENOTYPES, wells=WELLS, fields=2, size=SIDE, seed=77)
    scan(folder / "images", folder)
    demo = open_project(resource("demo"))
    shutil.copytree(model_folder(demo, demo.model), folder / "models" / demo.model, dirs_exist_ok=True)
    save_project(replace(open_project(folder), model=demo.model))
    encode(folder)
    make_map(folder)
    return folder


def _dragged(project: Path, settings: Path) -> dict[str, Any]:
    from PySide6.QtCore import QEvent, QObject, QPoint, Qt
    from PySide6.QtTest import QTest

    from leigh_gui.app import create_window
    from leigh_gui.errors import ErrorBus
    from leigh_gui.main_window import MainWindow
    from leigh_gui.settings import Settings

    app, _ = create_window()
    window = MainWindow(Settings(settings), ErrorBus())
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
    for k in range(EVENTS):
        share = 0.5 - 0.5 * np.cos(2 * np.pi * k / EVENTS * 2)  # to and fro, twice
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
    latency = [(p - a) * 1e3 for a, p in moving]
    paints = [p for _, p in moving]
    return {
        "events": EVENTS,
        "p50_ms": float(np.percentile(latency, 50)),
        "p99_ms": float(np.percentile(latency, 99)),
        "max_gap_ms": float(np.diff(paints).max()) * 1e3,
        "answers_shown": len(moving),
        "late_dropped": window.worker.late_dropped - late,
        "ticks_per_second": len(moving) / seconds,
        "side": SIDE,
    }


def _wait(app: Any, until: Any) -> None:
    end = time.perf_counter() + WAIT_S
    while not until():
        if time.perf_counter() > end:
            raise TimeoutError("The window did not answer.")
        app.processEvents()
        time.sleep(0.002)
