import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.preprocessing import (
    GAIN,
    change_at_full_size,
    choose_downscale,
    fit_preprocessing,
    from_network,
    to_network,
)
from core.errors import LeighError
from core.synthetic.cells import DISEASED, HEALTHY, render

FIELDS = [render(seed, HEALTHY, 64).astype(np.float32) for seed in range(4)]


def test_recipe_gives_back_every_grey_value() -> None:
    preprocessing = fit_preprocessing(FIELDS, 32)
    raw = render(99, DISEASED, 64).astype(np.float32)
    back = from_network(preprocessing, to_network(preprocessing, raw))
    assert np.abs(back - raw).max() < 0.01


@given(st.floats(-1e4, 7e4))
def test_recipe_is_exact_far_outside_the_training_range(value: float) -> None:
    preprocessing = fit_preprocessing(FIELDS, 32)
    raw = np.full((3, 8, 8), value, np.float32)
    assert np.allclose(
        from_network(preprocessing, to_network(preprocessing, raw)), raw, rtol=1e-5, atol=0.05
    )


def test_network_input_has_the_planned_spread() -> None:
    preprocessing = fit_preprocessing(FIELDS, 32)
    x = np.stack([to_network(preprocessing, f) for f in FIELDS])
    assert np.allclose(x.mean(axis=(0, 2, 3)), 0, atol=0.1)
    assert np.allclose(x.std(axis=(0, 2, 3)), GAIN, atol=0.1)


def test_a_constant_channel_is_refused() -> None:
    dead = [np.where(np.arange(3)[:, None, None] == 1, 7.0, f).astype(np.float32) for f in FIELDS]
    with pytest.raises(LeighError, match="Channel 2"):
        fit_preprocessing(dead, 32)


def test_a_stain_so_sparse_that_percentiles_miss_it_is_learned_from() -> None:
    sparse = np.full((3, 64, 64), 100, np.float32)
    sparse[:, 30, 30:34] = 3000
    sparse[1:] += np.arange(64)
    preprocessing = fit_preprocessing([sparse] * 4, 32)
    assert (preprocessing.low[0], preprocessing.high[0]) == (100, 3000)
    assert (
        np.abs(from_network(preprocessing, to_network(preprocessing, sparse)) - sparse).max() < 0.1
    )


def test_wrong_channel_count_names_both_numbers() -> None:
    preprocessing = fit_preprocessing(FIELDS, 32)
    with pytest.raises(LeighError, match=r"2 channels.*3"):
        to_network(preprocessing, np.zeros((2, 64, 64), np.float32))


def test_large_fields_are_averaged_by_a_whole_factor() -> None:
    assert choose_downscale([(904, 1224)]) == 3
    assert choose_downscale([(96, 128)]) == 1


def test_a_change_returns_at_the_files_own_size_and_mean() -> None:
    rng = np.random.default_rng(0)
    big = [rng.uniform(100, 900, (1, 131, 1025)).astype(np.float32) for _ in range(2)]
    preprocessing = fit_preprocessing(big, 64)
    assert preprocessing.downscale == 3
    before = to_network(preprocessing, big[0])
    same = change_at_full_size(preprocessing, before, before, big[0].shape)
    assert same.shape == big[0].shape
    assert not same.any()
    after = to_network(preprocessing, big[0] + 50)
    change = change_at_full_size(preprocessing, before, after, big[0].shape)
    assert change.shape == big[0].shape
    assert np.allclose(change, 50, atol=0.5)
