"""The exact plane, the map backwards, its picture by quadtree, and what a handle asks for."""

from dataclasses import replace

import numpy as np
import pytest

from core.counterfactual.engine import Engine
from core.data.logit_coordinates import coordinates_of, logits_of, probabilities_of
from core.domain import LatentTable
from core.errors import LeighError
from core.io.resources import resource
from core.latent_map.adaptive_grid import COARSE, refined
from core.latent_map.decision_regions import weights_and_strength
from core.latent_map.drag_target import STRENGTHS, coordinates_at, drag_target, wanted_coordinates
from core.latent_map.inverse_projection import fit_inverse_projection, fit_kernel
from core.latent_map.ternary_plane import exact_plane

NAMES = ("WT", "DS", "TT", "Drug A")


def latents(conditions: int = 4, each: int = 30) -> LatentTable:
    """Clear conditions of unlike spread; every third record is held out, some are taken for
    another.
    """
    rng = np.random.default_rng(1)
    truth = np.repeat(np.arange(conditions), each)
    logits = 4.0 * np.eye(conditions)[truth] + rng.normal(
        size=(len(truth), conditions)
    ) * np.linspace(0.5, 2, conditions)
    logits = (logits - logits.mean(axis=1, keepdims=True)).astype(np.float32)
    u = coordinates_of(logits)
    split = tuple("test" if n % 3 == 0 else "train" for n in range(len(truth)))
    ids = tuple(f"r{n}" for n in range(len(truth)))
    return LatentTable(
        ids, NAMES[:conditions], truth, split, u, u, logits, probabilities_of(u), "m"
    )


def test_logits_come_back_from_semantic_coordinates() -> None:
    table = latents()
    assert np.allclose(logits_of(table.coordinates), table.logits, atol=1e-5)


@pytest.mark.parametrize(
    ("conditions", "names"), [(3, ("WT", "DS", "TT")), (4, ("DS", "Drug A", "WT"))]
)
def test_the_plane_agrees_with_the_model_everywhere_and_measures_in_standard_deviations(
    conditions: int, names: tuple[str, ...]
) -> None:
    table = latents(conditions)
    if conditions == 4:  # a held-out WT image that the model takes for TT
        table.logits[0, 2] += 9
        u = coordinates_of(table.logits)
        table = replace(table, coordinates=u, probabilities=probabilities_of(u))
    projection, decision, plane = exact_plane(table, names, 64)
    rows = [NAMES.index(n) for n in names]
    held = np.array([s == "test" and t in rows for s, t in zip(table.split, table.truth)])
    fourth = ~np.isin(table.predicted[held], rows)  # what no plane of three can show
    assert decision.fidelity == pytest.approx(1 - fourth.mean()) and (conditions == 3) == (
        not fourth.any()
    )
    assert decision.held_out and decision.conditions == names
    assert len(projection.record_ids) == 90 and projection.method == "exact plane"
    assert np.allclose(
        plane.back(plane.places(table.coordinates)), plane.among(table.coordinates), atol=1e-4
    )
    whose = table.truth[np.isin(table.truth, rows)]
    spread = np.mean([np.cov(projection.xy[whose == k], rowvar=False) for k in rows], axis=0)
    assert np.allclose(spread, np.eye(2), atol=0.1)
    left, right, top = (projection.xy[whose == k].mean(axis=0) for k in rows)
    assert left[0] < right[0] and left[1] == pytest.approx(right[1], abs=0.1) and top[1] > left[1]


def test_the_boundary_on_the_plane_is_a_straight_line() -> None:
    table = latents(3)
    _, decision, _ = exact_plane(table, NAMES[:3], 128)
    margin = np.log(decision.posterior[..., 0]) - np.log(decision.posterior[..., 1])
    bend = np.abs(np.diff(margin, 2, axis=0)).max(), np.abs(np.diff(margin, 2, axis=1)).max()
    assert max(bend) < 1e-4 * np.ptp(margin)


