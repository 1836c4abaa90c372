"""Plate maps as labs write them: doses with units, roles, grids of many plates; what is not said is
not guessed.
"""

from pathlib import Path

import numpy as np
import openpyxl
import pytest

from core.cli.main import main
from core.domain import Role
from core.domain.limits import PLATE_SHAPES
from core.errors import BadTable
from core.io.project import open_project, save_project
from core.io.tiff import write_tiff
from core.io.well_names import guess_plate_shape, row_letters
from core.scanning.default_roles import build_conditions, guess_roles
from core.scanning.plate_map import load_plate_map
from core.scanning.plate_map_preview import preview
from core.scanning.scan import ScanOptions, scan_folder


def table(tmp_path: Path, text: str, name: str = "map.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def book(tmp_path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made.save(tmp_path / "map.xlsx")
    return tmp_path / "map.xlsx"


@pytest.mark.parametrize(
    ("heading", "cell", "um"),
    [
        ("dose", "10 nM", 0.01),
        ("dose", "1.5 µM", 1.5),
        ("dose", "1.5 μM", 1.5),  # the Greek letter
        ("dose", "0.2 mM", 200.0),
        ("dose", "0.2mM", 200.0),
        ("dose", "1 M", 1e6),
        ("dose", "250 pM", 0.00025),
        ("dose", "3 µmol/L", 3.0),
        ("dose", "0", 0.0),
        ("dose_um", "300", 300.0),
        ("dose_nm", "300", 0.3),
        ("dose (nM)", "300", 0.3),
        ("Concentration [mM]", "0.1", 100.0),
        ("conc_uM", "2e-3", 0.002),
        ("Metadata_dose_nM", "300", 0.3),
        ("dose_um", "5 µM", 5.0),
        ("dose_um", "", None),
        ("dose", "NA", None),
    ],
)
def test_doses_are_read_in_the_unit_that_is_written(
    tmp_path: Path, heading: str, cell: str, um: float | None
) -> None:
    row = load_plate_map(table(tmp_path, f"well,condition,{heading}\nA1,X,{cell}\n")).rows[0]
    assert row.dose_um == (um if um is None else pytest.approx(um, rel=1e-12))


def test_a_decimal_comma_and_a_column_of_units(tmp_path: Path) -> None:
    found = load_plate_map(
        table(tmp_path, "well;drug;dose;dose_unit\nA1;X;1,5;nM\nA2;X;0,125;µM\nA3;DMSO;;\n")
    )
    assert [r.dose_um for r in found.rows] == [0.0015, 0.125, None]


def test_a_column_with_its_unit_comes_before_one_without(tmp_path: Path) -> None:
    found = load_plate_map(
        table(tmp_path, "well,condition,dose,dose_nm,dose_group\nA1,X,high,300,3\n")
    )
    assert found.rows[0].dose_um == 0.3


@pytest.mark.parametrize(
    ("heading", "cell", "message"),
    [
        ("dose", "10", "row 2: the dose '10' has no unit"),
        ("dose", "5 µg/mL", "row 2: the unit 'µg/mL' of the dose '5 µg/mL' is not known"),
        ("dose", "0.1 %", "row 2: the unit '%'"),
        ("dose", "10 m", "row 2: the unit 'm'"),
        ("dose_um", "10 nM", "row 2: the dose '10 nM' is in µM and in nM at once"),
        ("dose_um", "much", "row 2: the dose 'much' is not a number"),
        ("dose_um", "-1", "row 2: the dose '-1' is below zero"),
        ("dose_um", '"1,000"', "row 2: the dose '1,000' may be 1.000 or 1000"),
        ("dose_um", "1.2.3", "is not a number"),
        ("dose (µg/ml)", "5", "the column 'dose (µg/ml)' has the unit µg/ml"),
    ],
)
def test_a_dose_that_would_be_a_guess_is_refused(
    tmp_path: Path, heading: str, cell: str, message: str
) -> None:
    with pytest.raises(BadTable) as caught:
        load_plate_map(table(tmp_path, f"well,condition,{heading}\nA1,X,{cell}\n"))
    assert message.lower() in caught.value.message.lower() and caught.value.hint


@pytest.mark.parametrize(
    ("word", "role"),
    [
    ("healthy", Role.HEALTHY), ("Diseased", Role.DISEASED), ("treated", Role.TREATED), ("other",
    Role.OTHER),
    ("negative control", Role.DISEASED), ("neg", Role.DISEASED), ("Positive_Control", Role.HEALTHY),
        ("poscon", Role.HEALTHY), ("", None), ("empty", None),
    ],
)  # fmt: skip
def test_roles_are_read_and_control_words_are_told(
    tmp_path: Path, word: str, role: Role | None
) -> None:
    found = load_plate_map(table(tmp_path, f"well,condition,role\nA1,X,{word}\n"))
    assert found.rows[0].role == role
    assert any("controls are read as" in n for n in found.notes) == word.lower().startswith(
        ("neg", "pos")
    )


def test_unknown_roles_are_told_and_contradicting_ones_refused(tmp_path: Path) -> None:
    found = load_plate_map(table(tmp_path, "well,condition,role\nA1,X,treated\nA2,Y,sick\n"))
    assert [row.role for row in found.rows] == [Role.TREATED, None]
    assert any("The role 'sick' is not known" in note for note in found.notes)
    with pytest.raises(BadTable, match="X is treated in row 2 and healthy in row 4"):
        load_plate_map(
            table(tmp_path, "well,condition,role\nA1,X,treated\nA2,Y,treated\nA3,X,healthy\n")
        )
    vehicle = "well,condition,role,dose_um\nA1,X,negative,0\nA2,X,treated,5\n"
    roles = load_plate_map(table(tmp_path, vehicle)).roles()
    assert roles == {"X 0 µM": Role.DISEASED, "X 5 µM": Role.TREATED}


def test_what_the_map_says_stands_before_what_a_name_suggests() -> None:
    reported = {"DMSO": Role.DISEASED, "corrected line": Role.HEALTHY}
    roles = guess_roles(["DMSO", "corrected line", "control", "Drug"], reported)
    assert roles == {**reported, "control": Role.TREATED, "Drug": Role.TREATED}
    assert [c.name for c in build_conditions(["Drug", "DMSO", "corrected line"], {}, reported)][
        :2
    ] == [
        "corrected line",
        "DMSO",
    ]


def images(tmp_path: Path, wells: list[str]) -> Path:
    for n, well in enumerate(wells):
        pixels = np.random.default_rng(n).integers(100, 900, (1, 24, 24)).astype(np.uint16)
        path = tmp_path / "images" / f"P1_{well}_s1.ome.tif"
        path.parent.mkdir(exist_ok=True)
        write_tiff(path, pixels, channel_names=["Nuclei"])
    return tmp_path / "images"


def test_roles_and_doses_reach_the_conditions_of_a_scan(tmp_path: Path) -> None:
    folder = images(tmp_path, ["A01", "A02", "A03", "AF48"])
    text = "plate,well,condition,role,dose\nP1,A1,clone 3,healthy,\nP1,A2,clone 7,diseased,\n"
    text += "P1,A3,X,treated,10 nM\nP1,AF48,X,treated,1 µM\n"
    found = scan_folder(
        folder, ScanOptions(plate_map=table(tmp_path, text), condition_from="plate-map")
    )
    assert {c.name: (c.role, c.dose_um) for c in found.conditions} == {
        "clone 3": (Role.HEALTHY, None), "clone 7": (Role.DISEASED, None),
        "X 0.01 µM": (Role.TREATED, 0.01), "X 1 µM": (Role.TREATED, 1.0),
    }  # fmt: skip
    assert found.plate_shape == (32, 48)


def test_a_second_scan_takes_over_the_roles_that_the_map_says_now(tmp_path: Path) -> None:
    folder = images(tmp_path, ["A01", "A02"])
    words = [
        "scan",
        str(folder),
        "--project",
        str(tmp_path / "p"),
        "--condition-from",
        "plate-map",
        "--progress",
        "none",
    ]
    assert (
        main(
            [
                *words,
                "--plate-map",
                str(table(tmp_path, "well,condition\nA1,clone 3\nA2,clone 7\n")),
            ]
        )
        == 0
    )
    save_project(open_project(tmp_path / "p"))
    text = "well,condition,role\nA1,clone 3,healthy\nA2,clone 7,\n"
    assert main([*words, "--plate-map", str(table(tmp_path, text))]) == 0
    dataset = open_project(tmp_path / "p").dataset
    assert dataset is not None
    assert {c.name: c.role for c in dataset.conditions} == {
        "clone 3": Role.HEALTHY,
        "clone 7": Role.OTHER,
    }


BLOCKS = "P1\n,1,2,3\nA,WT,DS,\nB,X,,DS\n\nPlate: second,,,\n,1,2,3\nA,DS,WT,\nB,,Y,\n"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_several_grid_blocks_are_several_plates(tmp_path: Path, separator: str) -> None:
    found = load_plate_map(table(tmp_path, BLOCKS.replace(",", separator)))
    assert {(r.plate, r.well): r.condition for r in found.rows} == {
        ("P1", "A01"): "WT", ("P1", "A02"): "DS", ("P1", "B01"): "X", ("P1", "B03"): "DS",
        ("second", "A01"): "DS", ("second", "A02"): "WT", ("second", "B02"): "Y",
    }  # fmt: skip
    assert found.plate_shape == (2, 3)


def test_sheets_of_a_workbook_are_plates(tmp_path: Path) -> None:
    grid = [[None, 1, 2, 3], ["A", "WT", "DS", None], ["B", None, "X", None]]
    found = load_plate_map(
        book(tmp_path, {"P1": grid, "P2": grid, "Notes": [["by", "me"], ["on", "Monday"]]})
    )
    assert {r.plate for r in found.rows} == {"P1", "P2"} and len(found.rows) == 6
    assert any("Notes is not a grid" in n for n in found.notes)
    long = [["well", "condition", "dose (nM)"], ["A1", "WT", None], ["A2", "X", 10]]
    found = load_plate_map(
        book(tmp_path, {"P1": long, "P2": long, "Other": [["a", "b"], ["c", "d"]]})
    )
    assert [(r.plate, r.well, r.dose_um) for r in found.rows] == [
        ("P1", "A01", None), ("P1", "A02", 0.01), ("P2", "A01", None), ("P2", "A02", 0.01),
    ]  # fmt: skip
    assert any("Other has other headings" in n for n in found.notes)


def test_a_workbook_of_one_sheet_names_no_plate(tmp_path: Path) -> None:
    found = load_plate_map(book(tmp_path, {"Sheet1": [[None, 1, 2], ["A", "WT", "DS"]]}))
    assert {r.plate for r in found.rows} == {""}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (",1,2\nA,WT,DS\n\n,1,2\nA,DS,WT\n", "the block that begins in row 1 has no name"),
        ("P1\n,1,2\nA,WT,DS\nA,WT,DS\n", "row 4: neither columns"),
        (",1,2\nA,WT,DS,X\n", "row 2: more cells than the block has columns"),
        ("P1\n,1\nA,WT\nP1\n,1\nA,DS\n", "well A01 of plate P1 is 'WT' in row 3 and 'DS' in row 6"),
    ],
)
def test_a_grid_that_is_not_clear_is_refused_by_row(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(BadTable) as caught:
        load_plate_map(table(tmp_path, text))
    assert message in caught.value.message


@pytest.mark.parametrize("shape", PLATE_SHAPES)
def test_whole_plates_of_6_to_1536_wells_are_recognised(
    tmp_path: Path, shape: tuple[int, int]
) -> None:
    wells = [f"{row_letters(r + 1)}{c + 1}" for r in range(shape[0]) for c in range(shape[1])]
    long = load_plate_map(table(tmp_path, "well,condition\n" + "".join(f"{w},X\n" for w in wells)))
    assert long.plate_shape == shape and len(long.rows) == shape[0] * shape[1]
    head = "," + ",".join(str(c + 1) for c in range(shape[1])) + "\n"
    body = "".join(row_letters(r + 1) + ",X" * shape[1] + "\n" for r in range(shape[0]))
    assert load_plate_map(table(tmp_path, head + body)).plate_shape == shape


def test_part_of_a_plate_is_not_taken_for_a_small_one() -> None:
    assert guess_plate_shape(["B02", "C03"]) == (8, 12)
    assert guess_plate_shape(["A01", "B03"]) == (8, 12)  # not all of six wells


def test_a_preview_shows_every_plate_as_it_will_be_read(tmp_path: Path) -> None:
    text = "plate,well,condition,dose_um,role\nP1,B2,WT,,healthy\nP1,B3,X,1,treated\n"
    text += "P1,C3,X,5,treated\nP2,A1,WT,,healthy\n"
    first, second = preview(load_plate_map(table(tmp_path, text)))
    assert (first.plate, first.shape, first.perimeter_free, first.empty) == (
        "P1",
        (8, 12),
        True,
        93,
    )
    assert first.counts == {"WT": 1, "X 1 µM": 1, "X 5 µM": 1} and not second.perimeter_free
    assert first.roles["X 5 µM"] == Role.TREATED
    lines = first.text(7).splitlines()
    assert lines[2].split()[:4] == ["B", ".", "WT", "X"] and len(lines) == 9
    assert preview(load_plate_map(table(tmp_path, "file,condition\na.tif,WT\n"))) == ()


def test_the_scan_verb_can_show_the_map_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path, "plate,well,condition,role\nP1,A1,WT,healthy\nP1,A2,DS,diseased\n")
    words = ["scan", str(tmp_path), "--project", str(tmp_path / "p"), "--preview"]
    assert main([*words, "--plate-map", str(path)]) == 0
    shown = capsys.readouterr().out
    assert (
        "P1" in shown
        and "8 x 12" in shown
        and "WT: 1 well, healthy" in shown
        and not (tmp_path / "p").exists()
    )
    assert main(words) == 2
    assert "Give --plate-map" in capsys.readouterr().err


