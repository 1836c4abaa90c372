"""Z'-factor, robust Z'-factor and SSMD beside values computed by hand."""

import numpy as np
import pytest

from core.data.assay_quality import robust_z_prime, separation, ssmd, z_prime


def test_z_prime_agrees_with_hand_values() -> None:
    # means 10 and 2, standard deviations 1 and 0.5: 1 - 3 * 1.5 / 8
    positive, negative = np.array([9.0, 10.0, 11.0]), np.array([1.5, 2.0, 2.5])
    assert z_prime(positive, negative) == pytest.approx(1 - 4.5 / 8)
    assert z_prime(negative, positive) == pytest.approx(1 - 4.5 / 8)
    # medians 10 and 2, MAD 1 and 0.5; the outlier of one well does not count
    assert robust_z_prime(positive, negative) == pytest.approx(1 - 3 * 1.4826 * 1.5 / 8)
    assert robust_z_prime(np.array([9.0, 10.0, 11.0, 10.0, 90.0]), negative) == pytest.approx(
        1 - 3 * 1.4826 * 1.5 / 8
    )


def test_z_prime_of_a_single_well_is_not_claimed() -> None:
    one, many = np.array([1.0]), np.array([3.0, 4.0])
    assert z_prime(one, many) is None and robust_z_prime(many, one) is None
    assert (
        z_prime(many, many) is None and robust_z_prime(many, many) is None
    )  # no distance to divide by


def test_ssmd_agrees_with_hand_values() -> None:
    positive, negative = np.array([9.0, 10.0, 11.0]), np.array([1.0, 3.0])  # variances 1 and 2
    assert ssmd(positive, negative) == pytest.approx(8 / np.sqrt(3))
    assert ssmd(negative, positive) == pytest.approx(-8 / np.sqrt(3))
    assert ssmd(positive, negative[:1]) is None
    assert ssmd(np.ones(3), np.zeros(3)) is None  # no spread to divide by


def test_intervals_hold_the_value_and_narrow_with_wells() -> None:
    rng = np.random.default_rng(0)
    few = separation(rng.normal(10, 1, 8), rng.normal(0, 1, 8))
    many = separation(rng.normal(10, 1, 200), rng.normal(0, 1, 200))
    for name in ("z_prime", "robust_z_prime", "ssmd"):
        for found in (few, many):
            assert found[f"{name}_low"] <= found[name] <= found[f"{name}_high"]
        widths = [f[f"{name}_high"] - f[f"{name}_low"] for f in (few, many)]
        assert widths[1] < 0.6 * widths[0]


def test_below_three_wells_a_side_no_interval_is_claimed() -> None:
    found = separation(np.array([9.0, 10.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert (
        found["z_prime"] is not None and found["z_prime_low"] is None and found["wells"] == [2, 4]
    )


@pytest.mark.parametrize("wells", [3, 8])
def test_intervals_of_few_wells_cover_the_truth(wells: int) -> None:
    rng, gap, spread = np.random.default_rng(0), 8.0, 2.5
    z, d = 1 - 3 * (1 + spread) / gap, gap / np.hypot(1, spread)
    covered = []
    for seed in range(150):
        found = separation(rng.normal(gap, spread, wells), rng.normal(0, 1, wells), seed=seed)
        true = {"z_prime": z, "ssmd": d, "robust_z_prime": z}
        covered.append([found[f"{n}_low"] <= v <= found[f"{n}_high"] for n, v in true.items()])
    assert (np.mean(covered, axis=0) >= 0.9).all()
