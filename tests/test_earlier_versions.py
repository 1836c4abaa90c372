"""Projects that version 0.1 made open, and everything in them can be used as it is.

The fixture is a small synthetic plate (3 conditions, 12 wells) that version 0.1 scanned, trained on
for 200 steps, encoded and mapped.
"""

import shutil
from pathlib import Path

import pytest

import core as leigh
from core.cli.main import main
from core.domain import Project
from core.io.models import list_cards
from core.io.results import load_results

FIXTURE = Path(__file__).parent / "fixtures" / "version-0.1"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(FIXTURE, tmp_path / "old")
    return leigh.open_project(tmp_path / "old" / "project")


def test_a_project_of_version_0_1_opens_with_all_its_parts(project: Project) -> None:
    assert project.dataset is not None and len(project.dataset.records) == 12
    assert [panel.kind for panel in project.panels] == ["map", "counterfactual"]
    results = load_results(project)
    assert results.damaged == () and results.stale is None
    assert results.card is not None and results.card.training["gains"]
    assert results.latents is not None and results.projection is not None
    assert [card.name for card in list_cards(project)] == ["iresnet"]


def test_its_model_moves_images_with_evidence(project: Project) -> None:
    engine = leigh.Engine(project, "cpu")
    record = next(r for r in project.dataset.records if r.condition == "DS")
    answer = engine.move(leigh.Move(record.id, leigh.Mix({"WT": 1.0})))
    assert answer.valid and answer.evidence is not None
    assert answer.roundtrip_error < 1e-3
    assert engine.map.projection is not None


def test_the_verbs_of_today_work_on_it(project: Project, tmp_path: Path) -> None:
    folder, quiet = str(project.folder), ["--device", "cpu", "--progress", "none"]
    assert main(["evaluate", "--project", folder, *quiet]) == 0
    words = ["counterfactual", "--project", folder, "--from", "DS", "--to", "WT", "--limit", "1"]
    assert main([*words, "--out", str(tmp_path / "moved"), *quiet]) == 0
    assert main(["map", "--project", folder, "--progress", "none"]) == 0
    figure = ["figure", "--project", folder, "--panel", "map", "--out", str(tmp_path / "map.pdf")]
    assert main([*figure, *quiet]) == 0


def test_what_is_written_today_has_the_same_format(project: Project) -> None:
    import json

    card = project.folder / "models" / "iresnet" / "model.json"
    before = json.loads(card.read_text(encoding="utf-8"))
    leigh.evaluate(project, device="cpu")
    after = json.loads(card.read_text(encoding="utf-8"))
    assert after.keys() == before.keys() and after["recipe"] == before["recipe"]
