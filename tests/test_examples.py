"""The five examples run from start to end, as a biologist would run them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Trainings of seconds and two images per treatment: the examples are run, not their results judged.
RUN = """
import runpy, sys
from core.screening import residual
from core.training import presets
presets.PRESETS["quick"] = presets.Preset(
    "tiny", "for tests", "seconds", 100, 8, 32, (8, 12, 16), 9, 3e-3, 30
)
residual.IMAGES = 2
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
WRITTEN = {
    "01_scan_and_train": ("images/plate_map.csv", "project/models/iresnet/model.json"),
    "02_counterfactual": ("counterfactual.tif", "difference.tif"),
    "03_map": ("map.pdf",),
    "04_screen": ("ranked/ranking.csv", "ranked/report.pdf"),
    "05_figure": ("panel.pdf", "panel.png"),
}


def test_every_example_is_run() -> None:
    assert sorted(WRITTEN) == sorted(path.stem for path in (ROOT / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITTEN)
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN, str(ROOT / "examples" / f"{name}.py"), str(tmp_path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip(), "An example says what it found."
    for file in WRITTEN[name]:
        assert (tmp_path / file).stat().st_size > 0
