"""The nouns that compute something of themselves."""

import numpy as np

from core.domain import Counterfactual


def test_channel_shares_are_relative_to_each_range() -> None:
    difference = np.stack([np.full((2, 2), 10.0), np.full((2, 2), 30.0)]).astype(np.float32)
    moved = Counterfactual(
        "r",
        "DS",
        {"WT": 1.0},
        1.0,
        difference,
        difference,
        difference,
        np.ones(2),
        np.ones(1),
        roundtrip_error=0.0,
    )
    assert np.allclose(moved.channel_shares((10.0, 10.0)), (0.25, 0.75))
    assert np.allclose(moved.channel_shares((10.0, 30.0)), (0.5, 0.5))
