"""Shifts of fine detail: found where wells show them, none where chance could."""

import numpy as np
import pytest

from core.domain import FloatArray, ImageRecord
from core.domain.model import BANDS
from core.training.detail_shifts import detail_shifts

WELLS, IMAGES, CHANNELS = 3, 8, 3


def records(within: bool) -> list[ImageRecord]:
    """Images of two conditions in the same wells, or in wells of their own."""
    return [
        ImageRecord(f"{c}{w}{i}", (), (), c, f"{'' if within else c}{w}")
        for c in ("WT", "DS")
        for w in range(WELLS)
        for i in range(IMAGES)
    ]


def details(of: list[ImageRecord], seed: int, shift: float) -> FloatArray:
    """(N, B, C) log detail; wells scatter, and the finest band of channel 1 is shifted in DS."""
    rng = np.random.default_rng(seed)
    wells = {r.group: rng.normal(0, 0.1, (BANDS, CHANNELS)) for r in of}
    found = np.stack([wells[r.group] + rng.normal(0, 0.1, (BANDS, CHANNELS)) for r in of])
    found[[r.condition == "DS" for r in of], 0, 1] += shift
    return found


@pytest.mark.parametrize(("within", "shift"), [(True, -0.4), (False, -1.5)])
def test_a_shift_over_wells_is_found_both_ways(within: bool, shift: float) -> None:
    of = records(within)
    found = detail_shifts(details(of, 0, shift), of)
    there, back = (np.array(found[s][t]) for s, t in (("WT", "DS"), ("DS", "WT")))
    assert there[0, 1] == pytest.approx(shift, abs=0.2)
    assert np.count_nonzero(there) == 1 and np.array_equal(there, -back)


@pytest.mark.parametrize("within", [True, False])
def test_chance_moves_nothing(within: bool) -> None:
    of = records(within)
    found = [detail_shifts(details(of, seed, 0.0), of) for seed in range(60)]
    assert sum(bool(f) for f in found) <= 3


def test_one_well_a_side_says_nothing() -> None:
    of = [r for r in records(within=False) if r.group.endswith("0")]
    assert detail_shifts(details(of, 0, -2.0), of) == {}
