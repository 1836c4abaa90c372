"""The state of a training in one file, replaced as a whole, so that it can be stopped at any moment
and go on.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from core.errors import LeighError
from core.io.atomic import atomic_write_bytes

CHECKPOINT = "checkpoint.safetensors"
SET_ASIDE = (  # suffix of a stopped training when another was begun instead of resuming it
    ".set-aside"
)
# recent over usual loss: at the full rate a net once forgot all of real images within 20 steps
BROKEN = 2.0
NUMBERS = (
    "step",
    "seconds",
    "losses",
    "recent_loss",
    "usual_loss",
    "rate",
    "best_loss",
    "best_step",
)


@dataclass
class TrainingState:
    """Everything a training carries from step to step; `best` are the averages that did best on
    validation wells.
    """

    parameters: Sequence[
        Tensor
    ]  # and whatever else is averaged: the running means of a batch normalisation
    optimiser: torch.optim.Adam
    step: int = 0
    seconds: float = 0.0
    losses: dict[str, float] = field(default_factory=dict)
    recent_loss: float = 0.0  # running means over about 5 and 100 steps
    usual_loss: float = 0.0
    rate: float = 1.0  # halved whenever the training broke down
    best_loss: float = float("inf")
    best_step: int = 0
    average: list[Tensor] = field(default_factory=list)
    best: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.average = [p.detach().clone() for p in self.parameters]
        self.best = [p.detach().clone() for p in self.parameters]

    @torch.no_grad()
    def watch(self, loss: float) -> bool:
        """Take note of a step's loss; True where training broke down.

        It then goes on from the averaged weights at half the rate, without the momentum that led
        away from them.
        """
        first = not self.usual_loss
        self.recent_loss = loss if first else self.recent_loss + 0.2 * (loss - self.recent_loss)
        self.usual_loss = loss if first else self.usual_loss + 0.01 * (loss - self.usual_loss)
        if self.recent_loss <= BROKEN * self.usual_loss:
            return False
        self.rate /= 2
        self.recent_loss = self.usual_loss
        torch._foreach_copy_(list(self.parameters), self.average)
        for moments in self.optimiser.state.values():
            moments["exp_avg"].zero_()
        return True

    def save(self, path: Path, identity: str) -> None:
        """Write the state; the file before it is kept as `.previous`."""
        tensors = {k: v.contiguous().cpu() for k, v in self._tensors()}
        numbers = {"identity": identity} | {name: getattr(self, name) for name in NUMBERS}
        if path.exists():
            path.replace(path.with_suffix(".previous"))
        atomic_write_bytes(path, save(tensors, metadata={"state": json.dumps(numbers)}))

    def restore(self, path: Path, identity: str) -> None:
        """Take over the newest readable file.

        Raises LeighError where there is none or it is of another training.
        """
        for candidate in (path, path.with_suffix(".previous")):
            try:
                with safe_open(candidate, framework="pt") as stored:
                    numbers = json.loads(stored.metadata()["state"])
                    tensors = {k: stored.get_tensor(k) for k in stored.keys()}  # noqa: SIM118 - not a dict
            except (OSError, SafetensorError, ValueError, KeyError, TypeError):
                continue
            if numbers["identity"] != identity:
                raise LeighError(
                    "The stopped training used other images, another split or another preset.",
                    "Resume with the same settings, or train anew without --resume.",
                )
            self._take(tensors)
            for name in NUMBERS:
                setattr(self, name, numbers.get(name, getattr(self, name)))
            return
        raise LeighError("There is no stopped training to resume.", "Train without --resume.")

    @torch.no_grad()
    def _take(self, tensors: dict[str, Tensor]) -> None:
        for i, (parameter, average, best) in enumerate(
            zip(self.parameters, self.average, self.best, strict=True)
        ):
            kept = {k.split(".", 1)[1]: v for k, v in tensors.items() if k.startswith(f"{i}.")}
            for name, value in (("weight", parameter), ("average", average), ("best", best)):
                value.copy_(kept.pop(name))
            if kept:
                moments = {k: v.to(parameter.device) if k != "step" else v for k, v in kept.items()}
                self.optimiser.state[parameter] = moments

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        for i, (parameter, average, best) in enumerate(
            zip(self.parameters, self.average, self.best, strict=True)
        ):
            yield f"{i}.weight", parameter.detach()
            yield f"{i}.average", average
            yield f"{i}.best", best
            for key, value in self.optimiser.state.get(parameter, {}).items():
                yield f"{i}.{key}", value
