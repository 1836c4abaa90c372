"""The state of a training in one file, replaced as a whole, so that it can be stopped at any moment and go on."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from core.errors import LeighError
from core.io.atomic import atomic_write_bytes

CHECKPOINT = "checkpoint.safetensors"


@dataclass
class TrainingState:
    """Everything a training carries from step to step; `best` are the averages that did best on validation wells."""

    parameters: list[torch.nn.Parameter]
    optimiser: torch.optim.Adam
    step: int = 0
    seconds: float = 0.0
    losses: dict[str, float] = field(default_factory=dict)
    best_loss: float = float("inf")
    best_step: int = 0
    average: list[Tensor] = field(default_factory=list)
    best: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.average = [p.detach().clone() for p in self.parameters]
        self.best = [p.detach().clone() for p in self.parameters]

    def save(self, path: Path, identity: str) -> None:
        """Write the state; the file before it is kept as `.previous`."""
        tensors = {k: v.contiguous().cpu() for k, v in self._tensors()}
        numbers = {"identity": identity, "step": self.step, "seconds": self.seconds, "losses": self.losses}
        numbers |= {"best_loss": self.best_loss, "best_step": self.best_step}
        if path.exists():
            path.replace(path.with_suffix(".previous"))
        atomic_write_bytes(path, save(tensors, metadata={"state": json.dumps(numbers)}))

    def restore(self, path: Path, identity: str) -> None:
        """Take over the newest readable file. Raises LeighError where there is none or it is of another training."""
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
            self.step, self.seconds, self.losses = numbers["step"], numbers["seconds"], numbers["losses"]
            self.best_loss, self.best_step = numbers["best_loss"], numbers["best_step"]
            return
        raise LeighError("There is no stopped training to resume.", "Train without --resume.")

    @torch.no_grad()
    def _take(self, tensors: dict[str, Tensor]) -> None:
        for i, (parameter, average, best) in enumerate(zip(self.parameters, self.average, self.best, strict=True)):
            kept = {k.split(".", 1)[1]: v for k, v in tensors.items() if k.startswith(f"{i}.")}
            for name, value in (("weight", parameter), ("average", average), ("best", best)):
                value.copy_(kept.pop(name))
            if kept:
                moments = {k: v.to(parameter.device) if k != "step" else v for k, v in kept.items()}
                self.optimiser.state[parameter] = moments

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        for i, (parameter, average, best) in enumerate(zip(self.parameters, self.average, self.best, strict=True)):
            yield f"{i}.weight", parameter.detach()
            yield f"{i}.average", average
            yield f"{i}.best", best
            for key, value in self.optimiser.state.get(parameter, {}).items():
                yield f"{i}.{key}", value
