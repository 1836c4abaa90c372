"""Differences between conditions over few wells, and how sure they are."""

import numpy as np
import pytest

from core.data.well_effects import shared_variance, well_effects


def cells_of(wells: int, together: bool) -> list[tuple[str, str, str]]:
    """Cells of two conditions, in the same wells or in wells of their own."""
    return [(k, f"{w}" if together else f"{k}{w}", "") for k in ("DS", "WT") for w in range(wells)]


@pytest.mark.parametrize("together", [True, False])
def test_the_effect_and_its_error_are_those_of_a_t_test(together: bool) -> None:
    rng = np.random.default_rng(0)
    ds, wt = rng.normal(size=(2, 4, 3))
    fitted = well_effects(np.concatenate([ds, wt]), cells_of(4, together))
    shift, of_shift = fitted.shift(0, 1)
    assert np.allclose(shift, wt.mean(axis=0) - ds.mean(axis=0))
    assert fitted.within_groups is together and fitted.freedom == (3 if together else 6)
    error = of_shift * fitted.squares / fitted.freedom
    if together:
        assert np.allclose(error, (wt - ds).var(axis=0, ddof=1) / 4)
    else:
        assert np.allclose(error, (ds.var(axis=0, ddof=1) + wt.var(axis=0, ddof=1)) / 4)


def test_shared_variance_finds_what_many_features_have_in_common() -> None:
    rng = np.random.default_rng(1)
    freedom, prior, typical = 4, 8.0, 0.3
    true = prior * typical / rng.chisquare(prior, 4000)
    drawn = true * rng.chisquare(freedom, 4000) / freedom
    found, of_prior = shared_variance(drawn, freedom)
    assert found == pytest.approx(typical, rel=0.1) and 6 < of_prior < 11
    equal = typical * rng.chisquare(freedom, 4000) / freedom
    found, of_prior = shared_variance(equal, freedom)
    assert found == pytest.approx(typical, rel=0.05) and of_prior > 50


def test_shared_variance_of_nothing() -> None:
    assert shared_variance(np.zeros(5), 2.0) == (0.0, 0.0)
