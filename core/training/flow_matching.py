"""Training by conditional flow matching, resumable at any moment with the same result.

Loss: |v((1 - t) x + t n, t, c) - (n - x)|^2 (Lipman et al. 2022, arXiv 2210.02747, eq. 23; Liu et
al. 2022, arXiv 2209.03003), plus cross-entropy of the pooled encoder features so that they tell
conditions apart. Every step draws from its own seed, so a resumed run takes the very steps the
undisturbed one would.
"""

import logging
import math
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.data.batches import FieldStore, balanced_indices
from core.domain import BoolArray, FloatArray, IntArray
from core.errors import LeighError
from core.models.iresnet import IResNet
from core.models.velocity import free_planes
from core.progress import Progress, Report, silent
from core.training.checkpoint import CHECKPOINT, SET_ASIDE, TrainingState
from core.training.presets import Preset

CLASSIFIER_WEIGHT = (
    0.1  # 0.5 made blocks at the noise end expand twelvefold, with no better accuracy
)
TIMES = (
    0.5,
    1.5,
)  # mean and spread of logit(t): shapes are decided in strong noise, so that it is seen often
CLIPPED = (0.015, 0.985)  # times stay between
# Where nothing can be held, latents are nearly all noise (NOISE_OF_ONE_STAIN), and more is decided
# there: of drags on planes of six shapes of real nuclei 70 % were read again as the region, with
# TIMES 53 % (90 drags, same network).
TIMES_OF_ONE_STAIN, CLIPPED_OF_ONE_STAIN = (1.5, 1.5), (0.015, 0.99)
LIKELY_SHARE = 0.36  # of the training images hold the stains that will be held by themselves
ANY_SHARE = 0.25  # hold any choice of stains
CHECKPOINT_EVERY_S = 30.0
AVERAGE = 0.995  # exponential moving average of the weights
VALIDATIONS = 20  # times a training looks at the validation wells
VALIDATION_BATCHES = 8
log = logging.getLogger(__name__)


