"""Python files in the user's folders are data: no process of the program runs them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.isolation import child_environment, full_path, starting_child

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
TRAPS = (
    "numpy", "pickle", "json", "torch", "sitecustomize", "usercustomize", "typing", "argparse",
    "logging", "ast", "zipfile", "multiprocessing", "matplotlib", "ensurepip", "venv", "scipy",
)  # fmt: skip
PACKAGES = ("core", "leigh_gui", "PySide6", "benchmarks")
WINDOW = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from leigh_gui.app import create_window
from leigh_gui.services.jobs import Job


def main(project):
    app, window = create_window()
    window.show()
    client, jobs = window.client, window.backstage.runner
    client.opened.connect(lambda device: jobs.start(Job("Map", ("map", "--project", project))))
    ended = []
    jobs.finished.connect(lambda verb: ended.append(verb) or app.quit())
    jobs.failed.connect(lambda *words: ended.append(words) or app.quit())
    client.failed.connect(lambda *words: ended.append(words) or app.quit())
    QTimer.singleShot(100_000, app.quit)
    window.launch(Path(project))
    app.exec()
    client.close()
    print(ended)


if __name__ == "__main__":
    main(sys.argv[1])
"""


def set_traps(folder: Path, names: tuple[str, ...] = (*TRAPS, *PACKAGES)) -> Path:
    """Put Python files into a folder, each of which writes a file `EXECUTED-...` when it runs."""
    marks = folder / "marks"
    marks.mkdir(exist_ok=True)
    code = "import sys\nopen({!r}, 'w').close()\nraise ImportError('trap')\n"
    for name in names:
        path = folder / (f"{name}/__init__.py" if name in PACKAGES else f"{name}.py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(code.format(str(marks / name)))
    (folder / "matplotlibrc").write_text("backend: nonsense\n")
    return folder


def marks(folder: Path) -> list[str]:
    return sorted(p.name for p in (folder / "marks").iterdir())


def run(folder: Path, *words: object, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=environment | {"QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"} | variables,
        capture_output=True,
        text=True,
        timeout=200,
    )


@pytest.fixture
def trapped(tmp_path: Path) -> Path:
    """A project with its images in one folder, which is full of traps."""
    from core.workflows.demo import copy_demo

    copy_demo(tmp_path / "demo")
    set_traps(tmp_path / "demo" / "images")
    return set_traps(tmp_path / "demo")


def test_the_traps_work(tmp_path: Path) -> None:
    set_traps(tmp_path)
    assert run(tmp_path, sys.executable, "-c", "import numpy").returncode != 0
    assert marks(tmp_path) == ["numpy"]


def test_verbs_run_no_code_of_the_working_folder(trapped: Path) -> None:
    for words in (
        ("scan", "images", "--project", "project"),
        ("counterfactual", "--project", ".", "--to", "WT", "--limit", "1", "--out", "out"),
        ("figure", "--project", ".", "--panel", "map", "--out", "map.png"),
    ):
        done = run(trapped, BIN / "leigh", *words)
        assert done.returncode == 0, done.stderr
    assert (trapped / "out" / "evidence.csv").exists() and (trapped / "map.png").exists()
    assert marks(trapped) == marks(trapped / "images") == []


@pytest.mark.parametrize(
    "words",
    [
        ("core.cli.main", "scan", "images", "--project", "project"),
        ("core.cli", "--version"),
        ("leigh_gui.app", "--help"),
        ("benchmarks", "--help"),
    ],
)
def test_python_m_runs_no_code_of_the_working_folder(trapped: Path, words: tuple[str, ...]) -> None:
    shutil.rmtree(trapped / words[0].partition(".")[0])  # this one Python itself would run
    done = run(trapped, sys.executable, "-m", *words)
    assert done.returncode == 0, done.stderr
    assert marks(trapped) == []


def test_the_window_its_jobs_and_its_model_run_no_code_of_the_working_folder(
    trapped: Path, tmp_path: Path
) -> None:
    program = tmp_path / "window.py"
    program.write_text(WINDOW)
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "settings")}
    done = run(trapped, sys.executable, program, trapped, **home)
    assert done.stdout.strip().endswith("['map']"), done.stdout + done.stderr
    assert marks(trapped) == marks(trapped / "images") == []


def test_the_measured_windows_run_no_code_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks.startup import BARE, _run

    monkeypatch.chdir(set_traps(tmp_path))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert float(_run(BARE)) > 0
    assert marks(tmp_path) == []


def test_the_shell_script_runs_no_code_of_the_working_folder(tmp_path: Path) -> None:
    set_traps(tmp_path)
    lines = (ROOT / "leigh.sh").read_text().splitlines()
    wanted = {line.strip() for line in lines if " -c '" in line or " -m " in line}
    assert wanted and all(" -I " in line for line in wanted if "python -m pytest" not in line)


def test_a_relative_search_path_does_not_reach_a_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_traps(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", str(ROOT / "tests")]))
    child = child_environment()
    assert child["PYTHONPATH"] == os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run([sys.executable, "-c", "import numpy, core"], env=child, check=False)
    assert done.returncode == 0 and marks(tmp_path) == []


def test_starting_a_child_changes_nothing_here(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(os.environ), Path.cwd()
    with starting_child():
        assert os.environ["PYTHONSAFEPATH"] == "1" and Path.cwd() != before[1]
    assert (dict(os.environ), Path.cwd()) == before


def test_paths_of_the_user_mean_what_the_user_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    assert full_path("x") == tmp_path / "x"
    assert full_path("~/x") == tmp_path / "home" / "x"
    done = run(tmp_path, BIN / "leigh", "synth", "--out=~/plate", "--wells", "1", "--size", "32",
               "--conditions", "WT", "DS", HOME=str(tmp_path / "home"))  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "home" / "plate" / "plate_map.csv").exists()
    assert not (tmp_path / "~").exists()
