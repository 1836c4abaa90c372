"""How long and how large to train: named choices instead of a dozen knobs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """Settings of one training."""

    name: str
    what: str  # for the person who chooses
    cost: str
    steps: int
    batch: int
    crop: int
    widths: tuple[int, int, int]
    blocks: int
    learning_rate: float = 3e-3
    judge_steps: int = 600  # of the independent convolutional judge


PRESETS = {
    "quick": Preset(
        "quick",
        "A first look",
        "about 15 minutes on two cores",
        600,
        24,
        64,
        (40, 64, 96),
        12,
        judge_steps=300,
    ),
    "standard": Preset(
        "standard",
        "For results",
        "about 40 minutes on two cores, less on a GPU",
        4500,
        24,
        64,
        (40, 64, 96),
        12,
    ),
    "lab": Preset(
        "lab",
        "Larger crops, wider network",
        "about half an hour on a data-centre GPU; days without one",
        40_000,
        64,
        128,
        (64, 128, 192),
        12,
        1e-3,
    ),
}


@dataclass(frozen=True)
class Course:
    """How long a network beside the i-ResNet is trained."""

    steps: int
    batch: int
    learning_rate: float = 2e-3


# By the words of `leigh train --model`. A ResNeXt-50 is for a GPU: "quick" is no more than a trial
# without weights.
COURSES = {
    "resnext50": {
        "quick": Course(120, 16, 1e-3),
        "standard": Course(600, 16, 1e-3),
        "lab": Course(12_000, 64, 1e-3),
    },
    "resnext-small": {
        "quick": Course(400, 24),
        "standard": Course(2000, 24),
        "lab": Course(20_000, 64),
    },
    "autoencoder": {
        "quick": Course(1200, 24),
        "standard": Course(6000, 24),
        "lab": Course(40_000, 64),
    },
    "variational-autoencoder": {
        "quick": Course(1200, 24),
        "standard": Course(6000, 24),
        "lab": Course(40_000, 64),
    },
}
