"""Training by conditional flow matching, resumable at any moment with the same result.

Loss: |v((1 - t) x + t n, t, c) - (n - x)|^2 (Lipman et al. 2022, arXiv 2210.02747, eq. 23; Liu et al. 2022,
arXiv 2209.03003), plus cross-entropy of the pooled encoder features so that they tell conditions apart.
Every step draws from its own seed, so a resumed run takes the very steps the undisturbed one would.
"""

import json
import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.nn import functional

from core.data.batches import FieldStore, balanced_indices
from core.domain import IntArray
from core.errors import LeighError
from core.io.atomic import atomic_write_bytes
from core.models.iresnet import IResNet
from core.progress import Progress, Report, silent
from core.train.presets import Preset

CLASSIFIER_WEIGHT = 0.1  # 0.5 made blocks at the noise end expand twelvefold, with no better accuracy
CHECKPOINT = "checkpoint.safetensors"
CHECKPOINT_EVERY_S = 30.0
AVERAGE = 0.995  # exponential moving average of the weights


def fit(
    model: IResNet,
    store: FieldStore,
    labels: IntArray,
    preset: Preset,
    *,
    seed: int,
    folder: Path,
    identity: str,
    resume: bool = False,
    report: Report = silent,
) -> dict[str, Any]:
    """Train `model` in place; afterwards it holds the averaged weights. Returns the last losses and the time.

    `identity` names data, split and settings; a checkpoint of another identity is refused on resume.
    Raises LeighError when the loss stops being a number (the last checkpoint stays), Cancelled from `report`
    (after saving a checkpoint).
    """
    device = next(model.parameters()).device
    parameters = [p for n, p in model.named_parameters()]
    optimiser = torch.optim.Adam(parameters, lr=preset.learning_rate, betas=(0.9, 0.99))
    average = [p.detach().clone() for p in parameters]
    start, before_s = 0, 0.0
    last: dict[str, float] = {}
    if resume:
        start, before_s, last = _restore(folder / CHECKPOINT, identity, parameters, average, optimiser)
    began = saved = time.monotonic()
    recent: list[tuple[float, float, float]] = []
    for step in range(start, preset.steps):
        _set_rate(optimiser, preset, step)
        flow, crossentropy, accuracy = _step(model, store, labels, preset, seed, step, optimiser)
        if not math.isfinite(flow + crossentropy):
            kept = f"The last good state is kept in {folder}; resume it" if (folder / CHECKPOINT).exists() else "Retry"
            raise LeighError(
                f"The loss was not a number at step {step + 1}.", f"{kept}, or check the images for broken values."
            )
        keep = min(AVERAGE, (step + 1) / (step + 10))
        torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - keep)
        recent = [*recent[-49:], (flow, crossentropy, accuracy)]
        now = time.monotonic()
        done = step + 1
        try:
            if done % 10 == 0 or done == preset.steps:
                flow, crossentropy, accuracy = np.mean(recent, axis=0)
                last = {"loss": float(flow), "cross_entropy": float(crossentropy), "accuracy": float(accuracy)}
                left = (now - began) / (done - start) * (preset.steps - done)
                report(Progress(done, preset.steps, "Training", left, last))
        except BaseException:
            _save(folder / CHECKPOINT, identity, done, before_s + now - began, last, parameters, average, optimiser)
            raise
        if now - saved > CHECKPOINT_EVERY_S or done == preset.steps:  # what follows training can be stopped too
            _save(folder / CHECKPOINT, identity, done, before_s + now - began, last, parameters, average, optimiser)
            saved = now
    with torch.no_grad():
        for parameter, value in zip(parameters, average, strict=True):
            parameter.copy_(value)
    model.eval()
    return {**last, "seconds": before_s + time.monotonic() - began, "steps": preset.steps, "device": str(device)}


