"""The whole way on real images from the command line, with training cut to seconds."""

import csv
import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import tifffile

from core.io.models import load_card
from core.io.project import open_project

Leigh = Callable[[Sequence[object]], "subprocess.Popen[str]"]
Scan = Callable[[Path, Any, Path], None]
Run = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.slow


@pytest.fixture
def run(leigh: Leigh) -> Run:
    """Runs a verb with --json to its end; it must exit with 0."""

    def run(*words: object) -> dict[str, Any]:
        process = leigh([*words, "--json"])
        out, err = process.communicate(timeout=1200)
        assert process.returncode == 0, err[-1500:]
        answer: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
        return answer

    return run


def some_held_out(project: Path, condition: str, most: int = 6) -> list[str]:
    """A few records of a condition in test groups."""
    dataset, split = open_project(project).dataset, load_card(project / "models" / "iresnet").split
    assert dataset is not None
    ids = [r.id for r in dataset.records if r.condition == condition and split[r.group] == "test"]
    return ids[:: -(-len(ids) // most)]


def whole_way(
    run: Run, project: Path, out: Path, source: str, target: str, maps: bool = True
) -> dict[str, Any]:
    """Train, evaluate, encode and map, counterfactual and figure; returns the evaluation."""
    run("train", "--project", project, "--preset", "quick")
    report = run("evaluate", "--project", project)
    if maps:
        run("encode", "--project", project)
        assert 0 <= run("map", "--project", project)["fidelity"] <= 1
    words = ["--project", project, "--to", target, "--out", out]
    moved = run("counterfactual", *words, "--record", *some_held_out(project, source))
    with (out / "evidence.csv").open(encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == moved["records"] > 0
    assert moved["valid"] == sum(row["valid"] == "true" for row in rows)
    record = next(row["record"] for row in rows if row["valid"] == "true")
    figure = out / "panel.pdf"
    run(
        "figure",
        "--project",
        project,
        "--panel",
        "counterfactual",
        "--record",
        record,
        "--to",
        target,
        "--out",
        figure,
    )
    assert figure.read_bytes().startswith(b"%PDF")
    return report


@pytest.mark.parametrize("shape", [(480, 640), pytest.param((904, 1224), marks=pytest.mark.long)])
def test_one_file_per_channel_with_a_plate_map(
    shared: Path, run: Run, tmp_path: Path, shape: tuple[int, int]
) -> None:
    """Cut to a part of each image, or (long) the files as they are."""
    data, project, images = (
        shared / "data" / "nf1_schwann_3ch",
        tmp_path / "project",
        tmp_path / "i",
    )
    images.mkdir()
    for file in (data / "images").glob("*.tif"):
        tifffile.imwrite(images / file.name, tifffile.imread(file)[: shape[0], : shape[1]])
    table = data / "platemap_NF1_plate2.csv"
    scanned = run(
        "scan",
        images,
        "--project",
        project,
        "--plate-map",
        table,
        "--condition-from",
        "plate-map",
    )
    assert scanned["conditions"] == {"WT": 1, "Null": 4}
    assert scanned["channels"] == ["DAPI", "GFP", "RFP"]
    whole = shape == (904, 1224)
    report = whole_way(run, project, tmp_path / "moved", "Null", "WT", maps=whole)
    assert report["accuracy"] is None  # WT stands in one well: nothing can be claimed
    assert "reason" in report
    moved = next((tmp_path / "moved").glob("*_counterfactual.ome.tif"))
    # The file's own size, though the network saw less of it.
    assert tifffile.imread(moved).shape == (3, *shape)
    assert tifffile.imread(moved).dtype == "uint16"


def scan_tiles(shared: Path, run: Run, project: Path) -> None:
    data = shared / "data" / "nf1_schwann_3ch"
    scanned = run(
        "scan",
        data / "tiles_224",
        "--project",
        project,
        "--plate-map",
        data / "labels.csv",
        "--condition-from",
        "plate-map",
    )
    assert scanned["records"] == 100
    assert scanned["groups"] == 5


def scan_nuclei(shared: Path, run: Run, project: Path) -> None:
    data = shared / "data" / "mitocheck_phenotypes"
    left_out = [
        "Folded",
        "Interphase",
        "Polylobed",
        "OutOfFocus",
        "Apoptosis",
        "Prometaphase",
        "Binuclear",
    ]
    scanned = run(
        "scan", data / "images", "--project", project, "--plate-map", data / "labels.csv",
        "--group-by", "group", "--answer", "stain=none", "--answer", "well=none",
        "--exclude", *left_out,
    )  # fmt: skip
    assert len(scanned["conditions"]) == 9


@pytest.mark.parametrize("scan", [scan_tiles, scan_nuclei])
def test_a_table_of_files_is_read(shared: Path, run: Run, tmp_path: Path, scan: Scan) -> None:
    scan(shared, run, tmp_path / "project")


@pytest.mark.long
def test_ome_tiff_tiles_with_a_table_of_files(shared: Path, run: Run, tmp_path: Path) -> None:
    scan_tiles(shared, run, tmp_path / "project")
    report = whole_way(run, tmp_path / "project", tmp_path / "moved", "Null", "WT")
    assert report["accuracy"] is None
    assert report["conditions_not_tested"] == ["WT"]


@pytest.mark.long
def test_many_conditions_in_one_channel_grouped_by_movie(
    shared: Path, run: Run, tmp_path: Path
) -> None:
    scan_nuclei(shared, run, tmp_path / "project")
    report = whole_way(run, tmp_path / "project", tmp_path / "moved", "Metaphase", "Grape")
    assert report["test_groups"] >= 5
    assert report["accuracy_low"] <= report["accuracy"] <= report["accuracy_high"]
    assert report["baseline"]["accuracy"] > 0.4  # nine conditions: chance is 0.11
