import pytest
import sklearn.model_selection  # noqa: F401 - loaded before the first timed example
from hypothesis import given
from hypothesis import strategies as st

from core.data.split import split_by_group
from core.domain import ImageRecord
from core.errors import LeighError


def record(n: int, condition: str, group: str) -> ImageRecord:
    return ImageRecord(f"r{n}", (f"r{n}.tif",), (0,), condition, group)


def plate(wells: int, conditions: int, fields: int = 2) -> list[ImageRecord]:
    places = [(c, w, f) for c in range(conditions) for w in range(wells) for f in range(fields)]
    return [record(n, f"c{c}", f"c{c}w{w}") for n, (c, w, f) in enumerate(places)]


@given(wells=st.integers(2, 9), conditions=st.integers(2, 6), seed=st.integers(0, 50))
def test_split_covers_every_group_once_and_trains_every_condition(
    wells: int, conditions: int, seed: int
) -> None:
    records = plate(wells, conditions)
    split = split_by_group(records, seed=seed)
    assert set(split) == {r.group for r in records}
    assert {r.condition for r in records if split[r.group] == "train"} == {
        r.condition for r in records
    }
    assert "test" in split.values()


def test_eight_wells_give_two_for_testing_of_each_condition() -> None:
    records = plate(8, 6)
    split = split_by_group(records, seed=0)
    for c in range(6):
        parts = [v for g, v in split.items() if g.startswith(f"c{c}")]
        assert parts.count("test") == 2
        assert parts.count("validation") >= 1


def test_the_only_well_of_a_condition_always_trains() -> None:
    records = [*plate(4, 1, 5), *[record(100 + n, "WT", "only") for n in range(20)]]
    for seed in range(10):
        split = split_by_group(records, seed=seed)
        assert split["only"] == "train"
        assert "test" in split.values()


def test_groups_shared_by_conditions_stay_whole() -> None:
    records = [record(n, f"c{n % 3}", f"movie{n % 7}") for n in range(210)]
    split = split_by_group(records, seed=1)
    assert set(split) == {f"movie{i}" for i in range(7)}


def test_one_condition_is_refused() -> None:
    with pytest.raises(LeighError, match="only one condition"):
        split_by_group(plate(4, 1), seed=0)


def test_one_group_is_refused() -> None:
    with pytest.raises(LeighError, match="one group"):
        split_by_group([record(0, "a", "w"), record(1, "b", "w")], seed=0)


def test_unknown_test_groups_are_named() -> None:
    with pytest.raises(LeighError, match="Z99"):
        split_by_group(plate(3, 2), seed=0, test_groups=["Z99"])


def test_test_groups_that_take_all_of_a_condition_are_refused() -> None:
    with pytest.raises(LeighError, match="c1"):
        split_by_group(plate(2, 2), seed=0, test_groups=["c1w0", "c1w1"])
