from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import resnet50, resnext50_32x4d

from core.domain import Channel, Condition, ModelCard, Preprocessing
from core.errors import BadModel, LeighError
from core.models.autoencoder import Autoencoder, AutoencoderSettings
from core.models.iresnet import Architecture, IResNet
from core.models.load import architecture_dict, build, build_classifier, weights_of
from core.models.resnext import ResNeXt, ResNeXtSettings, take_weights

CPU = torch.device("cpu")
NETWORKS: dict[str, Callable[[int, int], torch.nn.Module]] = {
    "iresnet": lambda c, k: IResNet(Architecture(c, k, (8, 8, 8), 3)),
    "resnext50": lambda c, k: ResNeXt(ResNeXtSettings("resnext50", c, k)),
    "resnext-small": lambda c, k: ResNeXt(ResNeXtSettings("resnext-small", c, k)),
    "autoencoder": lambda c, k: Autoencoder(AutoencoderSettings("autoencoder", c, k)),
    "variational-autoencoder": lambda c, k: Autoencoder(
        AutoencoderSettings("variational-autoencoder", c, k)
    ),
}


def network(kind: str, channels: int = 2, conditions: int = 3) -> torch.nn.Module:
    torch.manual_seed(0)
    return NETWORKS[kind](channels, conditions).eval()


def card_of(kind: str, model: torch.nn.Module, channels: int = 2, conditions: int = 3) -> ModelCard:
    zeros, ones = (0.0,) * channels, (1.0,) * channels
    return ModelCard(
        name=kind,
        kind=kind,
        channels=tuple(Channel(f"stain {c}") for c in range(channels)),
        conditions=tuple(Condition(f"drug {k}") for k in range(conditions)),
        preprocessing=Preprocessing(zeros, ones, zeros, ones, zeros, ones),
        architecture=architecture_dict(
            model.architecture if isinstance(model, IResNet) else model.settings
        ),
        preset="quick",
        seed=0,
        dataset_digest="",
        split={},
    )


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize(
    "kind", ["resnext-small", "autoencoder", "variational-autoencoder", "resnext50"]
)
def test_any_number_of_channels_and_any_side_gives_logits_of_all_conditions(
    kind: str, channels: int
) -> None:
    model = network(kind, channels, 4)
    with torch.no_grad():
        for side in ((32, 32), (41, 67), (16, 24)):
            x = torch.randn(2, channels, *side)
            logits = model.logits(x)
            assert logits.shape == (2, 4) and torch.isfinite(logits).all()
            assert torch.equal(model.classify(model.features(x)), logits)


@pytest.mark.parametrize("kind", NETWORKS)
def test_every_kind_comes_back_from_its_card_and_names_conditions_as_before(kind: str) -> None:
    model = network(kind)
    again = build_classifier(card_of(kind, model), weights_of(model), CPU)
    x = torch.randn(1, 2, 32, 32)
    with torch.no_grad():
        assert type(again) is type(model) and torch.allclose(
            again.logits(x), model.logits(x), atol=1e-5
        )


def test_only_an_iresnet_moves_images_as_one() -> None:
    model = network("resnext-small")
    with pytest.raises(BadModel, match="is a resnext-small"):
        build(card_of("resnext-small", model), weights_of(model), CPU)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"width": 0}, "width"), ({"latent": None}, "latent"), ({"depth": 3}, "depth"), ({"kind":
        "resnext50"}, "kind"),
     ({"channels": 3}, "3 and 3")],
)  # fmt: skip
def test_an_absurd_card_is_refused_by_key(change: dict[str, object], words: str) -> None:
    model = network("autoencoder")
    card = card_of("autoencoder", model)
    with pytest.raises(BadModel, match=words):
        build_classifier(
            replace(card, architecture={**card.architecture, **change}), weights_of(model), CPU
        )
    with pytest.raises(BadModel, match="Known are"):
        build_classifier(replace(card, kind="perceptron"), weights_of(model), CPU)


def test_the_small_network_is_small_and_its_last_stage_makes_what_is_pooled() -> None:
    for kind, most in (("resnext-small", 2e6), ("resnext50", 30e6)):
        model = network(kind)
        assert sum(p.numel() for p in model.parameters()) < most
        seen: list[torch.Tensor] = []
        hook = model.last_stage.register_forward_hook(lambda *a, to=seen: to.append(a[2]))
        with torch.no_grad():
            features = model.features(torch.randn(1, 2, 64, 96))
        hook.remove()
        assert (
            torch.allclose(seen[0].mean(dim=(2, 3)), features)
            and seen[0].shape[-1] > seen[0].shape[-2]
        )


def test_the_temperature_softens_and_is_kept() -> None:
    model = network("resnext-small")
    x = torch.randn(1, 2, 32, 32)
    with torch.no_grad():
        before = model.logits(x)
        model.temperature.fill_(2.0)
        again = build_classifier(card_of("resnext-small", model), weights_of(model), CPU)
        assert torch.allclose(again.logits(x), before / 2, atol=1e-5)


