"""The training loop of every network; a stopped training can be resumed with the same result.

AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) with a warm-up and a cosine to zero. The
weights are averaged, and the average with the least loss on validation wells is kept. Every step
draws from its own seed, so a resumed training takes the same steps as an uninterrupted one.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from core.errors import LeighError
from core.progress import Progress, Report, silent
from core.training.checkpoint import (
    CHECKPOINT,
    POINTS,
    SET_ASIDE,
    TrainingState,
    has_checkpoint,
)
from core.training.presets import Schedule

Objective = Callable[[Any, np.random.Generator], dict[str, Tensor]]  # see core.training.objectives

CHECKPOINT_EVERY_S = 30.0
REPORT_EVERY = 10  # steps
VALIDATIONS = 20  # per training
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """One run of the loop: its seed and the folder of its checkpoint.

    `identity` stands for data, split and settings; a checkpoint with another identity cannot be
    resumed. Without a `folder` nothing is written.
    """

    seed: int
    folder: Path | None = None
    identity: str = ""
    resume: bool = False

    @property
    def checkpoint(self) -> Path | None:
        """The file that holds the state of this run."""
        return self.folder / CHECKPOINT if self.folder else None


def train(
    model: nn.Module,
    objective: Objective,
    schedule: Schedule,
    run: Run,
    *,
    validation: Objective | None = None,
    report: Report = silent,
) -> dict[str, Any]:
    """Train `model` in place.

    Parameters
    ----------
    model
        Gets the averaged weights with the least validation loss.
    objective
        Gives the losses of a step, see core.training.objectives.
    schedule
        Steps, batch and rate.
    run
        Seed and checkpoint.
    validation
        Objective on validation wells; None: the last average is kept.
    report
        Receives the progress.

    Returns
    -------
    dict
        The last losses, the time and the device.

    Raises
    ------
    LeighError
        When the loss is not a number; the last checkpoint stays.
    Cancelled
        From `report`, after a checkpoint was written.
    """
    state = _begin(model, schedule, run)
    scheduler = _scheduler(state, schedule)
    first, seconds_before, began = state.step, state.seconds, time.monotonic()
    saved = began
    model.train()
    while state.step < schedule.steps:
        losses = _step(objective, state, run)
        state.averaged.update_parameters(model)
        if schedule.recovers and state.watch(losses["loss"]):
            log.warning("The training broke down at step %d; its rate is halved.", state.step + 1)
        state.note(losses)
        scheduler.step()
        now = time.monotonic()
        state.seconds = seconds_before + now - began
        done = state.step == schedule.steps
        if done or state.step % max(1, schedule.steps // POINTS) == 0:
            state.draw()
        try:
            if validation and (done or state.step % max(1, schedule.steps // VALIDATIONS) == 0):
                _keep_best(state, validation, schedule.validation_batches)
            if done or state.step % REPORT_EVERY == 0:
                left = (now - began) / (state.step - first) * (schedule.steps - state.step)
                report(Progress(state.step, schedule.steps, "Training", left, state.losses))
        except BaseException:
            _save(state, run)
            raise
        if done or now - saved > CHECKPOINT_EVERY_S:
            _save(state, run)
            saved = now
    state.finish(validated=validation is not None)
    return _summary(state, schedule, validated=validation is not None)


def _begin(model: nn.Module, schedule: Schedule, run: Run) -> TrainingState:
    """A new state, or the state of the checkpoint; other checkpoints are set aside."""
    learned = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        learned,
        lr=schedule.learning_rate,
        betas=schedule.betas,
        weight_decay=schedule.weight_decay,
    )
    state = TrainingState(model, optimiser, decay=schedule.average)
    path = run.checkpoint
    if path and run.resume:
        if words := state.restore(path, run.identity):
            log.warning(words)
    elif path and path.exists():
        aside = path.replace(path.with_suffix(SET_ASIDE))
        log.warning("A stopped training is kept as %s until this training is complete.", aside)
    return state


def _scheduler(state: TrainingState, schedule: Schedule) -> LambdaLR:
    """The rate of every step, halved each time the training breaks down."""
    for group in state.optimiser.param_groups:
        group.setdefault("initial_lr", schedule.learning_rate)

    def factor(step: int) -> float:
        return schedule.factor(step) * state.rate

    return LambdaLR(state.optimiser, factor, last_epoch=state.step - 1)


def _step(objective: Objective, state: TrainingState, run: Run) -> dict[str, float]:
    """One step of the optimiser; returns the losses and the length of the gradient."""
    losses = objective(state.model, np.random.default_rng([run.seed, state.step]))
    state.optimiser.zero_grad()
    losses["loss"].backward()  # type: ignore[no-untyped-call]
    learned = [p for p in state.model.parameters() if p.requires_grad]
    length = torch.nn.utils.clip_grad_norm_(learned, 1.0)
    values = {name: float(value.detach()) for name, value in losses.items()}
    values["gradient"] = float(length)
    if not all(math.isfinite(values[name]) for name in ("loss", "gradient")):
        kept = run.folder is not None and has_checkpoint(run.folder)
        resume = f"The last good state is kept in {run.folder}; resume it"
        remedy = resume if kept else "Train again"
        raise LeighError(
            f"The loss was not a number at step {state.step + 1}.",
            f"{remedy}, or check the images for broken values.",
        )
    state.optimiser.step()
    state.step += 1
    return values


@torch.no_grad()
def _keep_best(state: TrainingState, validation: Objective, batches: int) -> None:
    """Measure the averaged weights on the validation batches, always the same; keep the best."""
    averaged = state.averaged.module
    averaged.eval()
    generators = [np.random.default_rng([VALIDATIONS, k]) for k in range(batches)]
    values = [float(validation(averaged, rng)["loss"]) for rng in generators]
    loss = float(np.mean(values))
    state.losses = {**state.losses, "validation_loss": loss}
    if loss < state.best_loss:
        state.best_loss, state.best_step = loss, state.step
        state.best = {name: value.clone() for name, value in averaged.state_dict().items()}


def _save(state: TrainingState, run: Run) -> None:
    if run.checkpoint:
        state.save(run.checkpoint, run.identity)


def _summary(state: TrainingState, schedule: Schedule, validated: bool) -> dict[str, Any]:
    device = next(state.model.parameters()).device
    summary = {
        **state.losses,
        "curve": state.curve,
        "seconds": state.seconds,
        "steps": schedule.steps,
        "rate": state.rate,
        "device": str(device),
        "images_per_second": schedule.steps * schedule.batch / max(state.seconds, 1e-9),
    }
    if device.type == "cuda":
        summary["peak_gpu_bytes"] = torch.cuda.max_memory_allocated(device)
    return summary | ({"best_step": state.best_step} if validated else {})
