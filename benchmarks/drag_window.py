"""The window of `leigh bench drag`.

`python -m benchmarks.drag_window PROJECT EVENTS` prints one JSON object.
"""

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.domain import Answer, MapPosition, Move, Precision
from leigh_gui import theme
from leigh_gui.errors import ErrorBus
from leigh_gui.main_window import MainWindow
from leigh_gui.services.inference_client import InferenceClient
from leigh_gui.settings import Settings
from leigh_gui.widgets.map.scatter_view import ScatterView

EVERY_S = 1 / 60
POINTS = 100_000  # on the map
turns: list[tuple[float, float]] = []  # seconds of a turn: own processor time, and by the clock
WAIT_S = 120.0
LOOK_S = 3.0  # pause before the drag, in which a user looks at the image
RESTS = (0.4, 0.6, 0.8, 1.0)  # positions of the resting handle, as shares of the drag


class Stopwatch(QObject):
    """Records when a drag requested an image, and when the image was painted."""

    def __init__(self, client: InferenceClient) -> None:
        super().__init__()
        self.painted: list[tuple[float, float]] = []  # times of request and paint
        self._asked: dict[tuple[float, float], float] = {}
        self._times: dict[tuple[float, float], list[float]] = {}  # of all requests of a position
        self.fresh: float | None = None  # time of the request of an answer that is not painted yet
        self.late_shown, self._newest = 0, 0.0  # answers that came after that to a newer request
        self.preview, self.previews = False, 0  # of the last answer; number of all previews
        self._want = client.want
        setattr(client, "want", self._ask)  # noqa: B010 - the method of this one object
        client.answered.connect(self._answer)

    def _ask(self, move: Move | None) -> None:
        if move is not None and isinstance(move.goal, MapPosition):
            # The better picture of a handle that rests is not timed again.
            first = move.precision == Precision.PREVIEW or move.goal.xy not in self._asked
            self._asked |= {move.goal.xy: time.perf_counter()} if first else {}
            self._times.setdefault(move.goal.xy, []).append(time.perf_counter())
        self._want(move)

    def _answer(self, answer: Answer) -> None:
        if isinstance(answer.move.goal, MapPosition):
            self.fresh = self._asked[answer.move.goal.xy]
            times = [t for t in self._times[answer.move.goal.xy] if t >= self._newest]
            self.late_shown += not times
            self._newest = min(times, default=self._newest)
            self.preview = answer.result.precision == Precision.PREVIEW
            self.previews += self.preview

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the pane paint, then record the time."""
        if event.type() != QEvent.Type.Paint or self.fresh is None:
            return False
        watched.event(event)
        self.painted.append((self.fresh, time.perf_counter()))
        self.fresh = None
        return True


def dragged(project: Path, events: int) -> dict[str, Any]:
    """Drag the handle of the selected image and return the figures, see benchmarks.drag."""
    os.environ["PYQTGRAPH_QT_LIB"] = "PySide6"
    app = QApplication([])
    theme.apply(app, dark=False)
    window = MainWindow(Settings(project / "settings.ini"), ErrorBus())
    window.resize(1366, 768)
    window.show()
    window.commands.open(project)
    _wait(app, lambda: window.state.counterfactual is not None)
    _run_until(app, time.perf_counter() + LOOK_S)
    page = window.explore()
    crowd(page.map, POINTS)
    decision = page.map_panel.decision
    names = list(decision.conditions)
    handle = page.map.overlay.handle
    assert handle is not None
    goal = decision.anchors[names.index("WT")]
    at, to = (page.map.screen_of(float(x), float(y)).toPoint() for x, y in (handle, goal))
    watch = Stopwatch(window.client)
    page.picture.counterfactual.installEventFilter(watch)
    late = window.client.late_dropped
    QTest.mousePress(page.map, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    turns.clear()
    began = time.perf_counter()
    for k in range(events):
        share = 0.5 - 0.5 * np.cos(2 * np.pi * k / events * 2)  # back and forth, twice
        QTest.mouseMove(page.map, at + (to - at) * float(share))
        _run_until(app, began + (k + 1) * EVERY_S)
    ended = time.perf_counter()
    own, gaps = ([turn[k] * 1e3 for turn in turns] for k in (0, 1))
    _wait(app, lambda: not window.client.busy() and watch.fresh is None)
    # Computed before the release, which also requests the evidence.
    latency = [(painted - asked) * 1e3 for asked, painted in watch.painted]
    paints = [p for _, p in watch.painted if p <= ended]
    previews = watch.previews
    rest = [_rest_ms(app, window, watch, at, to, share) for share in RESTS]
    QTest.mouseRelease(page.map, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    _wait(app, lambda: not window.client.busy())
    window.close()
    return {
        "events": events,
        "p50_ms": float(np.percentile(latency, 50)),
        "p99_ms": float(np.percentile(latency, 99)),
        "max_gap_ms": float(np.diff([began, *paints, ended]).max()) * 1e3,
        "answers_shown": len(latency),
        "late_shown": watch.late_shown,
        "late_dropped": window.client.late_dropped - late,
        "points": POINTS,
        "turn_p99_ms": float(np.percentile(own, 99)),
        "turn_max_ms": max(own),
        "loop_p99_ms": float(np.percentile(gaps, 99)),
        "loop_max_ms": max(gaps),
        "ticks_per_second": len(paints) / (ended - began),
        "drafts": previews,
        "rest_ms": float(np.median(rest)),
        "rest_ms_max": max(rest),
    }


def _rest_ms(
    app: Any, window: MainWindow, watch: Stopwatch, at: Any, to: Any, share: float
) -> float:
    """Milliseconds until the image of a resting handle is painted without preview.

    The handle rests at `share` of the drag.
    """
    page = window.explore()
    moves = 10
    for k in range(1, moves + 1):
        QTest.mouseMove(page.map, at + (to - at) * (share * k / moves))
        last = time.perf_counter()
        _run_until(app, last + EVERY_S)
    _wait(app, lambda: not window.client.busy() and watch.fresh is None and not watch.preview)
    return (watch.painted[-1][1] - last) * 1e3


def crowd(view: ScatterView, count: int) -> None:
    """Show this many points: those of the map, again and again, scattered a little."""
    points = view.still.points
    assert points is not None
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(points.ids), count)
    spread = 0.02 * (points.xy.max(axis=0) - points.xy.min(axis=0))
    view.set_points(
        replace(
            points,
            ids=tuple(points.ids[row] for row in rows),
            xy=(points.xy[rows] + rng.normal(size=(count, 2)) * spread).astype(np.float32),
            condition=points.condition[rows],
            held_out=points.held_out[rows],
            selected=None,
        )
    )


def _run_until(app: Any, end: float) -> None:
    """Let the window work until the clock says `end`."""
    while time.perf_counter() < end:
        began, own = time.perf_counter(), time.thread_time()
        app.processEvents()
        turns.append((time.thread_time() - own, time.perf_counter() - began))
        time.sleep(0.0005)


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
