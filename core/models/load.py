"""Build a network from its model card and weights, on the available device."""

import os
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from core.domain import Dataset, FloatArray, ModelCard
from core.errors import BadModel, LeighError
from core.io.models import check_fits, load_card, load_tensors
from core.models.autoencoder import Autoencoder, AutoencoderSettings
from core.models.iresnet import MOST_BLOCKS, Architecture, IResNet
from core.models.resnext import ResNeXt, ResNeXtSettings

AnyNetwork = IResNet | ResNeXt | Autoencoder  # each keeps to core.models.classifier
Network = TypeVar("Network", bound=nn.Module)
CLASSIFIERS = ("resnext50", "resnext-small")
AUTOENCODERS = ("autoencoder", "variational-autoencoder")
KINDS = ("iresnet", *CLASSIFIERS, *AUTOENCODERS)
MAX_WIDTH, MAX_CLASSES = 1024, 1024
DAMAGED_HINT = "The model folder is damaged; take it from a backup or train again."


def choose_device(wish: str = "auto") -> torch.device:
    """The torch device; `auto` is a CUDA GPU if there is one, else the CPU.

    One core stays free for another process, for example a training next to the window. On two
    cores, two processes with two threads each took ten times as long as with one thread each. A
    single process was as fast with one thread as with two.

    TF32, the default of cuDNN, is switched off. With its ten bits a block is not a smooth function,
    and the inverse does not reach the promised error. Raises LeighError for a device that is not
    available.
    """
    torch.set_num_threads(max(1, _cores() - 1))
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    name = ("cuda" if torch.cuda.is_available() else "cpu") if wish == "auto" else wish
    if name not in ("cpu", "cuda") or (name == "cuda" and not torch.cuda.is_available()):
        raise LeighError(f"torch cannot use the device {wish} here.", "Use auto or cpu.")
    return torch.device(name)


