from dataclasses import replace

import numpy as np
import pytest

from core.data.logit_coordinates import coordinates_of, probabilities_of
from core.domain import DecisionMap, LatentTable, Projection
from core.latent_map.decision_regions import (
    fit_decision,
    has_data,
    posterior_at,
    weights_and_strength,
)
from core.latent_map.projection import (
    MIN_FOR_UMAP,
    aligned,
    extended,
    find_out_of_distribution,
    fit_projection,
    map_features,
    place,
)

CENTRES = coordinates_of(
    6.0 * np.eye(3)
)  # semantic coordinates of three conditions, each sure of itself


def latents(per_condition: int = 12, seed: int = 0, spread: float = 0.6) -> LatentTable:
    """Three clear conditions; every third record is held out."""
    rng = np.random.default_rng(seed)
    truth = np.repeat([0, 1, 2], per_condition)
    u = (CENTRES[truth] + spread * rng.normal(size=(len(truth), 2))).astype(np.float32)
    from scipy.linalg import helmert

    logits = (u @ helmert(3)).astype(np.float32)
    assert np.allclose(coordinates_of(logits), u, atol=1e-5)
    return LatentTable(
        record_ids=tuple(f"r{n}" for n in range(len(truth))),
        conditions=("WT", "DS", "TT"),
        truth=truth,
        split=tuple("test" if n % 3 == 0 else "train" for n in range(len(truth))),
        features=u,
        coordinates=u,
        logits=logits,
        probabilities=probabilities_of(u),
        model_digest="m",
    )


def flat_map(table: LatentTable) -> Projection:
    """The semantic plane itself as the map: what is right can be read off."""
    return Projection(table.record_ids, table.coordinates, "discriminant plane", {}, 0, "m")


