"""Store the state of a training in one file, so that a stopped training can be resumed."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from core.errors import LeighError
from core.io.atomic import atomic_write_bytes

CHECKPOINT = "checkpoint.safetensors"
# Suffix of the checkpoint of a stopped training, after another training was started.
SET_ASIDE = ".set-aside"
# Recent loss over usual loss. At the full rate, a network on real images once broke down within 20
# steps.
BROKEN = 2.0
NOTED_OVER = 50  # steps over which reported losses are averaged
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
    """The state of a training between two steps.

    `averaged` is the moving average of weights and buffers. `best` is the average with the least
    loss on validation wells.
    """

    model: nn.Module
    optimiser: torch.optim.Optimizer
    decay: float = 0.0  # of the moving average; 0: the weights themselves
    step: int = 0
    seconds: float = 0.0
    losses: dict[str, float] = field(default_factory=dict)
    recent_loss: float = 0.0  # running means over about 5 and 100 steps
    usual_loss: float = 0.0
    rate: float = 1.0  # halved each time the training breaks down
    best_loss: float = float("inf")
    best_step: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    recent: list[dict[str, float]] = field(default_factory=list)  # losses of the last steps

    def __post_init__(self) -> None:
        self.averaged = AveragedModel(
            self.model, multi_avg_fn=moving_average(self.decay), use_buffers=True
        )

    def note(self, losses: dict[str, float]) -> None:
        """Add the losses of a step; `losses` are means over the last steps."""
        self.recent = [*self.recent[1 - NOTED_OVER :], losses]
        means = {name: sum(r[name] for r in self.recent) / len(self.recent) for name in losses}
        self.losses = {**self.losses, **means}

    @torch.no_grad()
    def watch(self, loss: float) -> bool:
        """Add the loss of a step; returns True if the training broke down.

        The training then continues from the averaged weights at half the rate, without momentum.
        """
        first = not self.usual_loss
        self.recent_loss = loss if first else self.recent_loss + 0.2 * (loss - self.recent_loss)
        self.usual_loss = loss if first else self.usual_loss + 0.01 * (loss - self.usual_loss)
        if self.recent_loss <= BROKEN * self.usual_loss:
            return False
        self.rate /= 2
        self.recent_loss = self.usual_loss
        self.model.load_state_dict(self.averaged.module.state_dict())
        for moments in self.optimiser.state.values():
            moments["exp_avg"].zero_()
        return True

    @torch.no_grad()
    def finish(self, *, validated: bool) -> None:
        """Put the best average into the model; without validation, the last average."""
        chosen = self.best if validated and self.best else self.averaged.module.state_dict()
        self.model.load_state_dict(chosen)
        self.model.eval()

    def save(self, path: Path, identity: str) -> None:
        """Write the state; the earlier file is kept as `.previous`."""
        tensors = {k: v.detach().contiguous().cpu() for k, v in self._tensors()}
        numbers = {"identity": identity} | {name: getattr(self, name) for name in NUMBERS}
        if path.exists():
            path.replace(path.with_suffix(".previous"))
        atomic_write_bytes(path, save(tensors, metadata={"state": json.dumps(numbers)}))

    def restore(self, path: Path, identity: str) -> None:
        """Load the newest readable checkpoint.

        Raises LeighError without a readable checkpoint, and for one of another training.
        """
        for candidate in (path, path.with_suffix(".previous")):
            try:
                with safe_open(candidate, framework="pt") as stored:
                    numbers = json.loads(stored.metadata()["state"])
                    names = list(stored.keys())
                    tensors = {name: stored.get_tensor(name) for name in names}
            except (OSError, SafetensorError, ValueError, KeyError, TypeError):
                continue
            if numbers["identity"] != identity:
                raise LeighError(
                    "The stopped training used other images, another split or another preset, "
                    "or an earlier version of this program.",
                    "Resume with the same settings, or train again without --resume.",
                )
            self._take(tensors)
            for name in NUMBERS:
                setattr(self, name, numbers.get(name, getattr(self, name)))
            return
        raise LeighError(
            "The folder holds no stopped training to resume.", "Train without --resume."
        )

    @torch.no_grad()
    def _take(self, tensors: dict[str, Tensor]) -> None:
        self.model.load_state_dict(_below(tensors, "model"))
        self.averaged.load_state_dict(_below(tensors, "average"))
        self.best = _below(tensors, "best")
        learned = [p for group in self.optimiser.param_groups for p in group["params"]]
        for i, parameter in enumerate(learned):
            moments = _below(tensors, f"optimiser.{i}")
            if moments:
                self.optimiser.state[parameter] = {
                    name: value if name == "step" else value.to(parameter.device)
                    for name, value in moments.items()
                }

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        for part, values in (
            ("model", self.model.state_dict()),
            ("average", self.averaged.state_dict()),
            ("best", self.best),
        ):
            yield from ((f"{part}.{name}", value) for name, value in values.items())
        learned = [p for group in self.optimiser.param_groups for p in group["params"]]
        for i, parameter in enumerate(learned):
            for name, value in self.optimiser.state.get(parameter, {}).items():
                yield f"optimiser.{i}.{name}", value


Tensors = tuple[Tensor, ...] | list[Tensor]


def moving_average(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """Update function of an exponential moving average that forgets the first steps faster.

    After n steps the old average has the weight min(decay, (n + 1) / (n + 10)). Whole numbers are
    copied.
    """

    @torch.no_grad()
    def update(averages: Tensors, values: Tensors, steps: Tensor | int) -> None:
        n = float(steps)
        keep = min(decay, (n + 1) / (n + 10))
        for average, value in zip(averages, values, strict=True):
            if average.is_floating_point():
                average.lerp_(value.to(average.device), 1 - keep)
            else:
                average.copy_(value)

    return update


def _below(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    """The tensors of one part, by their names within the part."""
    start = f"{part}."
    return {name[len(start) :]: value for name, value in tensors.items() if name.startswith(start)}
