"""The window draws the map: its geometry must come without torch or scikit-learn."""

import subprocess
import sys


def test_the_map_is_imported_without_torch_or_sklearn() -> None:
    code = (
        "import pkgutil, importlib, sys, core.latent_map as package\n"
        "for m in pkgutil.walk_packages(package.__path__, 'core.latent_map.'):\n"
        "    importlib.import_module(m.name)\n"
        "print([m for m in ('torch', 'sklearn', 'umap', 'captum') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert printed.strip() == "[]"
