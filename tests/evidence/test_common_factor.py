"""Dense cells make every stain brighter; a stain that changes alone is found in spite of that."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from reference_stand_in import IMAGES, READOUTS, SHIFT

from core.domain import FloatArray
from core.evidence.common_factor import without_common_factor
from core.evidence.contrast import Contrast
from core.evidence.reference import ReferenceSet

PER_STAIN = READOUTS // 2
FEW = 3  # wells of each condition


def few_wells(real: ReferenceSet, seed: int, density: float, shift: FloatArray) -> ReferenceSet:
    """Three wells a side, whose features all rise with the density of the cells."""
    rng = np.random.default_rng(seed)
    rows = [i for i, g in enumerate(real.groups) if 3 <= int(g[1:]) < 3 + FEW]
    truth = real.truth[rows]
    dense = np.repeat(rng.normal(size=len(rows) // IMAGES), IMAGES) + rng.normal(size=len(rows))
    readouts = rng.normal(size=(len(rows), READOUTS)) * 0.5 + density * dense[:, None]
    parts = {n: getattr(real, n)[rows] for n in ("embedding", "oracle_probabilities")}
    return replace(
        real,
        readouts=readouts + truth[:, None] * shift,
        truth=truth,
        groups=tuple(real.groups[i] for i in rows),
        held_out=np.zeros(len(rows), np.bool_),
        **parts,
    )


@pytest.fixture
def share_found(real: ReferenceSet) -> Callable[[float, FloatArray], FloatArray]:
    """(R,) how often each feature differs in 40 plates."""

    def call(density: float, shift: FloatArray) -> FloatArray:
        plates = [few_wells(real, seed, density, shift) for seed in range(40)]
        share: FloatArray = np.mean([Contrast(p, "WT", "DS").differs for p in plates], axis=0)
        return share

    return call


def test_a_stain_that_changes_alone_is_found_where_density_hides_it(
    share_found: Callable[[float, FloatArray], FloatArray],
) -> None:
    shift = SHIFT / 2
    found = share_found(0.8, shift)
    assert found[shift != 0].mean() > 0.5
    assert found[:PER_STAIN].mean() < 0.05


def test_density_alone_is_no_difference(
    share_found: Callable[[float, FloatArray], FloatArray],
) -> None:
    assert share_found(0.8, np.zeros(READOUTS)).mean() < 0.02


def test_one_stain_has_nothing_in_common_with_others() -> None:
    features = np.random.default_rng(0).normal(size=(12, 4))
    cells = [(i % 2, str(i // 4)) for i in range(12)]
    assert np.array_equal(without_common_factor(features, np.zeros(4, int), cells), features)


def test_constant_features_are_no_division_by_zero() -> None:
    features = np.random.default_rng(0).normal(size=(12, 4))
    features[:, :2] = 1.0
    cells = [(i % 2, str(i // 4)) for i in range(12)]
    assert np.isfinite(without_common_factor(features, np.array([0, 0, 1, 1]), cells)).all()