def test_umap_gives_the_same_map_for_the_same_seed_and_keeps_conditions_apart() -> None:
    table = latents()
    first, again = fit_projection(table, seed=3), fit_projection(table, seed=3)
    assert first.method == "umap" and first.settings["landmarks"] == 36
    assert np.array_equal(first.xy, again.xy) and np.isfinite(first.xy).all()
    centres = np.stack([first.xy[table.truth == k].mean(axis=0) for k in range(3)])
    nearest = np.linalg.norm(first.xy[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == table.truth).all()


@pytest.mark.parametrize("per_condition", [1, 3])
def test_few_records_get_principal_components_and_the_map_says_so(per_condition: int) -> None:
    table = latents(per_condition)
    found = fit_projection(table, seed=0)
    assert found.method == "pca" and str(MIN_FOR_UMAP) in found.settings["why"]
    assert found.xy.shape == (3 * per_condition, 2) and np.isfinite(found.xy).all()


def test_equal_records_get_principal_components_and_a_finite_map() -> None:
    table = latents(40)
    same = np.zeros_like(table.coordinates)
    equal = replace(table, coordinates=same, probabilities=probabilities_of(same))
    found = fit_projection(equal, seed=0)
    assert found.method == "pca" and str(MIN_FOR_UMAP) in found.settings["why"]
    assert np.isfinite(found.xy).all()
    decision = fit_decision(equal, found, grid=32)
    assert np.isfinite(decision.posterior).all() and np.isfinite(decision.extent).all()


def test_placing_returns_known_points_near_themselves_and_does_not_refit() -> None:
    table = latents(40)
    known, xy = map_features(table), table.coordinates.copy()
    placed = place(known, xy, known)
    size = float(np.ptp(xy, axis=0).max())
    assert np.linalg.norm(placed - xy, axis=1).max() < 0.15 * size
    alone = place(known, xy, known[:1])
    assert np.allclose(alone, placed[:1])  # a point does not depend on what else is asked for


def test_new_records_are_placed_and_the_old_ones_stay_where_they_are() -> None:
    table = latents(40)
    early = [n for n in range(120) if n % 12]
    first = replace(
        table,
        record_ids=tuple(table.record_ids[n] for n in early),
        split=tuple(table.split[n] for n in early),
        **{
            k: getattr(table, k)[early]
            for k in ("truth", "features", "coordinates", "logits", "probabilities")
        },
    )
    former = fit_projection(first, seed=0)
    grown = extended(table, former)
    assert (
        grown is not None
        and grown.record_ids == table.record_ids
        and grown.settings["placed"] == 10
    )
    assert np.array_equal(grown.xy[early], former.xy)
    centres = np.stack([grown.xy[early][table.truth[early] == k].mean(axis=0) for k in range(3)])
    late = [n for n in range(120) if n % 12 == 0]
    assert (
        np.linalg.norm(grown.xy[late, None] - centres, axis=2).argmin(axis=1) == table.truth[late]
    ).all()
    assert (
        extended(replace(table, model_digest="another"), former) is None
    )  # that must be fitted anew
    assert extended(first, former).xy.tobytes() == former.xy.tobytes()
    u = first.coordinates.copy()
    u[[0, 45]] = u[[45, 0]]  # other images under the same names
    swapped = replace(first, coordinates=u, probabilities=probabilities_of(u))
    found = extended(swapped, former)
    assert (
        found is not None
        and np.linalg.norm(found.xy[[0, 45]] - former.xy[[45, 0]], axis=1).max() < 3
    )
    assert np.array_equal(
        np.delete(found.xy, [0, 45], axis=0), np.delete(former.xy, [0, 45], axis=0)
    )


def test_records_unlike_all_training_records_are_named() -> None:
    table = latents(40)
    assert find_out_of_distribution(table) == ()
    u = table.coordinates.copy()
    u[0] += 30  # held out
    u[1] += 30  # a training record is like itself
    changed = replace(table, coordinates=u, probabilities=probabilities_of(u))
    assert table.split[:2] == ("test", "train") and find_out_of_distribution(changed) == ("r0",)


def test_a_map_fitted_anew_is_turned_onto_the_former_one_and_keeps_its_distances() -> None:
    former = flat_map(latents())
    turn = np.array([[0.0, 1.0], [1.0, 0.0]])  # a mirror, too
    again = replace(former, xy=(former.xy @ turn + 7).astype(np.float32))
    found = aligned(again, former)
    assert np.allclose(found.xy, former.xy, atol=1e-4) and found.settings["aligned"] == 36
    stranger = replace(former, record_ids=tuple(f"other{n}" for n in range(36)))
    assert aligned(again, stranger) is again


def test_two_records_are_enough_to_place_a_third() -> None:
    known, xy = np.array([[0.0], [1.0]]), np.array([[0.0, 0.0], [1.0, 1.0]])
    assert np.allclose(place(known, xy, np.array([[0.5]])), [[0.5, 0.5]])


def test_regions_say_what_the_model_says_and_fidelity_is_counted_on_held_out_points_only() -> None:
    table = latents()
    decision = fit_decision(table, flat_map(table), grid=64)
    held = np.array(table.split) == "test"
    assert decision.held_out and decision.fidelity_points == held.sum() == 12
    assert decision.fidelity == 1.0
    for k, centre in enumerate(CENTRES):
        assert posterior_at(decision, *centre).argmax() == k
        assert np.linalg.norm(decision.anchors[k] - centre) < 0.6

    # a model that names every held-out record otherwise agrees with no region; training records
    # change nothing here
    lied = np.where(held, (table.truth + 1) % 3, table.truth)
    wrong = replace(table, probabilities=np.eye(3, dtype=np.float32)[lied])
    assert fit_decision(wrong, flat_map(table), grid=16).fidelity == 0.0
    spared = np.where(held, table.truth, (table.truth + 1) % 3)
    right = replace(table, probabilities=np.eye(3, dtype=np.float32)[spared])
    assert fit_decision(right, flat_map(table), grid=16).fidelity == 1.0


def test_data_lies_around_records_and_never_outside_the_map() -> None:
    table = latents(40)
    decision = fit_decision(table, flat_map(table), grid=96)
    assert all(has_data(decision, *map(float, centre)) for centre in CENTRES)
    x0, x1, y0, y1 = decision.extent
    assert not has_data(decision, x0 + 1e-3, y1 - 1e-3)
    x, y = map(float, CENTRES[0])
    assert not has_data(decision, x1 + 1, y) and not has_data(decision, x, y0 - 1)


def test_regions_are_there_at_once_and_judged_as_the_fitted_ones() -> None:
    table = latents(40)
    rough, fitted = (
        fit_decision(table, flat_map(table), grid=64, at_once=now) for now in (True, False)
    )
    same = rough.posterior.argmax(axis=2) == fitted.posterior.argmax(axis=2)
    assert same[fitted.support].mean() > 0.95 and np.array_equal(rough.support, fitted.support)
    assert rough.fidelity == fitted.fidelity == 1.0


def test_held_out_coordinates_do_not_shape_the_regions() -> None:
    table = latents()
    held = np.array(table.split) == "test"
    moved = table.coordinates.copy()
    moved[held] = 0
    changed = fit_decision(replace(table, coordinates=moved), flat_map(table), grid=32)
    assert np.array_equal(
        changed.posterior, fit_decision(table, flat_map(table), grid=32).posterior
    )


def test_without_held_out_records_the_map_says_that_training_records_judged_it() -> None:
    table = replace(latents(), split=("train",) * 36)
    decision = fit_decision(table, flat_map(table), grid=16)
    assert not decision.held_out and decision.fidelity_points == 36


def test_places_far_from_any_record_have_no_support() -> None:
    table = latents(40)
    decision = fit_decision(table, flat_map(table), grid=96)
    x0, x1, y0, y1 = decision.extent
    columns = x0 + (np.arange(96) + 0.5) * (x1 - x0) / 96
    rows = y0 + (np.arange(96) + 0.5) * (y1 - y0) / 96
    pixels = np.stack(np.meshgrid(columns, rows), axis=-1)
    distance = np.linalg.norm(pixels[:, :, None] - table.coordinates, axis=3).min(axis=2)
    assert not decision.support[distance > 2.5].any() and (distance > 2.5).any()
    assert decision.support[distance < 0.1].all()
    assert decision.posterior.sum(axis=2) == pytest.approx(1, abs=1e-4)


@pytest.fixture
def decision() -> DecisionMap:
    """Regions over the semantic plane of three conditions."""
    table = latents(spread=0.3)
    return fit_decision(table, flat_map(table))


def test_a_handle_at_its_start_asks_for_nothing(decision: DecisionMap) -> None:
    start = (float(CENTRES[1][0]), float(CENTRES[1][1]))
    weights, strength = weights_and_strength(decision, "DS", start, start)
    assert strength == 0 and sum(weights.values()) == pytest.approx(1) and "DS" not in weights


@pytest.mark.parametrize(("target", "k"), [("WT", 0), ("TT", 2)])
def test_a_handle_at_the_anchor_of_a_condition_asks_for_all_of_it(
    decision: DecisionMap, target: str, k: int
) -> None:
    start = (float(CENTRES[1][0]), float(CENTRES[1][1]))
    anchor = decision.anchors[k]
    weights, strength = weights_and_strength(
        decision, "DS", start, (float(anchor[0]), float(anchor[1]))
    )
    assert weights[target] > 0.97 and sum(weights.values()) == pytest.approx(1)
    assert strength == pytest.approx(1, abs=0.03)


def test_strength_grows_along_the_way_and_stops_at_one_and_a_half(decision: DecisionMap) -> None:
    start, anchor = CENTRES[1], decision.anchors[0]
    asked = [weights_and_strength(decision, "DS", tuple(start), tuple(start + s * (anchor - start)))
             for s in (0.1, 0.4, 0.8, 1.2, 9.0)]  # fmt: skip
    strengths = [strength for _, strength in asked]
    assert strengths == sorted(strengths) and strengths[0] < 0.15 and strengths[-1] == 1.5
    for weights, _ in asked:
        assert sum(weights.values()) == pytest.approx(1) and "DS" not in weights
        assert max(weights, key=lambda n: weights[n]) == "WT"


def test_a_handle_between_two_conditions_asks_for_both(decision: DecisionMap) -> None:
    start = (float(CENTRES[0][0]), float(CENTRES[0][1]))
    middle = decision.anchors[1:].mean(axis=0)
    weights, _ = weights_and_strength(decision, "WT", start, (float(middle[0]), float(middle[1])))
    assert min(weights["DS"], weights["TT"]) > 0.1 and sum(weights.values()) == pytest.approx(1)
