import pytest
import torch
from FrEIA.framework import SequenceINN

from core.models.iresnet import (
    Architecture,
    EulerBlock,
    IResNet,
    blend,
    block_edges,
    one_hot,
    pad_field,
    step_times,
)
from core.models.velocity import Velocity


def small(channels: int = 3, conditions: int = 4, blocks: int = 6) -> IResNet:
    """An untrained network whose velocity is not zero."""
    torch.manual_seed(1)
    model = IResNet(Architecture(channels, conditions, (8, 12, 16), blocks))
    with torch.no_grad():
        model.velocity.leave.weight.normal_(std=0.03)
    return model.eval()


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("conditions", [2, 16])
@torch.no_grad()
def test_encode_then_decode_returns_the_image(channels: int, conditions: int) -> None:
    model = small(channels, conditions)
    x = torch.randn(2, channels, 24, 32)
    mixture = one_hot(torch.tensor([0, conditions - 1]), conditions)
    z, quality = model.encode(x, mixture)
    assert z.shape == (2, 4 * channels, 12, 16)
    assert (model.decode(z, mixture) - x).abs().max() < 1e-5
    assert len(quality) == 6
    assert all(float(q.residual.max()) < 1e-4 for q in quality)


@torch.no_grad()
def test_decoding_leaves_the_latent_as_it_was() -> None:
    model = small()
    z = torch.randn(1, 12, 8, 8)
    before = z.clone()
    model.decode(z, one_hot(torch.tensor([1]), 4))
    assert torch.equal(z, before)


@torch.no_grad()
def test_an_image_enters_with_the_noise_that_training_gave_it_and_always_the_same() -> None:
    model = IResNet(Architecture(3, 2, (8, 12, 16), 2)).eval()
    model.velocity.leave.weight.zero_()  # nothing moves: the latent is what entered
    torch.manual_seed(2)
    x, mixture = torch.randn(1, 3, 264, 520), one_hot(torch.tensor([0]), 2)
    held = torch.tensor([[1.0, 0.0, 0.0]])
    z, _ = model.encode(x, mixture, held)
    t, planes = model.architecture.t_image, model.squeeze(x)
    noise = (z - (1 - t) * planes)[:, 4:]
    assert noise.std(dim=(0, 2, 3)) == pytest.approx([t] * 8, rel=0.02)
    assert (
        torch.corrcoef(torch.stack([noise.flatten(), planes[:, 4:].flatten()]))[0, 1].abs() < 0.02
    )
    assert torch.equal(z[:, :4], planes[:, :4])  # a held stain stays clean
    assert torch.equal(model.encode(x, mixture, held)[0], z)
    assert (model.decode(z, mixture, held) - x).abs().max() < 1e-5


@torch.no_grad()
def test_strength_zero_is_the_source_and_one_the_target() -> None:
    source, target = one_hot(torch.tensor([0]), 3), one_hot(torch.tensor([2]), 3)
    assert torch.equal(blend(source, target, torch.tensor([0.0])), source)
    assert torch.equal(blend(source, target, torch.tensor([1.0])), target)


@torch.no_grad()
def test_a_mixture_is_the_sum_of_the_velocities_of_its_conditions() -> None:
    model = small()
    y, t = torch.randn(2, 12, 8, 8), 0.4
    mixture = torch.tensor([[0.0, -0.5, 1.5, 0.0], [0.2, 0.0, 0.0, 0.8]])
    parts = torch.stack(
        [model.velocity.mixed(y, t, one_hot(torch.tensor([k, k]), 4)) for k in range(4)]
    )
    expected = torch.einsum("nk,knchw->nchw", mixture, parts)
    assert torch.allclose(model.velocity.mixed(y, t, mixture), expected, atol=1e-5)


def test_blocks_are_freia_modules_between_the_planned_times() -> None:
    model = small(blocks=5)
    assert isinstance(model.flow, SequenceINN)
    steps = step_times(model.architecture)
    assert len(model.blocks) == len(steps) == 5
    ends = [t + h for t, h in steps]
    assert ends[0] == pytest.approx(model.architecture.t_image)
    assert steps[-1][0] == pytest.approx(model.architecture.t_noise)
    assert [t for t, _ in steps[:-1]] == pytest.approx(ends[1:])


@torch.no_grad()
def test_blocks_without_a_step_rest_and_their_number_follows_the_contraction() -> None:
    model = small(blocks=5)
    x, mixture = torch.randn(1, 3, 16, 16), one_hot(torch.tensor([1]), 4)
    edges = block_edges(model.architecture, [0.9] * 5)
    z, quality = model.encode(x, mixture, times=edges)
    assert len(quality) == len(model.blocks) == len(edges) - 1 == 12  # 4.5 in steps of at most .4
    assert edges[0] == pytest.approx(model.architecture.t_image)
    assert edges[-1] == pytest.approx(model.architecture.t_noise)
    assert (model.decode(z, mixture, times=edges) - x).abs().max() < 1e-4
    model.encode(x, mixture)
    assert len(model.blocks) == 5


def test_log_determinant_agrees_with_the_exact_jacobian() -> None:
    torch.manual_seed(0)
    velocity = Velocity(4, 2, (4, 4, 4))
    with torch.no_grad():
        velocity.leave.weight.normal_(std=0.05)
    block = EulerBlock([(4, 4, 4)], [(2,)], velocity)
    block.t, block.h = 0.5, -0.3
    y, mixture = torch.randn(1, 4, 4, 4), one_hot(torch.tensor([1]), 2)
    jacobian = torch.autograd.functional.jacobian(
        lambda v: v + block.residual(v, mixture), y
    ).reshape(64, 64)
    exact = float(torch.linalg.slogdet(jacobian)[1])
    estimates = [float(block((y,), [mixture], rev=True, jac=True)[1]) for _ in range(200)]
    assert torch.tensor(estimates).mean() == pytest.approx(exact, abs=0.15 + 0.1 * abs(exact))


@torch.no_grad()
def test_the_middle_of_a_crop_is_the_middle_of_the_field() -> None:
    model = small()
    y = torch.randn(1, 12, 64, 64)
    mixture = one_hot(torch.tensor([0]), 4)
    whole = model.velocity.mixed(y, 0.3, mixture)[..., 28:36, 28:36]
    crop = model.velocity.mixed(y[..., 8:56, 8:56], 0.3, mixture)[..., 20:28, 20:28]
    assert (whole - crop).abs().max() < 1e-4


def test_odd_sides_are_mirrored_to_multiples_of_eight() -> None:
    padded, sides = pad_field(torch.randn(1, 1, 191, 253))
    assert padded.shape[-2:] == (192, 256)
    assert sides == (191, 253)