def fit(
    model: IResNet,
    store: FieldStore,
    labels: IntArray,
    preset: Preset,
    *,
    seed: int,
    folder: Path,
    identity: str,
    holds: BoolArray | None = None,
    validation: tuple[FieldStore, IntArray] | None = None,
    resume: bool = False,
    report: Report = silent,
) -> dict[str, Any]:
    """Train `model` in place; afterwards it holds the averaged weights that did best on the
    validation wells.

    Without `validation` (fields and labels) it holds the last average. Returns the last losses and
    the time.

    `holds` (ways, C) are choices of held stains to train most, see
    core.counterfactual.calibration.likely_holds. `identity` names data, split and settings; a
    checkpoint of another identity is refused on resume. Raises LeighError when the loss stops being
    a number (the last checkpoint stays), Cancelled from `report` (after saving a checkpoint).
    """
    device = next(model.parameters()).device
    parameters = list(model.parameters())
    optimiser = torch.optim.Adam(parameters, lr=preset.learning_rate, betas=(0.9, 0.99))
    state = TrainingState(parameters, optimiser)
    if resume:
        state.restore(folder / CHECKPOINT, identity)
    elif (folder / CHECKPOINT).exists():
        aside = (folder / CHECKPOINT).replace((folder / CHECKPOINT).with_suffix(SET_ASIDE))
        log.warning("A stopped training is kept as %s until this one is complete.", aside)
    start, before_s = state.step, state.seconds
    began = saved = time.monotonic()
    recent: list[tuple[float, float, float]] = []
    looks = max(1, preset.steps // VALIDATIONS)
    while state.step < preset.steps:
        _set_rate(optimiser, preset, state)
        batch = _draw(
            store, labels, preset.batch, np.random.default_rng([seed, state.step]), model, holds
        )
        losses = _losses(model, batch)
        flow, crossentropy = losses[0].item(), losses[1].item()
        optimiser.zero_grad()
        (losses[0] + CLASSIFIER_WEIGHT * losses[1]).backward()  # type: ignore[no-untyped-call]
        length = torch.nn.utils.clip_grad_norm_(parameters, 1.0).item()
        if not math.isfinite(flow + crossentropy + length):
            kept = (
                f"The last good state is kept in {folder}; resume it"
                if (folder / CHECKPOINT).exists()
                else "Retry"
            )
            raise LeighError(
                f"The loss was not a number at step {state.step + 1}.",
                f"{kept}, or check the images for broken values.",
            )
        optimiser.step()
        keep = min(AVERAGE, (state.step + 1) / (state.step + 10))
        torch._foreach_lerp_(state.average, [p.detach() for p in parameters], 1 - keep)
        if state.watch(flow):
            log.warning(
                "The training broke down at step %d; it goes on at half the rate.", state.step + 1
            )
        recent = [*recent[-49:], (flow, crossentropy, losses[2].item())]
        state.step += 1
        now = time.monotonic()
        state.seconds = before_s + now - began
        try:
            if validation and (state.step % looks == 0 or state.step == preset.steps):
                _keep_best(model, state, validation, preset, holds)
            if state.step % 10 == 0 or state.step == preset.steps:
                flow, crossentropy, accuracy = np.mean(recent, axis=0)
                fresh = {
                    "loss": float(flow),
                    "cross_entropy": float(crossentropy),
                    "accuracy": float(accuracy),
                }
                state.losses = {**state.losses, **fresh}
                left = (now - began) / (state.step - start) * (preset.steps - state.step)
                report(Progress(state.step, preset.steps, "Training", left, state.losses))
        except BaseException:
            state.save(folder / CHECKPOINT, identity)
            raise
        if (
            now - saved > CHECKPOINT_EVERY_S or state.step == preset.steps
        ):  # what follows can be stopped too
            state.save(folder / CHECKPOINT, identity)
            saved = now
    _put(parameters, state.best if validation else state.average)
    model.eval()
    seconds = state.seconds
    out = {
        **state.losses,
        "seconds": seconds,
        "steps": preset.steps,
        "rate": state.rate,
        "device": str(device),
    }
    out["images_per_second"] = preset.steps * preset.batch / max(seconds, 1e-9)
    if device.type == "cuda":
        out["peak_gpu_bytes"] = torch.cuda.max_memory_allocated(device)
    return out | ({"best_step": state.best_step} if validation else {})


@dataclass(frozen=True)
class _Batch:
    """Crops x (N, C, H, W), their conditions c, times, noise in the shape of the squeezed crops,
    held stains.
    """

    x: Tensor
    c: Tensor
    times: Tensor
    noise: Tensor
    held: Tensor


def _draw(
    store: FieldStore,
    labels: IntArray,
    count: int,
    rng: np.random.Generator,
    model: IResNet,
    holds: BoolArray | None = None,
) -> _Batch:
    device = next(model.parameters()).device
    index = balanced_indices(labels, count, rng)
    x = store.crops(index, rng)
    times, ends = (
        (TIMES_OF_ONE_STAIN, CLIPPED_OF_ONE_STAIN) if x.shape[1] == 1 else (TIMES, CLIPPED)
    )
    t = 1 / (1 + np.exp(-rng.normal(*times, size=count)))
    t[: count // 8] = model.architecture.t_image  # the image end: there the classifier reads
    noise = _draw_noise(rng, (count, 4 * x.shape[1], x.shape[2] // 2, x.shape[3] // 2), device)
    held = _draw_held(rng, count, x.shape[1], holds)
    here = [
        torch.from_numpy(a).to(device)
        for a in (x, labels[index], np.clip(t, *ends).astype(np.float32), held)
    ]
    return _Batch(here[0], here[1], here[2], noise, here[3])


def _draw_noise(rng: np.random.Generator, shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Normal noise; a GPU draws its own from a seed of `rng`, as drawing it here takes longer than
    all else there.
    """
    if device.type == "cpu":
        return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))
    own = torch.Generator(device).manual_seed(int(rng.integers(2**63)))
    return torch.randn(shape, generator=own, device=device)


def _losses(model: IResNet, batch: _Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Flow-matching loss, cross-entropy and accuracy of one batch."""
    clean = model.squeeze(batch.x).contiguous(memory_format=torch.channels_last)
    free = free_planes(batch.held)
    weight = batch.times[:, None, None, None] * free  # a held stain stays clean
    with half_precision(clean.device):
        mixed = (1 - weight) * clean + weight * batch.noise
        velocity, features = model.velocity(mixed, batch.times, batch.c, batch.held)
    flow = ((velocity.float() - (batch.noise - clean)).square() * free).mean()
    logits = model.head(features.float())
    clarity = (1 - batch.times) ** 3  # noisy images say little about their condition
    crossentropy = (
        functional.cross_entropy(logits, batch.c, reduction="none") * clarity
    ).sum() / clarity.sum()
    accuracy = (logits.argmax(dim=1) == batch.c)[batch.times < 0.3].float().mean()
    return flow, crossentropy, accuracy


@torch.no_grad()
def _keep_best(
    model: IResNet,
    state: TrainingState,
    validation: tuple[FieldStore, IntArray],
    preset: Preset,
    holds: BoolArray | None,
) -> None:
    """Try the averaged weights on the same validation crops, times and noise every time; keep the
    best.
    """
    present = [p.detach().clone() for p in state.parameters]
    _put(state.parameters, state.average)
    total = 0.0
    for k in range(VALIDATION_BATCHES):
        batch = _draw(
            *validation, preset.batch, np.random.default_rng([VALIDATIONS, k]), model, holds
        )
        flow, crossentropy, _ = _losses(model, batch)
        total += float(flow + CLASSIFIER_WEIGHT * crossentropy) / VALIDATION_BATCHES
    _put(state.parameters, present)
    state.losses = {**state.losses, "validation_loss": total}
    if total < state.best_loss:
        state.best_loss, state.best_step = total, state.step
        torch._foreach_copy_(state.best, state.average)


@torch.no_grad()
def _put(parameters: Sequence[Tensor], values: list[Tensor]) -> None:
    torch._foreach_copy_(list(parameters), values)


def _draw_held(
    rng: np.random.Generator, batch: int, stains: int, holds: BoolArray | None
) -> FloatArray:
    """(batch, stains) of 0 and 1: some hold one of `holds`, some 1 to stains - 1 drawn at random,
    the rest nothing.
    """
    held = np.zeros((batch, stains), np.float32)
    if stains == 1:
        return held
    likely = int(LIKELY_SHARE * batch) if holds is not None and len(holds) else 0
    if holds is not None and likely:
        held[:likely] = holds[rng.integers(len(holds), size=likely)]
    for row in held[likely : likely + int(ANY_SHARE * batch)]:
        row[rng.permutation(stains)[: rng.integers(1, stains)]] = 1
    return rng.permutation(held)


def half_precision(device: torch.device) -> Any:
    """bfloat16 where it is fast: CUDA, and CPUs that multiply it (4x on AMX, 1.9x on AVX-512, 0.5x
    without).
    """
    if device.type == "cuda" or (device.type == "cpu" and _multiplies_bfloat16()):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


def _multiplies_bfloat16() -> bool:
    asked = [
        getattr(torch.cpu, name, None)
        for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    ]
    return any(a() for a in asked if a)


def _set_rate(optimiser: torch.optim.Adam, preset: Preset, state: TrainingState) -> None:
    """Warm up 50 steps, stay until 40 %, then cosine to zero; slower after it broke down."""
    share = state.step / preset.steps
    fall = 1.0 if share < 0.4 else 0.5 * (1 + math.cos(math.pi * (share - 0.4) / 0.6))
    for group in optimiser.param_groups:
        group["lr"] = preset.learning_rate * state.rate * min(1.0, (state.step + 1) / 50) * fall
