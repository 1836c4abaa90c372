"""The trajectory of an image over the map, and the marks on it."""

from dataclasses import replace

import numpy as np
import pytest

from core.data.logit_coordinates import coordinates_of, probabilities_of
from core.domain import CounterfactualPath, DecisionMap, PathPoint
from core.latent_map.ternary_plane import Plane
from core.latent_map.trajectory import (
    Crossing,
    Trajectory,
    position_on,
    regions_at,
    trajectory_of,
)

NAMES = ("A", "B", "C")
MET = Crossing((2.0, 2.0), 0.75, "B")
BENT = Trajectory(
    ((0.0, 0.0), (2.0, 0.0), (2.0, 4.0)), (0.0, 0.5, 1.0), (MET,), (True, True)
)  # fmt: skip


def path() -> CounterfactualPath:
    """From the first condition to the second, with the third in between."""
    logits = np.array([[4, 0, 0], [2, 0, 3], [0, 5, 1]], np.float32)
    points = [
        PathPoint(s, probabilities_of(coordinates_of(z)), (s, 10 * s))
        for s, z in zip((0.0, 0.5, 1.0), logits)
    ]
    return CounterfactualPath("r", "WT", tuple(points), 0.5)


def stripes() -> DecisionMap:
    """A, B and C from left to right, three units each."""
    x = (np.arange(90) + 0.5) / 10
    logits = -np.abs(x[:, None] - np.array([1.5, 4.5, 7.5])) * 4
    posterior = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    posterior = np.repeat(posterior[None], 20, axis=0).astype(np.float32)
    support = np.ones(posterior.shape[:2], bool)
    extent, anchors = (0.0, 9.0, 0.0, 2.0), np.array([[1.5, 1], [4.5, 1], [7.5, 1]], np.float32)
    return DecisionMap(
        extent, posterior, np.zeros((20, 90, 2), np.float32), support, NAMES, anchors, 1.0, 9,
        True, "d",
    )  # fmt: skip


def over_stripes(*points: tuple[float, int, float]) -> Trajectory:
    """A trajectory over the stripes through points of (strength, reading, x)."""
    found = tuple(
        PathPoint(s, np.eye(3, dtype=np.float32)[read] + 0.01, (x, 1.0)) for s, read, x in points
    )
    first = next((p.strength for p in found if p.read != found[0].read), None)
    whole = CounterfactualPath("r", "C", found, first)
    return trajectory_of(whole, (points[0][2], 1.0), None, stripes(), NAMES)


def test_between_its_places_a_trajectory_is_straight_and_ends_at_its_end() -> None:
    assert (
        BENT.at(0) == (0, 0)
        and BENT.at(0.25) == (1, 0)
        and BENT.at(0.75) == (2, 2)
        and BENT.at(1.5) == (2, 4)
    )


def test_a_trajectory_is_cut_where_the_image_was_let_go_and_keeps_no_crossing_beyond() -> None:
    half = BENT.until(0.7)
    assert half.places[:2] == BENT.places[:2] and half.places[2] == pytest.approx((2, 1.6))
    assert half.strengths == (0, 0.5, 0.7) and half.crossings == () and half.joined == (True, True)
    assert BENT.until(0.75).crossings == (MET,) and BENT.until(1.3) == BENT
    assert BENT.until(0).places == ((0, 0),) and BENT.until(0).lines == ()


def test_every_tenth_of_the_strength_has_a_tick() -> None:
    assert len(BENT.ticks) == 9 and BENT.ticks[4] == (2, 0)
    assert len(BENT.until(0.55).ticks) == 5


def test_it_begins_at_the_image_and_leaves_out_what_has_no_place() -> None:
    found = trajectory_of(path(), (-1.0, -1.0), None, None, NAMES)
    assert found.places == ((-1, -1), (0.5, 5), (1, 10)) and found.lines == ()
    points = path().points
    lost = replace(path(), points=(points[0], replace(points[1], xy=None), points[2]))
    assert trajectory_of(lost, (0.0, 0.0), None, None, NAMES).strengths == (0, 1)


def test_on_an_exact_plane_places_follow_from_what_the_model_says() -> None:
    plane = Plane((0, 1, 2), np.zeros(2), np.eye(2))
    found = trajectory_of(path(), (0.0, 0.0), plane, None, NAMES)
    last = coordinates_of(np.log(path().points[2].probabilities))
    assert found.places[2] == pytest.approx(tuple(last), abs=1e-4)
    assert (
        position_on(plane, (9.0, 9.0), last) == pytest.approx(tuple(last))
        and position_on(None, None, last) is None
    )


def test_no_line_runs_through_a_region_where_no_picture_landed() -> None:
    leap = over_stripes((0.0, 0, 1.5), (0.5, 0, 2.5), (1.0, 2, 7.5))
    assert leap.joined == (True, False) and leap.lines == (((1.5, 1.0), (2.5, 1.0)),)
    steps = over_stripes((0.0, 0, 1.5), (0.4, 1, 3.5), (1.0, 2, 7.5))
    assert steps.joined == (True, True) and len(steps.lines) == 1


def test_on_a_map_no_line_crosses_what_has_no_data() -> None:
    empty = stripes()
    empty.support[:, 20:24] = False
    points = path().points
    ends = (replace(points[0], xy=(1.5, 1.0)), replace(points[0], strength=1.0, xy=(2.8, 1.0)))
    whole = replace(path(), points=ends)
    assert trajectory_of(whole, (1.5, 1.0), None, stripes(), NAMES).joined == (True,)
    assert trajectory_of(whole, (1.5, 1.0), None, empty, NAMES).joined == (False,)


def test_a_crossing_is_marked_only_where_the_region_is_the_condition_that_it_names() -> None:
    found = over_stripes((0.0, 0, 1.5), (0.4, 1, 3.5), (0.7, 2, 5.5), (1.0, 1, 4.0))
    assert [(c.strength, c.condition) for c in found.crossings] == [(0.4, "B"), (1.0, "B")]
    assert regions_at(stripes(), [c.place for c in found.crossings]) == ("B", "B")


def test_crossings_that_are_not_placed_yet_are_not_marked() -> None:
    rough = replace(path(), exact=False)
    assert trajectory_of(rough, (0.0, 0.0), None, stripes(), NAMES).crossings == ()