def test_wells_that_are_written_in_another_way_are_counted(tmp_path: Path) -> None:
    notes = load_plate_map(table(tmp_path, "well,condition\nA1,WT\nB2,DS\nA10,DS\n")).notes
    assert "2 wells written like A1 are read as A01." in notes


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("condition", "1.00E+05", "1 conditions look like powers of ten (1.00E+05)"),
        ("condition", "1E5", "such as 1E5?"),
        ("barcode", "2,50E+11", "1 plates look like powers of ten (2,50E+11)"),
        ("barcode", "2-Jan", "1 plates look like dates (2-Jan)"),
    ],
)
def test_names_that_a_spreadsheet_changed_are_reported(
    tmp_path: Path, column: str, cell: str, words: str
) -> None:
    columns = {"barcode": "P1", "condition": "Drug E5"}
    assert load_plate_map(table(tmp_path, rows_with(columns))).notes == ()
    notes = load_plate_map(table(tmp_path, rows_with({**columns, column: cell}))).notes
    assert any(words in note for note in notes), notes


def rows_with(cells: dict[str, str]) -> str:
    return f"{';'.join(cells)};well\n{';'.join(cells.values())};A01\n"


@pytest.mark.parametrize(
    "heading",
    [
        "Concentration in µM",
        "Konzentration (µM)",
        "Compound conc. (μM)",
        "pert_dose_um",
        "dose\n(µM)",
    ],
)
def test_headings_that_mean_the_dose_are_understood(tmp_path: Path, heading: str) -> None:
    text = f'well,condition,"{heading}"\nA1,X,2.5\n'
    assert load_plate_map(table(tmp_path, text)).rows[0].dose_um == 2.5
    moles = "well,condition,mmoles_per_liter\nA1,X,2.5\n"
    assert load_plate_map(table(tmp_path, moles)).rows[0].dose_um == 2500


