"""A plate map says nothing of another plate: names with another plate are asked about."""

from itertools import product
from typing import Any

import pytest

WELLS = ("B02", "B03", "C02", "C03")


def map_of(plate: str) -> str:
    rows = (f"{plate},{well},{'WT' if well < 'C' else 'DS'}\n" for well in WELLS)
    return "plate,well,condition\n" + "".join(rows)


def names(pattern: str) -> list[str]:
    return [f"{pattern.format(well)}_f{field}" for well, field in product(WELLS, (1, 2))]


@pytest.mark.parametrize(
    ("pattern", "plate"),
    [("T4_{}", "X9"), ("BR00117/{}", "BR00118"), ("BR0411_{}", "EC0157"), ("7_{}", "8")],
)
def test_another_plate_than_that_of_the_map_is_asked_about(
    scan: Any, pattern: str, plate: str
) -> None:
    found = scan(names(pattern), table=map_of(plate))
    assert found["records"] == 0
    assert "plate" in {question["kind"] for question in found["questions"]}


def test_the_answer_takes_the_map_for_the_other_plate(scan: Any) -> None:
    found = scan(names("BR00117/{}"), "plate=BR00117=BR00118", table=map_of("BR00118"))
    assert found["records"] == 8
    assert found["conditions"] == {"WT": 4, "DS": 4}
    assert len(found["plates"]) == 1


@pytest.mark.parametrize("pattern", ["{}", "D12_{}", "Kolf2_{}", "2026-05-01_{}", "exp_{}"])
def test_days_lines_and_experiments_are_not_the_plate_of_the_map(scan: Any, pattern: str) -> None:
    found = scan(names(pattern), table=map_of("P1"))
    assert found["conditions"] == {"WT": 4, "DS": 4}


def test_a_column_group_is_the_condition_where_no_other_column_is(scan: Any) -> None:
    table = "filename;group\n" + "".join(f"im{n}.tif;{'WT' if n < 4 else 'KO'}\n" for n in range(6))
    found = scan([f"im{n}" for n in range(6)], table=table)
    assert found["conditions"] == {"WT": 4, "KO": 2}
    assert found["groups"] == 6
