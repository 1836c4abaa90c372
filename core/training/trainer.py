"""One loop that trains any network by a loss on crops: for the networks beside the i-ResNet.

AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101), a warm-up and a cosine to zero, averaged
weights, the best of them by the validation wells. Every step draws from its own seed, so a resumed
run takes the very steps the undisturbed one would.
"""

import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.data.batches import FieldStore, balanced_indices
from core.domain import IntArray
from core.errors import LeighError
from core.progress import Progress, Report, silent
from core.training.checkpoint import CHECKPOINT, SET_ASIDE, TrainingState
from core.training.flow_matching import half_precision
from core.training.presets import Course

Values = dict[str, Tensor]
Loss = Callable[
    [Tensor, Tensor, torch.Generator], Values
]  # crops (N, C, H, W), labels (N,), noise -> "loss" and more
Labelled = tuple[FieldStore, IntArray]  # fields and the class index of each
CHECKPOINT_EVERY_S = 30.0
AVERAGE = 0.99  # exponential moving average of the weights
VALIDATIONS = 20  # times a training looks at the validation wells
VALIDATION_BATCHES = 6
WARM_UP = 20  # steps
WEIGHT_DECAY = 0.02
log = logging.getLogger(__name__)


def descend(
    model: nn.Module,
    loss: Loss,
    training: Labelled,
    course: Course,
    *,
    seed: int,
    folder: Path,
    identity: str,
    validation: Labelled | None = None,
    resume: bool = False,
    report: Report = silent,
) -> dict[str, Any]:
    """Train in place; afterwards `model` holds the averaged weights of least loss on `validation`
    (None: the last).

    `identity` names data, split and settings; a checkpoint of another identity is refused on
    resume. Returns the last values of the loss and the time. Raises LeighError when the loss stops
    being a number, Cancelled from `report` (after saving a checkpoint).
    """
    learned = [p for p in model.parameters() if p.requires_grad]
    device = learned[0].device
    optimiser = torch.optim.AdamW(learned, lr=course.learning_rate, weight_decay=WEIGHT_DECAY)
    state = TrainingState(
        [*learned, *(b for b in model.buffers() if b.is_floating_point())], optimiser
    )
    path = folder / CHECKPOINT
    if resume:
        state.restore(path, identity)
    elif path.exists():
        log.warning("A stopped training is kept as %s.", path.replace(path.with_suffix(SET_ASIDE)))
    first, before_s = state.step, state.seconds
    began = saved = time.monotonic()
    model.train()
    while state.step < course.steps:
        _set_rate(optimiser, course, state.step)
        values = _step(
            model,
            loss,
            training,
            course.batch,
            np.random.default_rng([seed, state.step]),
            optimiser,
        )
        if not all(math.isfinite(v) for v in values.values()):
            raise LeighError(
                f"The loss was not a number at step {state.step + 1}.",
                "Train again with another --seed, or check the images for broken values.",
            )
        _average(state)
        state.step += 1
        _note(state, values)
        now = time.monotonic()
        state.seconds = before_s + now - began
        done = state.step == course.steps
        try:
            if validation and (done or state.step % max(1, course.steps // VALIDATIONS) == 0):
                _keep_best(model, loss, state, validation, course.batch)
            if done or state.step % 10 == 0:
                left = (now - began) / (state.step - first) * (course.steps - state.step)
                report(Progress(state.step, course.steps, "Training", left, state.losses))
        except BaseException:
            state.save(path, identity)
            raise
        if done or now - saved > CHECKPOINT_EVERY_S:
            state.save(path, identity)
            saved = now
    _finish(model, state, validation is not None)
    out = {**state.losses, "seconds": state.seconds, "steps": course.steps, "device": str(device)}
    out["images_per_second"] = course.steps * course.batch / max(state.seconds, 1e-9)
    return out | ({"best_step": state.best_step} if validation else {})


def _step(
    model: nn.Module,
    loss: Loss,
    training: Labelled,
    count: int,
    rng: np.random.Generator,
    optimiser: torch.optim.Optimizer,
) -> dict[str, float]:
    """One step down; the values of the loss, and the length of its gradient."""
    values = _losses(model, loss, training, count, rng)
    optimiser.zero_grad()
    values["loss"].backward()  # type: ignore[no-untyped-call]
    length = torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
    told = {k: float(v.detach()) for k, v in values.items()} | {"gradient": float(length)}
    if all(math.isfinite(v) for v in told.values()):
        optimiser.step()
    return told


def _losses(
    model: nn.Module, loss: Loss, of: Labelled, count: int, rng: np.random.Generator
) -> Values:
    store, labels = of
    device = next(model.parameters()).device
    index = balanced_indices(labels, count, rng)
    x = (
        torch.from_numpy(store.crops(index, rng))
        .to(device)
        .contiguous(memory_format=torch.channels_last)
    )
    noise = torch.Generator(device).manual_seed(int(rng.integers(2**63)))
    with half_precision(device):
        return loss(x, torch.from_numpy(labels[index]).to(device), noise)


@torch.no_grad()
def _average(state: TrainingState) -> None:
    keep = min(AVERAGE, (state.step + 1) / (state.step + 10))
    torch._foreach_lerp_(state.average, [p.detach() for p in state.parameters], 1 - keep)


def _note(state: TrainingState, values: dict[str, float]) -> None:
    """Running means over about 30 steps, for the eyes."""
    before = state.losses
    state.losses = {
        **before,
        **{k: before.get(k, v) + (v - before.get(k, v)) / 30 for k, v in values.items()},
    }


@torch.no_grad()
def _keep_best(
    model: nn.Module, loss: Loss, state: TrainingState, validation: Labelled, count: int
) -> None:
    """Try the averaged weights on the same validation crops and noise every time; keep the best."""
    present = [p.detach().clone() for p in state.parameters]
    torch._foreach_copy_(list(state.parameters), state.average)
    model.eval()
    batches = (np.random.default_rng([VALIDATIONS, k]) for k in range(VALIDATION_BATCHES))
    total = float(
        np.mean([float(_losses(model, loss, validation, count, rng)["loss"]) for rng in batches])
    )
    torch._foreach_copy_(list(state.parameters), present)
    model.train()
    state.losses = {**state.losses, "validation_loss": total}
    if total < state.best_loss:
        state.best_loss, state.best_step = total, state.step
        torch._foreach_copy_(state.best, state.average)


@torch.no_grad()
def _finish(model: nn.Module, state: TrainingState, validated: bool) -> None:
    torch._foreach_copy_(list(state.parameters), state.best if validated else state.average)
    for buffer in model.buffers():
        if not buffer.is_floating_point():
            buffer.fill_(state.step)  # batches counted: a resumed run would name its own only
    model.eval()


def _set_rate(optimiser: torch.optim.Optimizer, course: Course, step: int) -> None:
    fall = 0.5 * (1 + math.cos(math.pi * step / course.steps))
    for group in optimiser.param_groups:
        group["lr"] = course.learning_rate * min(1.0, (step + 1) / WARM_UP) * fall
