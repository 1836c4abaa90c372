"""Every answer settles its own question, or is said to settle none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

RNG = np.random.default_rng(3)
BOTH = ("WT", "DS")
NOT_USED = "this answer settles nothing in this folder, so it was not used"


@pytest.fixture
def scan(tmp_path: Path, scanned: Any) -> Any:
    """Writes random images of some pages, scans them with answers, and returns the JSON."""

    def call(names: list[str], *answers: str, pages: int = 1, table: str = "") -> Any:
        for name in names:
            path = tmp_path / "images" / f"{name}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = RNG.integers(100, 900, (pages, 24, 24)).astype(np.uint16)
            with tifffile.TiffWriter(path) as tiff:
                for page in pixels:
                    tiff.write(page, metadata=None, contiguous=False)
        return scanned(*answers, table=table)

    return call


def unused(found: dict[str, Any]) -> list[str]:
    return [p["item"] for p in found["problems"] if p["reason"] == NOT_USED]


@pytest.mark.parametrize("pages", [3, 12])
def test_pages_without_metadata_are_planes_where_this_is_answered(
    scan: Any, tmp_path: Path, pages: int
) -> None:
    found = scan([f"{c}/{n}" for c in BOTH for n in "123"], "slices=planes", pages=pages)
    assert found["channels"] == ["channel 1"] and found["records"] == 6 and not unused(found)
    assert "z-stack" in {p["kind"] for p in found["problems"]}
    from core.io.project import open_project
    from core.io.read_verified import read_verified

    dataset = open_project(tmp_path / "project").dataset
    assert dataset is not None
    record = dataset.records[0]
    stored = tifffile.imread(dataset.root / record.files[0], key=range(pages))
    assert np.array_equal(read_verified(dataset.root, record), stored.max(axis=0)[None])


def test_pages_without_metadata_are_stains_by_default_and_this_can_be_changed(scan: Any) -> None:
    found = scan([f"{c}/{n}" for c in BOTH for n in "123"], pages=3)
    assert len(found["channels"]) == 3
    assert [(q["kind"], q["default"]) for q in found["questions"]] == [("slices", "stains")]


def test_an_answer_that_settles_nothing_is_said(scan: Any) -> None:
    names = [f"{c}/{n}" for c in BOTH for n in "123"]
    found = scan(names, "slices=planes", "time=all", "stain:x.tif=a, b")
    given = ["slices=planes", "time=all", "stain:x.tif=a, b"]
    assert found["records"] == 6 and unused(found) == [f"--answer {answer}" for answer in given]


TWO_KINDS = [f"{c}/{n}_{k}" for c in BOTH for n in "12" for k in ("lyso", "mem")]
TWO_KINDS += [f"{c}/img_{n}_{k}" for c in BOTH for n in "345" for k in ("axon", "soma")]


def test_two_questions_of_one_kind_have_answers_of_their_own(scan: Any) -> None:
    found = scan(TWO_KINDS)
    about = {q["choices"][0]: q["about"] for q in found["questions"] if q["kind"] == "stain"}
    assert set(about) == {"lyso, mem", "axon, soma"} and len(set(about.values())) == 2
    first, second = about["lyso, mem"], about["axon, soma"]
    found = scan([], f"stain:{first}=lyso, mem")
    assert [q["about"] for q in found["questions"] if q["kind"] == "stain"] == [second]
    found = scan([], f"stain:{first}=none", f"stain:{second}=none")
    assert found["records"] == 20 and found["channels"] == ["channel 1"]
    assert scan([])["records"] == 20, "answers to single questions are stored"


def test_an_answer_to_a_kind_answers_all_its_questions(scan: Any) -> None:
    found = scan(TWO_KINDS, "stain=none")
    assert found["records"] == 20 and not unused(found)


def test_an_answer_stays_when_other_files_of_the_kind_come_first(scan: Any) -> None:
    names = [f"{c}/{n}_{k}" for c in BOTH for n in "23" for k in ("lyso", "mem")]
    about = scan(names)["questions"][0]["about"]
    assert scan([], f"stain:{about}=lyso, mem")["records"] == 4
    found = scan([f"{c}/1_{k}" for c in BOTH for k in ("lyso", "mem")])
    assert found["records"] == 6 and found["channels"] == ["lyso", "mem"]


@pytest.mark.parametrize(
    "name",
    [lambda c, w, s: f"{c}/w{w}_s{s}", lambda c, w, s: f"{c}/w{w}/s{s}"],
    ids=["name", "folder"],
)
def test_w_and_s_may_be_wells_and_sites(scan: Any, name: Callable[..., str]) -> None:
    names = [name(c, w, s) for c in BOTH for w in "1234" for s in "12"]
    found = scan(names)
    assert found["records"] == 0 and found["questions"][0]["kind"] == "stain"
    assert scan([], "stain=w1, w2, w3, w4")["records"] == 4
    found = scan([], "stain=none")
    assert found["records"] == 16 and found["groups"] == 8


def test_unknown_stains_in_folders_can_be_answered(scan: Any) -> None:
    found = scan([f"{c}/{k}/{n}" for c in BOTH for k in ("lyso", "mem") for n in "123"])
    assert [q["kind"] for q in found["questions"]] == ["condition", "stain"]
    found = scan([], "stain=lyso, mem")
    assert found["channels"] == ["lyso", "mem"] and found["conditions"] == {"WT": 3, "DS": 3}


@pytest.mark.parametrize("between", ["{}_m{}/{}", "{}_m{}_{}", "{}/m{}/{}"])
def test_mice_after_the_condition_are_groups(scan: Any, between: str) -> None:
    mice = (("WT", 101), ("WT", 102), ("DS", 201), ("DS", 202))
    found = scan([between.format(c, m, n) for c, m in mice for n in "123"])
    assert found["conditions"] == {"WT": 6, "DS": 6} and found["groups"] == 4


WELLS = ("A01", "A02", "B01", "B02")


def test_a_row_whose_well_and_columns_disagree_is_named(scan: Any) -> None:
    rows = [f"{w},{w[0]},{int(w[1:])},{'WT' if w[0] == 'A' else 'DS'}" for w in WELLS]
    rows[1] = "A02,B,2,WT"
    table = "\n".join(["well,row,column,condition", *rows])
    found = scan([f"P1_{w}_s{s}" for w in WELLS for s in "12"], table=table)
    [problem] = [p for p in found["problems"] if "say B02" in p["reason"]]
    assert problem["kind"] == "map-row" and "row 3" in problem["reason"]
    assert found["conditions"] == {"WT": 2, "DS": 4}


def test_rows_and_columns_counted_from_zero_agree_with_their_wells(scan: Any) -> None:
    rows = [
        f"{w},{'AB'.index(w[0])},{int(w[1:]) - 1},{'WT' if w[0] == 'A' else 'DS'}" for w in WELLS
    ]
    table = "\n".join(["well,row,column,condition", *rows])
    found = scan([f"P1_{w}_s{s}" for w in WELLS for s in "12"], table=table)
    assert found["conditions"] == {"WT": 4, "DS": 4}


def test_rows_and_columns_of_tiles_say_nothing_of_their_wells(scan: Any) -> None:
    files = [(w, s) for w in WELLS for s in "12"]
    rows = [f"{w}_s{s}.tif,{w},0,{s},{'WT' if w[0] == 'A' else 'DS'}" for w, s in files]
    table = "\n".join(["file,well,row,col,condition", *rows])
    assert scan([f"{w}_s{s}" for w, s in files], table=table)["records"] == 8


@pytest.mark.parametrize("end", ["Total,2,2", ",2,2", "Legend,WT = wild type", "seen\nby AB"])
def test_a_line_below_a_grid_is_left_out_and_named(scan: Any, end: str) -> None:
    table = f",1,2\nA,WT,WT\nB,DS,DS\n{end}\n"
    found = scan([f"P1_{w}_s{s}" for w in WELLS for s in "12"], table=table)
    assert found["conditions"] == {"WT": 4, "DS": 4}
    assert "left out" in " ".join(p["reason"] for p in found["problems"] if p["kind"] == "map-row")
