"""Names of labs whose numbers could mean several things: they are read rightly, or asked about."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

from core.scanning.file_names import scheme_match

BOTH = ("WT", "DS")


def names(pattern: str, **parts: Sequence[str]) -> list[str]:
    return [
        pattern.format(**dict(zip(parts, one, strict=True))) for one in product(*parts.values())
    ]


def asked(found: dict[str, Any]) -> set[str]:
    return {question["kind"] for question in found["questions"]}


def test_times_of_one_culture_stay_in_one_group(scan: Any) -> None:
    found = scan(names("{c}/mouse{m}_f{f}_{t}h", c=BOTH, m="123", f="12", t=("0", "24")))
    assert found["records"] == 24 and found["groups"] == 6


def test_an_experiment_of_all_images_does_not_hide_their_cultures(scan: Any) -> None:
    assert scan(names("{c}/Exp7_dish{d}_f{f}", c=BOTH, d="123", f="12"))["groups"] == 6


def test_two_times_in_one_path_do_not_take_the_place_of_one_another(scan: Any) -> None:
    found = scan(names("week {w}/{c}/f{f}_z{z}_{t}h", w="12", c=BOTH, f="12", z="012", t="04"))
    assert found["records"] == 16 and found["conditions"] == {"WT": 8, "DS": 8}


def test_times_in_folders_and_in_the_names_of_a_maker_are_both_told(scan: Any) -> None:
    wells = (("WT", "02"), ("DS", "03"))
    found = scan(
        [
            f"day {d}/{c}/r{r}c02f01p01-ch1sk{t}fk1fl1"
            for d, (c, r), t in product((1, 2), wells, (1, 2))
        ]
    )
    assert found["records"] == 8 and found["groups"] == 2


@pytest.mark.parametrize("answer", ["times", "cultures"])
def test_d_may_be_days_or_donors(scan: Any, answer: str) -> None:
    found = scan(names("{c}/D{d}/f{f}", c=BOTH, d="123", f="12"))
    assert found["records"] == 0 and "group" in asked(found)
    found = scan([], f"group={answer}")
    assert found["groups"] == (4 if answer == "times" else 6)


def test_days_with_gaps_are_times(scan: Any) -> None:
    found = scan(names("{c}/D{d}/f{f}", c=BOTH, d=("0", "7", "14"), f="12"))
    assert found["groups"] == 4 and not asked(found) - {"time"}


@pytest.mark.parametrize("name", ["{c}/Feld{f}_{k}", "{c}/dish{d}_{f}_{k}"])
def test_a_number_after_the_fields_may_be_a_stain(scan: Any, name: str) -> None:
    found = scan(names(name, c=BOTH, d="12", f="123", k="12"))
    assert found["records"] == 0 and "stain" in asked(found)
    assert len(scan([], "stain=1, 2")["channels"]) == 2


@pytest.mark.parametrize("stain", ["Ch{}-T{}", "C={}", "_ch0{}"])
def test_stains_in_folders_are_known_as_microscopes_write_them(scan: Any, stain: str) -> None:
    found = scan(names("{c}/{k}/img{f}", c=BOTH, k=[stain.format(k, k) for k in "12"], f="123"))
    assert len(found["channels"]) == 2 and found["conditions"] == {"WT": 3, "DS": 3}


def test_one_letter_before_numbers_of_each_condition_is_no_well(scan: Any) -> None:
    found = scan(names("{c}/a{f}", c=BOTH, f="123"))
    assert found["wells"] == 0 and not asked(found)
    found = scan(names("{c}/B{d}_f{f}", c=("wt", "ds"), d="12", f="12"))
    assert "well" in asked(found)


def test_p_after_a_well_is_a_position(scan: Any) -> None:
    wells = (("WT", "B02"), ("WT", "B03"), ("DS", "C02"), ("DS", "C03"))
    found = scan([f"{c}/{w}_P{p}" for (c, w), p in product(wells, "12")])
    assert found["plates"] == [] and found["groups"] == 4


def test_numbers_with_words_of_any_script_are_counted(scan: Any) -> None:
    found = scan(names("{c}/поле{f}", c=BOTH, f="123"))
    assert found["records"] == 6 and not asked(found)


def test_planes_with_a_unit_are_planes(scan: Any) -> None:
    found = scan(names("{c}/f{f}_z{z}um", c=BOTH, f="12", z=("0.5", "1.0", "1.5")))
    assert found["records"] == 4 and asked(found) == {"z"}


@pytest.mark.parametrize("name", ["MK_xy1_Z0_w1", "exp_s1_w2", "cell_t1_w1"])
def test_planes_sites_and_times_are_no_wells_of_imagexpress(name: str) -> None:
    assert scheme_match("imagexpress", f"{name}.tif") is None


def test_a_well_without_a_plate_is_a_well_of_imagexpress() -> None:
    match = scheme_match("imagexpress", "B02_s1_w1.TIF")
    assert match is not None and (match["plate"], match["well"], match["site"]) == (
        None,
        "B02",
        "1",
    )


@pytest.mark.parametrize("folders", ["{c}/rep{r}", "rep{r}/{c}"])
def test_wells_of_a_maker_that_come_back_in_replicates_are_asked_about(
    scan: Any, folders: str
) -> None:
    wells = (("WT", "B02"), ("WT", "B03"), ("DS", "C02"), ("DS", "C03"))
    found = scan([folders.format(c=c, r=r) + f"/{w}_s1_w1" for (c, w), r in product(wells, "12")])
    assert found["records"] == 0 and "plate" in asked(found)
    found = scan([], "plate=rep1, rep2")
    assert found["wells"] == found["groups"] == 8 and found["conditions"] == {"WT": 4, "DS": 4}


@pytest.mark.parametrize(
    "stains", [("DAPI", "GFP", "TxRed"), ("GFP", "SomeDye"), ("SYTO", "Dyelight")]
)
def test_a_count_that_is_glued_to_each_stain_counts_fields(
    scan: Any, stains: Sequence[str]
) -> None:
    files = product(("WT", "DS"), stains, (1, 2))
    found = scan([f"{c}/{c}_0_{stain}{n:04d}" for c, stain, n in files])
    assert sorted(found["channels"]) == sorted(stains)
    assert found["conditions"] == {"WT": 2, "DS": 2}


def test_doses_that_are_glued_to_compounds_stay_with_them(scan: Any) -> None:
    found = scan([f"{c}{dose}_f{n}" for c, dose, n in product(("TNF", "LPS"), (1, 10), (1, 2))])
    assert found["records"] == 0


@pytest.mark.parametrize("folder", ["corrected", "Denoised", "bg_sub"])
def test_copies_in_a_folder_of_their_own_are_left_out(scan: Any, folder: str) -> None:
    files = product(("WT", "DS"), (1, 2, 3), ("raw/n{}", folder + "/n{}_corr"))
    found = scan([f"{c}/{pattern.format(n)}" for c, n, pattern in files])
    assert found["conditions"] == {"WT": 3, "DS": 3}
    assert "processed-copy" in {problem["kind"] for problem in found["problems"]}


def test_a_corrected_line_is_a_condition(scan: Any) -> None:
    found = scan([f"{c}/n{n}" for c, n in product(("mutant", "corrected"), (1, 2, 3))])
    assert found["conditions"] == {"mutant": 3, "corrected": 3}
