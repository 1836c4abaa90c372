"""Images to wells, plates made comparable, B-scores."""

import numpy as np
import pytest

from core.domain import ImageRecord
from core.errors import LeighError
from core.screening.wells import WellTable, b_scores, median_polish, normalise, well_table


def _record(n: int, plate: str, well: str, condition: str) -> ImageRecord:
    return ImageRecord(f"r{n}", (f"r{n}.tif",), (0,), condition, f"{plate}_{well}", well, plate)


def _plate(letters: str, columns: int, conditions: list[str]) -> WellTable:
    names = [f"{row}{c + 1:02d}" for row in letters for c in range(columns)]
    records = [
        _record(i, "P1", well, condition)
        for i, (well, condition) in enumerate(zip(names, conditions))
    ]
    zeros = np.zeros((len(records), 1))
    return well_table(records, zeros, zeros, zeros[:, 0], zeros, np.zeros(len(records), bool))


def test_a_well_is_the_median_of_its_images_and_plates_stay_apart() -> None:
    records = [
        _record(0, "P1", "A01", "WT"),
        _record(1, "P1", "A01", "WT"),
        _record(2, "P1", "A01", "WT"),
    ]
    records += [_record(3, "P2", "A01", "DS")]
    values = np.array([[1.0], [2.0], [90.0], [5.0]])
    table = well_table(
        records, values, values, values[:, 0], values, np.array([False, True, False, False])
    )
    assert table.plates == ("P1", "P2") and table.conditions == ("WT", "DS")
    assert table.features[:, 0].tolist() == [2.0, 5.0]
    assert table.nuclei.tolist() == [31.0, 5.0]
    assert table.record_ids == (("r0", "r1", "r2"), ("r3",))
    assert table.seen.tolist() == [True, False]


def test_normalising_takes_the_plates_own_shift_and_scale_off() -> None:
    rng = np.random.default_rng(0)
    plate, control = np.repeat([0, 1], 40), np.tile(np.arange(40) < 20, 2)
    values = rng.normal(size=(80, 3))
    moved = (
        values * np.where(plate == 1, 5.0, 1.0)[:, None] + np.where(plate == 1, 100.0, 0.0)[:, None]
    )
    even = normalise(moved, plate, control, "median-mad")
    for p in (0, 1):
        own = even[(plate == p) & control]
        assert np.allclose(np.median(own, axis=0), 0)
        assert np.allclose(1.4826 * np.median(np.abs(own), axis=0), 1)
    assert normalise(moved, plate, control, "none") is moved
    with pytest.raises(LeighError, match="2 diseased control wells"):
        normalise(moved, plate, np.arange(80) % 20 == 0, "median")


def test_the_median_polish_leaves_what_is_neither_row_nor_column() -> None:
    grid = np.add.outer(np.arange(8.0), 10 * np.arange(12.0))
    grid[2, 3] += 7
    grid[0, 0] = np.nan  # no well there
    left = median_polish(grid)
    assert left[2, 3] == pytest.approx(7)
    assert np.isnan(left[0, 0])
    assert np.nanmax(np.abs(np.delete(left.ravel(), 2 * 12 + 3))) < 1e-9


def test_b_scores_are_refused_where_controls_fill_a_column() -> None:
    rng = np.random.default_rng(0)
    scattered = ["DS" if (r + c) % 3 == 0 else "X" for r in range(4) for c in range(6)]
    table = _plate("ABCD", 6, scattered)
    values = rng.normal(size=24) + np.tile(np.arange(6), 4)
    scores = b_scores(values, table, np.array([c == "DS" for c in table.conditions]))
    by_column = scores.reshape(4, 6)
    assert np.allclose(np.median(by_column, axis=0), 0, atol=0.7)  # the columns' trend is gone
    blocks = _plate("ABCD", 6, ["DS" if c == 0 else "X" for r in range(4) for c in range(6)])
    with pytest.raises(LeighError, match="fill column 1"):
        b_scores(values, blocks, np.array([c == "DS" for c in blocks.conditions]))
