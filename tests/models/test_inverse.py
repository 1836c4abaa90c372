from collections.abc import Callable

import pytest
import torch

from core.errors import NotInvertible
from core.models.inverse import solve


def linear(
    factor: float, channels: int = 2
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """A 1x1 convolution whose Lipschitz constant is exactly `factor`."""
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(channels, channels, 1, bias=False)
    weight = torch.linalg.qr(torch.randn(channels, channels))[0]
    with torch.no_grad():
        layer.weight.copy_(factor * weight[..., None, None])
    return lambda x, rows: layer(x)


@pytest.mark.parametrize("factor", [0.2, 0.6, 0.9])
@torch.no_grad()
def test_solution_satisfies_the_equation_and_the_residual_is_told(factor: float) -> None:
    g = linear(factor)
    x = torch.randn(3, 2, 6, 6)
    found = solve(g, x + g(x, None))
    assert float(found.residual.max()) < 1e-5
    assert (found.x - x).abs().max() < 2 * float(found.error.max()) + 1e-6
    assert found.contraction.max() == pytest.approx(factor, rel=0.05)


@torch.no_grad()
def test_acceleration_needs_fewer_evaluations_than_plain_iteration() -> None:
    def g(x: torch.Tensor, rows: torch.Tensor | None = None) -> torch.Tensor:
        return 0.8 * torch.tanh(x)

    x = torch.randn(2, 1, 8, 8)
    y = x + g(x)
    plain, steps = y.clone(), 0
    while (y - plain - g(plain)).abs().max() > 2e-6:
        plain, steps = y - g(plain), steps + 1
    assert float(solve(g, y).evaluations.max()) < 0.7 * steps


@torch.no_grad()
def test_a_block_that_is_no_contraction_is_refused_by_name() -> None:
    def g(x: torch.Tensor, rows: torch.Tensor | None = None) -> torch.Tensor:
        return 40 * torch.sin(30 * x)

    with pytest.raises(NotInvertible, match="block seven"):
        solve(g, torch.randn(1, 1, 8, 8), name="block seven")


@torch.no_grad()
def test_images_of_one_batch_do_not_change_one_another() -> None:
    g = linear(0.7)
    y = torch.randn(2, 2, 6, 6)
    together = solve(g, y).x
    alone = solve(g, y[:1]).x
    assert (together[:1] - alone).abs().max() < 1e-5


@torch.no_grad()
def test_an_image_that_is_solved_costs_no_more_while_others_of_its_batch_go_on() -> None:
    counted = []

    def g(x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        counted.append(len(rows))
        return torch.tensor([0.1, 0.9])[rows, None, None, None] * torch.sin(x)

    found = solve(g, torch.randn(2, 1, 8, 8))
    assert found.evaluations[0] < 0.7 * found.evaluations[1]
    assert sum(counted) == found.evaluations.sum()