@pytest.mark.parametrize("heading", ["stock_conc_mM", "dose_group", "conc. of stock"])
def test_a_column_that_may_be_a_dose_and_is_not_used_is_named(tmp_path: Path, heading: str) -> None:
    found = load_plate_map(table(tmp_path, f"well,condition,{heading}\nA1,X,10\n"))
    assert found.rows[0].dose_um is None
    assert [p.kind for p in found.problems] == ["map-column-unused"]
    assert heading in found.problems[0].item


@pytest.mark.parametrize(
    ("cells", "doses"),
    [
        (("0.5", "1,000", "10"), [0.5, 1000, 10]),
        (("0,5", "1.000", "10"), [0.5, 1000, 10]),
        (("0.5", "1,000.25", "10"), [0.5, 1000.25, 10]),
    ],
)
def test_a_file_has_one_decimal_mark(
    tmp_path: Path, cells: tuple[str, ...], doses: list[float]
) -> None:
    text = "well\tcondition\tdose_um\n" + "".join(
        f"A{n}\tX\t{cell}\n" for n, cell in enumerate(cells, start=1)
    )
    assert [row.dose_um for row in load_plate_map(table(tmp_path, text)).rows] == doses


@pytest.mark.parametrize("cell", ["5 %", "1 mg/ml", "#N/A", "=A1"])
def test_one_row_that_cannot_be_used_does_not_refuse_the_map(tmp_path: Path, cell: str) -> None:
    found = load_plate_map(table(tmp_path, f"well,condition,dose\nA1,X,1 µM\nA2,X,{cell}\n"))
    assert [row.well for row in found.rows] == ["A01"]
    assert found.problems[0].kind == "map-row" and "row 3" in found.problems[0].reason


