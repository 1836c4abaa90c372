"""Presets: named choices of how long and how large to train."""

import math
from dataclasses import dataclass

FLOW_VALIDATION_BATCHES = 8


@dataclass(frozen=True)
class Schedule:
    """The schedule of one training: its length, its learning rate and its averaging."""

    steps: int
    batch: int
    learning_rate: float = 2e-3
    warm_up: int = 20  # steps over which the rate rises from zero
    constant: float = 0.0  # share of the steps before the rate begins to fall
    weight_decay: float = 0.02
    betas: tuple[float, float] = (0.9, 0.999)
    average: float = 0.99  # decay of the moving average of the weights; 0: the weights themselves
    validation_batches: int = 6
    recovers: bool = False  # returns to the averaged weights at half the rate if the loss doubles

    def factor(self, step: int) -> float:
        """Share of the learning rate at this step: warm-up, constant, then a cosine to zero."""
        share = step / self.steps
        fall = 1.0
        if share >= self.constant:
            past = min(1.0, (share - self.constant) / (1 - self.constant))
            fall = 0.5 * (1 + math.cos(math.pi * past))
        return min(1.0, (step + 1) / self.warm_up) * fall


@dataclass(frozen=True)
class Preset:
    """Settings of one training of the i-ResNet."""

    name: str
    what: str  # for the person who chooses
    cost: str
    steps: int
    batch: int
    crop: int
    widths: tuple[int, int, int]
    blocks: int
    learning_rate: float = 3e-3
    oracle_steps: int = 600  # of the independent convolutional classifier

    @property
    def schedule(self) -> Schedule:
        """The schedule of the i-ResNet under this preset."""
        return Schedule(
            self.steps,
            self.batch,
            self.learning_rate,
            warm_up=50,
            constant=0.4,
            weight_decay=0.0,
            betas=(0.9, 0.99),
            average=0.995,
            validation_batches=FLOW_VALIDATION_BATCHES,
            recovers=True,
        )


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
        oracle_steps=300,
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


# By the names of `leigh train --model`. A ResNeXt-50 needs a GPU: "quick" is only a trial run.
SCHEDULES = {
    "resnext50": {
        "quick": Schedule(120, 16, 1e-3),
        "standard": Schedule(600, 16, 1e-3),
        "lab": Schedule(12_000, 64, 1e-3),
    },
    "resnext-small": {
        "quick": Schedule(400, 24),
        "standard": Schedule(2000, 24),
        "lab": Schedule(20_000, 64),
    },
    "autoencoder": {
        "quick": Schedule(1200, 24),
        "standard": Schedule(6000, 24),
        "lab": Schedule(40_000, 64),
    },
    "variational-autoencoder": {
        "quick": Schedule(1200, 24),
        "standard": Schedule(6000, 24),
        "lab": Schedule(40_000, 64),
    },
}