def test_the_surface_gives_back_what_it_was_fitted_to_and_the_same_each_time() -> None:
    table = latents(3)
    xy = table.coordinates.astype(np.float64) @ np.array([[0.6, -0.8], [0.8, 0.6]]) * 3 + 5
    surface, again = (
        fit_inverse_projection(xy, table.coordinates, 0),
        fit_inverse_projection(xy, table.coordinates, 0),
    )
    found = surface(xy)
    assert np.abs(found - table.coordinates).mean() < 0.1 * table.coordinates.std()
    assert np.array_equal(found, again(xy))
    assert (probabilities_of(found).argmax(axis=1) == table.predicted).mean() > 0.95


def test_the_kernel_answers_at_once_much_as_the_surface_will_and_stays_finite_far_away() -> None:
    table = latents(3)
    xy = table.coordinates.astype(np.float64)
    kernel = fit_kernel(xy, table.coordinates)
    assert (probabilities_of(kernel(xy)).argmax(axis=1) == table.predicted).mean() > 0.9
    low, high = table.coordinates.min(axis=0), table.coordinates.max(axis=0)
    far = kernel(np.array([[1e6, -1e6], [0.0, 0.0]]))
    assert ((low <= far) & (far <= high)).all()  # a mean of what is known, never beyond
    alone = fit_kernel(xy[:2], table.coordinates[:2])
    assert np.allclose(
        alone(xy[:1]), kernel.coordinates[:1], atol=np.abs(table.coordinates[:2]).max()
    )


def test_the_quadtree_asks_little_and_finds_every_boundary() -> None:
    size, extent, asked = 256, (-3.0, 3.0, -2.0, 2.0), []

    def ask(places: np.ndarray) -> np.ndarray:
        asked.append(len(places))
        x, y = places.T
        return np.stack([4 * np.sin(2 * x) + y, 4 * np.cos(2 * y) - x], axis=1).astype(np.float32)

    found, count = refined(ask, extent, size)
    columns, rows = (
        (-3 + (np.arange(size) + 0.5) * 6 / size),
        (-2 + (np.arange(size) + 0.5) * 4 / size),
    )
    exact = ask(np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)).reshape(size, size, 2)
    assert found.shape == exact.shape and count == sum(asked[:-1])
    assert np.allclose(found[::COARSE, ::COARSE], exact[::COARSE, ::COARSE], atol=1e-5)
    assert (
        probabilities_of(found).argmax(axis=2) != probabilities_of(exact).argmax(axis=2)
    ).mean() < 0.002
    assert count < 0.35 * size**2


def test_at_the_grab_nothing_jumps_and_far_away_the_place_decides() -> None:
    table = latents(3)
    _, decision, _ = exact_plane(table, NAMES[:3], 64)
    start = tuple(map(float, decision.anchors[1]))
    own = coordinates_at(decision, *start) + np.array([0.7, -0.4])
    assert np.allclose(wanted_coordinates(decision, start, own, start), own)
    far = tuple(map(float, decision.anchors[0]))
    assert np.allclose(
        wanted_coordinates(decision, start, own, far), coordinates_at(decision, *far), atol=0.12
    )


def measured(
    own: np.ndarray, ends: dict[str, np.ndarray], bend: tuple[float, ...]
) -> dict[str, list[np.ndarray]]:
    """Ways that have gone these shares of themselves at 0.35, 0.7, 1, 1.25 and 1.5."""
    assert len(bend) == len(STRENGTHS)
    return {name: [own + share * (end - own) for share in bend] for name, end in ends.items()}


def test_aiming_finds_the_mixture_and_the_strength_along_bent_ways() -> None:
    own = np.array([-3.0, 0.0])
    ends = {"WT": np.array([3.0, 0.0]), "TT": np.array([0.0, 4.0])}
    reached = measured(own, ends, (0.3, 0.6, 1.0, 1.2, 1.4))
    for name, end in ends.items():
        weights, strength = drag_target(own, reached, end)
        assert weights == {name: 1.0} and strength == pytest.approx(1.0, abs=0.02)
        weights, strength = drag_target(own, reached, own + 0.3 * (end - own))
        assert weights == {name: 1.0} and strength == pytest.approx(0.35, abs=0.05)
    weights, strength = drag_target(
        own, reached, own + 0.5 * (ends["WT"] - own) + 0.5 * (ends["TT"] - own)
    )
    assert weights["WT"] == pytest.approx(0.5, abs=0.02) and strength == pytest.approx(
        1.0, abs=0.02
    )
    assert drag_target(own, reached, own)[1] == 0
    assert (
        drag_target(own, reached, own + 1.15 * (ends["WT"] - own))[1] == 1.0
    )  # as good as the whole way
    assert drag_target(own, reached, own + 1.4 * (ends["WT"] - own))[1] == pytest.approx(
        1.5, abs=0.03
    )
    assert (
        drag_target(own, reached, own - (ends["WT"] - own))[1] < 0.05
    )  # away from every condition