@pytest.mark.parametrize(
    ("columns", "cells"),
    [("well", "R02C03"), ("well", "r2c3"), ("well", "b003"), ("Row,Column", "2,3"),
    ("well_row,well_col", "B,3")],
)  # fmt: skip
def test_wells_are_read_in_every_usual_spelling(tmp_path: Path, columns: str, cells: str) -> None:
    found = load_plate_map(table(tmp_path, f"{columns},condition\n{cells},WT\n"))
    assert found.rows[0].well == "B03"


def test_lines_above_the_heading_are_passed_over(tmp_path: Path) -> None:
    text = "sep=;\nwell;condition\nA1;WT\n"
    assert load_plate_map(table(tmp_path, text)).rows[0].condition == "WT"
    text = "# made by me, on Monday\nwell,condition\n#N/A,WT\nA2,DS\n"
    found = load_plate_map(table(tmp_path, text))
    assert [row.well for row in found.rows] == ["A02"] and len(found.problems) == 1


def test_merged_cells_and_errors_of_a_workbook(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    sheet = made.active
    for row in [[None, 1, 2, 3], ["A", "WT", None, "#REF!"], ["B", "DS", "DS", "DS"]]:
        sheet.append(row)
    sheet.merge_cells("B2:C2")
    made.save(tmp_path / "map.xlsx")
    found = load_plate_map(tmp_path / "map.xlsx")
    assert {r.well: r.condition for r in found.rows} == {
        "A01": "WT", "A02": "WT", "B01": "DS", "B02": "DS", "B03": "DS",
    }  # fmt: skip
    assert [p.kind for p in found.problems] == ["map-row"]


def test_a_corrected_map_takes_the_dose_away(tmp_path: Path) -> None:
    folder = images(tmp_path, ["A01", "A02"])
    words = ["scan", str(folder), "--project", str(tmp_path / "p"), "--progress", "none"]
    words += ["--condition-from", "plate-map", "--plate-map"]
    for text, dose in (("A2,DMSO,10\n", 10.0), ("A2,DMSO,\n", None)):
        path = table(tmp_path, "well,condition,dose_um\nA1,WT,\n" + text)
        assert main([*words, str(path)]) == 0
        dataset = open_project(tmp_path / "p").dataset
        assert dataset is not None and dataset.condition("DMSO").dose_um == dose
