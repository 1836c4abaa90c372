"""Brightness shifts: found where wells show them, zero where chance could."""

import numpy as np
import pytest

from core.domain import FloatArray, ImageRecord
from core.training.level_shifts import level_shifts


def records(wells: dict[str, list[str]], images: int, plates: dict[str, str] | None = None):
    """`images` records for each condition of each well."""
    return [
        ImageRecord(f"{c}-{w}-{i}", (), (), c, w, plate=(plates or {}).get(w, ""))
        for w, conditions in wells.items()
        for c in conditions
        for i in range(images)
    ]


def moments(of: list[ImageRecord], rng: np.random.Generator, dim: float, well: float) -> FloatArray:
    """(N, 2, C): channel 0 is `dim` times as bright in DS; wells differ by `well` (log)."""
    effect = {r.group: rng.normal(0, well, 2) for r in of}
    rows = []
    for r in of:
        log = effect[r.group] + rng.normal(0, 0.1, 2)
        log[0] += np.log(dim) if r.condition == "DS" else 0
        rows.append([rng.normal(0.1, 0.01, 2), np.exp(log)])
    return np.array(rows)


BOTH = {w: ["WT", "DS"] for w in ("A1", "A2", "A3")}
APART = {w: ["WT" if w < "B" else "DS"] for w in ("A1", "A2", "A3", "B1", "B2", "B3")}


def test_a_shift_within_wells_is_found_although_wells_differ_more() -> None:
    of = records(BOTH, 8)
    shifts = level_shifts(moments(of, np.random.default_rng(0), 0.7, 0.8), of)
    background, gain = np.array(shifts["WT"]["DS"])
    assert gain[0] == pytest.approx(np.log(0.7), abs=0.1)
    assert gain[1] == 0 and not background.any()
    assert np.allclose(shifts["DS"]["WT"], -np.array(shifts["WT"]["DS"]))


def test_between_wells_the_spread_of_wells_decides() -> None:
    of = records(APART, 8)
    found = level_shifts(moments(of, np.random.default_rng(0), 0.5, 0.05), of)
    assert found["WT"]["DS"][1][0] == pytest.approx(np.log(0.5), abs=0.1)
    hidden = [
        level_shifts(moments(of, np.random.default_rng(seed), 0.8, 0.5), of) for seed in range(20)
    ]
    assert sum(bool(h) for h in hidden) <= 4


def test_no_difference_moves_nothing() -> None:
    of = records(BOTH, 8)
    found = [level_shifts(moments(of, np.random.default_rng(s), 1.0, 0.3), of) for s in range(40)]
    assert sum(bool(f) for f in found) <= 6


def test_plates_that_hold_all_conditions_are_compared_within() -> None:
    plates = {w: "P" + w[1] for w in APART}
    of = records(APART, 4, plates)
    rng = np.random.default_rng(0)
    values = moments(of, rng, 0.7, 0.0)
    for i, r in enumerate(of):
        values[i, 1] *= np.exp(3.0 * int(r.plate[1]))  # plates differ twentyfold
    assert level_shifts(values, of)["WT"]["DS"][1][0] == pytest.approx(np.log(0.7), abs=0.15)


def test_one_image_of_each_condition_says_nothing() -> None:
    of = records({"A1": ["WT"], "B1": ["DS"]}, 1)
    assert level_shifts(moments(of, np.random.default_rng(0), 0.2, 0.0), of) == {}
