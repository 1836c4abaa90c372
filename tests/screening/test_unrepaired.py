"""What is left to repair, on changes whose share is known."""

import numpy as np
import pytest

from core.domain import FloatArray, ImageRecord
from core.screening.residual import Intervals, unrepaired

CHANNELS = ("Nuclei", "Cytoskeleton", "Mitochondria")


def _records(condition: str, wells: int) -> list[ImageRecord]:
    return [
        ImageRecord(f"{condition}{w}{s}", ("x.tif",), (0,), condition, f"{condition}{w}")
        for w in range(wells)
        for s in (0, 1)
    ]


def _mover(left: dict[str, tuple[float, float]]):  # type: ignore[no-untyped-def]
    """Changes of which `left` gives the share that remains in the second and third channel; the
    first never moves.
    """
    rng = np.random.default_rng(0)
    way = np.zeros((3, 6))
    way[1:] = rng.normal(size=(2, 6)) * 12

    def move(record: ImageRecord) -> FloatArray:
        shares = np.array([0, *left[record.condition]])[:, None]
        out: FloatArray = way * shares + rng.normal(size=(3, 6)) * np.array([[0], [0.5], [0.5]])
        return out

    return move


def test_the_share_that_is_left_is_found_per_channel_with_an_interval_that_holds_it() -> None:
    left = {"DS": (1.0, 1.0), "TT": (0.3, 0.9), "Worse": (1.5, 1.0)}
    chosen = {name: _records(name, 6) for name in left}
    found = {
        (u.condition, u.channel): u
        for u in unrepaired(chosen, "DS", CHANNELS, _mover(left), intervals=Intervals(0.9))
    }
    assert {channel for _, channel in found} == {
        "Cytoskeleton",
        "Mitochondria",
    }  # nuclei do not change at all
    for name in ("TT", "Worse"):
        for channel, share in zip(CHANNELS[1:], left[name]):
            row = found[name, channel]
            assert row.restored == pytest.approx(1 - share, abs=0.1)
            assert row.low is not None and row.high is not None
            assert (
                row.low <= 1 - share + 0.05
                and row.high >= 1 - share - 0.05
                and row.high - row.low < 0.3
            )


def test_images_that_cannot_be_moved_are_left_out_and_one_well_has_no_interval() -> None:
    left = {"DS": (1.0, 1.0), "TT": (0.5, 0.5)}
    mover = _mover(left)
    chosen = {"DS": _records("DS", 4), "TT": _records("TT", 3)}
    rows = unrepaired(
        chosen,
        "DS",
        CHANNELS,
        lambda r: mover(r) if r.group in ("TT0", *["DS0", "DS1"]) else None,
        intervals=Intervals(0.9),
    )
    assert {r.wells for r in rows} == {1} and all(r.low is None for r in rows)
    assert unrepaired(chosen, "DS", CHANNELS, lambda r: None, intervals=Intervals(0.9)) == ()
