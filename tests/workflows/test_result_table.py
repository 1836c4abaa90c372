"""Rows of results survive every spreadsheet program, and every further run."""

import csv
import io
import logging
import os
from pathlib import Path

import pytest

from core.io.tables import unescaped, write_csv
from core.workflows.result_table import add_rows

KEYS = ("record", "to")
NAMES = (
    "DS_1",
    "=1+1",
    "+Drug",
    "-Drug",
    "@x",
    "'=x",
    "''-y",
    "Ä/µ é",
    "a;b",
    'c,"d"',
    "-5",
    "'-5",
)


def row(name: str, value: object = 0.5, **more: object) -> dict[str, object]:
    return {"record": name, "to": "WT", "valid": True, "value": value, "says": "0.5 of", **more}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [{k: unescaped(v) for k, v in r.items()} for r in rows]


def saved_by_spreadsheet(path: Path, separator: str, encoding: str, comma: bool) -> None:
    """Write the file again as Excel does."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    for cells in rows:
        writer.writerow([c.replace("0.5", "0,5") if comma and c == "0.5" else c for c in cells])
    path.write_bytes(text.getvalue().encode(encoding))


@pytest.mark.parametrize(
    ("separator", "encoding", "comma"),
    [
        (",", "utf-8", False),
        (",", "utf-8-sig", False),
        (";", "cp1252", True),
        (";", "utf-8-sig", True),
        ("\t", "utf-16", True),
        ("\t", "utf-16", False),
        (",", "cp1252", False),
    ],
)
def test_a_table_saved_by_a_spreadsheet_keeps_its_rows(
    tmp_path: Path, separator: str, encoding: str, comma: bool
) -> None:
    path = tmp_path / "evidence.csv"
    add_rows(path, [row(name) for name in NAMES], KEYS)
    saved_by_spreadsheet(path, separator, encoding, comma)
    assert add_rows(path, [row("DS_2", 0.25), row("=1+1", 0.75)], KEYS) == path
    rows = read(path)
    assert [r["record"] for r in rows] == [*[n for n in NAMES if n != "=1+1"], "DS_2", "=1+1"]
    assert {r["value"] for r in rows[:-2]} == {"0.5"} and rows[-1]["value"] == "0.75"
    assert os.listdir(tmp_path) == ["evidence.csv"]


def test_running_again_and_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "evidence.csv"
    add_rows(path, [row(name) for name in NAMES], KEYS)
    once = path.read_bytes()
    for _ in range(3):
        add_rows(path, [row(name) for name in NAMES], KEYS)
        assert path.read_bytes() == once
        add_rows(path, [], KEYS)
        assert path.read_bytes() == once


@pytest.mark.parametrize("text", [*NAMES, "\t=x", " =x", "''''@", "1e5", "-1e5", "'", "x'=", ""])
def test_a_text_comes_back_from_a_table_as_it_was(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    write_csv(path, [{"a": text, "b": 1}])
    assert read(path)[0]["a"] == text
    add_rows(path, [{"a": "other", "b": 2}], ("a",))
    assert [r["a"] for r in read(path)] == [text, "other"]
    with path.open(encoding="utf-8-sig", newline="") as stream:
        cells = [r["a"] for r in csv.DictReader(stream)]
    assert not cells[0].lstrip().startswith(("=", "@"))


def test_lines_that_a_spreadsheet_put_in_quotes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "evidence.csv"
    path.write_text('sep=,\nrecord,to,says\n"a,WT,""one, two"""\nb,WT,three\n')
    add_rows(path, [{"record": "c", "to": "WT", "says": "four"}], KEYS)
    assert [tuple(r.values()) for r in read(path)] == [
        ("a", "WT", "one, two"), ("b", "WT", "three"), ("c", "WT", "four"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\xff\xfe binary",
        b"something else\n1\n",
        b"record,to,to\na,b,c\n",
        b"record,to\na,b,one too many\n",
        b"\xd0\xcf\x11\xe0 old excel",
        b"PK\x03\x04 broken",
    ],
)
def test_what_cannot_be_read_is_kept_under_another_name_and_told(
    tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "evidence.csv"
    for number in (1, 2):
        path.write_bytes(data)
        with caplog.at_level(logging.WARNING):
            assert add_rows(path, [row("DS_1")], KEYS) == path
        assert (tmp_path / f"evidence-kept-{number}.csv").read_bytes() == data
        assert f"evidence-kept-{number}.csv" in caplog.text
        assert [r["record"] for r in read(path)] == ["DS_1"]


def test_rows_go_into_a_new_file_where_the_old_one_cannot_be_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "evidence.csv"
    path.mkdir()
    (path / "x").write_text("not empty")
    with caplog.at_level(logging.WARNING):
        other = add_rows(path, [row("DS_1")], KEYS)
    assert other != path or (tmp_path / "evidence-kept-1.csv" / "x").exists()
    assert [r["record"] for r in read(other)] == ["DS_1"]
    assert "evidence" in caplog.text


def test_a_plate_map_of_names_that_look_like_formulas_reads_back(tmp_path: Path) -> None:
    from core.scanning.spreadsheet import read_sheets
    from core.synthetic.plate import PlateOptions, parse_conditions, write_plate

    write_plate(tmp_path, parse_conditions(["WT", "DS"]), PlateOptions(wells=1, fields=1, size=32))
    write_csv(tmp_path / "plate_map.csv", [{"well": "A01", "condition": "=Drug"}])
    assert read_sheets(tmp_path / "plate_map.csv")[0].lines[1][1] == ["A01", "=Drug"]
