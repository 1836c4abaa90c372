"""Fixtures that all tests may use."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from core.domain import Project
from core.synthetic.plate import PlateOptions

ROOT = Path(__file__).parents[1]
os.environ["LEIGH_CSV"] = "point"  # whatever the system's decimal mark is
sys.path.insert(0, str(Path(__file__).parent))  # tests import `made_screens` from here
TINY = (  # about 3 s on one core, still invertible
    '"tiny", "for tests", "seconds", 200, 8, 32, (8, 12, 16), 9, 3e-3, 30'
)

# `leigh` with presets that train in seconds: "quick" is the tiny one, "standard" a shorter one that
# saves every step.
LEIGH = f"""
import sys
from core.training import presets, trainer
presets.PRESETS["quick"] = presets.Preset({TINY})
presets.PRESETS["standard"] = presets.Preset(
    "brief", "", "", 80, 8, 16, (4, 4, 4), 6, oracle_steps=10
)
trainer.CHECKPOINT_EVERY_S = 0.0 if "standard" in sys.argv else 30.0
from core.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests go first (leigh.sh keeps this order), so that the processes sharing
    them end together.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real and broken example files, kept beside the repository; tests that need them skip where
    they are absent.
    """
    folder = ROOT.parent / "shared"
    if not (folder / "formats").is_dir():
        pytest.skip("the folder shared/ with example files is not beside the repository")
    return folder


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Two processes of two threads each take ten times as long on two cores."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def tiny() -> Iterator[str]:
    """Name of a preset that trains in seconds."""
    from core.training.presets import PRESETS, Preset

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "tiny", eval(f"Preset({TINY})", {"Preset": Preset}))
        yield "tiny"


@pytest.fixture(scope="session")
def scanned_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """WT, DS and TT in four wells of two fields each, 48 pixels a side; no model yet.

    Do not change it.
    """
    from core.synthetic.plate import parse_conditions, write_plate
    from core.workflows.scan import scan

    folder = tmp_path_factory.mktemp("plate")
    write_plate(
        folder / "images",
        parse_conditions(["WT", "DS", "TT"]),
        PlateOptions(wells=4, fields=2, size=48),
    )
    return scan(folder / "images", folder / "project")


@pytest.fixture(scope="session")
def trained_project(
    scanned_project: Project, tiny: str, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """The same plate with a trained model, latents and a map.

    Do not change it: take a `copy_of` it.
    """
    import torch

    from core import encode, make_map, train
    from core.io.project import open_project

    folder = tmp_path_factory.mktemp("trained") / "project"
    shutil.copytree(scanned_project.folder, folder)
    torch.set_num_threads(1)
    # A tiny network hardly draws patterns; tests/counterfactual/test_brightness.py has one that
    # splits brightness off.
    train(folder, preset=tiny, device="cpu", split_brightness=False)
    encode(folder, device="cpu")
    make_map(folder)
    return open_project(folder)


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Project], Project]:
    """Copies a project together with its images, so that a test may change both."""

    def copied(project: Project) -> Project:
        from core.io.project import open_project, relink, save_project

        assert project.dataset is not None
        shutil.copytree(project.dataset.root, tmp_path / "images")
        shutil.copytree(project.folder, tmp_path / "project")
        save_project(relink(open_project(tmp_path / "project"), tmp_path / "images"))
        return open_project(tmp_path / "project")

    return copied


@pytest.fixture
def leigh_program() -> tuple[str, ...]:
    """The command `leigh`, with presets that train in seconds."""
    return (sys.executable, "-c", LEIGH)


@pytest.fixture
def leigh(
    leigh_program: tuple[str, ...],
) -> Callable[[Sequence[object]], "subprocess.Popen[str]"]:
    """Starts `leigh ...` as a process of its own, with presets that train in seconds."""

    def start(words: Sequence[object]) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*leigh_program, *map(str, words)],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start
