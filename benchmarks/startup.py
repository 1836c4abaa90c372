"""`leigh bench startup`: measure the start of the window, relative to a bare PySide6 window.

Both start as new processes, in turns, and report the time of their first paint. The medians are
compared.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

from core.errors import LeighError
from core.isolation import child_environment

ROUNDS = 5
HEAVY = ("torch", "umap", "torchvision", "matplotlib", "sklearn", "pandas", "pyqtgraph")

BARE = """
import sys, time
from PySide6.QtWidgets import QApplication, QMainWindow
from PySide6.QtCore import QTimer
app = QApplication(sys.argv)
window = QMainWindow()
window.resize(1280, 800)
window.show()
app.processEvents()
print(time.time(), flush=True)
"""

OURS = """
import os, sys, time, json
from leigh_gui.app import create_window
from PySide6.QtWidgets import QAbstractButton
app, window = create_window()
window.show()
app.processEvents()
shown = time.time()
loaded = [name for name in %r if name in sys.modules]
window.launch(None, False)
menu = window.findChild(QAbstractButton, "choose-folder")
pressed = []
menu.pressed.connect(lambda: pressed.append(time.time()))
from PySide6.QtTest import QTest
from PySide6.QtCore import Qt
QTest.mousePress(menu, Qt.MouseButton.LeftButton)
app.processEvents()
print(json.dumps({"shown": shown, "interactive": pressed[0], "loaded": loaded}), flush=True)
os._exit(0)
"""


def bench_startup() -> dict[str, Any]:
    """Start times relative to a bare window, and heavy modules loaded before the window."""
    bare, shown, interactive, loaded = [], [], [], []
    for _ in range(ROUNDS):
        started = time.time()
        bare.append(float(_run(BARE)) - started)
        started = time.time()
        ours = json.loads(_run(OURS % (HEAVY,)))
        shown.append(ours["shown"] - started)
        interactive.append(ours["interactive"] - started)
        loaded = ours["loaded"]
    base = statistics.median(bare)
    return {
        "window_vs_bare_qt": round(statistics.median(shown) / base, 3),
        "interactive_vs_bare_qt": round(statistics.median(interactive) / base, 3),
        "modules_loaded_before_window": loaded,
        "bare_qt_s": round(base, 3),
        "window_s": round(statistics.median(shown), 3),
        "rounds": ROUNDS,
        "cores": os.cpu_count(),
    }


def _run(program: str) -> str:
    """The last line that a new process prints."""
    environment = child_environment()
    if sys.platform == "linux" and not (
        environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    ):
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )
    if done.returncode != 0 or not done.stdout.strip():
        raise LeighError("The window did not start.", done.stderr.strip()[-500:])
    return done.stdout.strip().splitlines()[-1]
