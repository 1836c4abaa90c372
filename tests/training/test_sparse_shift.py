"""Channels that vary together, and which of them changed."""

import numpy as np
import pytest

from core.training.sparse_shift import sparse_shift

# Three channels with errors of 0.12, of which 80 % is common: the number of cells in the images.
COVARIANCE = 0.12**2 * (0.2 * np.eye(3) + 0.8)


def drawn(shift: list[float], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array(shift) + rng.multivariate_normal(np.zeros(3), COVARIANCE)


def found(shift: list[float], seeds: int = 60) -> np.ndarray:
    """(seeds, 3) shifts that are found."""
    return np.stack([sparse_shift(drawn(shift, seed), COVARIANCE) for seed in range(seeds)])


def test_one_channel_that_moves_alone_is_found_before_it_stands_out() -> None:
    """0.4 is 3.3 standard errors: asked alone, every third was missed."""
    shifts = found([0.0, 0.4, 0.0])
    assert (shifts[:, 1] > 0).mean() > 0.85
    assert np.median(shifts[shifts[:, 1] > 0, 1]) == pytest.approx(0.4, abs=0.03)
    assert (shifts[:, [0, 2]] != 0).mean() < 0.05


def test_where_nothing_changed_nothing_moves() -> None:
    assert (found([0.0, 0.0, 0.0], 600) != 0).any(axis=1).mean() < 0.03


def test_two_channels_are_found_together() -> None:
    shifts = found([0.0, -0.5, -0.5])
    right = (shifts[:, 0] == 0) & (shifts[:, 1:] < 0).all(axis=1)
    assert right.mean() > 0.85


def test_more_light_in_all_channels_is_a_change_of_all() -> None:
    shifts = found([0.6, 0.6, 0.6])
    assert (shifts > 0).all(axis=1).mean() > 0.5


def test_one_stain_must_stand_out_by_itself() -> None:
    variance = np.array([[0.01]])
    assert sparse_shift(np.array([0.29]), variance) == 0
    assert sparse_shift(np.array([0.31]), variance) == 0.31
