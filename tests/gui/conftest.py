"""Fixtures of the window's tests: a real small project, a themed application, a window with a
stand-in model.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.domain import Project

sys.path.insert(0, str(Path(__file__).parent))  # the stand-in is imported by the model process, too
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["PYQTGRAPH_QT_LIB"] = "PySide6"


@pytest.fixture(scope="module", autouse=True)
def collected_here(qapp) -> Iterator[None]:
    """Widgets are freed by the thread of the window alone, never by that of pytest-xdist."""
    from leigh_gui.services.garbage_collector import GarbageCollector

    collector = GarbageCollector(qapp)
    yield
    collector.stop()


@pytest.fixture
def themed(qapp):
    """The application in its light appearance."""
    from leigh_gui import theme

    theme.apply(qapp, dark=False)
    return qapp


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Five conditions, 40 images, a model card, latents and a map."""
    from gui_stand_in import make_project

    return make_project(tmp_path)


@pytest.fixture
def window(themed, qtbot, tmp_path: Path):
    """The whole window with a stand-in model process."""
    from leigh_gui.errors import ErrorBus
    from leigh_gui.main_window import MainWindow
    from leigh_gui.services.inference_client import InferenceClient
    from leigh_gui.settings import Settings

    client = InferenceClient(engine="gui_stand_in:StandInEngine")
    made = MainWindow(Settings(tmp_path / "settings.ini"), ErrorBus(), client)
    qtbot.addWidget(made)
    made.resize(1366, 768)
    with qtbot.waitExposed(made):
        made.show()
    made.activateWindow()
    yield made
    made.backstage.saver.flush()
    made.client.close()


@pytest.fixture
def real_window(themed, qtbot, tmp_path, monkeypatch):
    """The window as it is shipped, with its files under a temporary home."""
    import platformdirs

    monkeypatch.setattr(platformdirs, "user_documents_path", lambda: tmp_path / "Documents")
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *a, **k: tmp_path / "data")
    from leigh_gui.errors import ErrorBus
    from leigh_gui.main_window import MainWindow
    from leigh_gui.settings import Settings

    made = MainWindow(Settings(tmp_path / "settings.ini"), ErrorBus())
    qtbot.addWidget(made)
    made.resize(1366, 768)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    made.backstage.runner.stop()
    made.backstage.runner.wait(15_000)
    made.backstage.saver.flush()
    made.client.close()