def _cores() -> int:
    """Number of cores that this process may use; on a cluster, fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2


def on_device(model: Network, device: torch.device) -> Network:
    """The model on `device`, with the memory order that makes convolutions fastest."""
    return model.to(device).to(memory_format=torch.channels_last)


def weights_of(model: nn.Module) -> dict[str, FloatArray]:
    """Named weights as numpy arrays, ready for a safetensors file."""
    return {
        k: np.require(v.detach().cpu().numpy(), requirements="C")
        for k, v in model.state_dict().items()
    }


def architecture_dict(
    architecture: Architecture | ResNeXtSettings | AutoencoderSettings,
) -> dict[str, object]:
    """The settings as a dictionary, for the model card."""
    return asdict(architecture)


def build(card: ModelCard, tensors: dict[str, FloatArray], device: torch.device) -> IResNet:
    """The i-ResNet in evaluation mode.

    Raises BadModel for another kind of network, and when weights and card do not fit.
    """
    if card.kind != "iresnet":
        raise BadModel(
            f"Model {card.name} is a {card.kind}: it cannot move images as the i-ResNet does.",
            "Choose an i-ResNet, or train one with `leigh train --model iresnet`.",
        )
    settings = {"levels": False, **card.architecture}  # models of version 0.1 have no levels
    fault = _fault(settings)
    if fault:
        raise BadModel(
            f"Model {card.name}: model.json is damaged (architecture.{fault}).", DAMAGED_HINT
        )
    settings |= {key: tuple(settings[key]) for key in ("widths", "times", "times_held")}
    architecture = Architecture(**settings)
    _check_sizes(card)
    return on_device(_filled(IResNet(architecture), card, tensors), device).eval()


def build_classifier(
    card: ModelCard, tensors: dict[str, FloatArray], device: torch.device
) -> AnyNetwork:
    """The network of any card, in evaluation mode; all have `logits(x)`.

    Raises BadModel for an unknown kind, and when weights and card do not fit.
    """
    if card.kind == "iresnet":
        return build(card, tensors, device)
    settings_type = ResNeXtSettings if card.kind in CLASSIFIERS else AutoencoderSettings
    if card.kind not in KINDS:
        raise BadModel(
            f"Model {card.name} is of the kind {card.kind}.",
            f"Known are {', '.join(KINDS)}.",
        )
    settings, expected = card.architecture, {f.name for f in fields(settings_type)}
    fault = ""
    for key in sorted(expected ^ settings.keys()):
        fault = f"{key}: {'missing' if key in expected else 'not known'}"
    for key in sorted(expected - {"kind"}) if not fault else ():
        if not _is_whole(settings[key], MAX_WIDTH):
            fault = f"{key}: {settings[key]!r} is not a whole number from 1 to {MAX_WIDTH}"
    if not fault and settings["kind"] != card.kind:
        fault = f"kind: {settings['kind']!r}, the card says {card.kind!r}"
    if fault:
        raise BadModel(
            f"Model {card.name}: model.json is damaged (architecture.{fault}).", DAMAGED_HINT
        )
    _check_sizes(card)
    return on_device(_filled(untrained(card), card, tensors), device).eval()


def open_network(
    folder: Path, dataset: Dataset, device: torch.device
) -> tuple[ModelCard, AnyNetwork]:
    """The network that lies in `folder`, named after it, and its card, checked against the images.

    Raises BadModel for a damaged model, and for other channels or conditions than the images have.
    """
    card = replace(load_card(folder), name=folder.name)
    check_fits(card, dataset)
    return card, build_classifier(card, load_tensors(folder), device)


def untrained(card: ModelCard) -> ResNeXt | Autoencoder:
    """A baseline network with random weights."""
    if card.kind in CLASSIFIERS:
        return ResNeXt(ResNeXtSettings(**card.architecture))
    return Autoencoder(AutoencoderSettings(**card.architecture))


def _check_sizes(card: ModelCard) -> None:
    channels, conditions = card.architecture["channels"], card.architecture["conditions"]
    if channels != len(card.channels) or conditions != len(card.conditions):
        raise BadModel(
            f"Model {card.name}: the card names {len(card.channels)} channels and"
            f" {len(card.conditions)} conditions, the network has {channels} and {conditions}.",
            DAMAGED_HINT,
        )


def _filled(model: Network, card: ModelCard, tensors: dict[str, FloatArray]) -> Network:
    """The model with these weights. Raises BadModel where names or shapes differ."""
    expected = {k: tuple(v.shape) for k, v in model.state_dict().items()}
    given = {k: tuple(v.shape) for k, v in tensors.items()}
    if expected != given:
        wrong = sorted(k for k in expected.keys() | given.keys() if expected.get(k) != given.get(k))
        raise BadModel(
            f"Model {card.name}: the weights do not fit the network (first difference:"
            f" {wrong[0]}).",
            DAMAGED_HINT,
        )
    model.load_state_dict(
        {k: torch.from_numpy(np.array(v, np.float32)) for k, v in tensors.items()}
    )
    return model


def _fault(settings: dict[str, Any]) -> str:
    """The first setting from which no network can be built, and why; "" for good settings."""
    expected = {f.name for f in fields(Architecture)}
    for key in sorted(expected ^ settings.keys()):
        return f"{key}: {'missing' if key in expected else 'not known'}"
    for key, largest in (
        ("channels", MAX_CLASSES),
        ("conditions", MAX_CLASSES),
        ("blocks", MOST_BLOCKS),
    ):
        if not _is_whole(settings[key], largest):
            return f"{key}: {settings[key]!r} is not a whole number from 1 to {largest}"
    widths = settings["widths"]
    if (
        not isinstance(widths, list | tuple)
        or len(widths) != 3
        or not all(_is_whole(w, MAX_WIDTH) for w in widths)
    ):
        return f"widths: not three whole numbers from 1 to {MAX_WIDTH}"
    if not isinstance(settings["levels"], bool):
        return f"levels: {settings['levels']!r} is not true or false"
    for key in ("t_noise", "t_noise_held"):
        if not _are_rising((settings["t_image"], settings[key])):
            return f"t_image: not between 0 and {key}, which is below 1"
    for key in ("times", "times_held"):
        times = settings[key]
        if not isinstance(times, list | tuple) or len(times) == 1 or len(times) > MOST_BLOCKS + 1:
            return f"{key}: not the edges of 1 to {MOST_BLOCKS} blocks"
        if not _are_rising(times):
            return f"{key}: not rising between 0 and 1"
    return ""


def _is_whole(value: object, largest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= largest


def _are_rising(times: Sequence[object]) -> bool:
    numbers = [t for t in times if isinstance(t, float) and 0 < t < 1]
    return len(numbers) == len(times) and all(before < after for before, after in pairwise(numbers))
