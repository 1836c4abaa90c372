"""Ranked treatments of simulated screens beside what was planted."""

import time
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest
from scipy.stats import spearmanr

from benchmarks.simulated_screen import Truth, simulate
from core.domain import Condition, Role
from core.domain.screen import Ranked
from core.errors import LeighError
from core.screening.design import design_of
from core.screening.discriminant import position_along
from core.screening.moderated_variance import prior_of, redraw, spread_of
from core.screening.ranking import Rules, compound_of, rank
from core.screening.score_wells import placed
from core.screening.wells import WellTable


def _rank(
    table: WellTable, conditions: tuple[Condition, ...], how: str = "median"
) -> tuple[Ranked, ...]:
    found = placed(table, conditions, how, Rules())
    return rank(found.estimates, found.space, table, found.design, Rules())


def _taken(table: WellTable, chosen: Sequence[bool]) -> WellTable:
    """Some of its wells."""
    rows = np.flatnonzero(chosen)
    taken = {f.name: getattr(table, f.name) for f in fields(table)}
    return WellTable(
        **{
            k: v[rows] if isinstance(v, np.ndarray) else tuple(v[i] for i in rows)
            for k, v in taken.items()
        }
    )


@cache
def _simulated(seed: int) -> tuple[dict[str, Ranked], Truth]:
    table, conditions, truth = simulate(seed)
    return {r.condition: r for r in _rank(table, conditions)}, truth


@pytest.mark.parametrize("seed", range(6))
def test_the_order_is_the_planted_one_and_flags_name_what_was_planted(seed: int) -> None:
    rows, truth = _simulated(seed)
    names = list(truth.rescue)
    assert spearmanr([rows[n].rescue for n in names], [truth.rescue[n] for n in names])[0] >= 0.9
    for name in names:
        kind, flags = truth.kind[name], rows[name].flags
        assert ("loses cells" in flags) == (kind == "toxic"), (name, kind, flags)
        assert ("side effect" in flags) == (kind in ("toxic", "side effect")), (name, kind, flags)
        assert not (rows[name].hit and kind != "rescuing")


def test_ninety_percent_intervals_hold_the_truth_in_about_ninety_of_hundred() -> None:
    held = []
    for seed in range(10):
        rows, truth = _simulated(seed)
        held += [rows[n].rescue_low <= truth.rescue[n] <= rows[n].rescue_high for n in truth.rescue]  # type: ignore
    assert 0.83 <= np.mean(held) <= 0.95  # 240 treatments


def test_ties_are_runs_of_intervals_that_overlap_with_their_best() -> None:
    rows, _ = _simulated(0)
    treatments = [r for r in rows.values() if r.tie]
    assert [r.rescue for r in treatments] == sorted((r.rescue for r in treatments), reverse=True)
    for number in {r.tie for r in treatments}:
        own = [r for r in treatments if r.tie == number]
        assert all(r.rescue_high >= own[0].rescue_low for r in own)  # type: ignore[operator]
        after = [r for r in treatments if r.tie == number + 1]
        assert not after or after[0].rescue_high < own[0].rescue_low  # type: ignore[operator]
    assert {r.tie for r in rows.values() if r.role in (Role.HEALTHY, Role.DISEASED)} == {0}


def test_plates_that_lie_apart_need_their_own_controls() -> None:
    table, conditions, truth = simulate(1)
    names = list(truth.rescue)
    home = {n: i % 3 for i, n in enumerate(names)}  # every treatment on one plate only
    table = _taken(
        table, [home.get(c, p) == p for c, p in zip(table.conditions, table.plate_index)]
    )
    way = [table.features[np.array(table.conditions) == c].mean(axis=0) for c in ("WT", "DS")]
    shift = np.outer(table.plate_index, way[0] - way[1])
    apart = replace(table, features=table.features + shift, readouts=table.readouts + shift)

    def error(how: str) -> float:
        rows = {r.condition: r for r in _rank(apart, conditions, how)}
        return float(np.mean([abs(rows[n].rescue - truth.rescue[n]) for n in names]))

    assert 2 * error("median") < error("none") and error("median") < 0.1