def written(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    save_file(tensors, path) if path.suffix == ".safetensors" else torch.save(tensors, path)
    return path


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_from_disk_are_taken_and_fitted_to_the_channels(
    tmp_path: Path, suffix: str
) -> None:
    torch.manual_seed(1)
    theirs = resnext50_32x4d(weights=None).eval()
    path = written(tmp_path / f"weights{suffix}", theirs.state_dict())
    for channels in (3, 5, 1):
        model = network("resnext50", channels, 3)
        new_last = model.network.fc.weight.clone()
        take_weights(model, path)
        assert torch.equal(model.network.layer4[2].conv3.weight, theirs.layer4[2].conv3.weight)
        assert torch.equal(model.network.bn1.running_var, theirs.bn1.running_var)
        assert torch.equal(
            model.network.fc.weight, new_last
        )  # 1000 classes are not three conditions
        if channels == 3:
            assert torch.equal(model.network.conv1.weight, theirs.conv1.weight)
        grey = torch.rand(1, 1, 32, 32)
        with torch.no_grad():
            mine = model.network.conv1(grey.expand(1, channels, 32, 32))
            assert torch.allclose(mine, theirs.conv1(grey.expand(1, 3, 32, 32)), atol=1e-4)


def test_a_last_layer_that_fits_is_taken_too(tmp_path: Path) -> None:
    theirs = resnext50_32x4d(weights=None, num_classes=3)
    model = network("resnext50", 3, 3)
    take_weights(model, written(tmp_path / "w.pt", theirs.state_dict()))
    assert torch.equal(model.network.fc.weight, theirs.fc.weight)


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model"])
def test_weights_are_found_in_the_wrapping_of_a_training_script(tmp_path: Path, key: str) -> None:
    theirs = resnext50_32x4d(weights=None).state_dict()
    torch.save(
        {key: {f"module.{k}": v.half() for k, v in theirs.items()}, "epoch": 3}, tmp_path / "w.pth"
    )
    model = network("resnext50", 3, 3)
    take_weights(model, tmp_path / "w.pth")
    assert torch.allclose(model.network.conv1.weight, theirs["conv1.weight"], atol=1e-3)
    assert model.network.conv1.weight.dtype == torch.float32


@pytest.mark.parametrize(
    "bias",
    [torch.zeros(64, dtype=torch.long), torch.zeros(64).to_sparse(), torch.zeros(64, device="meta"),
     torch.zeros(64, dtype=torch.complex64)],
)  # fmt: skip
def test_weights_that_are_no_plain_numbers_are_refused(tmp_path: Path, bias: torch.Tensor) -> None:
    torch.save(
        {**resnext50_32x4d(weights=None).state_dict(), "bn1.bias": bias}, tmp_path / "odd.pth"
    )
    with pytest.raises(LeighError, match=r"odd\.pth"):
        take_weights(network("resnext50", 3, 3), tmp_path / "odd.pth")


def test_a_file_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    for legacy in (True, False):
        torch.save(resnext50_32x4d(weights=None).state_dict(), tmp_path / "whole.pth",
                   _use_new_zipfile_serialization=not legacy)  # fmt: skip
        whole = (tmp_path / "whole.pth").read_bytes()
        for length in (5000, len(whole) - 10):
            (tmp_path / "short.pth").write_bytes(whole[:length])
            with pytest.raises(LeighError, match=r"short\.pth"):
                take_weights(network("resnext50", 3, 3), tmp_path / "short.pth")


def test_a_file_that_does_not_fit_is_refused_by_name(tmp_path: Path) -> None:
    model = network("resnext50", 3, 3)
    whole = resnext50_32x4d(weights=None).state_dict()
    before = weights_of(model)
    (tmp_path / "text.pth").write_text("no weights")
    (tmp_path / "text.safetensors").write_text("no weights")
    torch.save(
        resnext50_32x4d(weights=None), tmp_path / "code.pth"
    )  # a whole object: needs code to be run
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save({1: torch.zeros(1)}, tmp_path / "numbers.pth")
    written(tmp_path / "other.pth", resnet50(weights=None).state_dict())
    written(tmp_path / "less.pth", {k: v for k, v in whole.items() if k != "conv1.weight"})
    written(tmp_path / "more.pth", {**whole, "extra": torch.zeros(1)})
    written(tmp_path / "broken.pth", {**whole, "bn1.bias": torch.full((64,), float("nan"))})
    names = (
        "text.pth",
        "text.safetensors",
        "code.pth",
        "list.pth",
        "numbers.pth",
        "other.pth",
        "less.pth",
        "more.pth",
        "broken.pth",
    )
    for name in (*names, "absent.pth"):
        with pytest.raises(LeighError, match=name):
            take_weights(model, tmp_path / name)
    assert all(np.array_equal(v, before[k]) for k, v in weights_of(model).items())


def test_an_autoencoder_keeps_sides_and_its_latent_is_an_eighth() -> None:
    for kind, planes in (("autoencoder", 16), ("variational-autoencoder", 16)):
        model = network(kind)
        with torch.no_grad():
            z = model.encode(torch.randn(1, 2, 48, 64))
            assert z.shape == (1, planes, 6, 8) and model.decode(z).shape == (1, 2, 48, 64)


@pytest.mark.parametrize("way", ["deflated", "the same bytes again and again"])
def test_weights_that_unpack_to_more_than_the_file_are_not_opened(tmp_path: Path, way: str) -> None:
    import resource
    import zipfile

    path = tmp_path / "bomb.pt"
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, path)
    kind = zipfile.ZIP_DEFLATED if way == "deflated" else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "a", kind) as packed:
        with packed.open("archive/data/9", "w") as part:
            for _ in range(256 if way == "deflated" else 1):
                part.write(bytes(2**20))
        if way != "deflated":
            packed.filelist += [packed.getinfo("archive/data/9")] * 200
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = ResNeXt(ResNeXtSettings("resnext50", 3, 3))
    with pytest.raises(LeighError, match=r"would unpack to 2\d\d\.. MB"):
        take_weights(model, path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB, the network
