"""Wells that names write in several parts, and parts of names that are no wells."""

from collections.abc import Sequence

import pytest

from tests.scanning.conftest import Scanned

WELLS = ((2, 2), (2, 3), (3, 2), (3, 3))
TABLE = "Well,Condition\nB02,WT\nB03,WT\nC02,DS\nC03,DS\n"
READ = {"WT": 4, "DS": 4}
WRITTEN = [
    "R0{r}/C0{c}/f{f}",
    "R{r}/C{c}/f{f}",
    "R0{r}/C0{c}_f{f}",
    "r0{r}_c0{c}_f{f}",
    "Row {r}/Col {c}/f{f}",
    "row{r}/column{c}_f{f}",
    "Reihe {r}/Spalte {c}/f{f}",
    "Row {letter}/Col {c}/f{f}",
    "{letter}/0{c}/f{f}",
    "{letter}/{c}/f{f}",
]


def _names(written: str) -> list[str]:
    return [written.format(r=r, c=c, f=f, letter="ABC"[r - 1]) for r, c in WELLS for f in (1, 2)]


@pytest.mark.parametrize("written", WRITTEN)
def test_a_row_and_its_column_are_one_well_of_the_map(scan: Scanned, written: str) -> None:
    found = scan(_names(written), table=TABLE)
    assert (found["conditions"], found["wells"], found["groups"]) == (READ, 4, 4)


@pytest.mark.parametrize("written", [w for w in WRITTEN if w.lower().startswith(("row", "reihe"))])
def test_words_say_rows_and_columns_without_a_map(scan: Scanned, written: str) -> None:
    names = _names(written)
    found = scan([f"{'WT' if n < 4 else 'DS'}/{name}" for n, name in enumerate(names)])
    assert (found["conditions"], found["wells"], found["groups"]) == (READ, 4, 4)


@pytest.mark.parametrize("written", ["R0{r}/C0{c}/f{f}", "x_R{r}_C{c}_f{f}"])
def test_letters_alone_are_asked(scan: Scanned, written: str) -> None:
    names = _names(written)
    found = scan([f"{'WT' if n < 4 else 'DS'}/{name}" for n, name in enumerate(names)])
    assert found["records"] == 0 and found["questions"]


def test_plates_of_the_map_are_no_rows(scan: Scanned) -> None:
    table = "Plate,Well,Condition\n" + "".join(
        f"R0{r},C0{c},{'WT' if r == 2 else 'DS'}\n" for r, c in WELLS
    )
    found = scan(_names("R0{r}/C0{c}/f{f}"), table=table)
    assert (found["conditions"], set(found["plates"])) == (READ, {"R02", "R03"})


@pytest.mark.parametrize("names", ["b3f1 b3f2 b4f1 c3f1", "A1s1 A1s2 A2s1 B1s1"])
def test_a_well_and_its_field_may_be_one_word(scan: Scanned, names: str) -> None:
    halves = [f"WT/{name}" for name in names.split()[:3]] + [f"DS/{names.split()[3]}"]
    found = scan(halves)
    assert (found["records"], found["wells"], found["groups"]) == (4, 3, 3)


def test_folders_of_the_map_are_wells_and_no_days(scan: Scanned) -> None:
    names = [f"{well}/pos{n}" for well in ("D03", "D04") for n in (1, 2)]
    found = scan(names, table="Well,Condition\nD03,WT\nD04,DS\n")
    assert (found["conditions"], found["wells"]) == ({"WT": 2, "DS": 2}, 2)


def test_numbered_wells_of_scanr_are_groups(scan: Scanned) -> None:
    names = [
        f"{c}/--W0000{w}--P0000{p}--Z00000--T00000--{stain}"
        for c, wells in (("WT", (1, 2)), ("DS", (3, 4)))
        for w in wells
        for p in (1, 2)
        for stain in ("Hoechst", "GFP15")
    ]
    found = scan(names)
    assert (found["records"], found["groups"]) == (8, 4)
    assert found["channels"] == ["Hoechst", "GFP15"]


DATES: Sequence[tuple[str, str]] = [
    ("05-01-2024", "06-01-2024"),
    ("05-01-2023", "06-02-2024"),
    ("2024_05_28", "2025_06_02"),
    ("12_03_2024", "01_10_2025"),
    ("3-Mar-2024", "12-Apr-2025"),
]


@pytest.mark.parametrize("dates", DATES)
def test_a_date_is_one_part_of_a_name(scan: Scanned, dates: tuple[str, str]) -> None:
    names = [f"{c}/{d}_f{f}" for c in ("WT", "DS") for d in dates for f in (1, 2)]
    found = scan(names)
    assert found["plates"] == [] and "time-points" in {p["kind"] for p in found["problems"]}


def test_two_bare_numbers_are_asked_after_stains_are_answered(scan: Scanned) -> None:
    names = [f"{c}/{a}_{b}" for c in ("WT", "DS") for a in (1, 2) for b in (1, 2)]
    found = scan(names, "stain=none")
    assert found["records"] == 0 and found["questions"][0]["kind"] == "group"


NUMBERED = "Well,Condition,Ratio\n2-3,WT,1:2\n2-4,WT,1:2\n3-3,DS,1:2\n3-4,DS,1:2\n"


@pytest.mark.parametrize(
    ("answer", "names"),
    [("row first", ("B03", "B04", "C03", "C04")), ("column first", ("C02", "D02", "C03", "D03"))],
)
def test_wells_of_two_numbers_are_asked(scan: Scanned, answer: str, names: tuple[str, ...]) -> None:
    files = [f"{well}_s1" for well in names]
    asked = scan(files, table=NUMBERED)
    assert asked["records"] == 0 and "map" in {q["kind"] for q in asked["questions"]}
    found = scan(files, f"map={answer}", table=NUMBERED)
    assert found["conditions"] == {"WT": 2, "DS": 2}


def test_numbers_in_other_columns_are_no_wells(scan: Scanned) -> None:
    found = scan(["B03_s1", "C03_s1"], table="Well,Condition,Ratio\nB03,WT,1:2\nC03,DS,1:2\n")
    assert found["questions"] == []
