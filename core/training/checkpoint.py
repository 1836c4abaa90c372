"""Store the state of a training in one file, so that a stopped training can be resumed."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from core.errors import LeighError
from core.training.checkpoint_file import (
    Checkpoint,
    DamagedCheckpoint,
    read_checkpoint,
    write_checkpoint,
)

CHECKPOINT = "checkpoint.safetensors"
# Suffix of the checkpoint of a stopped training, after another training was started.
SET_ASIDE = ".set-aside"
PREVIOUS, DAMAGED = ".previous", ".damaged"
# Recent loss over usual loss. At the full rate, a network on real images once broke down within 20
# steps.
BROKEN = 2.0
NOTED_OVER = 50  # steps over which reported losses are averaged
POINTS = 200  # of the curves of a training
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
    curve: list[list[float]] = field(default_factory=list)  # step, loss, accuracy where known

    def __post_init__(self) -> None:
        self.averaged = AveragedModel(
            self.model, multi_avg_fn=moving_average(self.decay), use_buffers=True
        )

    def note(self, losses: dict[str, float]) -> None:
        """Add the losses of a step; `losses` are means over the last steps."""
        self.recent = [*self.recent[1 - NOTED_OVER :], losses]
        means = {name: sum(r[name] for r in self.recent) / len(self.recent) for name in losses}
        self.losses = {**self.losses, **means}

    def draw(self) -> None:
        """Add a point to the curves of the training."""
        values = (self.losses[name] for name in ("loss", "accuracy") if name in self.losses)
        self.curve.append([float(self.step), *(float(f"{value:.5g}") for value in values)])

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
        numbers = {"identity": identity} | {name: getattr(self, name) for name in NUMBERS}
        numbers["curve"] = self.curve
        if path.exists():
            path.replace(path.with_suffix(PREVIOUS))
        write_checkpoint(path, Checkpoint(numbers, dict(self._tensors())))

    def restore(self, path: Path, identity: str) -> str:
        """Load the newest whole checkpoint; says which one was taken, if it is not the newest.

        A damaged newest checkpoint is kept as `.damaged`. Raises LeighError without a whole
        checkpoint, and for one of another training.
        """
        faults = []
        for candidate in (path, path.with_suffix(PREVIOUS)):
            try:
                stored = read_checkpoint(candidate)
            except FileNotFoundError:
                continue
            except DamagedCheckpoint as error:
                faults.append(f"{candidate} is damaged ({error}).")
                continue
            if stored.numbers.get("identity") != identity:
                raise LeighError(
                    f"The stopped training in {candidate} used other images, another split or"
                    " another preset, or an earlier version of this program.",
                    "Resume with the same settings, or train again without --resume.",
                )
            if fault := self._number_fault(stored.numbers) or self._tensor_fault(stored):
                faults.append(f"{candidate} is damaged ({fault}).")
                continue
            self._take(stored)
            return _set_aside(path, candidate, faults, self.step)
        if faults:
            raise LeighError(" ".join(faults), "Train again without --resume.")
        raise LeighError(
            f"{path.parent} holds no stopped training to resume.", "Train without --resume."
        )

    def _number_fault(self, numbers: dict[str, Any]) -> str:
        """The first number that no training writes; "" for good numbers."""
        for name in NUMBERS:
            value, usual = numbers.get(name), getattr(self, name)
            if isinstance(usual, dict):
                good = isinstance(value, dict) and all(isinstance(v, float) for v in value.values())
            elif isinstance(usual, int):
                good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
            else:
                good = _is_number(value) and (math.isfinite(value) or name == "best_loss")
            if not good:
                return f"{name}: {value!r}"
        return "" if numbers["rate"] > 0 else f"rate: {numbers['rate']!r}"

    def _tensor_fault(self, stored: Checkpoint) -> str:
        """The first tensor that does not fit this network, or holds no number; "" for none."""
        weights, average = self.model.state_dict(), self.averaged.state_dict()
        expected = _named("model", weights) | _named("average", average)
        if stored.numbers["best_step"]:
            expected |= _named("best", self.averaged.module.state_dict())
        for i, parameter in enumerate(self._learned()):
            if any(name.startswith(f"optimiser.{i}.") for name in stored.tensors):
                moments = dict.fromkeys(("exp_avg", "exp_avg_sq"), parameter)
                expected |= _named(f"optimiser.{i}", moments | {"step": torch.zeros(())})
        for name in sorted(expected.keys() | stored.tensors.keys()):
            have, want = stored.tensors.get(name), expected.get(name)
            if have is None or want is None:
                return f"{name}: {'missing' if have is None else 'not known'}"
            if (have.shape, have.dtype) != (want.shape, want.dtype):
                return f"{name}: {have.dtype} {tuple(have.shape)}"
            if not bool(torch.isfinite(have).all()):
                return f"{name}: holds values that are not numbers"
        return ""

    @torch.no_grad()
    def _take(self, stored: Checkpoint) -> None:
        tensors = stored.tensors
        self.model.load_state_dict(_below(tensors, "model"))
        self.averaged.load_state_dict(_below(tensors, "average"))
        self.best = _below(tensors, "best")
        for i, parameter in enumerate(self._learned()):
            moments = _below(tensors, f"optimiser.{i}")
            if moments:
                self.optimiser.state[parameter] = {
                    name: value if name == "step" else value.to(parameter.device)
                    for name, value in moments.items()
                }
        for name in NUMBERS:
            setattr(self, name, stored.numbers[name])
        self.curve = _curve(stored.numbers.get("curve"))

    def _learned(self) -> list[nn.Parameter]:
        """The parameters of the optimiser, in its order."""
        return [p for group in self.optimiser.param_groups for p in group["params"]]

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        for part, values in (
            ("model", self.model.state_dict()),
            ("average", self.averaged.state_dict()),
            ("best", self.best),
        ):
            yield from _named(part, values).items()
        for i, parameter in enumerate(self._learned()):
            for name, value in self.optimiser.state.get(parameter, {}).items():
                yield f"optimiser.{i}.{name}", value


def has_checkpoint(folder: Path) -> bool:
    """Whether the folder holds the state of a stopped training, whole or damaged."""
    newest = folder / CHECKPOINT
    return newest.exists() or newest.with_suffix(PREVIOUS).exists()


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


def _set_aside(path: Path, taken: Path, faults: list[str], step: int) -> str:
    """Keep a damaged newest file under another name; words for the user, "" if it was taken."""
    if taken == path:
        return ""
    words = f"{taken} was taken, at step {step}."
    if not faults:
        return f"{path} is missing. {words}"
    damaged = path.replace(path.with_suffix(DAMAGED))
    return f"{faults[0]} It is kept as {damaged.name}. {words}"


def _curve(stored: Any) -> list[list[float]]:
    """The points of a checkpoint; none where it has no good ones, as one of an earlier version."""
    rows = stored if isinstance(stored, list) else []
    good = [row for row in rows if isinstance(row, list) and all(map(_is_number, row))]
    return good if len(good) == len(rows) else []


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _named(part: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The reverse of `_below`."""
    return {f"{part}.{name}": value for name, value in tensors.items()}


def _below(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    """The tensors of one part, by their names within the part."""
    start = f"{part}."
    return {name[len(start) :]: value for name, value in tensors.items() if name.startswith(start)}
