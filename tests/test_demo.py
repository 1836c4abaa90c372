import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.cli.main import main
from core.domain import Project
from core.errors import LeighError
from core.io.project import open_project, relink, save_project
from core.io.resources import resource
from core.workflows.demo import copy_demo


@pytest.fixture
def demo(trained_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program whose embedded demo is the small trained project with its images inside."""
    assert trained_project.dataset is not None
    folder = tmp_path / "program" / "demo"
    shutil.copytree(trained_project.folder, folder)
    shutil.copytree(trained_project.dataset.root, folder / "images")
    save_project(relink(open_project(folder), folder / "images"))
    monkeypatch.setattr(
        "core.workflows.demo.resource", lambda *parts: folder.parent.joinpath(*parts)
    )
    return folder


def test_the_demo_is_copied_with_images_model_and_map(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "mine" / "demo"
    assert main(["demo", "--project", str(target), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["records"] == 24
    project = open_project(target)
    assert (
        project.dataset is not None and project.dataset.root == target / "images"
    )  # not those of the program
    assert project.model == "iresnet" and (target / "maps" / "map.npz").exists()
    assert sorted(p.name for p in target.parent.iterdir()) == ["demo"]


def test_an_earlier_copy_is_opened_as_it_is(demo: Path, tmp_path: Path) -> None:
    copy_demo(tmp_path / "mine")
    (tmp_path / "mine" / "exports" / "my figure.pdf").write_text("kept")
    copy_demo(tmp_path / "mine")
    assert (tmp_path / "mine" / "exports" / "my figure.pdf").read_text() == "kept"


def test_a_folder_with_something_else_is_left_alone(demo: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(LeighError, match="not empty"):
        copy_demo(tmp_path / "thesis")
    assert [p.name for p in (tmp_path / "thesis").iterdir()] == ["chapter.txt"]
    (tmp_path / "empty").mkdir()
    assert copy_demo(tmp_path / "empty").model == "iresnet"


def test_a_program_without_its_demo_says_so(demo: Path, tmp_path: Path) -> None:
    shutil.rmtree(demo)
    with pytest.raises(LeighError, match="missing from this installation"):
        copy_demo(tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_the_icons_travel_with_the_program() -> None:
    assert resource("icons", "leigh.svg").is_file()


def test_what_a_killed_copy_left_is_removed(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / f"mine.{gone.pid}.partial" / "images").mkdir(parents=True)
    (tmp_path / f"mine.{os.getppid()}.partial").mkdir()  # of a living program
    copy_demo(tmp_path / "mine")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"mine", f"mine.{os.getppid()}.partial"}
