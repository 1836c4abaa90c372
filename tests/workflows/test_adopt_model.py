"""A model from elsewhere is checked, copied under a free name, and used."""

import json
import shutil
from pathlib import Path

import pytest

from core.cli.main import main
from core.domain import Project
from core.io.models import load_card
from core.io.project import model_folder, open_project


@pytest.fixture
def elsewhere(trained_project: Project, tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    shutil.copytree(model_folder(trained_project, "iresnet"), folder)
    return folder


def test_a_model_from_elsewhere_is_used_and_the_own_one_stays(
    copy_of, trained_project: Project, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = copy_of(trained_project)
    words = ["adopt-model", str(elsewhere / "model.json"), "--project", str(project.folder)]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == "iresnet-2"
    assert open_project(project.folder).model == "iresnet-2"
    assert load_card(model_folder(project, "iresnet-2")).name == "iresnet-2"
    assert load_card(model_folder(project, "iresnet")).name == "iresnet"


def test_the_projects_own_model_is_taken_back_without_a_copy(
    copy_of, trained_project: Project, elsewhere: Path
) -> None:
    project = copy_of(trained_project)
    folder = ["--project", str(project.folder)]
    assert main(["adopt-model", str(elsewhere), *folder]) == 0
    assert main(["adopt-model", str(project.folder / "models" / "iresnet"), *folder]) == 0
    assert open_project(project.folder).model == "iresnet"
    assert not model_folder(project, "iresnet-3").exists()


def test_a_model_for_other_channels_is_refused(
    copy_of, trained_project: Project, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = copy_of(trained_project)
    card = json.loads((elsewhere / "model.json").read_text(encoding="utf-8"))
    card["channels"] = card["channels"][::-1]
    (elsewhere / "model.json").write_text(json.dumps(card), encoding="utf-8")
    assert main(["adopt-model", str(elsewhere), "--project", str(project.folder)]) == 2
    assert "was trained on" in capsys.readouterr().err
    assert open_project(project.folder).model == "iresnet"
