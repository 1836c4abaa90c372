"""The window never imports science, and the first click on a page is cheap."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.io.resources import resource

SCIENCE = ("torch", "sklearn", "scipy.stats", "pandas", "matplotlib", "umap", "captum")
MOST_S = 0.15  # processor time of the window's own thread for the first click on a page
VISITS = 5  # at most: a busy machine makes a click dearer, never cheaper
CODE = """
import json, os, sys, time
from pathlib import Path

from PySide6.QtWidgets import QApplication

from leigh_gui import errors, theme
from leigh_gui.main_window import MainWindow
from leigh_gui.settings import Settings

folder, science = Path(sys.argv[1]), sys.argv[2].split(",")
app = QApplication([])
spent, loaded = {}, {}


def measured(name, action):
    began = time.thread_time()
    action()
    app.processEvents()
    spent[name] = time.thread_time() - began
    loaded[name] = [module for module in science if module in sys.modules]


def settle(seconds, done=lambda: False):
    end = time.monotonic() + seconds
    while time.monotonic() < end and not done():
        app.processEvents()
        time.sleep(0.01)


measured("theme", lambda: theme.apply(app, False))
window = MainWindow(Settings(folder / "settings.ini"), errors.ErrorBus())
window.client.start = lambda: None  # the model process may import what it needs
measured("window", window.show)
imported = []
window.factory.imported.connect(imported.append)
window.launch()
settle(30, lambda: "leigh_gui.pages.figure.page" in imported)
measured(
    "opening",
    lambda: (
        window.commands.open(folder / "demo"),
        settle(60, lambda: window.state.opened is not None),
    ),
)
for name in ("data", "train", "compare", "screen", "figure", "start", "explore"):
    settle(0.3)  # what the former page reads in the background comes now
    measured(name, lambda: window.go(name))
    assert window.current_page() == name
settle(0.5)
loaded["end"] = [module for module in science if module in sys.modules]
print(json.dumps({"spent": spent, "loaded": loaded}))
os._exit(0)
"""


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """Open the demo and click through all pages, until every click was cheap once.

    The first visit is not counted: it compiles byte code. Of the others the cheapest click counts.
    """
    folder = tmp_path_factory.mktemp("visit")
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "PYQTGRAPH_QT_LIB": "PySide6",
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    spent: dict[str, float] = {}
    for visit in range(1 + VISITS):
        shutil.rmtree(folder / "demo", ignore_errors=True)
        shutil.copytree(Path(str(resource("demo"))), folder / "demo")
        done = subprocess.run(
            [sys.executable, "-c", CODE, str(folder), ",".join(SCIENCE)],
            capture_output=True,
            text=True,
            timeout=120,
            env=environment,
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout.splitlines()[-1])
        if visit:
            spent = {name: min(s, spent.get(name, s)) for name, s in found["spent"].items()}
            if max(clicks(spent).values()) <= MOST_S:
                break
    return {"spent": spent, "loaded": found["loaded"]}


def clicks(spent: dict[str, float]) -> dict[str, float]:
    """Seconds of the clicks that are held to the limit; opening reads the project."""
    return {name: seconds for name, seconds in spent.items() if name != "opening"}


def test_a_thread_imports_nothing_of_qt(tmp_path: Path) -> None:
    """Two threads that meet a class of Qt for the first time crash PySide (6.11)."""
    code = """
import shutil, sys
from pathlib import Path
from leigh_gui.page_factory import SCIENCE, _import_all
from leigh_gui.services.background import read_project
from leigh_gui.services.owner import ProjectOwner

shutil.copytree(sys.argv[1], sys.argv[2])
owner, before = ProjectOwner(), set(sys.modules)
read_project(Path(sys.argv[2]), owner)
_import_all(SCIENCE)
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(new & {"PySide6", "shiboken6", "pyqtgraph", "superqt", "qtpy"}))
"""
    demo = str(resource("demo"))
    done = subprocess.run(
        [sys.executable, "-c", code, demo, str(tmp_path / "demo")], capture_output=True, text=True
    )
    assert done.stdout == "[]\n", done.stderr


def test_no_page_imports_science(visit: dict[str, dict]) -> None:
    assert not any(visit["loaded"].values()), visit["loaded"]


def test_the_first_click_on_a_page_is_cheap(visit: dict[str, dict]) -> None:
    spent = visit["spent"]
    print({name: f"{1000 * seconds:.0f} ms" for name, seconds in spent.items()})
    assert {name: s for name, s in clicks(spent).items() if s > MOST_S} == {}
