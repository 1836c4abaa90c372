"""Tables open in the lab's spreadsheet program, and come back, whatever the decimal mark is."""

import csv
import locale
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.io import table_style
from core.io.table_style import COMMA, POINT, VARIABLE, style_for, suggest_style
from core.io.tables import write_csv
from core.scanning.plate_map import load_plate_map
from core.workflows.result_table import add_rows

ROWS = [
    {"record": "WT 1", "to": "DS", "score": 0.25, "images": 3, "text": "a; b, c", "note": "Ä µM"},
    {"record": "1.5", "to": "DS", "score": -1.5e-7, "images": 4, "text": "x", "note": ""},
]
KEYS = ("record", "to")
both = pytest.mark.parametrize(("name", "style"), [("point", POINT), ("comma", COMMA)])


def cells(path: Path, separator: str) -> list[dict[str, str]]:
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=separator))


@both
def test_a_table_has_the_marks_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, style: table_style.TableStyle
) -> None:
    monkeypatch.setenv(VARIABLE, name)
    write_csv(tmp_path / "t.csv", ROWS)
    first, second = cells(tmp_path / "t.csv", style.separator)
    assert first["score"] == ("0,25" if name == "comma" else "0.25")
    assert second["score"] == ("-1,5e-07" if name == "comma" else "-1.5e-07")
    assert first["text"] == "a; b, c" and first["images"] == "3" and first["note"] == "Ä µM"
    assert second["record"] == "1.5"  # a name is no number


@both
def test_a_table_takes_new_rows_in_its_own_and_in_the_other_style(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, style: table_style.TableStyle
) -> None:
    path = tmp_path / "evidence.csv"
    for before in ("point", "comma"):
        monkeypatch.setenv(VARIABLE, before)
        path.unlink(missing_ok=True)
        add_rows(path, ROWS, KEYS)
        monkeypatch.setenv(VARIABLE, name)
        assert add_rows(path, [{**ROWS[0], "record": "new"}], KEYS) == path
        found = cells(path, style.separator)
        assert [row["record"] for row in found] == ["WT 1", "1.5", "new"]
        assert len({row["score"] for row in (found[0], found[2])}) == 1
        once = path.read_bytes()
        add_rows(path, [], KEYS)
        assert path.read_bytes() == once
    assert os.listdir(tmp_path) == ["evidence.csv"]


@both
def test_a_written_plate_map_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, style: table_style.TableStyle
) -> None:
    monkeypatch.setenv(VARIABLE, name)
    wells = [{"well": "A01", "condition": "WT", "dose_um": None}]
    wells += [{"well": f"A0{n}", "condition": "Drug", "dose_um": n / 4} for n in (2, 3)]
    write_csv(tmp_path / "map.csv", wells)
    assert [row.dose_um for row in load_plate_map(tmp_path / "map.csv").rows] == [None, 0.5, 0.75]


def test_the_decimal_mark_of_the_system_decides_and_the_user_wins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert style_for(",") == COMMA and style_for(".") == style_for("٫") == POINT
    monkeypatch.delenv(VARIABLE)
    suggest_style(",")
    assert table_style.table_style() == COMMA
    monkeypatch.setenv(VARIABLE, "point")
    suggest_style(",")
    assert table_style.table_style() == POINT


def test_asking_the_system_leaves_the_locale_as_it_was() -> None:
    program = (
        "import locale; from core.io.table_style import table_style; before ="
        " locale.setlocale(locale.LC_NUMERIC); table_style(); assert"
        " locale.setlocale(locale.LC_NUMERIC) == before; print(table_style().decimal)"
    )
    environment = {k: v for k, v in os.environ.items() if k != VARIABLE} | {"LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == ".", done.stderr
    assert locale.localeconv()["decimal_point"] == "."
