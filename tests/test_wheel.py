"""The wheel, installed in an empty environment: headless from scan to screen, and the window."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TINY = """
import sys
from core.training import presets
presets.PRESETS["quick"] = presets.Preset(
    "brief", "for tests", "seconds", 80, 8, 16, (4, 4, 4), 6, 3e-3, 10
)
from core.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
WINDOW = """
import sys
import leigh_gui
from leigh_gui.app import create_window
from leigh_gui.icons import icon
app, window = create_window()
window.show()
app.processEvents()
assert not icon("folder").isNull(), "the icons are missing"
print("window", leigh_gui.__file__)
sys.stdout.flush()
import os
os._exit(0)
"""


@pytest.fixture(scope="module")
def uv() -> str:
    """The installer that set this environment up."""
    found = os.environ.get("UV") or shutil.which("uv")
    if not found:
        pytest.skip("uv is needed to build and install the wheel; `sh leigh.sh test` brings it")
    return found


@pytest.fixture(scope="module")
def wheel(uv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run([uv, "build", "--wheel", "--quiet", "--out-dir", out, ROOT], check=True)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def python(uv: str, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel and what it needs, nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    wanted = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    export = [uv, "export", "--quiet", "--frozen", "--no-hashes", "--no-emit-project"]
    locked = subprocess.run(
        [*export, "--extra", "gui"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    wanted.write_text(locked, encoding="utf-8")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = [uv, "pip", "install", "--quiet", "--python", python, "-c", wanted]
    subprocess.run([*install, f"{wheel}[gui]"], check=True)
    return python


def run(python: Path, code: str, *words: object, folder: Path) -> str:
    """Standard output of a program in the environment, away from the checkout."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment |= {"QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [python, "-c", code, *map(str, words)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, f"{words}: {done.stderr[-2000:]}"
    return done.stdout


def test_the_wheel_holds_the_two_packages_and_their_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"core", "leigh_gui"}
    assert "core/_resources/demo/project.json" in names
    assert any(name.startswith("core/_resources/icons/") for name in names)


@pytest.mark.slow
def test_the_installed_program_works_from_scan_to_screen(python: Path, tmp_path: Path) -> None:
    plate = ["synth", "--out", "plate", "--conditions", "WT", "DS", "TT"]
    run(python, TINY, *plate, "--wells", 6, "--fields", 1, "--size", 128, folder=tmp_path)
    project = ("--project", "study", "--progress", "none")
    run(python, TINY, "scan", "plate", *project, folder=tmp_path)
    run(python, TINY, "train", *project, "--device", "cpu", folder=tmp_path)
    run(python, TINY, "encode", *project, "--device", "cpu", folder=tmp_path)
    run(python, TINY, "map", *project, folder=tmp_path)
    words = ("screen", *project, "--no-explanation", "--space", "readouts", "--device", "cpu")
    run(python, TINY, *words, "--out", "ranked", folder=tmp_path)
    assert (tmp_path / "ranked" / "report.pdf").stat().st_size > 0
    where = run(python, "import core; print(core.__file__)", folder=tmp_path).strip()
    assert not Path(where).is_relative_to(ROOT)


@pytest.mark.slow
def test_the_installed_demo_and_window_open(python: Path, tmp_path: Path) -> None:
    run(python, TINY, "demo", "--project", "demo", folder=tmp_path)
    assert (tmp_path / "demo" / "project.json").exists()
    assert run(python, WINDOW, folder=tmp_path).startswith("window")


@pytest.mark.slow
def test_the_benchmarks_say_that_they_are_not_installed(python: Path, tmp_path: Path) -> None:
    code = TINY.replace("sys.exit(main(sys.argv[1:]))", "print(main(sys.argv[1:]))")
    assert run(python, code, "bench", "startup", folder=tmp_path).strip() == "2"
