"""What `leigh check` finds and repairs; relink and copy."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.cli.main import main
from core.domain import Project
from core.errors import BadProject
from core.io.lock import ProjectLock
from core.io.project import latents_path, maps_folder, model_folder, open_project, save_project
from core.workflows.check import State, check

Copy = Callable[[Project], Project]


@pytest.fixture
def project(trained_project: Project, copy_of: Copy) -> Project:
    return copy_of(trained_project)


def damaged(folder: Path) -> set[str]:
    return {f.part for f in check(folder) if f.state == State.DAMAGED}


def test_a_sound_project_has_nothing_to_repair(project: Project) -> None:
    findings = check(project.folder)
    assert {f.state for f in findings} == {State.GOOD}, findings
    assert {f.part for f in findings} >= {"project.json", "images", "latents", "map"}


def test_every_damaged_part_is_named_and_a_repair_keeps_the_files(project: Project) -> None:
    project = save_project(project)
    files = [
        project.folder / "project.json",
        latents_path(project),
        maps_folder(project) / "map.npz",
    ]
    for path in files:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    half = [path.read_bytes() for path in files]
    left = project.folder / ".tmp-p999999999-0-latents.npz"
    left.touch()
    assert damaged(project.folder) == {"project.json", "latents", "map"}
    findings = check(project.folder, repair=True)
    assert not [f for f in findings if f.state != State.GOOD], findings
    assert open_project(project.folder).dataset == project.dataset and not left.exists()
    kept = [path.with_name(f"{path.name}.damaged").read_bytes() for path in files]
    assert kept == half


def test_images_that_changed_or_are_gone_are_named(project: Project) -> None:
    assert project.dataset is not None
    first, second = (project.dataset.root / r.files[0] for r in project.dataset.records[:2])
    first.write_bytes(first.read_bytes() + b"x")
    [finding] = [f for f in check(project.folder) if f.part == "images"]
    assert finding.state == State.DAMAGED and project.dataset.records[0].id in finding.message
    second.unlink()
    [finding] = [f for f in check(project.folder) if f.part == "images"]
    assert "relink" in finding.remedy and project.dataset.records[1].id in finding.message


def test_a_damaged_model_and_damaged_evidence_are_named(project: Project) -> None:
    folder = model_folder(project, project.model)
    (folder / "panel.npz").write_bytes(b"")
    assert "evidence" in {f.part for f in check(project.folder) if f.state == State.WARNING}
    (folder / "model.json").write_text("[]")
    assert f"model {project.model} (in use)" in damaged(project.folder)


def test_no_repair_while_another_program_has_the_project(project: Project) -> None:
    with ProjectLock(project.folder), pytest.raises(BadProject, match="is open"):
        check(project.folder, repair=True)


def test_a_folder_of_images_is_looked_through_and_nothing_is_written(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project.dataset is not None
    root = project.dataset.root
    (root / "WT").mkdir(exist_ok=True)
    (root / "WT" / "cut.tif").write_bytes(b"II*\x00")
    before = sorted(root.rglob("*"))
    assert main(["check", str(root), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert not said["sound"] and any("cut.tif" in f["part"] for f in said["findings"])
    assert sorted(root.rglob("*")) == before


def test_relink_takes_the_moved_images_and_refuses_others(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project.dataset is not None
    moved = project.dataset.root.with_name("moved")
    project.dataset.root.rename(moved)
    where = ["--project", str(project.folder)]
    (tmp_path / "empty").mkdir()
    assert main(["relink", str(tmp_path / "empty"), *where]) == 2
    assert main(["relink", str(moved), *where]) == 0
    found = open_project(project.folder).dataset
    assert found is not None and found.root == moved


def test_a_copy_opens_and_the_project_stays(project: Project, tmp_path: Path) -> None:
    target = tmp_path / "copies" / "one"
    target.parent.mkdir()
    assert main(["copy", str(target), "--project", str(project.folder)]) == 0
    shutil.rmtree(project.folder)
    found = open_project(target)
    assert found.dataset == project.dataset and found.model == project.model
    assert damaged(target) == set()
