"""`leigh ...` as a cluster calls it: one JSON line, exit codes, one line per fault, files that
last.
"""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from core.cli.main import main
from core.domain import Dataset, Project
from core.errors import LeighError
from core.io.models import load_card
from core.io.project import model_folder, open_project
from core.io.results import load_results
from core.io.tiff import read_with_info, write_tiff

Copy = Callable[[Project], Project]
Run = Callable[..., dict[str, Any]]
Fail = Callable[..., str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a verb that must succeed; returns its JSON object, which must be the last line."""

    def call(*words: object) -> dict[str, Any]:
        code = main([*map(str, words), "--json", "--progress", "none"])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        assert captured.err == ""
        return json.loads(captured.out.splitlines()[-1])

    return call


@pytest.fixture
def fail(capsys: pytest.CaptureFixture[str]) -> Fail:
    """Runs a verb that must end as the user's fault: exit code 2 and one line, which
    is returned.
    """

    def call(*words: object) -> str:
        code = main([*map(str, words), "--json", "--progress", "none"])
        captured = capsys.readouterr()
        assert code == 2, captured.err
        assert len(captured.err.splitlines()) == 1, captured.err
        error = json.loads(captured.out)["error"]  # the same, for programs
        assert f"{error['message']} {error['hint']}".strip() == captured.err.strip()
        return captured.err

    return call


def first(project: Project, condition: str) -> str:
    assert project.dataset is not None
    return next(r.id for r in project.dataset.records if r.condition == condition)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream))


def test_from_synthetic_plate_to_project(run: Run, tmp_path: Path) -> None:
    plate, project = tmp_path / "plate", tmp_path / "project"
    made = run(
        "synth",
        "--out",
        plate,
        "--conditions",
        "WT",
        "DS",
        "X=0.5",
        "--wells",
        2,
        "--fields",
        1,
        "--size",
        32,
    )
    assert made["images"] == 6
    found = run("scan", plate, "--project", project)
    assert (
        found["records"] == 6
        and found["conditions"] == {"WT": 2, "DS": 2, "X": 2}
        and found["groups"] == 6
    )
    assert run("scan", plate, "--project", project, "--exclude", "X")["conditions"] == {
        "WT": 2,
        "DS": 2,
    }
    assert "text" not in found


@pytest.mark.slow
def test_training_evaluating_encoding_and_mapping_answer_with_one_object(
    run: Run, tiny: str, copy_of: Copy, scanned_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.training.presets import PRESETS

    monkeypatch.setitem(PRESETS, "quick", replace(PRESETS[tiny], steps=40, widths=(4, 4, 4)))
    project = copy_of(scanned_project)
    assert project.dataset is not None
    held = [
        next(r.group for r in project.dataset.records if r.condition == c) for c in ("WT", "DS")
    ]
    where = ("--project", project.folder)
    trained = run("train", *where, "--test-groups", ",".join(held), "--seed", 3, "--device", "cpu")
    assert trained["test_groups"] == 2 and trained["training"]["steps"] == 40
    assert trained["conditions_not_tested"] == ["TT"]
    stored = load_card(model_folder(open_project(project.folder), "iresnet")).training
    assert len(stored["curve"]) == 40 and stored["ended"].startswith("20")  # for the Train page
    measured = run("evaluate", *where, "--device", "cpu")
    assert {k: measured[k] for k in ("accuracy", "confusion", "baseline")} == {
        k: trained[k] for k in ("accuracy", "confusion", "baseline")
    }
    assert 0 < measured["roundtrip_error"] < 1 / 1020
    assert run("encode", *where, "--device", "cpu")["records"] == 24
    mapped = run("map", *where, "--seed", 1)
    assert mapped["held_out"] and mapped["fidelity_points"] == 4 and 0 <= mapped["fidelity"] <= 1
    assert (
        run("map", *where, "--seed", 1)["fidelity"]
        == run("map", *where, "--seed", 1, "--refit")["fidelity"]
    )


def test_what_people_read_names_the_numbers_and_has_no_json(
    trained_project: Project, copy_of: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    project = copy_of(trained_project)
    assert (
        main(
            ["evaluate", "--project", str(project.folder), "--device", "cpu", "--progress", "none"]
        )
        == 0
    )
    text = capsys.readouterr().out
    assert (
        "Accuracy" in text
        and "held-out groups" in text
        and "Round trip of 6 images" in text
        and "{" not in text
    )


def test_counterfactuals_keep_size_type_and_pixel_size_and_a_broken_file_costs_one_row(
    run: Run, trained_project: Project, copy_of: Copy, tmp_path: Path
) -> None:
    project, out = copy_of(trained_project), tmp_path / "out"
    dataset = project.dataset
    assert dataset is not None
    records = [r for r in dataset.records if r.condition == "DS"]
    (dataset.root / records[1].files[0]).unlink()
    reported = run(
        "counterfactual", "--project", project.folder, "--from", "DS", "--to", "WT", "--out", out
    )
    assert (reported["records"], reported["valid"]) == (len(records), len(records) - 1)
    rows = rows_of(out / "evidence.csv")
    assert [r["record"] for r in rows] == [r.id for r in records]
    assert rows[1]["valid"] == "false" and records[1].files[0].split("/")[-1] in rows[1]["reason"]
    assert sum(r["flipped"] == "true" for r in rows) == reported["flipped"]

    for record, row in zip(records, rows, strict=True):
        pair = [
            out / f"{record.id}_to_WT_{kind}.ome.tif" for kind in ("counterfactual", "difference")
        ]
        assert all(p.exists() == (row["valid"] == "true") for p in pair)
    (image, info), (change, _) = read_with_info(pair[0]), read_with_info(pair[1])
    original, before = read_with_info(dataset.root / records[-1].files[0])
    assert image.shape == original.shape and image.dtype == original.dtype == np.uint16
    assert (
        info.pixel_size_um == pytest.approx(before.pixel_size_um)
        and info.channel_names == before.channel_names
    )
    assert change.dtype == np.float32
    assert np.abs(original + change - image).max() <= 0.51 or float(rows[-1]["clipped_share"]) > 0
    assert float(rows[-1]["mean_change_Nuclei"]) == pytest.approx(float(change[0].mean()), abs=1e-3)
    assert sum(
        float(v) for k, v in rows[-1].items() if k.startswith("change_share")
    ) == pytest.approx(1)
    with tifffile.TiffFile(pair[0]) as tiff:
        assert "Generated by Leigh Explorer" in str(tiff.ome_metadata)


def test_strength_zero_writes_the_original_and_the_split_is_respected(
    run: Run, trained_project: Project, tmp_path: Path
) -> None:
    words = (
        "counterfactual",
        "--project",
        trained_project.folder,
        "--to",
        "WT",
        "--out",
        tmp_path / "out",
    )
    reported = run(*words, "--split", "test", "--strength", 0, "--device", "cpu")
    rows = rows_of(tmp_path / "out" / "evidence.csv")
    assert reported["records"] == len(rows) == 4 and {r["split"] for r in rows} == {"test"}
    assert {r["condition"] for r in rows} == {"DS", "TT"}
    dataset = trained_project.dataset
    assert dataset is not None
    for row in rows:
        image, _ = read_with_info(
            tmp_path / "out" / f"{row['record']}_to_WT_counterfactual.ome.tif"
        )
        original, _ = read_with_info(dataset.root / dataset.record(row["record"]).files[0])
        assert np.array_equal(image, original)


def test_figures_are_written_from_words_and_from_saved_panels(
    run: Run, trained_project: Project, tmp_path: Path
) -> None:
    where, record = ("--project", trained_project.folder), first(trained_project, "DS")
    made = run(
        "figure",
        *where,
        "--panel",
        "path",
        "--record",
        record,
        "--to",
        "WT",
        "--out",
        tmp_path / "new" / "a.pdf",
    )
    assert Path(made["file"]).read_bytes().startswith(b"%PDF")
    specs = tmp_path / "specs.json"
    specs.write_text(json.dumps([{"kind": "map"}, {"kind": "confusion"}]))
    assert run("figure", *where, "--specs", specs, "--out", tmp_path / "b.svg")["panels"] == 2


def test_folders_that_are_no_folders_of_images_are_named(fail: Fail, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    project = tmp_path / "project"
    assert "does not exist" in fail("scan", tmp_path / "none", "--project", project)
    assert "holds no images" in fail("scan", tmp_path / "empty", "--project", project)
    for verb in ("train", "evaluate", "encode", "map"):
        assert "not a project" in fail(verb, "--project", tmp_path / "empty")
    assert not project.exists()


def test_a_plate_map_that_cannot_be_read_is_named(
    fail: Fail, scanned_project: Project, tmp_path: Path
) -> None:
    assert scanned_project.dataset is not None
    for name, content in (("missing.csv", None), ("bad.xlsx", b"no workbook"), ("empty.csv", b"")):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        words = (
            "scan",
            scanned_project.dataset.root,
            "--project",
            tmp_path / "p",
            "--plate-map",
            tmp_path / name,
        )
        assert name in fail(*words, "--condition-from", "plate-map")


def test_without_a_model_every_verb_that_needs_one_says_so(
    fail: Fail, scanned_project: Project, tmp_path: Path
) -> None:
    where = ("--project", scanned_project.folder)
    for verb in ("evaluate", "encode", "map"):
        assert "no trained model" in fail(verb, *where)
    assert "leigh train" in fail("counterfactual", *where, "--to", "WT", "--out", tmp_path / "out")
    assert "no trained model" in fail(
        "figure", *where, "--panel", "confusion", "--out", tmp_path / "a.pdf"
    )
    assert "no stopped training" in fail("train", *where, "--resume", "--device", "cpu")
    assert not list(tmp_path.iterdir())


def test_unknown_conditions_and_records_are_named(
    fail: Fail, trained_project: Project, tmp_path: Path
) -> None:
    words = (
        "counterfactual",
        "--project",
        trained_project.folder,
        "--out",
        tmp_path / "out",
        "--device",
        "cpu",
    )
    assert "It knows WT, DS, TT" in fail(*words, "--to", "Drug Z")
    assert "It knows WT, DS, TT" in fail(*words, "--to", "WT", "--from", "Drug Z")
    reported = fail(*words, "--to", "WT", "--record", first(trained_project, "DS"), "Z99")
    assert "no record Z99" in reported and first(trained_project, "DS").split("_")[0] in reported
    assert "No record of WT" in fail(*words, "--to", "WT", "--from", "WT")
    assert "no record Z99" in fail(
        "figure",
        *words[1:3],
        "--panel",
        "path",
        "--record",
        "Z99",
        "--to",
        "WT",
        "--out",
        tmp_path / "a.pdf",
    )
    assert "cannot use the device abacus" in fail(
        "encode", "--project", trained_project.folder, "--device", "abacus"
    )
    assert "Z99" in fail("train", "--project", trained_project.folder, "--test-groups", "Z99")


def test_places_that_cannot_be_written_are_the_users_fault(
    fail: Fail, trained_project: Project, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    where = ("--project", trained_project.folder)
    words = ("counterfactual", *where, "--to", "WT", "--split", "test")
    assert str(blocked) in fail(*words, "--out", blocked)
    assert str(blocked) in fail(*words, "--out", blocked / "deeper")
    assert str(blocked) in fail("figure", *where, "--panel", "map", "--out", blocked / "a.pdf")
    assert str(blocked) in fail(
        "synth", "--out", blocked / "plate", "--wells", 1, "--fields", 1, "--size", 32
    )
    assert blocked.read_text() == "in the way"


def test_one_condition_is_not_enough_to_train(
    fail: Fail, run: Run, scanned_project: Project, tmp_path: Path
) -> None:
    assert scanned_project.dataset is not None
    run("scan", scanned_project.dataset.root, "--project", tmp_path / "p", "--exclude", "DS", "TT")
    assert "only one condition: WT" in fail("train", "--project", tmp_path / "p")


def test_a_first_scan_that_excluded_everything_makes_no_project(fail: Fail, tmp_path: Path) -> None:
    for name in ("WT", "DS"):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        write_tiff(
            folder / f"{name}_A01.ome.tif",
            np.zeros((2, 32, 32), np.uint16),
            channel_names=["a", "b"],
        )
    text = fail("scan", tmp_path / "images", "--project", tmp_path / "p")
    assert "Nothing usable is left" in text and "channel 1" in text
    assert not (tmp_path / "p").exists()


def test_one_small_image_shrinks_the_crops_and_a_tiny_one_is_refused_by_name(
    scanned_project: Project,
) -> None:
    from core.data.preprocessing import fit_preprocessing
    from core.workflows.project import reader
    from core.workflows.train import _crop_that_fits

    dataset = scanned_project.dataset
    assert dataset is not None
    preprocessing = fit_preprocessing(
        [reader(dataset)(r).astype(np.float32) for r in dataset.records[:3]], 48
    )

    def with_last(side: int) -> Dataset:
        return replace(
            dataset,
            records=(*dataset.records[:-1], replace(dataset.records[-1], shape=(3, side, 48))),
        )

    assert preprocessing.crop == 48
    assert _crop_that_fits(with_last(48), preprocessing) == 48
    assert _crop_that_fits(with_last(30), preprocessing) == 24
    assert _crop_that_fits(with_last(30), replace(preprocessing, crop=16)) == 16
    with pytest.raises(LeighError, match=rf"{dataset.records[-1].id} is 48 x 12 pixels"):
        _crop_that_fits(with_last(12), preprocessing)


def test_a_model_for_other_channels_is_refused(
    fail: Fail, run: Run, trained_project: Project, copy_of: Copy, tmp_path: Path
) -> None:
    project = copy_of(trained_project)
    rng = np.random.default_rng(0)
    for name in ("WT", "DS"):
        for n in range(2):
            path = tmp_path / "two" / name / f"P1_B0{n}_s1.ome.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_tiff(path, rng.integers(0, 999, (2, 48, 48), np.uint16), channel_names=["a", "b"])
    run("scan", tmp_path / "two", "--project", project.folder, "--replace")
    for words in (
        ["evaluate"],
        ["encode"],
        ["map"],
        ["counterfactual", "--to", "WT", "--out", tmp_path / "out"],
    ):
        assert "2 channels" in fail(words[0], "--project", project.folder, *words[1:])


def test_a_model_for_another_pixel_size_is_used_with_a_warning(
    run: Run, trained_project: Project, copy_of: Copy, caplog: pytest.LogCaptureFixture
) -> None:
    project = copy_of(trained_project)
    assert project.dataset is not None
    run("scan", project.dataset.root, "--project", project.folder, "--pixel-size-um", 2.6)
    run("evaluate", "--project", project.folder)
    assert "trained on pixels of" in caplog.text and "2.6 µm" in caplog.text
    assert "2.6 µm" in load_results(open_project(project.folder)).doubt


def test_a_new_plate_is_evaluated_with_the_old_model(
    run: Run, trained_project: Project, copy_of: Copy, tmp_path: Path
) -> None:
    project = copy_of(trained_project)
    assert not run("evaluate", "--project", project.folder)["other_images"]
    run(
        "synth",
        "--out",
        tmp_path / "new",
        "--conditions",
        "WT",
        "DS",
        "New=0.3",
        "--wells",
        2,
        "--fields",
        1,
        "--size",
        48,
        "--seed",
        9,
    )
    for path in sorted((tmp_path / "new").rglob("P1_*.tif")):
        path.rename(path.with_name(path.name.replace("02_s", "09_s")))  # wells the model never saw
    run("scan", tmp_path / "new", "--project", project.folder, "--replace")
    measured = run("evaluate", "--project", project.folder)
    assert measured["other_images"]
    assert measured["test_records"] == 4  # the two known conditions; all of them new to the model
    assert measured["baseline"]["accuracy"] is None  # nothing of the new plate may train it
    assert measured["roundtrip_records"] == 4
    assert (
        run("counterfactual", "--project", project.folder, "--to", "WT", "--out", tmp_path / "out")[
            "records"
        ]
        == 2
    )


def test_a_wrong_word_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["train"], ["train", "--project", "p", "--preset", "huge"], ["dance"]):
        with pytest.raises(SystemExit) as left:
            main(words)
        assert left.value.code == 2
        reported = capsys.readouterr().err
        assert reported.count("\n") == 1 and "--help" in reported, reported


def test_our_own_faults_exit_with_1_and_say_where_the_details_are(
    trained_project: Project, copy_of: Copy, capsys: pytest.CaptureFixture[str], monkeypatch:
        pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setattr("platformdirs.user_log_path", lambda *a, **k: tmp_path)
    monkeypatch.setattr("core.workflows.encode.encode", lambda *a, **k: 1 / 0)
    assert (
        main(["encode", "--project", str(copy_of(trained_project).folder), "--progress", "none"])
        == 1
    )
    reported = capsys.readouterr()
    assert (
        reported.out == ""
        and len(reported.err.splitlines()) == 1
        and str(tmp_path / "leigh.log") in reported.err
    )
    assert "ZeroDivisionError" in (tmp_path / "leigh.log").read_text()


def test_the_project_opens_after_every_verb(trained_project: Project) -> None:
    project = open_project(trained_project.folder)
    assert (
        project.model == "iresnet"
        and project.dataset is not None
        and len(project.dataset.records) == 24
    )


def test_an_error_is_an_object_with_kind_message_and_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--project", str(tmp_path / "nowhere"), "--progress", "none"]
    assert main([*words, "--json"]) == 2
    captured = capsys.readouterr()
    error = json.loads(captured.out.splitlines()[-1])["error"]
    assert error["kind"] == "BadProject" and error["hint"]
    assert captured.err.strip() == f"{error['message']} {error['hint']}"
    assert main(words) == 2
    assert capsys.readouterr().out == ""  # people read one line on stderr


@pytest.mark.parametrize("twice", [("WT", "WT"), ("WT", "wt=0.3"), ("X=0.1", "X=0.2")])
def test_a_synthetic_condition_given_twice_is_refused(
    fail: Fail, tmp_path: Path, twice: tuple[str, str]
) -> None:
    reported = fail("synth", "--out", tmp_path / "plate", "--conditions", "DS", *twice)
    assert "given twice" in reported and not (tmp_path / "plate").exists()
    assert "not a number" in fail("synth", "--out", tmp_path / "plate", "--conditions", "A=nan")
