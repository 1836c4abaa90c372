"""The window is up before anything heavy is loaded."""

import subprocess
import sys

CODE = """
import os, sys
os.environ["QT_QPA_PLATFORM"] = "offscreen"
import leigh_gui.app
from PySide6.QtWidgets import QApplication
from leigh_gui import errors, theme
from leigh_gui.main_window import MainWindow
from leigh_gui.settings import Settings
from pathlib import Path
app = QApplication([])
theme.apply(app, False)
window = MainWindow(Settings(Path(sys.argv[1]) / "s.ini"), errors.ErrorBus())
window.show()
app.processEvents()
heavy = ["torch", "umap", "torchvision", "matplotlib", "sklearn", "pandas", "scipy"]
heavy += ["pyqtgraph", "superqt", "numpy"]
print([name for name in heavy if name in sys.modules])
"""


def test_window_is_up_before_anything_heavy_is_loaded(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_importing_the_app_loads_no_qt():
    code = "import sys, leigh_gui.app; print('PySide6' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False"
