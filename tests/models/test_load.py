from dataclasses import replace

import numpy as np
import pytest
import torch

from core.domain import Channel, Condition, ModelCard, Preprocessing
from core.errors import BadModel
from core.models.iresnet import Architecture, IResNet
from core.models.load import architecture_dict, build, weights_of

CARD = ModelCard(
    name="iresnet",
    kind="iresnet",
    channels=(Channel("a"), Channel("b")),
    conditions=(Condition("WT"), Condition("DS")),
    preprocessing=Preprocessing(
        (0.0, 0.0), (1.0, 1.0), (0.0, 0.0), (1.0, 1.0), (0.0, 0.0), (1.0, 1.0)
    ),
    architecture=architecture_dict(Architecture(2, 2, (8, 8, 8), 3)),
    preset="quick",
    seed=0,
    dataset_digest="",
    split={},
)


def test_a_network_comes_back_as_it_was() -> None:
    torch.manual_seed(0)
    model = IResNet(Architecture(2, 2, (8, 8, 8), 3)).eval()
    again = build(CARD, weights_of(model), torch.device("cpu"))
    x = torch.randn(1, 2, 16, 16)
    with torch.no_grad():
        assert torch.allclose(again.features(x), model.features(x), atol=1e-6)


def test_weights_of_another_network_are_refused() -> None:
    other = weights_of(IResNet(Architecture(2, 2, (8, 8, 12), 3)))
    with pytest.raises(BadModel, match="do not fit"):
        build(CARD, other, torch.device("cpu"))
    missing = {
        k: v
        for k, v in weights_of(IResNet(Architecture(2, 2, (8, 8, 8), 3))).items()
        if "leave" not in k
    }
    with pytest.raises(BadModel, match="do not fit"):
        build(CARD, missing, torch.device("cpu"))


def test_a_card_that_contradicts_its_network_is_refused() -> None:
    three = replace(CARD, channels=(*CARD.channels, Channel("c")))
    with pytest.raises(BadModel, match="3 channels"):
        build(three, {"x": np.zeros(1)}, torch.device("cpu"))


@pytest.mark.parametrize(
    ("key", "value"),
    [("depth", 3), ("blocks", None), ("blocks", 3.0), ("blocks", 65), ("channels", True), ("widths",
    [8, 8]),
    ("widths", [8, 8, 4096]), ("widths", 8), ("t_image", 0.0), ("t_noise", float("nan")), ("times",
    [0.1]),
     ("times", [k / 100 for k in range(1, 30)]),
     ("times", [0.1, 0.3, 0.2, 0.9]), ("times", [0.1, 0.2, 0.3, 1.0]), ("times", None)],
)  # fmt: skip
def test_an_absurd_architecture_is_refused_by_key(key: str, value: object) -> None:
    with pytest.raises(
        BadModel, match=r"model\.json is damaged \(architecture\.(" + key + "|t_image)"
    ):
        build(
            replace(CARD, architecture={**CARD.architecture, key: value}), {}, torch.device("cpu")
        )
    missing = {k: v for k, v in CARD.architecture.items() if k != "times"}
    with pytest.raises(BadModel, match="times: missing"):
        build(replace(CARD, architecture=missing), {}, torch.device("cpu"))
