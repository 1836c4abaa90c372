"""The contract of every network: shape, gradient, saving, repr; inverse where there is one."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.domain import Channel, Condition, ModelCard, Preprocessing
from core.io.models import load_tensors, save_model
from core.models.autoencoder import Autoencoder, AutoencoderSettings
from core.models.classifier import Classifier
from core.models.iresnet import Architecture, IResNet, one_hot
from core.models.load import KINDS, architecture_dict, untrained, weights_of
from core.models.resnext import ResNeXtSettings

CHANNELS, CONDITIONS = 2, 3
SIZES = ((16, 16), (24, 40))
SMALL = tuple(kind for kind in KINDS if kind != "resnext50")  # 50 layers take minutes on a CPU


def card_of(kind: str) -> ModelCard:
    settings: object
    if kind == "iresnet":
        settings = Architecture(CHANNELS, CONDITIONS, (8, 8, 8), 3)
    elif "autoencoder" in kind:
        settings = AutoencoderSettings(kind, CHANNELS, CONDITIONS)
    else:
        settings = ResNeXtSettings(kind, CHANNELS, CONDITIONS)
    zero, one = (0.0,) * CHANNELS, (1.0,) * CHANNELS
    return ModelCard(
        name=kind,
        kind=kind,
        channels=tuple(Channel(f"stain {c}") for c in range(CHANNELS)),
        conditions=tuple(Condition(name) for name in ("WT", "DS", "TT")),
        preprocessing=Preprocessing(zero, one, zero, one, zero, one),
        architecture=architecture_dict(settings),
        preset="quick",
        seed=0,
        dataset_digest="",
        split={},
    )


@pytest.fixture(params=SMALL)
def card(request: pytest.FixtureRequest) -> ModelCard:
    torch.manual_seed(0)
    return card_of(request.param)


@pytest.fixture
def network(card: ModelCard) -> Classifier:
    made = untrained(card) if card.kind != "iresnet" else IResNet(Architecture(**card.architecture))
    return made.eval()


def test_it_is_a_classifier(network: Classifier) -> None:
    assert isinstance(network, Classifier)


@pytest.mark.parametrize("size", SIZES)
def test_fields_of_any_size_give_features_and_logits(
    network: Classifier, size: tuple[int, int]
) -> None:
    x = torch.randn(2, CHANNELS, *size)
    with torch.no_grad():
        features, logits = network.features(x), network.logits(x)
    assert features.ndim == 2 and len(features) == 2
    assert logits.shape == (2, CONDITIONS)
    assert torch.isfinite(features).all() and torch.isfinite(logits).all()


def test_every_pixel_of_the_input_has_a_gradient(network: Classifier) -> None:
    if isinstance(network, Autoencoder | IResNet):
        with torch.no_grad():
            network.head.weight.normal_()  # fitted after training; untrained, it is zero
    x = torch.randn(1, CHANNELS, 16, 16, requires_grad=True)
    network.logits(x)[0, 0].backward()
    assert x.grad is not None and torch.isfinite(x.grad).all()
    assert float(x.grad.abs().sum()) > 0


def test_weights_survive_the_file(network: Classifier, card: ModelCard, tmp_path: Path) -> None:
    save_model(tmp_path, card, weights_of(network))
    stored = load_tensors(tmp_path)
    for name, value in weights_of(network).items():
        assert np.array_equal(stored[name], value)


def test_its_repr_names_its_layers(network: Classifier) -> None:
    assert type(network).__name__ in repr(network)


def test_the_invertible_network_is_inverted() -> None:
    torch.manual_seed(0)
    network = IResNet(Architecture(CHANNELS, CONDITIONS, (8, 8, 8), 3)).eval()
    x = torch.randn(1, CHANNELS, 16, 16) * 0.3
    source, locked = one_hot(torch.tensor([0]), CONDITIONS), torch.zeros(1, CHANNELS)
    with torch.no_grad():
        z, quality = network.encode(x, source, locked)
        back = network.decode(z, source, locked)
    assert torch.allclose(back, x, atol=1e-4)
    assert all(block.residual < 1e-3 for block in quality)
