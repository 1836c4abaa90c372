import numpy as np
import pytest

from core.data.nuclei import Nuclei, lost_and_gained, nuclear_channel
from core.domain import Channel, FloatArray
from core.synthetic.cells import CHANNELS, HEALTHY, draw_cells, render

SIDE = 128


@pytest.fixture(scope="module")
def nuclei() -> Nuclei:
    return Nuclei(render(1, HEALTHY, 192)[0].astype(np.float32))


def plane(seed: int, without: int | None = None) -> FloatArray:
    cells = tuple(c for i, c in enumerate(draw_cells(seed, SIDE)) if i != without)
    return render(seed, HEALTHY, SIDE, cells)[0].astype(np.float32)


def inner_cell(seed: int) -> int:
    """A cell well inside the field."""
    return next(
        i
        for i, c in enumerate(draw_cells(seed, SIDE))
        if min(c.y, c.x) > 25 and max(c.y, c.x) < SIDE - 25
    )


def test_the_nuclear_stain_is_known_by_its_name() -> None:
    assert nuclear_channel(CHANNELS) == 0
    assert nuclear_channel([Channel("TMRM"), Channel("Hoechst 33342")]) == 1
    assert nuclear_channel([Channel("TMRM"), Channel("GFP")]) is None


def test_as_many_nuclei_are_found_as_cells_were_drawn(nuclei: Nuclei) -> None:
    for seed in range(20, 26):
        inside = [c for c in draw_cells(seed, SIDE) if min(c.y, c.x) > 0 and max(c.y, c.x) < SIDE]
        assert abs(len(nuclei.places(plane(seed))) - len(inside)) <= 1


def test_a_cell_that_dies_is_one_lost_and_one_that_appears_is_one_gained(nuclei: Nuclei) -> None:
    whole, poorer = plane(30), plane(30, inner_cell(30))
    found = len(nuclei.places(whole))
    assert lost_and_gained(nuclei, whole, poorer) == (found, 1, 0)
    assert lost_and_gained(nuclei, poorer, whole) == (found - 1, 0, 1)


def test_dimmer_nuclei_in_the_same_places_are_kept(nuclei: Nuclei) -> None:
    whole = plane(31)
    assert lost_and_gained(nuclei, whole, 100 + 0.9 * (whole - 100))[1:] == (0, 0)


def test_an_empty_field_has_no_nuclei(nuclei: Nuclei) -> None:
    empty = np.full((SIDE, SIDE), 100.0)
    assert len(nuclei.places(empty)) == 0
    assert lost_and_gained(nuclei, empty, empty) == (0, 0, 0)


def test_a_threshold_found_earlier_finds_the_same_nuclei(nuclei: Nuclei) -> None:
    again = Nuclei.of(nuclei.threshold, nuclei.radius_px)
    assert np.array_equal(again.labels(plane(32)), nuclei.labels(plane(32)))
