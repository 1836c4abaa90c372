"""The classifier baselines: ResNeXt-50, and a small ResNeXt for computers without a GPU.

ResNeXt: residual blocks whose middle convolution is split into groups (Xie et al. 2017, arXiv
1611.05431). A ResNeXt classifies conditions and makes no images.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from core.errors import LeighError
from core.io.packing import check_stored

if TYPE_CHECKING:
    from torchvision.models import ResNet  # takes seconds to import: only where a ResNeXt is made

# The last stage needs at least one pixel; the edges of smaller images are repeated.
SMALLEST_PX = 32
SMALL_GROUPS, SMALL_WIDTH = 8, 4
WEIGHTS_HINT = (
    "Give the weights of torchvision's resnext50_32x4d: a .safetensors file, or a .pth of a state"
    " dict."
)
FIRST, LAST = "conv1.weight", ("fc.weight", "fc.bias")
# Names under which training scripts store the weights.
WRAPPINGS = ("state_dict", "model_state_dict", "model")
PARALLEL = "module."  # before every name, after a training on several GPUs


@dataclass(frozen=True)
class ResNeXtSettings:
    """The settings that build the network; stored on the model card."""

    kind: str  # "resnext50" | "resnext-small"
    channels: int
    conditions: int


class ResNeXt(nn.Module):
    """A torchvision ResNeXt for any number of channels, with a fitted temperature."""

    temperature: Tensor

    def __init__(self, settings: ResNeXtSettings) -> None:
        super().__init__()
        self.settings = settings
        large = settings.kind == "resnext50"
        self.network = _large() if large else _small()
        self.network.conv1 = nn.Conv2d(settings.channels, 64, 7, stride=2, padding=3, bias=False)
        nn.init.kaiming_normal_(self.network.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.network.fc = nn.Linear(2048 if large else 1024, settings.conditions)
        self.register_buffer("temperature", torch.ones(()))

    @property
    def last_stage(self) -> nn.Module:
        """The last convolutional stage; its maps (N, F, h, w) are averaged for the classifier."""
        network = self.network
        stage: nn.Module = network.layer4 if self.settings.kind == "resnext50" else network.layer3
        return stage

    def features(self, x: Tensor) -> Tensor:
        """Network input (N, C, H, W) -> pooled features (N, F)."""
        down, right = (max(0, SMALLEST_PX - side) for side in x.shape[-2:])
        if down or right:
            x = functional.pad(x, (0, right, 0, down), mode="replicate")
        n = self.network
        x = n.maxpool(n.relu(n.bn1(n.conv1(x))))
        x = n.layer4(n.layer3(n.layer2(n.layer1(x))))
        return x.mean(dim=(2, 3))

    def classify(self, features: Tensor) -> Tensor:
        """Pooled features (N, F) -> calibrated logits (N, K)."""
        logits: Tensor = self.network.fc(features) / self.temperature
        return logits

    def logits(self, x: Tensor) -> Tensor:
        """Network input (N, C, H, W) -> calibrated logits (N, K)."""
        return self.classify(self.features(x))

    forward = logits


def _large() -> "ResNet":
    from torchvision.models import resnext50_32x4d

    return resnext50_32x4d(weights=None)


def _small() -> "ResNet":
    """A ResNeXt with three stages of one block and eight groups: under a million weights."""
    from torchvision.models.resnet import Bottleneck, ResNet

    network = ResNet(Bottleneck, [1, 1, 1, 1], groups=SMALL_GROUPS, width_per_group=SMALL_WIDTH)
    network.layer4 = nn.Identity()
    return network


def take_weights(model: ResNeXt, path: Path) -> None:
    """Start from the weights of a torchvision resnext50_32x4d.

    A last layer of another size stays untrained.
    The first convolution is adapted to the number of channels: the mean over the file's channels is
    repeated and scaled, so that the sum of responses stays the same. Raises LeighError for a file
    that cannot be read, and for weights of another network.
    """
    given = _without_counters(_read(path))
    own = _without_counters(model.network.state_dict())
    first = given.get(FIRST)
    if first is not None and first.ndim == 4 and first.shape[1] != own[FIRST].shape[1]:
        channels = own[FIRST].shape[1]
        scale = first.shape[1] / channels
        given[FIRST] = first.mean(dim=1, keepdim=True).repeat(1, channels, 1, 1) * scale
    for name in LAST:
        if name in given and given[name].shape != own[name].shape:
            del given[name]
    shapes = {k: tuple(v.shape) for k, v in own.items() if k not in LAST or k in given}
    given_shapes = {k: tuple(v.shape) for k, v in given.items()}
    names = shapes.keys() | given_shapes.keys()
    wrong = sorted(k for k in names if shapes.get(k) != given_shapes.get(k))
    if wrong:
        k = wrong[0]
        raise LeighError(
            f"{path} does not fit a ResNeXt-50: {k} is {given_shapes.get(k, 'missing')}, not"
            f" {shapes.get(k, 'part of it')}.",
            WEIGHTS_HINT,
        )
    if bad := next((k for k, v in given.items() if not torch.isfinite(v).all()), ""):
        raise LeighError(f"{path} holds values that are not numbers ({bad}).", WEIGHTS_HINT)
    model.network.load_state_dict({k: v.float() for k, v in given.items()}, strict=False)


def _without_counters(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k: v for k, v in weights.items() if not k.endswith("num_batches_tracked")}


def _read(path: Path) -> dict[str, Tensor]:
    """Named weights of a file, without the dictionary that training scripts put around them.

    Code in the file is never run.
    """
    try:
        check_stored(path)
    except ValueError as error:
        raise LeighError(f"{path} cannot be read as weights: {error}.", WEIGHTS_HINT) from error
    try:
        is_safe = path.suffix.lower() == ".safetensors"
        read: Any = (
            load_file(path) if is_safe else torch.load(path, map_location="cpu", weights_only=True)
        )
    except FileNotFoundError as error:
        raise LeighError(f"The file {path} does not exist.", WEIGHTS_HINT) from error
    except Exception as error:  # torch.load raises many kinds of error for damaged files
        raise _unreadable(path) from error
    if isinstance(read, dict):
        read = next((read[key] for key in WRAPPINGS if isinstance(read.get(key), dict)), read)
    if not isinstance(read, dict) or not read or not all(map(_is_weight, read.items())):
        raise LeighError(f"{path} must hold named weights and nothing else.", WEIGHTS_HINT)
    return {name.removeprefix(PARALLEL): tensor for name, tensor in read.items()}


def _is_weight(item: tuple[object, object]) -> bool:
    """Whether an item is a name with a plain tensor of numbers."""
    name, value = item
    if not isinstance(name, str) or not isinstance(value, Tensor):
        return False
    is_counter = name.endswith("num_batches_tracked")
    is_plain = value.layout == torch.strided and value.device.type == "cpu"
    floats = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    return is_plain and (is_counter or value.dtype in floats)


def _unreadable(path: Path) -> LeighError:
    return LeighError(
        f"{path} cannot be read as weights, or holds more than weights.", WEIGHTS_HINT
    )
