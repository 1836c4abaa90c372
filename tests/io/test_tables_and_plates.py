"""Tables people make are understood or refused by row; tables we write are safe to open."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from core.domain import DecisionMap, LatentTable, ProblemKind, Projection
from core.errors import BadProject, BadTable
from core.io.tables import load_latents, load_map, safe_name, save_latents, save_map, write_csv
from core.io.well_names import normalise_well
from core.scanning.file_names import parse_name
from core.scanning.plate_map import load_plate_map, read_table

ROWS = "Well,Condition\nA1,WT\nB02,Dürr\n"


def table(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "map.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "mac_roman"]
)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_every_usual_encoding_and_separator_is_read(
    tmp_path: Path, encoding: str, separator: str
) -> None:
    found = read_table(table(tmp_path, ROWS.replace(",", separator), encoding))
    assert found.rows == [["A1", "WT"], ["B02", "Dürr"]]
    assert list(found.columns) == ["Well", "Condition"]


def test_xlsx_is_read_as_text(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["well", "treatment", "dose_um"], ["A1", "WT", 1], ["A2", "DS", 0.5]):
        book.active.append(row)
    book.save(tmp_path / "map.xlsx")
    rows = load_plate_map(tmp_path / "map.xlsx").rows
    assert [(r.well, r.condition, r.dose_um) for r in rows] == [
        ("A01", "WT", 1.0),
        ("A02", "DS", 0.5),
    ]


def test_grid_of_rows_and_columns_is_a_plate_map(tmp_path: Path) -> None:
    found = load_plate_map(table(tmp_path, ",1,2,3\nA,WT,DS,\nB,DS,,TT\n"))
    assert {r.well: r.condition for r in found.rows} == {
        "A01": "WT",
        "A02": "DS",
        "B01": "DS",
        "B03": "TT",
    }


@pytest.mark.parametrize(
    "heading", ["Metadata_Well,Metadata_Condition", "well_position,genotype", "WELL,Class"]
)
def test_usual_headings_are_understood(tmp_path: Path, heading: str) -> None:
    found = load_plate_map(table(tmp_path, f"{heading}\nA1,WT\n"))
    assert (found.rows[0].well, found.rows[0].condition) == ("A01", "WT")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("well,condition\nA1,WT\nA01,DS\n", "well A01 is 'WT' in row 2 and 'DS' in row 3"),
        ("well,condition\nAG49,DS\n", "row 2: Well 'AG49' lies beyond"),
        ("well,condition\nX,WT\n", "row 2: 'X' is not a well"),
        ("file,condition\n../../x.tif,WT\n", "row 2: '../../x.tif' points outside"),
        ("file,condition\nC:\\x.tif,WT\n", "points outside"),
        ("file,condition\n\\\\host\\x.tif,WT\n", "points outside"),
        ("file,condition\n/x.tif,WT\n", "points outside"),
        ("colour,condition\nred,WT\n", "no column for the well or the file"),
        ("well,condition,condition\nA1,a,b\n", "two columns named 'condition'"),
        ("well,condition\nA1,a,b\n", "row 2: 3 cells where the heading has 2"),
        ("well,condition,dose_um\nA1,a,much\n", "row 2: the dose 'much'"),
        ("\n", "is empty"),
    ],
)
def test_a_wrong_table_is_refused_by_row(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadTable) as caught:
        load_plate_map(table(tmp_path, text))
    assert message in caught.value.message


def test_one_wrong_row_is_named_and_the_others_are_used(tmp_path: Path) -> None:
    found = load_plate_map(table(tmp_path, "well,condition\nA1,WT\nAG49,DS\n"))
    assert [row.well for row in found.rows] == ["A01"]
    (problem,) = found.problems
    assert problem.kind is ProblemKind.MAP_ROW and "row 3" in problem.item + problem.reason


def test_a_repeated_row_that_says_the_same_is_no_fault(tmp_path: Path) -> None:
    assert len(load_plate_map(table(tmp_path, "well,condition\nA1,WT\nA01,WT\n")).rows) == 1


def test_conditions_that_became_dates_are_told(tmp_path: Path) -> None:
    assert any(
        "dates" in n for n in load_plate_map(table(tmp_path, "well,condition\nA1,2-Jan\n")).notes
    )


@pytest.mark.parametrize(
    "junk", [b"PK\x03\x04rubbish", b"\xd0\xcf\x11\xe0", b"\x00\x01\x02\x03" * 20]
)
def test_files_that_are_no_tables_are_refused(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(junk)
    with pytest.raises(BadTable):
        load_plate_map(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("written", "well"),
    [("A1", "A01"), ("a01", "A01"), ("B-007", "B07"), ("AF48", "AF48"), (" h12 ", "H12")],
)
def test_wells_are_normalised(written: str, well: str) -> None:
    assert normalise_well(written) == well


@pytest.mark.parametrize("wrong", ["AG01", "A49", "A0", "", "12", "A1B"])
def test_wells_beyond_any_plate_are_refused(wrong: str) -> None:
    with pytest.raises(BadTable):
        normalise_well(wrong)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("9987_B02_s1_w1.TIF", ("9987", "B02", "1", "1", "9987_B02_s1")),
        ("p_C07_s2_w1EADF08BD-3BFB-44F3-8214-24B191F3D15C.tif", ("p", "C07", "2", "1", "p_C07_s2")),
        ("r02c03f01p01-ch2sk1fk1fl1.tiff", ("", "B03", "01", "2", "r02c03f01p01sk1fk1fl1")),
        ("s_D08_T0001F002L01A02Z01C02.tif", ("s", "D08", "002", "02", "s_D08_T0001F002L01Z01")),
        ("B7_01_1_3_DAPI_001.tif", ("", "B07", "3", "DAPI", "B7_01_3_001")),
        ("WT_01_TMRM.ome.tif", ("", "", "", "TMRM", "WT_01")),
        ("WT 02 (Hoechst) ä.tif", ("", "", "", "Hoechst", "WT 02 ä")),
        ("x_D03f00d1.tif", ("x", "D03", "00", "1", "x_D03f00")),
        ("B07_s1.tif", ("", "B07", "", "", "")),
        ("render_12.tif", ("", "", "", "", "")),
    ],
)
def test_file_names_tell_plate_well_site_and_channel(name: str, found: tuple[str, ...]) -> None:
    tells = parse_name("folder/" + name, None)
    assert tuple(tells.get(k, "") for k in ("plate", "well", "site", "channel", "key")) == found


def test_formula_text_is_disarmed_and_numbers_are_not(tmp_path: Path) -> None:
    write_csv(
        tmp_path / "t.csv",
        [{"a": "=cmd|' /C calc'!A0", "b": -5.0, "c": "-5.0"}, {"a": "+x", "d": None}],
    )
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[0] == {"a": "'=cmd|' /C calc'!A0", "b": "-5.0", "c": "-5.0", "d": ""}
    assert rows[1]["a"] == "'+x"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CON", "_CON"),
        ("nul.tif", "_nul.tif"),
        ("a/b:c?", "a_b_c_"),
        ("dot. ", "dot"),
        ("", "unnamed"),
        ("WT", "WT"),
    ],
)
def test_names_become_legal_file_names(text: str, name: str) -> None:
    assert safe_name(text) == name


@pytest.fixture
def latents() -> LatentTable:
    rng = np.random.default_rng(0)
    return LatentTable(
        record_ids=("a", "ä/b", "c"), conditions=("WT", "DS"), truth=np.array([0, 1, 1]),
        split=("train", "test", "test"), features=rng.normal(size=(3, 5)).astype(np.float32),
        coordinates=rng.normal(size=(3, 1)).astype(np.float32), logits=rng.normal(size=(3,
        2)).astype(np.float32),
        probabilities=rng.random((3, 2)).astype(np.float32), model_digest="d" * 32,
    )  # fmt: skip


def test_latents_come_back_as_they_were(tmp_path: Path, latents: LatentTable) -> None:
    save_latents(tmp_path / "latents.npz", latents)
    found = load_latents(tmp_path / "latents.npz")
    assert found.record_ids == latents.record_ids and found.model_digest == latents.model_digest
    assert np.array_equal(found.features, latents.features) and found.features.dtype == np.float32
    assert found.split == latents.split and found.truth.dtype == np.int64


def test_damaged_absent_or_misfitting_latents_are_refused(
    tmp_path: Path, latents: LatentTable
) -> None:
    path = tmp_path / "latents.npz"
    with pytest.raises(BadProject, match="no latents yet"):
        load_latents(path)
    save_latents(path, replace(latents, split=("train",)))
    with pytest.raises(BadProject, match="damaged"):
        load_latents(path)
    save_latents(path, latents)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(BadProject, match="damaged"):
        load_latents(path)


def test_object_arrays_are_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "latents.npz", record_ids=np.array([object()], dtype=object))
    with pytest.raises(BadProject):
        load_latents(tmp_path / "latents.npz")


def test_a_map_comes_back_as_it_was(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    projection = Projection(
        ("a", "b"), rng.random((2, 2)).astype(np.float32), "umap", {"n": np.int64(15)}, 3, "m"
    )
    decision = DecisionMap(
        (0.0, 1.0, -2.0, 3.0), rng.random((4, 5, 2)).astype(np.float32), rng.random((4, 5,
        1)).astype(np.float32),
        rng.random((4, 5)) > 0.5, ("WT", "DS"), rng.random((2, 2)).astype(np.float32), 0.9, 12,
        True, "m",
    )  # fmt: skip
    projection = replace(projection, out_of_distribution=("b",))
    save_map(tmp_path / "maps", projection, decision)
    found_projection, found = load_map(tmp_path / "maps")
    assert found_projection.out_of_distribution == ("b",)
    assert found_projection.settings == {"n": 15} and found_projection.record_ids == ("a", "b")
    assert found.extent == decision.extent and found.held_out is True
    assert np.array_equal(found.support, decision.support) and np.array_equal(
        found.posterior, decision.posterior
    )
