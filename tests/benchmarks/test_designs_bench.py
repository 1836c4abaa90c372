"""The comparison of designs, on a plate and in a time that are far too small for its figures to
mean anything.
"""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import designs
from benchmarks.rival_models import (
    CappedLayer,
    CouplingFlow,
    LikelihoodIResNet,
    from_pyramid,
    pyramid,
)
from core.errors import NotInvertible

TINY = designs.Settings(
    minutes=0.5 / 60,
    wells=2,
    fields=1,
    field_px=64,
    cultures=2,
    culture_px=48,
    crop=32,
    batch=6,
    widths=(8, 12, 16),
)
UNTRAINED = ("truth", "oracle", "identity", "class-ratio", "haar-pyramid")


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    return designs.compare(TINY)


def rows_of(result: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [row for row in result["rows"] if row["design"] == name]


def test_every_design_has_a_row_per_direction(result: dict[str, Any]) -> None:
    found = [(row["design"], row["direction"]) for row in result["rows"]]
    assert found == [(name, "->".join(way)) for name in designs.DESIGNS for way in designs.WAYS]
    for row in result["rows"]:
        # Hardly trained networks may fail to invert; anything else would be a fault of the
        # benchmark.
        assert row.get("failed", "The inverse").startswith(
            ("The inverse", "The decoded image is not")
        ), row
    for name in UNTRAINED:
        assert all(row["shown"] == TINY.cultures for row in rows_of(result, name))


def test_every_trained_network_gets_the_same_time(result: dict[str, Any]) -> None:
    assert set(result["training"]) == {"likelihood_iresnet", "coupling_flow", "flow_matching"}
    for training in result["training"].values():
        assert training["seconds"] >= 0.5 * TINY.budget_s
        assert training["steps"] > 0 and np.isfinite(training["loss"])


def test_yardsticks_are_where_they_must_be(result: dict[str, Any]) -> None:
    for row in rows_of(result, "identity"):
        assert row["effectiveness"] == row["amplification"] == row["off_channel"] == 0
    for row in rows_of(result, "truth"):
        assert row["effectiveness"] == pytest.approx(1) and row["amplification"] == pytest.approx(
            0, abs=1e-6
        )
        assert row["smoothed_corr"] == pytest.approx(1) and row["off_channel"] == 0
    for row in rows_of(result, "oracle"):
        assert 0.4 < row["effectiveness"] < 1.1 and row["off_channel"] == 0
        assert row["smoothed_corr"] > 0.6 and 0 < row["amplification"] < 1.5


def test_networks_return_the_image_they_were_given(result: dict[str, Any]) -> None:
    for row in result["rows"]:
        if row.get("round_trip") is not None:
            assert row["round_trip"] < 1e-2, row


def test_the_oracle_has_the_same_cells_and_other_filaments() -> None:
    cultures = designs.held_out_cultures(TINY)
    culture = cultures.cultures[0]
    oracle = cultures.oracle(culture, "DS")
    np.testing.assert_array_equal(oracle[:2], culture.images["DS"][:2])
    assert np.abs(oracle[2] - culture.images["DS"][2]).max() > 50


def test_recovery_of_the_truth_is_whole_and_of_the_identity_none() -> None:
    enough = replace(TINY, cultures=6)
    found = designs.compare(enough, ["truth", "identity"])
    for name, share in (("truth", 1), ("identity", 0)):
        for row in rows_of(found, name):
            assert row["readouts"], "six cultures are enough for a significant shift"
            assert row["readouts_median"] == pytest.approx(share) == row["readouts_worst"]


def test_a_design_that_fails_is_a_row_that_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def diverging(*_: object, **__: object) -> None:
        raise NotInvertible("The inverse of block 3 diverged.")

    monkeypatch.setattr(designs, "pyramid", diverging)  # in every image
    monkeypatch.setattr(designs, "class_statistics", lambda *_: [])
    monkeypatch.setattr(designs, "fit_likelihood", diverging)  # in training
    found = designs.compare(TINY, ["haar-pyramid", "coupling"])
    assert [row["failed"] for row in found["rows"]] == ["The inverse of block 3 diverged."] * 6
    assert "failed: The inverse of block 3 diverged." in designs.to_markdown(found)


def test_the_command_prints_a_table_and_then_one_json_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert designs.main(["--only", "identity", "truth", "--json"], TINY) == 0
    *table, last = capsys.readouterr().out.splitlines()
    assert [line.count("|") for line in table] == [table[0].count("|")] * 8
    assert {row["design"] for row in json.loads(last)["rows"]} == {"identity", "truth"}


def test_the_pyramid_is_orthonormal_and_exactly_undone() -> None:
    x = torch.randn(2, 3, 32, 48)
    bands = pyramid(x)
    assert float(sum(b.square().sum() for b in bands)) == pytest.approx(
        float(x.square().sum()), rel=1e-5
    )
    torch.testing.assert_close(from_pyramid(bands), x, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", [LikelihoodIResNet, CouplingFlow])
def test_a_rival_learns_and_stays_invertible(kind: type[LikelihoodIResNet | CouplingFlow]) -> None:
    torch.manual_seed(0)
    model = kind(3, 2, 16)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=2e-3)
    c = torch.arange(8) % 2
    x = torch.randn(8, 3, 16, 16) * 0.1 + c[:, None, None, None]
    losses = []
    for _ in range(12):
        loss = model.loss(x, c)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        model.after_step()
        losses.append(loss.item())
    model.finish()
    assert losses[-1] < losses[0] - 0.05
    with torch.no_grad():
        known = () if kind is LikelihoodIResNet else (c,)
        torch.testing.assert_close(
            model.decode(model.encode(x, *known), *known), x, atol=1e-4, rtol=0
        )


def test_log_determinant_of_a_capped_layer_has_the_right_value_and_gradient(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "benchmarks.rival_models.half_precision", lambda _: torch.autocast("cpu", enabled=False)
    )
    torch.manual_seed(0)
    layer = CappedLayer([(2, 4, 4)], width=8)
    with torch.no_grad():
        for part in layer.layers:
            part.weight *= 3  # a strong block: the cap has something to do
    layer.lipschitz_correction(50)
    x = torch.randn(1, 2, 4, 4)

    def exact(weight: torch.Tensor) -> torch.Tensor:
        def residual(v: torch.Tensor) -> torch.Tensor:
            return torch.func.functional_call(
                layer.residual, {"0.weight": weight}, (v[None],)
            ).flatten()

        jacobian = torch.autograd.functional.jacobian(residual, x[0], create_graph=True).reshape(
            32, 32
        )
        return torch.linalg.slogdet(torch.eye(32) + jacobian)[1]

    weight = layer.layers[0].weight.detach().clone().requires_grad_()
    truth = exact(weight)
    truth.backward()
    _, estimate = layer([x.repeat(3000, 1, 1, 1)])
    estimate.mean().backward()
    error = estimate.std().item() / 3000**0.5
    assert abs(estimate.mean().item() - truth.item()) < 4 * error
    difference = (layer.layers[0].weight.grad - weight.grad).norm() / weight.grad.norm()
    assert float(difference) < 0.1
