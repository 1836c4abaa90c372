"""The way of an image over the map."""

from dataclasses import replace

import numpy as np
import pytest

from core.data.logit_coordinates import coordinates_of, probabilities_of
from core.domain import CounterfactualPath, PathPoint
from core.latent_map.ternary_plane import Plane
from core.latent_map.trajectory import Trajectory, first_read_as, position_on, trajectory_of

BENT = Trajectory(((0.0, 0.0), (2.0, 0.0), (2.0, 4.0)), (0.0, 0.5, 1.0), 0.75)


def path() -> CounterfactualPath:
    """From the first condition to the second, with the third in between."""
    logits = np.array([[4, 0, 0], [2, 0, 3], [0, 5, 1]], np.float32)
    points = [
        PathPoint(s, probabilities_of(coordinates_of(z)), (s, 10 * s))
        for s, z in zip((0.0, 0.5, 1.0), logits)
    ]
    return CounterfactualPath("r", "WT", tuple(points), 0.4)


def test_between_its_places_a_way_is_straight_and_ends_at_its_end() -> None:
    assert (
        BENT.at(0) == (0, 0)
        and BENT.at(0.25) == (1, 0)
        and BENT.at(0.75) == (2, 2)
        and BENT.at(1.5) == (2, 4)
    )


def test_a_way_is_cut_where_the_image_was_let_go_and_keeps_no_crossing_beyond() -> None:
    half = BENT.until(0.7)
    assert half.places[:2] == BENT.places[:2] and half.places[2] == pytest.approx((2, 1.6))
    assert half.strengths == (0, 0.5, 0.7) and half.crossing is None
    assert BENT.until(0.75).crossing == 0.75 and BENT.until(1.3) == BENT
    assert BENT.until(0).places == ((0, 0),)


def test_it_begins_at_the_image_and_leaves_out_what_has_no_place() -> None:
    found = trajectory_of(path(), (-1.0, -1.0), None)
    assert found.places == ((-1, -1), (0.5, 5), (1, 10)) and found.at(0.4) == pytest.approx(
        (0.2, 3.8)
    )
    points = path().points
    lost = replace(path(), points=(points[0], replace(points[1], xy=None), points[2]))
    assert trajectory_of(lost, (0.0, 0.0), None).strengths == (0, 1)


def test_on_an_exact_plane_places_follow_from_what_the_model_says() -> None:
    plane = Plane((0, 1, 2), np.zeros(2), np.eye(2))
    found = trajectory_of(path(), (0.0, 0.0), plane)
    last = coordinates_of(np.log(path().points[2].probabilities))
    assert found.places[2] == pytest.approx(tuple(last), abs=1e-4)
    assert (
        position_on(plane, (9.0, 9.0), last) == pytest.approx(tuple(last))
        and position_on(None, None, last) is None
    )


def test_the_condition_first_met_is_named() -> None:
    assert first_read_as(path()) == 2
    assert (
        first_read_as(replace(path(), crossing=0.9)) == 1
        and first_read_as(replace(path(), crossing=None)) is None
    )