def test_noise_is_no_way_from_diseased_to_healthy() -> None:
    table, conditions, _ = simulate(0)
    noise = np.random.default_rng(0).normal(size=table.features.shape)
    design = design_of(table, conditions, True)
    who = (design.condition, design.home, design.healthy, design.diseased)
    scores = position_along(noise, *who, seed=0)
    gap = (
        scores[design.condition == design.healthy].mean()
        - scores[design.condition == design.diseased].mean()
    )
    assert gap < 0.8  # in spreads of wells; the axis fitted to the same wells would find 4
    with pytest.raises(LeighError, match="are not separated"):
        _rank(replace(table, features=noise, readouts=noise), conditions)


def test_a_treatment_of_one_well_has_a_place_and_no_interval() -> None:
    table, conditions, truth = simulate(2)
    name = next(n for n in truth.rescue if truth.kind[n] == "rescuing")
    first = table.conditions.index(name)
    one = _taken(table, [c != name or i == first for i, c in enumerate(table.conditions)])
    row = next(r for r in _rank(one, conditions) if r.condition == name)
    assert row.wells == 1 and row.rescue_low is None and row.p_value is None and not row.hit
    assert "only 1 well: no interval" in row.flags


def test_without_roles_or_with_too_few_controls_nothing_is_ranked() -> None:
    table, conditions, _ = simulate(0)
    with pytest.raises(LeighError, match="healthy"):
        _rank(table, tuple(replace(c, role=Role.OTHER) for c in conditions))


def test_the_prior_is_found_where_variances_differ_and_where_they_do_not() -> None:
    rng = np.random.default_rng(0)
    same = rng.chisquare(5, 400) / 5 * 2.0
    prior, freedom = prior_of(same, np.full(400, 5.0))
    assert prior == pytest.approx(2.0, rel=0.1) and freedom > 30
    spread = 2.0 * 8 / rng.chisquare(8, 400)  # true variances of 8 degrees of freedom
    prior, freedom = prior_of(spread * rng.chisquare(5, 400) / 5, np.full(400, 5.0))
    assert prior == pytest.approx(2.0, rel=0.2) and 5 < freedom < 13


def test_redrawn_means_err_as_means_of_wells_do() -> None:
    rng = np.random.default_rng(0)
    treatment = np.repeat(np.arange(60), 4)
    found = spread_of(rng.normal(0, 3, 240), treatment, 60)
    errors = redraw(found, np.full(60, 4), np.arange(60), 400, rng)
    assert errors.std() == pytest.approx(3 / 2, rel=0.1)


def test_a_hundred_thousand_wells_are_ranked_in_seconds() -> None:
    table, conditions, _ = simulate(0, plates=1050)
    began = time.monotonic()
    rows = _rank(table, conditions)
    assert len(table.plates) > 100_000 and len(rows) == 26
    assert time.monotonic() - began < 60  # 5 s alone on two cores; tests share them


def test_the_dose_is_not_part_of_the_compound() -> None:
    assert compound_of(Condition("Drug A 0.3 µM", Role.TREATED, dose_um=0.3)) == "Drug A"
    assert compound_of(Condition("Drug A", Role.TREATED)) == "Drug A"


@pytest.mark.parametrize(("controls", "how"), [(8, "none"), (16, "none"), (12, "median")])
def test_labels_dealt_at_random_are_refused_not_ranked(controls: int, how: str) -> None:
    refused = 0
    for seed in range(12):
        table, conditions, _ = simulate(
            seed, plates=3 if how == "median" else 1, controls=controls, replicates=2
        )
        noise = np.random.default_rng(seed + 1000).normal(size=(len(table.plates), 60))
        try:
            rows = _rank(replace(table, features=noise, readouts=noise), conditions, how)
        except LeighError:
            refused += 1
        else:
            assert not any(r.hit for r in rows)
    assert refused >= 11


def test_of_two_healthy_conditions_that_with_most_wells_makes_the_way() -> None:
    table, conditions, _ = simulate(0)
    other = tuple(
        replace(c, role=Role.HEALTHY) if c.name == "T01" else c
        for c in (*conditions[2:], *conditions[:2])
    )
    rows = {r.condition: r for r in _rank(table, other)}
    assert rows["WT"].rescue == pytest.approx(1) and rows["WT"].rescue_low is None
    assert rows["T01"].tie == 0 and rows["T01"].rescue_low is not None


def test_a_condition_without_wells_is_no_row_and_no_fault() -> None:
    table, conditions, _ = simulate(0)
    rows = _rank(
        table, (Condition("Empty", Role.TREATED), *conditions, Condition("Gone", Role.TREATED))
    )
    assert {r.condition for r in rows} == {c.name for c in conditions}
    assert rows == _rank(table, conditions)
