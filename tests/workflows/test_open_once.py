"""A verb opens its project once: reading, validating and hashing everything is not repeated."""

from pathlib import Path

import pytest

from core.cli.main import main
from core.domain import Project
from core.io import project as project_files


@pytest.fixture
def openings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The project files that were read, in order."""
    read: list[Path] = []
    original = project_files._read_json

    def counted(path: Path) -> dict:
        read.append(path)
        return original(path)

    monkeypatch.setattr(project_files, "_read_json", counted)
    return read


def test_moving_images_opens_the_project_once(
    openings: list[Path], trained_project: Project, tmp_path: Path
) -> None:
    record = next(r.id for r in trained_project.dataset.records if r.condition == "DS")
    words = ["counterfactual", "--project", str(trained_project.folder), "--device", "cpu"]
    words += ["--record", record, "--to", "WT", "--out", str(tmp_path), "--progress", "none"]
    assert main(words) == 0
    assert len(openings) == 1


def test_a_figure_opens_the_project_once(
    openings: list[Path], trained_project: Project, tmp_path: Path
) -> None:
    words = ["figure", "--project", str(trained_project.folder), "--device", "cpu"]
    words += ["--panel", "map", "--out", str(tmp_path / "map.pdf"), "--progress", "none"]
    assert main(words) == 0
    assert len(openings) == 1


def test_a_map_opens_the_project_once(
    openings: list[Path], trained_project: Project, copy_of
) -> None:
    project = copy_of(trained_project)
    openings.clear()
    assert main(["map", "--project", str(project.folder), "--progress", "none"]) == 0
    assert len(openings) == 1
