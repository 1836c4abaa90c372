"""`leigh bench inverse` in small: the keys of the contract, and figures that cannot
be by chance.
"""

import pytest

from benchmarks import inverse
from core.domain.limits import EXACT_TO

KEYS = {
    "drag_forward_passes", "drag_error", "drag_vs_freia_tuned", "drag_vs_freia_default",
    "select_forward_passes",
    "export_error", "export_vs_freia_tuned", "encode_vs_freia_tuned", "blocks", "contraction_max",
}  # fmt: skip


@pytest.fixture(scope="module")
def small() -> inverse.Bench:
    """Two crops of 32 pixels."""
    return inverse.Bench(2, 32)


@pytest.mark.long
def test_a_drag_is_one_pass_and_far_cheaper_than_solving(
    small: inverse.Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inverse, "ROUNDS", 1)
    found = small.measure()
    assert found.keys() >= KEYS
    assert found["refused"] == 0 and found["blocks"] == len(small.model.blocks)
    assert found["drag_error"] < EXACT_TO and found["export_error"] < inverse.EXPORT_ERROR
    assert found["drag_vs_freia_default"] > 15 and found["drag_vs_freia_tuned"] > 2
    assert (
        found["freia_iterations"]["shown"]
        < found["freia_iterations"]["export"]
        < found["freia_iterations"]["default"]
    )
    assert found["select_evaluations"] < found["evaluations_per_block"] * found["blocks"]
    assert 1 < found["select_forward_passes"] < found["drag_vs_freia_default"]
    assert found["estimate_within_factor_3"] > 0.5


def test_tuned_means_the_fewest_iterations_that_reach_the_error(small: inverse.Bench) -> None:
    from core.counterfactual.encode_decode import relative_error

    iterations = small._tuned(1e-3)
    source, _, held = small._mixtures(1.0)
    errors = []
    for count in (iterations - 1, iterations):
        pictures = [
            (small._batch(raw), small._freia(small._batch(raw), count)) for raw in small.raws
        ]
        backs = [(x, small.model.decode(z, source, held).detach()) for x, z in pictures]
        errors.append(
            max(relative_error(small.card, x[0].numpy(), back[0].numpy()) for x, back in backs)
        )
    assert errors[1] < 1e-3 <= errors[0]


@pytest.mark.long
def test_where_blocks_hardly_contract_an_image_is_within_its_error_or_refused_with_the_reason(
    small: inverse.Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inverse, "ROUNDS", 1)
    monkeypatch.setattr(inverse, "HARD_BLOCKS", (6,))
    found = small.hard()
    assert found["shown"] + len(found["refused"]) == len(small.raws)
    assert found["blocks"] < len(small.model.blocks) and found["contraction_max"] > 0.5
    assert all(
        "contracts" in reason or "did not" in reason or "diverged" in reason
        for reason in found["refused"]
    )
    assert found["error"] < EXACT_TO
