"""Dates in names, folders that count cultures, and exports with a stain or plate in the name."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

BOTH = ("WT", "DS")
WELLS = ("B02", "B03", "C02", "C03")


def names(pattern: str, **parts: Sequence[str]) -> list[str]:
    return [
        pattern.format(**dict(zip(parts, one, strict=True))) for one in product(*parts.values())
    ]


def kinds(found: dict[str, Any]) -> set[str]:
    return {one["kind"] for one in found["questions"]}


@pytest.mark.parametrize(
    "days", [("2024-05-01", "2024-05-02"), ("01.05.2024", "02.05.2024"), ("01.05.24", "02.06.24")]
)
def test_a_date_in_a_name_is_one_time_and_its_day_no_culture(scan: Any, days: Any) -> None:
    found = scan(names("{c}/{d}_dish{n}_img{f}", c=BOTH, d=days, n="12", f="123"))
    assert (found["records"], found["groups"]) == (24, 4)
    assert kinds(found) == {"time"}
    assert scan([], f"time={days[0]}")["records"] == 12


def test_a_date_that_all_names_have_is_not_asked_about(scan: Any) -> None:
    assert not scan(names("{c}/2024-05-01_dish{n}_img{f}", c=BOTH, n="12", f="123"))["questions"]


def test_folders_that_count_cultures_are_no_conditions_before_an_answer(scan: Any) -> None:
    found = scan(names("sample{n}/img{f}", n="1234", f="12"))
    assert found["records"] == 0 and kinds(found) == {"condition"}
    assert len(scan([], "condition=sample1, sample2, sample3, sample4")["conditions"]) == 4


@pytest.mark.parametrize("name", ["exp{n}/{c}/img{f}", "exp{n}/{c}_{f}_DAPI"])
def test_conditions_inside_folders_of_cultures_are_read(scan: Any, name: str) -> None:
    found = scan(names(name, n="123", c=BOTH, f="12"))
    assert found["conditions"] == {"WT": 6, "DS": 6} and found["groups"] == 6


@pytest.mark.parametrize("numbers", [("01", "02"), ("1", "2")])
def test_lines_of_two_kinds_are_asked_about(scan: Any, numbers: Sequence[str]) -> None:
    found = scan(names("{w}{n}/f{f}", w=("HC", "LS"), n=numbers, f="123"))
    assert found["records"] == 0 and kinds(found) == {"condition"}
    assert scan([], "condition=HC, LS")["conditions"] == {"HC": 6, "LS": 6}


def test_genes_with_numbers_are_conditions(scan: Any) -> None:
    found = scan(names("{g}/f{f}", g=("NDUFS2", "NDUFS4", "NDUFV1", "NDUFV2"), f="123"))
    assert len(found["conditions"]) == 4


def test_colours_in_names_of_incucyte_are_stains_and_no_plates(scan: Any) -> None:
    files = names("{c}_{k}_{w}_1_00d06h00m", c=("WT/n",), k=("green", "Phase"), w=("A1", "A2"))
    files += names("{c}_{k}_{w}_1_00d06h00m", c=("DS/n",), k=("green", "Phase"), w=("B1", "B2"))
    found = scan(files)
    assert set(found["channels"]) == {"green", "Phase"}
    assert (found["records"], found["plates"]) == (4, ["n"])


def test_overlays_of_arrayscan_are_left_out(scan: Any) -> None:
    files = names("WT/P7_{w}f0{f}{k}", w=WELLS[:2], f="01", k=("d0", "d1", "o0"))
    found = scan(files + names("DS/P7_{w}f0{f}{k}", w=WELLS[2:], f="01", k=("d0", "d1", "o0")))
    assert (found["records"], len(found["channels"]), found["wells"]) == (8, 2, 4)
    assert "overlay" in {one["kind"] for one in found["problems"]}


def test_measurements_of_harmony_are_plates(scan: Any) -> None:
    folder = "L_P{p}__2024-03-04T10_11_12-Measurement 1/Images/"
    files = names(folder + "r0{r}c0{w}f01p01-ch1sk1fk1fl1", p="12", r="23", w="23")
    rows = "".join(f"L_P{p},{w},{'WT' if w[0] == 'B' else 'DS'}\n" for p, w in product("12", WELLS))
    found = scan(files, table="plate,well,condition\n" + rows)
    assert (found["records"], found["plates"], found["wells"]) == (8, ["L_P1", "L_P2"], 8)


def test_a_plate_that_was_measured_again_is_a_time(scan: Any) -> None:
    folder = "{k}__2024-03-0{d}T10_11_12-Measurement {d}/Images/"
    for plates in (("L_P1",), ("L_P1", "L_P2")):
        files = names(folder + "r0{r}c0{w}f01p01-ch1sk1fk1fl1", k=plates, d="12", r="23", w="23")
        rows = "".join(
            f"{p},{w},{'WT' if w[0] == 'B' else 'DS'}\n" for p, w in product(plates, WELLS)
        )
        assert "time" in kinds(scan(files, table="plate,well,condition\n" + rows))


def test_a_map_with_german_headings_is_read(scan: Any) -> None:
    rows = "".join(f"{w};WT;{'0,5' if w[0] == 'B' else '5,0'}\n" for w in WELLS)
    table = "Vertiefung;Genotyp;Konz. [µM]\n" + rows
    found = scan(names("{w}_s{f}", w=WELLS, f="12"), table=table)
    assert found["doses"] == {"WT 0.5 µM": 0.5, "WT 5 µM": 5.0}


def test_cells_c1_next_to_a_known_stain_are_no_wells(scan: Any) -> None:
    found = scan(names("{c}/c{n}_{k}", c=BOTH, n="123", k=("Hoechst 33342", "Alexa 568")))
    assert (found["records"], found["wells"], kinds(found)) == (6, 0, set())


@pytest.mark.parametrize(
    ("name", "stains"),
    [("{k}_{w}f00d0", ("DAPI", "GFP")), ("{k}_run_{w}_1_00d00h00m", ("Green", "Phase"))],
)
def test_stains_in_the_place_of_the_plate_are_read(scan: Any, name: str, stains: Any) -> None:
    files = names("WT/" + name, k=stains, w=WELLS[:2])
    found = scan(files + names("DS/" + name, k=stains, w=WELLS[2:]))
    assert set(found["channels"]) == set(stains) and found["records"] == found["wells"] == 4


def test_unknown_words_in_the_place_of_the_plate_are_asked_about(scan: Any) -> None:
    name = "run_{k}_{w}_1_00d00h00m"
    files = names("WT/" + name, k=("NucGreen", "MitoRed"), w=WELLS[:2])
    found = scan(files + names("DS/" + name, k=("NucGreen", "MitoRed"), w=WELLS[2:]))
    assert found["records"] == 0 and kinds(found) == {"stain"}
    assert len(scan([], "stain=none")["plates"]) == 2


def test_folders_of_stains_come_before_the_only_channel_of_a_maker(scan: Any) -> None:
    files = names("{k}/WT/p_{w}_s1_w1", k=("DAPI", "TMRM"), w=WELLS[:2])
    found = scan(files + names("{k}/DS/p_{w}_s1_w1", k=("DAPI", "TMRM"), w=WELLS[2:]))
    assert found["channels"] == ["DAPI", "TMRM"] and found["records"] == 4


def test_numbers_after_wells_are_no_plates_of_the_map(scan: Any) -> None:
    rows = "".join(f"1,{w},{'WT' if w[0] == 'B' else 'DS'}\n" for w in WELLS)
    found = scan(names("{w}_{f}", w=WELLS, f="12"), table="plate,well,condition\n" + rows)
    assert found["records"] == 8 and found["wells"] == 4
