"""The lab's classifier, ResNeXt-50, and a small one of the same blocks for computers without a GPU.

ResNeXt: residual blocks whose middle convolution is split into groups (Xie et al. 2017, arXiv
1611.05431). It tells conditions apart and makes no images.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import ResNet, resnext50_32x4d
from torchvision.models.resnet import Bottleneck

from core.errors import LeighError

# below it the last stage would see less than one pixel; smaller images are continued at their edges
SMALLEST_PX = 32
SMALL_GROUPS, SMALL_WIDTH = 8, 4
WEIGHTS_HINT = (
    "Give the weights of torchvision's resnext50_32x4d: a .safetensors file, or a .pth of a state"
    " dict."
)
FIRST, LAST = "conv1.weight", ("fc.weight", "fc.bias")
WRAPPINGS = (
    "state_dict",
    "model_state_dict",
    "model",
)  # under which training scripts keep the weights
PARALLEL = "module."  # before every name, where several GPUs trained


@dataclass(frozen=True)
class ResNeXtSettings:
    """What the network is built from; stored on the model card."""

    kind: str  # "resnext50" | "resnext-small"
    channels: int
    conditions: int


class ResNeXt(nn.Module):
    """A torchvision ResNeXt for images of any number of channels, with a temperature measured on
    validation wells.
    """

    temperature: Tensor

    def __init__(self, settings: ResNeXtSettings) -> None:
        super().__init__()
        self.settings = settings
        large = settings.kind == "resnext50"
        self.network = resnext50_32x4d(weights=None) if large else _small()
        self.network.conv1 = nn.Conv2d(settings.channels, 64, 7, stride=2, padding=3, bias=False)
        nn.init.kaiming_normal_(self.network.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.network.fc = nn.Linear(2048 if large else 1024, settings.conditions)
        self.register_buffer("temperature", torch.ones(()))

    @property
    def last_stage(self) -> nn.Module:
        """The last convolutional stage: its maps (N, F, h, w) are what the classifier averages and
        reads.
        """
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
        out: Tensor = self.network.fc(features) / self.temperature
        return out

    def logits(self, x: Tensor) -> Tensor:
        """Network input (N, C, H, W) -> calibrated logits (N, K)."""
        return self.classify(self.features(x))

    forward = logits


def _small() -> ResNet:
    """One block a stage, eight groups, without the fourth stage: under a million weights, maps at a
    sixteenth.
    """
    network = ResNet(Bottleneck, [1, 1, 1, 1], groups=SMALL_GROUPS, width_per_group=SMALL_WIDTH)
    network.layer4 = nn.Identity()
    return network


def take_weights(model: ResNeXt, path: Path) -> None:
    """Start from the weights of a torchvision resnext50_32x4d in a file; the last layer stays new
    where it differs.

    The first convolution is adapted to the channels: its mean over the file's channels, repeated,
    and scaled so that the sum of responses stays. Raises LeighError for a file that cannot be read
    or holds another network.
    """
    given = {k: v for k, v in _read(path).items() if not k.endswith("num_batches_tracked")}
    own = {
        k: v for k, v in model.network.state_dict().items() if not k.endswith("num_batches_tracked")
    }
    first = given.get(FIRST)
    if first is not None and first.ndim == 4 and first.shape[1] != own[FIRST].shape[1]:
        channels = own[FIRST].shape[1]
        scale = first.shape[1] / channels
        given[FIRST] = first.mean(dim=1, keepdim=True).repeat(1, channels, 1, 1) * scale
    for name in LAST:
        if name in given and given[name].shape != own[name].shape:
            del given[name]
    shapes = {k: tuple(v.shape) for k, v in own.items() if k not in LAST or k in given}
    found = {k: tuple(v.shape) for k, v in given.items()}
    wrong = sorted(k for k in shapes.keys() | found.keys() if shapes.get(k) != found.get(k))
    if wrong:
        k = wrong[0]
        raise LeighError(
            f"{path} does not fit a ResNeXt-50: {k} is {found.get(k, 'missing')}, not"
            f" {shapes.get(k, 'part of it')}.",
            WEIGHTS_HINT,
        )
    if bad := next((k for k, v in given.items() if not torch.isfinite(v).all()), ""):
        raise LeighError(f"{path} holds values that are not numbers ({bad}).", WEIGHTS_HINT)
    model.network.load_state_dict({k: v.float() for k, v in given.items()}, strict=False)


def _read(path: Path) -> dict[str, Tensor]:
    """Named weights of a file, out of the wrapping that training scripts put around them.

    No program code is run.
    """
    try:
        is_safe = path.suffix.lower() == ".safetensors"
        read: Any = (
            load_file(path) if is_safe else torch.load(path, map_location="cpu", weights_only=True)
        )
    except FileNotFoundError as error:
        raise LeighError(f"There is no file {path}.", WEIGHTS_HINT) from error
    except Exception as error:  # a damaged or foreign file makes torch.load fail in any way
        raise _unreadable(path) from error
    if isinstance(read, dict):
        read = next((read[key] for key in WRAPPINGS if isinstance(read.get(key), dict)), read)
    if not isinstance(read, dict) or not read or not all(map(_is_weight, read.items())):
        raise LeighError(f"{path} holds no named weights, or not only such.", WEIGHTS_HINT)
    return {name.removeprefix(PARALLEL): tensor for name, tensor in read.items()}


def _is_weight(item: tuple[object, object]) -> bool:
    """A name and plain numbers, all there."""
    name, value = item
    if not isinstance(name, str) or not isinstance(value, Tensor):
        return False
    counted = name.endswith("num_batches_tracked")
    plain = value.layout == torch.strided and value.device.type == "cpu"
    return plain and (
        counted or value.dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    )


def _unreadable(path: Path) -> LeighError:
    return LeighError(
        f"{path} cannot be read as weights, or holds more than weights.", WEIGHTS_HINT
    )
