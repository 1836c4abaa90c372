"""`leigh explain` on a copy of the demo: real TIFFs out, one bad image stops no other; and the
comparison's bench.
"""

import csv
import json

import numpy as np
import pytest
import tifffile

from benchmarks.explanations import bench_explanations
from core.cli.main import main
from core.io.project import open_project
from core.progress import Cancelled
from core.workflows.demo import copy_demo
from core.workflows.explain import ExplainOptions
from core.workflows.records import RecordChoice


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "project"
    copy_demo(folder)
    return folder


def rows_of(out):
    with (out / "attribution.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_image_gets_a_map_per_stain_and_a_row(demo, tmp_path, capsys):
    words = [
        "--from",
        "DS",
        "--to",
        "WT",
        "--split",
        "test",
        "--limit",
        "2",
        "--method",
        "saliency",
    ]
    assert main(["explain", "--project", str(demo), *words, "--out", str(tmp_path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["records"], said["valid"]) == (2, 2)
    for row in rows_of(tmp_path):
        values = tifffile.imread(tmp_path / row["file"])
        assert values.shape == (3, 128, 128) and values.dtype == np.float32
        assert 0 < float(row["share_outside_cells"]) < 1 and row["target"] == "WT"


def test_a_window_without_a_size_is_the_reason_of_every_row(demo, tmp_path, capsys):
    words = [
        "--from",
        "DS",
        "--to",
        "WT",
        "--limit",
        "1",
        "--method",
        "occlusion",
        "--window-px",
        "0",
    ]
    assert (
        main(
            [
                "explain",
                "--project",
                str(demo),
                *words,
                "--out",
                str(tmp_path),
                "--progress",
                "none",
            ]
        )
        == 2
    )
    assert "no size" in capsys.readouterr().err
    assert "no size" in rows_of(tmp_path)[0]["reason"]


def test_a_second_method_adds_its_rows(demo, tmp_path):
    for method in ("saliency", "gradcam"):
        words = ["--record", "P1_B09_s1", "--method", method, "--out", str(tmp_path)]
        assert main(["explain", "--project", str(demo), *words, "--progress", "none"]) == 0
    assert [row["method"] for row in rows_of(tmp_path)] == ["saliency", "gradcam"]


def test_an_image_that_is_missing_is_a_row_with_its_reason(tmp_path):
    folder = tmp_path / "project"
    copy_demo(folder)
    gone = next((folder / "images").rglob("P1_B09_s1.ome.tif"))
    gone.unlink()
    words = [
        "--record",
        "P1_B09_s1",
        "P1_B09_s2",
        "--to",
        "WT",
        "--method",
        "saliency",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(["explain", "--project", str(folder), *words, "--progress", "none"]) == 0
    bad, good = rows_of(tmp_path / "out")
    assert bad["valid"] == "false" and "P1_B09_s1" in bad["reason"]
    assert good["valid"] == "true"


def test_a_stop_leaves_whole_files_and_their_rows(demo, tmp_path):
    from core.workflows.explain import explain

    def report(progress):
        if progress.what.startswith("Explaining") and progress.done == 1 and progress.total > 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        explain(
            open_project(demo),
            tmp_path,
            ExplainOptions(method="saliency", to="WT", records=RecordChoice(source="DS")),
            report=report,
        )
    (row,) = rows_of(tmp_path)
    assert [p.name for p in tmp_path.glob("*.tif")] == [row["file"]]


@pytest.mark.parametrize(
    ("words", "said"),
    (
        (["--method", "saliency"], "--from"),
        (["--from", "DS", "--method", "saliency", "--model", "resnext50"], "has no model"),
        (["--from", "DS", "--to", "DS", "--method", "saliency"], "DS"),
        (["--from", "DS", "--to", "WT", "--method", "saliency", "--limit", "0"], "leaves no image"),
    ),
)
def test_what_cannot_be_explained_is_refused_with_words(demo, tmp_path, capsys, words, said):
    assert (
        main(
            [
                "explain",
                "--project",
                str(demo),
                *words,
                "--out",
                str(tmp_path / "out"),
                "--progress",
                "none",
            ]
        )
        == 2
    )
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_the_comparison_ranks_the_truth_above_chance():
    found = bench_explanations(cultures=1, side=64)
    rows = {(r["explanation"], r["network"]): r for r in found["rows"]}
    assert rows["oracle", ""]["localisation"] > rows["random", ""]["localisation"]
    assert rows["counterfactual", "iresnet"]["off_channel"] == 0.0
    assert all(r["localisation"] is not None for r in found["rows"])
