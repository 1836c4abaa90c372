import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import core

ROOT = Path(core.__file__).parents[1]


def run(code: str) -> str:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_of_core_is_imported_where_there_is_no_qt() -> None:
    modules = [m.name for m in pkgutil.walk_packages(core.__path__, "core.")]
    assert "core.figures.panels" in modules and len(modules) > 30
    blocked = "for name in ('PySide6', 'PyQt6', 'pyqtgraph', 'superqt'): sys.modules[name] = None"
    loaded = run(
        f"import sys\n{blocked}\nimport {', '.join(modules)}\nprint('leigh_gui' in sys.modules)"
    )
    assert loaded.strip() == "False"


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    heavy = "('torch', 'umap', 'pandas', 'sklearn', 'matplotlib', 'skimage', 'numba')"
    loaded = run(
        f"import sys, core.cli.main\ncore.cli.main._parser()\nprint([n for n in {heavy} if n in"
        " sys.modules])"
    )
    assert loaded.strip() == "[]"
