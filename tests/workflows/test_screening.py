"""Whole screens of images: read, measured, ranked, written; planted effects, planted faults, a real
plate.
"""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from core import screen
from core.cli.main import main
from core.domain.screen import Screen
from core.errors import BadProject
from core.io.project import create_project, open_project
from core.io.screens import load_screen
from core.io.tiff import read_with_info, write_tiff
from core.scanning.scan import ScanOptions
from core.synthetic.screen import ScreenPlanOptions, plan_screen, write_screen
from core.workflows.scan import scan


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of one 96-well plate: eight treatments, one image a well."""
    folder = tmp_path_factory.mktemp("screen")
    plan = plan_screen(ScreenPlanOptions(plates=1, treatments=8, fields=1, size=96, seed=3))
    write_screen(folder / "plates", plan)
    table = folder / "plates" / "plate_map.csv"
    scan(
        folder / "plates" / "images",
        folder / "project",
        ScanOptions(plate_map=table, condition_from="plate-map"),
    )
    return folder


@pytest.fixture(scope="module")
def found(plate: Path) -> Screen:
    return screen(plate / "project")


def _truth(plate: Path) -> dict[str, dict[str, str]]:
    with (plate / "plates" / "truth.csv").open(encoding="utf-8-sig") as stream:
        return {row["condition"]: row for row in csv.DictReader(stream)}


def test_images_of_a_screen_are_ranked_as_planted(plate: Path, found: Screen) -> None:
    truth = _truth(plate)
    treatments = [r for r in found.ranked if r.tie]
    assert len(treatments) == 8 and found.space == "readouts"
    for row in treatments:
        planted = truth[row.condition]
        assert ("loses cells" in row.flags) == ("fewer cells" in planted["flags"]), row
        if "off-axis" in planted["flags"]:
            assert "side effect" in row.flags and not row.hit
        if planted["kind"] == "null":
            assert not row.hit and not row.flags
        if planted["kind"] == "rescuing":
            assert abs(row.rescue - float(planted["rescue"])) < 0.25
    assert any("No network is trained" in note for note in found.notes)


def test_every_well_keeps_its_images_and_its_place(plate: Path, found: Screen) -> None:
    dataset = open_project(plate / "project").dataset
    assert dataset is not None
    assert sorted(i for w in found.wells for i in w.record_ids) == sorted(
        r.id for r in dataset.records
    )
    by_well = {w.well: w.condition for w in found.wells}
    assert all(by_well[r.well] == r.condition for r in dataset.records)
    assert found.plate_shapes == {next(iter(found.plate_shapes)): (8, 12)}
    healthy = [w.rescue for w in found.wells if w.condition == found.healthy]
    assert np.mean(healthy) == pytest.approx(1, abs=0.02)


def test_the_command_writes_tables_and_report(
    plate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = [
        "screen",
        "--project",
        str(plate / "project"),
        "--out",
        str(out),
        "--json",
        "--progress",
        "none",
    ]
    assert main(words) == 0
    reported = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert reported["treatments"] == 8 and reported["wells"] == 96
    written = {p.name for p in out.iterdir()}
    assert {"ranking.csv", "plate.csv", "report.pdf", "report.html", "screen.json"} <= written
    with (out / "ranking.csv").open(encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0])[:5] == ["condition", "dose_um", "wells", "rescue", "rescue_low"]
    assert load_screen(out).ranked[0].condition == rows[0]["condition"]


def test_wells_without_cells_are_left_out_and_named(tmp_path: Path) -> None:
    plan = plan_screen(
        ScreenPlanOptions(plates=1, treatments=4, fields=1, size=72, seed=2, without_cells=6)
    )
    write_screen(tmp_path / "plates", plan)
    table = tmp_path / "plates" / "plate_map.csv"
    scan(
        tmp_path / "plates" / "images",
        tmp_path / "project",
        ScanOptions(plate_map=table, condition_from="plate-map"),
    )
    found = screen(tmp_path / "project")
    dataset = open_project(tmp_path / "project").dataset
    assert dataset is not None
    note = next(n for n in found.notes if "without any cell" in n)
    left_out = len({r.well for r in dataset.records}) - len(found.wells)
    assert left_out >= 6 and note.startswith(f"{left_out} wells")


@pytest.mark.parametrize("level", ["95", "0", "nan", "1"])
def test_a_level_that_is_none_is_refused_before_the_work(
    plate: Path, tmp_path: Path, level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "screen",
        "--project",
        str(plate / "project"),
        "--out",
        str(tmp_path / "o"),
        "--level",
        level,
    ]
    assert main([*words, "--progress", "none"]) == 2
    assert "0.9" in capsys.readouterr().err and not (tmp_path / "o").exists()


def test_a_damaged_screen_is_told_in_words(tmp_path: Path) -> None:
    for text in ("[" * 100_000, '{"format_version": 1, "level": NaN}', "{"):
        (tmp_path / "screen.json").write_text(text, encoding="utf-8")
        with pytest.raises(BadProject, match="damaged"):
            load_screen(tmp_path)


def test_without_a_healthy_control_the_remedy_is_named(
    plate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    from core.domain import Role

    project = open_project(plate / "project")
    assert project.dataset is not None
    conditions = tuple(replace(c, role=Role.TREATED) for c in project.dataset.conditions)
    other = tmp_path / "project"
    create_project(other, replace(project.dataset, conditions=conditions))
    assert (
        main(
            [
                "screen",
                "--project",
                str(other),
                "--out",
                str(tmp_path / "out"),
                "--progress",
                "none",
            ]
        )
        == 2
    )
    said = capsys.readouterr().err
    assert "healthy" in said and "Data page" in said


def test_blocks_of_columns_on_a_plate_of_real_images_are_named(
    shared: Path, tmp_path: Path
) -> None:
    """96 wells, two channels of real Schwann cells, four conditions in blocks of three columns."""
    tiles = sorted((shared / "data" / "nf1_schwann_3ch" / "tiles_224").glob("*.tif"))
    if len(tiles) < 96:
        pytest.skip("the real tiles are not there")
    factors = {"WT": 1.0, "DS": 0.5, "Drug A": 0.75, "Drug B": 0.5}
    rows = []
    for n, place in enumerate(np.random.default_rng(0).permutation(96)):
        well, condition = (
            f"{'ABCDEFGH'[place // 12]}{place % 12 + 1:02d}",
            list(factors)[place % 12 // 3],
        )
        image = read_with_info(tiles[n])[0][:2, :112, :112].astype(np.float64)
        dark = np.percentile(image[1], 5)
        image[1] = dark + (image[1] - dark) * factors[condition]
        (tmp_path / "images").mkdir(exist_ok=True)
        write_tiff(
            tmp_path / "images" / f"P1_{well}_s1.ome.tif",
            image.astype(np.uint16),
            channel_names=["DAPI", "GFP"],
        )
        rows.append(f"P1,{well},{condition}")
    table = tmp_path / "map.csv"
    table.write_text("Metadata_Plate,Metadata_Well,condition\n" + "\n".join(rows), encoding="utf-8")
    scan(
        tmp_path / "images",
        tmp_path / "project",
        ScanOptions(plate_map=table, condition_from="plate-map"),
    )
    found = screen(tmp_path / "project")
    warned = {f.what for f in found.audit if f.warning}
    assert {"column", "column of the controls"} <= warned and "row" not in warned
    by_name = {r.condition: r for r in found.ranked}
    assert by_name["Drug A"].hit and not by_name["Drug B"].hit
    assert len(found.wells) >= 90  # some corners of real images hold no cell, and are named
    assert len(found.wells) == 96 or any("without any cell" in n for n in found.notes)
    assert 0.25 < by_name["Drug A"].rescue < 0.75
