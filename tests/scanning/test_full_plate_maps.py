"""A map of a whole plate names F01 and D01, too: fields and days in names stay what they are."""

from collections.abc import Sequence

import pytest

from tests.scanning.conftest import Scanned

ROWS = "ABCDEFGH"
STAINS = ("DAPI", "GFP")
WELLS = [(r, c) for r in (2, 3) for c in (3, 4, 5)]  # B03 to C05
HEADING = "Well,Condition\n"
# Rows A, C, E, G are WT, the others DS.
FULL = HEADING + "".join(
    f"{row}{c:02},{('WT', 'DS')[i % 2]}\n" for i, row in enumerate(ROWS) for c in range(1, 13)
)


def _named(pattern: str, wells: Sequence[tuple[int, int]] = WELLS) -> list[str]:
    return [
        pattern.format(row=ROWS[r - 1], small=ROWS[r - 1].lower(), r=r, c=c, k=k)
        for r, c in wells
        for k in (1, 2)
    ]


def _kinds(found: dict, where: str = "questions") -> set[str]:
    return {entry["kind"] for entry in found[where]}


@pytest.mark.parametrize("field", ["f{k}", "F0{k}", "d{k}", "D{k}", "h{k}", "p{k}", "P{k}", "m{k}"])
@pytest.mark.parametrize("well", ["{row}{c:02}_", "{row}{c:02}/", "P1_{row}{c:02}_"])
def test_what_follows_a_well_is_no_well(scan: Scanned, well: str, field: str) -> None:
    found = scan(_named(well + field), table=FULL)
    assert (found["conditions"], found["wells"]) == ({"WT": 6, "DS": 6}, 6)
    assert set(found["plates"]) <= {"P1"}


@pytest.mark.parametrize("well", ["{small}{c}f{k}", "R0{r}/C0{c}/f{k}", "{row}/0{c}/f{k}",
                                  "Row {r}/Col {c}/f{k}"])  # fmt: skip
def test_wells_in_parts_are_found_in_a_full_map(scan: Scanned, well: str) -> None:
    found = scan(_named(well), table=FULL)
    assert (found["conditions"], found["wells"]) == ({"WT": 6, "DS": 6}, 6)


@pytest.mark.parametrize("inner", ["_R{k}_C1", "/A/0{k}"])
def test_a_replicate_and_a_clone_of_a_well_are_no_well(scan: Scanned, inner: str) -> None:
    names = [f"{name}{c}" for name in _named("{row}{c:02}" + inner) for c in ("_a", "_b")]
    found = scan(names, table=FULL)
    assert found["records"] == 0 or found["conditions"] == {"WT": 12, "DS": 12}
    assert found["plates"] == []


@pytest.mark.parametrize("written", ["R02_C0{c}_{k}", "R02/C0{c}/img{k}"])
def test_a_row_and_columns_that_may_both_be_wells_are_asked(scan: Scanned, written: str) -> None:
    names = _named(written, [(2, c) for c in (3, 4, 5, 6)])
    asked = scan(names, table=FULL)
    well = next(q for q in asked["questions"] if q["kind"] == "well")
    assert asked["records"] == 0 and len(well["choices"]) == 2
    found = scan(names, f"well={well['choices'][0]}", "condition=DS", table=FULL)
    assert found["conditions"] == {"DS": 8}


def test_a_map_of_few_wells_does_not_turn_columns_into_wells(scan: Scanned) -> None:
    table = HEADING + "B03,WT\nC03,DS\nC04,WT\nC05,DS\n"
    found = scan(
        _named("R0{r}/C0{c}/img{k}", [(r, c) for r in (2, 3, 4) for c in (3, 4, 5)]), table=table
    )
    assert found["records"] == 0 and "well" in _kinds(found)


def test_all_images_in_one_condition_of_several_are_asked(scan: Scanned) -> None:
    names = _named("{row}{c:02}_f{k}", [(2, 3), (2, 4)])
    asked = scan(names, table=FULL)
    assert asked["records"] == 0 and _kinds(asked) == {"condition"}
    assert scan(names, "condition=DS", table=FULL)["conditions"] == {"DS": 4}