def test_aiming_stops_where_the_way_turns_back() -> None:
    own, ends = np.zeros(2), {"TT": np.array([4.0, 0.0])}
    weights, strength = drag_target(
        own, measured(own, ends, (0.5, 1.0, 0.8, 0.3, -0.4)), np.array([5.0, 0.5])
    )
    assert weights == {"TT": 1.0} and strength == pytest.approx(0.7, abs=0.03)


def test_what_the_place_is_called_has_most_of_the_weight() -> None:
    own, ends = np.zeros(2), {"TT": np.array([4.0, 2.0]), "Drug A": np.array([4.0, -1.0])}
    reached = measured(own, ends, (0.35, 0.7, 1.0, 1.25, 1.5))
    place = np.array([4.0, -0.5])  # nearest by five parts of Drug A and one of TT
    free, asked = drag_target(own, reached, place)[0], drag_target(own, reached, place, "TT")[0]
    assert free["Drug A"] == pytest.approx(5 / 6, abs=0.02) and asked["TT"] >= 0.5
    assert drag_target(own, reached, place, "DS")[0] == free  # its own region: nothing is asked


def test_conditions_that_do_not_vary_or_have_no_images_do_not_break_the_plane() -> None:
    table = latents(4)
    flat = replace(table, logits=(4.0 * np.eye(4)[table.truth] - 1).astype(np.float32))
    flat = replace(flat, coordinates=coordinates_of(flat.logits))
    projection, _, _ = exact_plane(flat, NAMES[:3], 16)
    assert np.abs(projection.xy).max() < 100
    gone = replace(table, truth=np.full(len(table.truth), 3))
    with pytest.raises(LeighError, match="no images of WT, DS, TT"):
        exact_plane(gone, NAMES[:3], 16)


def test_an_image_of_a_fourth_condition_has_a_place_on_the_plane_and_may_go_to_all_three() -> None:
    session, plane = Engine(resource("demo"), "cpu"), NAMES[:3]
    assert session.map.latents is not None and session.project.dataset is not None
    record = next(r.id for r in session.project.dataset.records if r.condition == "Drug A")
    _, decision, exact = session.map.view(plane)
    assert exact is not None
    place = session.map.position_of(record, plane)
    said = session.map.latents.probabilities[session.map.latents.row(record)][list(exact.rows)]
    assert probabilities_of(exact.back(np.array(place))) == pytest.approx(
        said / said.sum(), abs=1e-4
    )
    for name, anchor in zip(plane, decision.anchors):
        weights, strength = weights_and_strength(
            decision, "Drug A", place, tuple(map(float, anchor))
        )
        assert max(weights, key=lambda n: weights[n]) == name and strength == pytest.approx(
            1.0, abs=0.01
        )


@pytest.mark.parametrize(
    "names", [("WT", "DS"), ("WT", "DS", "DS"), ("WT", "DS", "Nope"), NAMES, tuple("WT")]
)
def test_what_is_not_three_conditions_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(LeighError, match="not three different conditions"):
        exact_plane(latents(4), names, 16)


def test_a_draft_that_is_no_number_spoils_no_other_strength() -> None:
    own, ends = np.zeros(2), {"TT": np.array([4.0, 0.0])}
    reached = measured(own, ends, (0.35, 0.7, 1.0, 1.25, np.nan))
    assert drag_target(own, reached, 0.7 * ends["TT"])[1] == pytest.approx(0.7, abs=0.01)


def test_a_plane_without_held_out_records_says_so() -> None:
    table = replace(latents(3), split=("train",) * 90)
    assert not exact_plane(table, NAMES[:3], 16)[1].held_out
