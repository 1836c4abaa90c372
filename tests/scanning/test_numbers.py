"""Numbers of no known meaning: stains are asked about, cultures are guessed and shown."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

BOTH = ("WT", "DS")


def names(pattern: str, **parts: Sequence[str]) -> list[str]:
    return [
        pattern.format(**dict(zip(parts, one, strict=True))) for one in product(*parts.values())
    ]


def question(found: dict[str, Any], kind: str) -> dict[str, Any]:
    return next((one for one in found["questions"] if one["kind"] == kind), {})


@pytest.mark.parametrize("name", ["img{f}", "{f}", "a12_{f}00"])
def test_numbered_folders_with_the_same_names_may_be_stains(scan: Any, name: str) -> None:
    found = scan(names("{c}/{n}/" + name, c=BOTH, n="12", f="123"))
    assert found["records"] == 0 and question(found, "stain")["choices"] == ["1, 2", "none"]
    found = scan([], "stain=1, 2")
    assert found["records"] == 6 and len(found["channels"]) == 2


def test_numbered_folders_that_are_no_stains_are_shown_as_cultures(scan: Any) -> None:
    found = scan(names("{c}/{n}/img{f}", c=BOTH, n="12", f="123"), "stain=none")
    assert found["records"] == 12 and found["groups"] == 4
    assert question(found, "group")["default"] == "cultures"
    assert ("group", "1") in {(run["means"], run["text"]) for run in found["read_as"]["runs"]}


def test_numbered_folders_may_be_times(scan: Any) -> None:
    found = scan(names("{c}/{n}/img{f}", c=BOTH, n="12", f="123"), "stain=none", "group=times")
    assert found["groups"] == 6 and question(found, "time")["default"] == "all"


def test_numbered_folders_with_unlike_names_are_guessed_to_be_cultures(scan: Any) -> None:
    cultures = [("WT", "1", "ab"), ("WT", "2", "cd"), ("DS", "1", "ef"), ("DS", "2", "gh")]
    found = scan([f"{c}/{n}/{f}{f}" for c, n, fields in cultures for f in fields])
    assert found["records"] == 8 and found["groups"] == 4
    assert question(found, "group")["default"] == "cultures" and not question(found, "stain")


def test_folders_with_gaps_between_their_numbers_may_be_conditions(scan: Any) -> None:
    found = scan(names("{c}/{n}/img{f}", c=BOTH, n=("10", "50"), f="123"))
    assert found["records"] == 0 and question(found, "condition")


@pytest.mark.parametrize("n", ["123", "1234567"])
def test_two_numbers_in_one_name_are_asked_about(scan: Any, n: str) -> None:
    found = scan(names("{c}/{n}_{f}", c=BOTH, n=n, f=[f"{k:03d}" for k in range(1, 9)]))
    assert found["records"] == 0
    assert question(found, "stain" if len(n) < 6 else "group")["default"] is None


@pytest.mark.parametrize(
    ("answer", "records", "groups"),
    [("cultures and fields", 42, 14), ("fields and planes", 14, 14), ("fields and times", 42, 14)],
)
def test_the_answer_says_what_two_numbers_count(
    scan: Any, answer: str, records: int, groups: int
) -> None:
    files = names("{c}/{n}_{f}", c=BOTH, n="1234567", f="123")
    found = scan(files, "stain=none", f"group={answer}")
    assert (found["records"], found["groups"]) == (records, groups)


def test_two_numbers_with_the_same_values_are_told_apart_in_the_choices(scan: Any) -> None:
    found = scan(names("{c}/{n}_{f}", c=BOTH, n="12", f="12"))
    assert question(found, "stain")["choices"] == ["1, 2", "1, 2 (number 2)", "none"]
    assert len(scan([], "stain=1, 2 (number 2)")["channels"]) == 2


@pytest.mark.parametrize("name", ["{c}/img{f}_stack{n}", "{c}/kol{f}_take{n}"])
def test_a_word_without_a_meaning_before_a_number_is_asked_about(scan: Any, name: str) -> None:
    found = scan(names(name, c=BOTH, f="123", n="12"))
    assert found["records"] == 0 and question(found, "group")["default"] is None


def test_a_word_without_a_meaning_after_a_culture_is_shown(scan: Any) -> None:
    found = scan(names("{c}/dish{f}_take{n}", c=BOTH, f="123", n="12"))
    assert question(found, "group")["default"] == "fields" and found["groups"] == 6
    assert len(scan([], "group=stains")["channels"]) == 2


def test_a_word_and_a_number_before_the_images_are_shown_as_cultures(scan: Any) -> None:
    found = scan(names("{c}/Schale{n}_{f}", c=BOTH, n="12", f="123"))
    assert found["records"] == 12 and found["groups"] == 4
    assert question(found, "group")["default"] == "cultures and fields"


def test_numbers_that_count_images_are_not_asked_about(scan: Any) -> None:
    assert not scan(names("{c}/dish{d}_{f}", c=BOTH, d="12", f="123456"))["questions"]


@pytest.mark.parametrize("name", ["{c}/dish{d}_{f}", "{c}{d}_{f}", "{c}/rep{d}_00{f}"])
def test_few_numbers_of_each_culture_are_shown_as_fields_and_may_be_stains(
    scan: Any, name: str
) -> None:
    found = scan(names(name, c=BOTH, d="12", f="123"))
    assert (found["records"], found["groups"]) == (12, 4)
    assert question(found, "group")["default"] == "fields"
    assert len(scan([], "group=stains")["channels"]) == 3


def test_more_numbered_folders_than_stains_are_asked_about_may_be_stains(scan: Any) -> None:
    found = scan(names("{c}/{n}/img{f}", c=BOTH, n="123456", f="123"))
    assert found["groups"] == 12 and question(found, "group")["default"] == "cultures"
    assert len(scan([], "group=stains")["channels"]) == 6


def test_two_numbers_with_a_point_between_them_are_asked_about(scan: Any) -> None:
    found = scan(names("{c}/{n}.{f}", c=BOTH, n="12", f="123"))
    assert found["records"] == 0 and question(found, "stain")["default"] is None
    assert len(scan([], "stain=1, 2, 3")["channels"]) == 3


@pytest.mark.parametrize("name", ["{c}/{f}", "{c}_{f}", "{c}/img_{f}", "{c}/{f}/img"])
def test_one_number_is_not_asked_about(scan: Any, name: str) -> None:
    assert not scan(names(name, c=BOTH, f="1234"))["questions"]


def test_folders_of_clones_are_shown_as_cultures(scan: Any) -> None:
    clones = [("WT", "clone3"), ("WT", "clone4"), ("DS", "C12"), ("DS", "C15")]
    found = scan([f"{c}/{clone}/img{f}" for (c, clone), f in product(clones, "123")])
    assert found["groups"] == 4 and found["wells"] == 0
    assert question(found, "group")["default"] == "cultures"


def test_clones_that_are_named_like_wells_are_shown_and_can_be_answered(scan: Any) -> None:
    clones = [("WT", "A3"), ("WT", "C7"), ("DS", "B12"), ("DS", "D1")]
    found = scan([f"{c}/{clone}/img{f}" for (c, clone), f in product(clones, "123")])
    assert found["wells"] == 4 and question(found, "well")["default"] == "A3, B12, C7, D1"
    found = scan([], "well=none")
    assert found["wells"] == 0 and found["groups"] == 4


def test_wells_that_lie_together_are_not_asked_about(scan: Any) -> None:
    wells = [("WT", "A1"), ("WT", "A2"), ("DS", "B1"), ("DS", "B2")]
    assert not scan([f"{c}/{well}/img{f}" for (c, well), f in product(wells, "123")])["questions"]


def test_wells_of_a_maker_that_come_back_in_numbered_folders_are_asked_about(scan: Any) -> None:
    wells = (("WT", "B02"), ("WT", "B03"), ("DS", "C02"), ("DS", "C03"))
    found = scan([f"{c}/{n}/{w}_s1_w1" for (c, w), n in product(wells, "12")])
    assert found["records"] == 0 and question(found, "plate")
    assert scan([], "plate=1, 2")["wells"] == 8


@pytest.mark.parametrize("folder", ["{c}_{n}", "{n}_{c}", "{c} {n}", "{c}{n}"])
def test_conditions_with_a_number_may_be_replicates(scan: Any, folder: str) -> None:
    found = scan(names(folder + "/im{f}", c=BOTH, n="12", f="123"))
    assert found["records"] == 0 and "DS, WT" in question(found, "condition")["choices"]
    found = scan([], "condition=DS, WT")
    assert found["conditions"] == {"WT": 6, "DS": 6} and found["groups"] == 4


@pytest.mark.parametrize("folder", ["#{n}", "_{n}", "{n}_"])
def test_numbers_of_folders_may_have_signs(scan: Any, folder: str) -> None:
    found = scan(names("{c}/" + folder + "/im{f}", c=BOTH, n="12", f="123"))
    assert found["records"] == 0 and question(found, "stain")


def test_a_number_between_culture_and_field_may_be_a_stain(scan: Any) -> None:
    found = scan(names("{c}/slide{d}_{n}_field{f}", c=BOTH, d="12", n="12", f="12"))
    assert found["records"] == 0 and question(found, "stain")["choices"] == ["1, 2", "none"]


@pytest.mark.parametrize("name", ["im{f} {k}", "im{f}_{k}", "{k} im{f}"])
def test_stains_of_several_words_are_read_next_to_single_words(scan: Any, name: str) -> None:
    stains = ("DAPI", "MitoTracker Deep Red FM", "Calcein AM")
    found = scan(names("{c}/" + name, c=BOTH, f="123", k=stains))
    if question(found, "stain"):
        found = scan([], "stain=" + ", ".join(stains))
    assert set(found["channels"]) == set(stains) and found["records"] == 6


def test_longer_names_of_the_same_images_are_no_stains_of_several_words(scan: Any) -> None:
    found = scan(names("{c}/im{f}{k}", c=BOTH, f="123", k=("", " best copy")))
    assert found["records"] == 0
    assert "leave out the longer names" in question(found, "stain")["choices"]


def test_images_that_are_counted_by_a_letter_of_their_own_are_no_silent_wells(scan: Any) -> None:
    found = scan(names("{c} P{p} I{f}", c=BOTH, p="12", f="123"))
    assert found["records"] == 0 and question(found, "well")


def test_numbers_in_folders_of_fields_may_be_stains(scan: Any) -> None:
    found = scan(names("{c}/field{f}/{n}", c=BOTH, f="123", n="12"))
    assert found["records"] == 0 and question(found, "stain")
    assert len(scan([], "stain=1, 2")["channels"]) == 2


def test_pictures_of_one_field_stay_in_one_group(scan: Any) -> None:
    found = scan(names("{c}/cell{f}/{n}", c=BOTH, f="123", n="12345678"))
    assert question(found, "group")["default"] == "repeats" and found["groups"] == 6


def test_folders_of_passages_are_no_plates(scan: Any) -> None:
    found = scan(names("{c}/P{n}/img{f}", c=BOTH, n=("10", "15"), f="123"))
    assert found["plates"] == [] and found["groups"] in (0, 4)


def test_positions_of_cultures_are_no_wells(scan: Any) -> None:
    found = scan(names("{c}/donor{d}/p{n}", c=BOTH, d="12", n="123"))
    assert found["wells"] == 0 and found["groups"] == 4 and not found["questions"]


def test_positions_are_no_wells_of_imagexpress(scan: Any) -> None:
    found = scan(names("{c}/B{d}_P{n}_w{k}", c=BOTH, d="12", n="12", k="12"))
    assert found["plates"] == []