def test_only_wells_of_two_numbers_are_turned(scan: Scanned) -> None:
    table = HEADING + "2-3,WT\nB04,WT\n3-2,DS\nD02,DS\n"
    found = scan(["C02_a", "B04_a", "B03_a", "D02_a"], "map=column first", table=table)
    assert found["conditions"] == {"WT": 2, "DS": 2}


def test_long_numbers_after_w_alone_are_asked(scan: Scanned) -> None:
    names = [f"{c}/img{k}_W{w:04}" for c in ("WT", "DS") for k in (1, 2, 3) for w in (1, 2)]
    found = scan(names)
    assert found["records"] == 0 and "stain" in _kinds(found)


@pytest.mark.parametrize("word", ["Slice {z}", "slice-{z}", "slice{z}"])
def test_slices_of_tissue_are_asked_however_they_are_written(scan: Scanned, word: str) -> None:
    names = [f"{c}/brain{b}_{word.format(z=z)}_{s}"
             for c in ("WT", "DS") for b in (1, 2) for z in (1, 2) for s in STAINS]  # fmt: skip
    assert "z" in _kinds(scan(names)) and scan(names)["records"] == 0
    assert scan(names, "z=cultures")["records"] == 8


def test_slices_that_have_planes_are_cultures(scan: Scanned) -> None:
    names = [f"{c}/slice{s}_z{z}" for c in ("WT", "DS") for s in (1, 2, 3) for z in (1, 2, 3)]
    found = scan(names)
    assert (found["records"], found["groups"]) == (6, 6)


@pytest.mark.parametrize("other", ["light", "lit"])
def test_cultures_in_the_dark_are_no_corrections(scan: Scanned, other: str) -> None:
    names = [f"{c}/{word}_{s}" for c in ("WT", "DS") for word in ("dark", other) for s in STAINS]
    found = scan(names)
    assert "correction-image" not in _kinds(found, "problems")
    assert found["records"] == 0 and "condition" in _kinds(found)


@pytest.mark.parametrize("names", ["0{k}_Marker2{k}", "{k}_dec10", "{k}_Jun10"])
def test_words_that_begin_like_months_are_no_dates(scan: Scanned, names: str) -> None:
    found = scan([f"{c}/{names.format(k=k)}" for c in ("WT", "DS") for k in (1, 2, 3)])
    assert "time-points" not in _kinds(found, "problems")


@pytest.mark.parametrize("other", ["D7 D14", "c1 c2", "E1 E2", "h2 h24"])
@pytest.mark.parametrize("wells", ["B2 B3 B4 B5", "C2 C3 C4 C5"])
def test_two_parts_that_the_map_may_mean_are_asked(scan: Scanned, wells: str, other: str) -> None:
    names = [f"{w}_{o}_{k}" for w in wells.split() for o in other.split() for k in (1, 2)]
    asked = scan(names, table=FULL)
    assert asked["records"] == 0 and asked["questions"]
    assert asked["plates"] == []


def test_days_after_wells_of_several_rows_are_no_wells(scan: Scanned) -> None:
    found = scan(_named("{row}{c}_D{k}") + _named("{row}{c}_D1{k}"), table=FULL)
    assert found["conditions"] == {"WT": 12, "DS": 12} and found["plates"] == []


def test_a_map_of_few_wells_that_tags_name_is_asked(scan: Scanned) -> None:
    names = [f"{w}_A{k}_{s}" for w in ("B2", "B3", "C2", "C3") for k in (1, 2, 3) for s in STAINS]
    asked = scan(names, table=HEADING + "A01,WT\nA02,DS\nA03,WT\n")
    assert asked["records"] == 0 and "well" in _kinds(asked)


@pytest.mark.parametrize("day", ["D{k}/", "1{k}30/", "A{k}/"])
def test_days_and_clocks_before_wells_are_no_plates_unasked(scan: Scanned, day: str) -> None:
    found = scan([f"{name}_{s}" for name in _named(day + "{row}{c}") for s in STAINS], table=FULL)
    assert found["plates"] == []
    assert found["records"] == 0 or (found["wells"], found["groups"]) == (6, 6)