def _step(
    model: IResNet,
    store: FieldStore,
    labels: IntArray,
    preset: Preset,
    seed: int,
    step: int,
    optimiser: torch.optim.Adam,
) -> tuple[float, float, float]:
    """One optimiser step; returns flow-matching loss, cross-entropy and accuracy of the batch."""
    device = next(model.parameters()).device
    rng = np.random.default_rng([seed, step])
    index = balanced_indices(labels, preset.batch, rng)
    x = torch.from_numpy(store.crops(index, rng)).to(device)
    c = torch.from_numpy(labels[index]).to(device)
    t = 1 / (1 + np.exp(-rng.normal(size=len(index))))
    t[: len(t) // 4] = model.architecture.t_image  # the image end: there the classifier reads
    times = torch.from_numpy(np.clip(t, 0.02, 0.98).astype(np.float32)).to(device)
    clean = model.squeeze(x).contiguous(memory_format=torch.channels_last)
    noise = torch.from_numpy(rng.standard_normal(tuple(clean.shape), dtype=np.float32)).to(device)
    weight = times[:, None, None, None]
    with half_precision(device):
        velocity, features = model.velocity((1 - weight) * clean + weight * noise, times, c)
    flow = (velocity.float() - (noise - clean)).square().mean()
    logits = model.head(features.float())
    clarity = (1 - times) ** 3  # noisy images say little about their condition
    crossentropy = (functional.cross_entropy(logits, c, reduction="none") * clarity).sum() / clarity.sum()
    optimiser.zero_grad()
    (flow + CLASSIFIER_WEIGHT * crossentropy).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    clear = times < 0.3
    accuracy = (logits.argmax(dim=1) == c)[clear].float().mean()
    return flow.item(), crossentropy.item(), accuracy.item()


def half_precision(device: torch.device) -> Any:
    """bfloat16 where it is fast: CUDA, and CPUs with matrix units (measured 4x on AMX, 0.5x without)."""
    if device.type == "cuda" or (device.type == "cpu" and _has_matrix_units()):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


def _has_matrix_units() -> bool:
    asked = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool(asked and asked())


def _set_rate(optimiser: torch.optim.Adam, preset: Preset, step: int) -> None:
    """Warm up 50 steps, stay until 40 %, then cosine to zero."""
    share = step / preset.steps
    fall = 1.0 if share < 0.4 else 0.5 * (1 + math.cos(math.pi * (share - 0.4) / 0.6))
    for group in optimiser.param_groups:
        group["lr"] = preset.learning_rate * min(1.0, (step + 1) / 50) * fall


def _tensors(
    parameters: list[torch.nn.Parameter], average: list[Tensor], optimiser: torch.optim.Adam
) -> Iterator[tuple[str, Tensor]]:
    for i, (parameter, mean) in enumerate(zip(parameters, average, strict=True)):
        yield f"{i}.weight", parameter.detach()
        yield f"{i}.average", mean
        for key, value in optimiser.state.get(parameter, {}).items():
            yield f"{i}.{key}", value


def _save(
    path: Path,
    identity: str,
    step: int,
    seconds: float,
    losses: dict[str, float],
    parameters: list[torch.nn.Parameter],
    average: list[Tensor],
    optimiser: torch.optim.Adam,
) -> None:
    """One file, replaced as a whole; the one before is kept."""
    tensors = {k: v.contiguous().cpu() for k, v in _tensors(parameters, average, optimiser)}
    state = json.dumps({"identity": identity, "step": step, "seconds": seconds, "losses": losses})
    if path.exists():
        path.replace(path.with_suffix(".previous"))
    atomic_write_bytes(path, save(tensors, metadata={"state": state}))


def _restore(
    path: Path,
    identity: str,
    parameters: list[torch.nn.Parameter],
    average: list[Tensor],
    optimiser: torch.optim.Adam,
) -> tuple[int, float, dict[str, float]]:
    """Load the newest readable checkpoint; returns its step, the seconds trained so far and the last losses."""
    for candidate in (path, path.with_suffix(".previous")):
        try:
            with safe_open(candidate, framework="pt") as stored:
                state = json.loads(stored.metadata()["state"])
                tensors = {k: stored.get_tensor(k) for k in stored.keys()}  # noqa: SIM118 - not a dict
        except (OSError, SafetensorError, ValueError, KeyError, TypeError):
            continue
        if state["identity"] != identity:
            raise LeighError(
                "The stopped training used other images, another split or another preset.",
                "Resume with the same settings, or train anew without --resume.",
            )
        with torch.no_grad():
            for i, (parameter, mean) in enumerate(zip(parameters, average, strict=True)):
                parameter.copy_(tensors[f"{i}.weight"])
                mean.copy_(tensors[f"{i}.average"])
                prefix = f"{i}."
                kept = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
                moments = {k: v for k, v in kept.items() if k not in ("weight", "average")}
                if moments:
                    optimiser.state[parameter] = {
                        k: v.to(parameter.device) if k != "step" else v for k, v in moments.items()
                    }
        return int(state["step"]), float(state["seconds"]), dict(state["losses"])
    raise LeighError("There is no stopped training to resume.", "Train without --resume.")
