"""The nuisance audit on planted nuisances and on none."""

from dataclasses import replace

import numpy as np

from benchmarks.simulated_screen import simulate
from core.domain.screen import Finding
from core.screening.audit import audit, background
from core.screening.ranking import Rules
from core.screening.score_wells import placed
from core.screening.wells import WellTable


def _audit(
    table: WellTable, conditions: tuple, how: str = "median"
) -> dict[tuple[str, str], Finding]:
    found = placed(table, conditions, how, Rules())
    return {(f.what, f.unit): f for f in audit(table, found.design, found.scores)}


def _warned(found: dict[tuple[str, str], Finding]) -> set[str]:
    return {what for (what, _), f in found.items() if f.warning}


def test_a_scattered_screen_without_nuisances_is_not_warned_of() -> None:
    for seed in range(2):
        table, conditions, _ = simulate(seed, plate_shift=0)
        assert _warned(_audit(table, conditions)) == set()


def test_plates_that_differ_are_named() -> None:
    table, conditions, _ = simulate(0, plate_shift=0)
    shift = 6 * np.eye(table.features.shape[1])[0] * table.plate_index[:, None]
    found = _audit(replace(table, features=table.features + shift), conditions)
    assert _warned(found) == {"plate"}


def test_an_edge_effect_is_named_with_what_it_does_to_the_rescue() -> None:
    table, conditions, _ = simulate(0, plate_shift=0)
    edge = np.array([w[0] in "AH" or w[1:] in ("01", "12") for w in table.wells])
    way = table.features[_of(table, "WT")].mean(axis=0) - table.features[_of(table, "DS")].mean(
        axis=0
    )
    moved = table.features + 0.3 * np.outer(edge, way)
    finding = _audit(replace(table, features=moved, readouts=moved), conditions)[
        "edge", "balanced accuracy"
    ]
    assert "edge" in finding.warning and "+0." in finding.warning


def test_treatments_in_blocks_of_columns_are_named() -> None:
    table, conditions, _ = simulate(0, plate_shift=0)
    order = np.argsort(np.array(table.conditions), kind="stable")
    wells = np.empty(len(order), object)
    for p in set(table.plates):
        own = [i for i in order if table.plates[i] == p]
        for n, i in enumerate(own):
            wells[i] = f"{'ABCDEFGH'[n % 8]}{n // 8 + 1:02d}"
    found = _audit(replace(table, wells=tuple(wells)), conditions)
    assert {"column", "column of the controls"} <= _warned(found) and "row" not in _warned(found)


def test_a_background_that_goes_along_with_the_condition_is_named_and_another_is_not() -> None:
    rng = np.random.default_rng(0)
    condition = np.repeat([0, 1], 24)
    groups = [f"w{i // 2}" for i in range(48)]
    empty = rng.normal(size=(48, 5))
    assert not background(empty, condition, groups, 0, 1).warning
    assert (
        "background" in background(empty + 3 * condition[:, None], condition, groups, 0, 1).warning
    )


def _of(table: WellTable, name: str) -> np.ndarray:
    return np.array([c == name for c in table.conditions])
