"""Names that look like something else: compound folders, replicates, times, copies, odd tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
import tifffile

from core.errors import BadTable
from core.scanning.compound_folders import compound_levels
from core.scanning.plate_map import load_plate_map

RNG = np.random.default_rng(11)
BOTH = ("WT", "DS")
PLACES = (("WT", "B02"), ("WT", "B03"), ("DS", "C02"), ("DS", "C03"))


@pytest.fixture
def scan(tmp_path: Path, scanned: Any) -> Any:
    """Writes one random image for each name, scans them, and returns the JSON."""

    def call(names: Sequence[str], *answers: str, bright: str = "", table: str = "") -> Any:
        for name in names:
            path = tmp_path / "images" / (name if "." in name else f"{name}.tif")
            path.parent.mkdir(parents=True, exist_ok=True)
            factor = 9 if bright and bright in name else 1
            pixels = RNG.integers(100, 900, (24, 24)).astype(np.uint16) * np.uint16(factor)
            tifffile.imwrite(path, pixels)
        return scanned(*answers, table=table)

    return call


def kinds(found: Mapping[str, Any], where: str) -> set[str]:
    return {entry["kind"] for entry in found[where]}


@pytest.mark.parametrize(
    ("folders", "splits"),
    [
        ("WT_DAPI WT_TMRM DS_DAPI DS_TMRM", True),
        ("WT_lyso WT_mem DS_lyso DS_mem Rapa_lyso", True),
        ("WT_lyso WT_mem DS_rapa_lyso DS_rapa_mem", True),
        ("WT_A1 WT_A2 DS_B1 DS_B2", True),
        ("240501_WT 240508_WT 240501_DS 240508_DS", True),
        ("rot_24h rot_48h", True),
        ("iPSC_WT iPSC_DS NPC_WT", False),
        ("WT_H9 DS_H1", False),
        ("Control_1 Control_2 Patient_1 Patient_2", False),
        ("CCCP_1uM CCCP_10uM DMSO_0uM", False),
    ],
)
def test_folders_of_several_words_are_read_part_by_part(folders: str, splits: bool) -> None:
    files = [f"{folder}/{n}.tif" for folder in folders.split() for n in (1, 2)]
    assert bool(compound_levels(files)) == splits


def test_stains_in_the_names_of_folders_are_no_conditions(scan: Any) -> None:
    found = scan([f"{c}_{k}/{f}" for c in BOTH for k in ("DAPI", "TMRM") for f in "123"])
    assert found["channels"] == ["DAPI", "TMRM"] and found["conditions"] == {"WT": 3, "DS": 3}


def test_days_in_the_names_of_folders_are_times(scan: Any) -> None:
    found = scan([f"{c} day {d}/{w}" for d in (7, 14) for c, w in PLACES])
    assert found["conditions"] == {"WT": 4, "DS": 4} and found["groups"] == 4
    assert "time-points" in kinds(found, "problems")


@pytest.mark.parametrize("word", ["rep1 rep2", "batch1 batch2", "1 2", "D10 D20"])
def test_wells_that_come_back_are_asked_about(scan: Any, word: str) -> None:
    names = [f"{c}/{r}_{w}_f{f}" for r in word.split() for c, w in PLACES for f in (1, 2)]
    found = scan(names)
    assert found["records"] == 0 and "plate" in kinds(found, "questions")
    listed = ", ".join(word.split())
    assert scan([], f"plate={listed}")["groups"] == 8
    assert scan([], "plate=none")["groups"] == 4


def test_hours_in_names_are_times_and_one_group(scan: Any) -> None:
    found = scan([f"{c}/f{f}_{t}h" for c in BOTH for f in "12" for t in (0, 24)])
    assert found["groups"] == 4 and "time-points" in kinds(found, "problems")


def test_a_time_for_each_condition_is_told(scan: Any) -> None:
    found = scan([f"WT_24h_{f}" for f in "123"] + [f"DS_48h_{f}" for f in "123"])
    assert found["records"] == 6 and "time-points" in kinds(found, "problems")


@pytest.mark.parametrize("clock", ["14-30-0{}", "14-3{}-00"])
def test_moments_that_differ_from_file_to_file_are_no_time_series(scan: Any, clock: str) -> None:
    of_field = enumerate(c for c in BOTH for _ in range(4))
    found = scan([f"{c}/2024-05-01_{clock.format(f)}_{c}" for f, c in of_field])
    assert found["groups"] == 8 and "time-points" not in kinds(found, "problems")


def test_moments_of_all_fields_are_times(scan: Any) -> None:
    moments = ("2024-05-01_14-30-00", "2024-05-01_15-30-00")
    found = scan([f"{c}/f{f}_{m}" for c in BOTH for f in "12" for m in moments])
    assert found["groups"] == 4 and "time-points" in kinds(found, "problems")


@pytest.mark.parametrize("end", ["_weird", "_x2", " final version"])
def test_longer_names_of_the_same_images_are_asked_about(scan: Any, end: str) -> None:
    found = scan([f"{c}/img{f}{e}" for c in BOTH for f in "123" for e in ("", end)])
    assert found["records"] == 0 and "stain" in kinds(found, "questions")
    assert scan([], "stain=leave out the longer names")["records"] == 6
    assert scan([])["records"] == 6  # the answer is stored


@pytest.mark.parametrize(
    "name", ["img{}_skeleton", "Result of img{}", "img{}-MAX", "Copy of img{}", "DUP_img{}"]
)
def test_copies_are_left_out_by_name(scan: Any, name: str) -> None:
    copies = [f"{c}/{name.format(f)}" for c in BOTH for f in "12"]
    assert scan([*(f"{c}/img{f}" for c in BOTH for f in "12"), *copies])["records"] == 4


def test_masks_in_a_folder_of_their_own_are_left_out(scan: Any) -> None:
    found = scan([f"{c}{e}/{f}" for c in BOTH for e in ("", "_masks") for f in "12"])
    assert found["conditions"] == {"WT": 2, "DS": 2} and "mask" in kinds(found, "problems")


@pytest.mark.parametrize("form", ["{c}/{k}/f{f}", "{c}/img_{k}_{f}", "{c}/Camera{k}/f{f}"])
def test_numbers_that_go_with_brightness_are_asked_about_anywhere(scan: Any, form: str) -> None:
    names = [form.format(c=c, k=k, f=f"0{f}") for c in BOTH for k in (1, 2) for f in (1, 2, 3)]
    bright = form.split("{c}")[1].split("{f}")[0].format(k=1)
    found = scan(names, bright=bright)
    assert found["records"] == 0 and "stain" in kinds(found, "questions")


@pytest.mark.parametrize(
    "names",
    [
        ("1_DAPI", "1_GFP", "DAPI_2", "GFP_2"),  # known stains at different places
        ("w6_f1", "w12_f1", "w6_f2", "w12_f2"),  # weeks or stains
        ("r01_c01", "r01_c02", "r02_c01", "r02_c02"),  # columns or stains
        ("1_核", "1_膜", "2_核", "2_膜"),
    ],
)
def test_doubtful_stains_are_asked_about(scan: Any, names: Sequence[str]) -> None:
    found = scan([f"{c}/{name}" for c in BOTH for name in names])
    assert found["records"] == 0 and "stain" in kinds(found, "questions")


def test_lines_with_the_letters_of_their_conditions_are_no_wells(scan: Any) -> None:
    found = scan(
        [f"{c}/{c[0]}{n}_f{f}" for c in ("Control", "Patient") for n in "123" for f in "12"]
    )
    assert "well" in kinds(found, "questions")


def test_compounds_with_numbers_are_no_cultures(scan: Any) -> None:
    names = [f"{c}/{k}/{f}" for c in BOTH for k in ("BRD-K1234", "BRD-K5678") for f in "12"]
    assert "condition" in kinds(scan(names), "questions")


def test_a_name_that_says_the_other_condition_is_told(scan: Any) -> None:
    found = scan([f"WT/DS_{f}" for f in "123"] + [f"DS/WT_{f}" for f in "456"])
    assert "map-contradicts-folder" in kinds(found, "problems")


def test_an_answer_is_a_list_in_any_order_and_a_wrong_one_is_asked_again(scan: Any) -> None:
    nested = [f"{c}/{d}/{f}" for c in BOTH for d in ("veh", "rap") for f in "12"]
    assert scan(nested, "condition=veh, rap")["conditions"] == {"veh": 4, "rap": 4}


def test_a_plane_that_is_not_there_is_asked_again(scan: Any) -> None:
    found = scan([f"{c}/f{f}_z{z}" for c in BOTH for f in "12" for z in "012"], "z=99")
    assert found["records"] == 0 and "z" in kinds(found, "questions")


ROWS = "A01,WT\nA02,WT\nB01,DS\nB02,DS\n"


@pytest.mark.parametrize(
    "text",
    [
        f"Experiment 7\nDate: 1.5.2024\n\nwell,condition\n{ROWS}",
        f"well,condition\n{ROWS}Total,4\n",
        "well, condition\n" + ROWS.replace(",", " , "),
    ],
)
def test_lines_around_the_table_do_not_refuse_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "map.csv"
    path.write_text(text, encoding="utf-8")
    rows = load_plate_map(path).rows
    assert [(r.well, r.condition) for r in rows] == [
        ("A01", "WT"), ("A02", "WT"), ("B01", "DS"), ("B02", "DS")
    ]  # fmt: skip


@pytest.mark.parametrize("mark", ['""""', "-", "?", "n.d."])
def test_marks_for_an_empty_cell_are_no_conditions(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "map.csv"
    path.write_text(f"well,condition\nA01,WT\nA02,{mark}\n", encoding="utf-8")
    assert [row.condition for row in load_plate_map(path).rows] == ["WT", ""]


def test_plus_and_minus_are_conditions(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    path.write_text("well,condition\nA01,+\nA02,-\n", encoding="utf-8")
    assert [row.condition for row in load_plate_map(path).rows] == ["+", "-"]


@pytest.mark.parametrize("name", ["Level", "Volume (µL)", "exclude", "timepoint"])
def test_a_column_that_splits_a_condition_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / "map.csv"
    path.write_text(f"well,condition,{name}\nA01,WT,1\nA02,WT,2\nB01,DS,1\nB02,DS,2\n", "utf-8")
    assert [p.kind for p in load_plate_map(path).problems] == ["map-column-unused"]


def test_columns_of_single_files_such_as_frames_are_not_named(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    path.write_text("file,condition,frame\n1.tif,WT,1\n2.tif,WT,2\n3.tif,DS,1\n4.tif,DS,2\n")
    assert load_plate_map(path).problems == ()


def test_percent_of_a_spreadsheet_is_no_molar_dose(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["well", "condition", "dose_um"], ["A01", "WT", None], ["A02", "Drug", 0.01]):
        sheet.append(row)
    sheet["C3"].number_format = "0%"
    book.save(tmp_path / "map.xlsx")
    table = load_plate_map(tmp_path / "map.xlsx")
    assert [r.well for r in table.rows] == ["A01"] and "%" in table.problems[0].reason


def test_a_map_without_one_good_row_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    path.write_text("well,condition\nTotal,WT\nSum,DS\n", encoding="utf-8")
    with pytest.raises(BadTable, match="Total"):
        load_plate_map(path)
