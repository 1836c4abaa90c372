"""The notebook's door: few lazy names, str or Path, progress bars, results that show themselves."""

import subprocess
import sys
from pathlib import Path

import pytest

import core as leigh
from core.domain import Project
from core.progress import Progress


def test_the_door_is_lazy_and_small() -> None:
    code = (
        "import sys, core; print(len([n for n in core.__all__ if not n.startswith('_')]),"
        " [m for m in ('torch', 'pandas', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split(maxsplit=1)
    assert 12 <= int(printed[0]) <= 20 and printed[1].strip() == "[]"


@pytest.mark.parametrize("name", leigh.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(leigh, name) is not None and name in dir(leigh)


def test_a_name_that_is_missing_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'heal'"):
        leigh.heal  # noqa: B018


def test_text_path_and_open_project_are_taken_alike(trained_project: Project) -> None:
    folder = trained_project.folder
    assert leigh.open_project(str(folder)) == leigh.open_project(folder)
    opened = leigh.open_project(folder)
    assert leigh.open_project(opened) is opened
    for project in (str(folder), folder, opened):
        assert leigh.Engine(project, "cpu").card.name == "iresnet"


def test_a_counterfactual_shows_pictures_and_evidence(trained_project: Project) -> None:
    engine = leigh.Engine(trained_project, "cpu")
    record = next(r for r in trained_project.dataset.records if r.condition == "DS")
    answer = engine.move(leigh.Move(record.id, leigh.Mix({"WT": 1.0})))
    shown = answer._repr_html_()
    assert shown.count("<img") == 3 * len(trained_project.dataset.channels)
    assert "strength 1" in shown and answer.evidence is not None
    assert all(check.finding.split("<")[0][:20] in shown for check in answer.evidence.checks)
    assert answer.evidence._repr_html_() in shown


def test_names_are_shown_as_text(trained_project: Project) -> None:
    from dataclasses import replace

    engine = leigh.Engine(trained_project, "cpu")
    record = next(r for r in trained_project.dataset.records if r.condition == "DS")
    answer = engine.move(leigh.Move(record.id, leigh.Mix({"WT": 1.0})))
    evil = replace(answer, record_id="<img src=x>", evidence=None)
    assert "<img src=x>" not in evil._repr_html_()
    failed = replace(answer, valid=False, reason="It left the range of real images.")
    assert "no counterfactual" in failed._repr_html_() and "<img" not in failed._repr_html_()


def test_progress_is_a_bar_or_a_function(
    trained_project: Project, copy_of, capsys: pytest.CaptureFixture[str]
) -> None:
    project = copy_of(trained_project)
    steps: list[Progress] = []
    leigh.encode(project.folder, device="cpu", progress=steps.append)
    assert steps and steps[-1].done == steps[-1].total
    leigh.encode(str(project.folder), device="cpu", progress=True)
    assert "Reading latents" in capsys.readouterr().err


def test_a_plate_is_written_and_scanned(tmp_path: Path) -> None:
    out = leigh.synth(str(tmp_path / "plate"), ["WT", "DS"], wells=1, fields=1, size=32)
    project = leigh.scan(str(out), str(tmp_path / "project"), pixel_size_um=0.5)
    assert project.dataset is not None and project.dataset.pixel_size_um == 0.5
    assert set(project.dataset.condition_names) == {"WT", "DS"}
    with pytest.raises(TypeError, match="unexpected keyword"):
        leigh.scan(out, tmp_path / "other", patern="x")


def test_a_ranking_is_a_table() -> None:
    from made_screens import made_screen

    screen = made_screen(("<b>Drug</b>", "Drug 2"))
    shown = screen._repr_html_()
    assert "&lt;b&gt;Drug" in shown and shown.count("<tr>") == len(screen.ranked) + 1


def test_a_project_that_was_opened_before_the_training_is_known_afterwards(
    copy_of, trained_project: Project
) -> None:
    from dataclasses import replace

    project = copy_of(trained_project)
    before = replace(project, model="")  # as it was when it was scanned
    assert leigh.Engine(before, "cpu").card.name == "iresnet"
    assert len(leigh.encode(before, device="cpu").record_ids) == len(project.dataset.records)


def test_questions_that_no_image_answers_are_refused_in_words(trained_project: Project) -> None:
    engine = leigh.Engine(trained_project, "cpu")
    record = trained_project.dataset.records[0].id
    wrong = (
        "WT",
        leigh.Move(record, {"WT": 1.0}),
        leigh.Move(record, leigh.Mix({"WT": 1.0}, 99.0)),
        leigh.Move(record, leigh.Mix({"WT": 1.0}, -1.0)),
        leigh.Move(record, leigh.Mix({"WT": 1.0}, float("inf"))),
        leigh.Move(record, leigh.Mix({"WT": 0.0})),
        leigh.Move(record, leigh.Mix({"WT": "much"})),
        leigh.Move(record, leigh.Mix({"WT": 1.0}), locked="Nuclei"),
    )
    for move in wrong:
        with pytest.raises(leigh.LeighError):
            engine.move(move)


def test_wrong_choices_name_the_right_ones(trained_project: Project, tmp_path: Path) -> None:
    with pytest.raises(leigh.LeighError, match=r"preset 'huge' is unknown\. Known are quick"):
        leigh.train(trained_project, preset="huge")
    with pytest.raises(leigh.LeighError, match="model 'huge' is unknown"):
        leigh.train(trained_project, model="huge")
    with pytest.raises(leigh.LeighError, match="pie is not a kind of panel"):
        leigh.figure(trained_project, ["pie"], tmp_path / "a.pdf")
    with pytest.raises(leigh.LeighError, match="text or a Path, not int"):
        leigh.open_project(5)  # type: ignore[arg-type]
