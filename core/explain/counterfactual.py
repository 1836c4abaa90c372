"""Moves an image toward other conditions: encode under its own condition, decode under a blend.

x' = F_blend^-1(F_source(x)) with v_blend = v_s + g sum_k w_k (v_k - v_s). Strength 0 is the original to the solver's
precision; g = strength x the gain that, on validation wells, brings an image as far as the target typically is.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy.special import softmax
from torch import Tensor

from core.data.recipe import change_at_full_size, from_network, to_network
from core.domain import Counterfactual, FloatArray, ModelCard
from core.errors import LeighError, NotInvertible
from core.models.heads import coordinates_of
from core.models.iresnet import IResNet, blend, one_hot, pad_field

QUARTER_GREY_LEVEL = 0.25 / 255  # largest round-trip error of a record that is shown, as share of the range
GAINS = (0.5, 1.0, 1.5, 2.0, 3.0)
TARGETS_PER_RECORD = 2
FALLBACK_GAIN = 1.5


@dataclass(frozen=True)
class Encoded:
    """One record in latent space, ready to be decoded toward any condition."""

    record_id: str
    source: str
    raw: FloatArray  # (C, Y, X) grey values as in the file
    x: FloatArray  # (C, Y', X') network input
    back: FloatArray  # (C, Y', X') decode(encode(x)): the image at strength 0
    z: Tensor  # (1, 4C, H, W)
    roundtrip_error: float  # share of the range, worst channel
    contraction: tuple[float, ...]
    evaluations: int
    failure: str = ""


def condition_index(card: ModelCard, name: str) -> int:
    """Class index of a condition; raises LeighError with the names the model knows."""
    if name not in card.condition_names:
        known = ", ".join(card.condition_names)
        raise LeighError(f"The model does not know the condition {name}.", f"It knows {known}.")
    return card.condition_names.index(name)


@torch.no_grad()
def encode(model: IResNet, card: ModelCard, record_id: str, source: str, raw: FloatArray) -> Encoded:
    """Solve the inverse of every block once. A record that cannot be inverted comes back with its `failure`."""
    device = next(model.parameters()).device
    x = to_network(card.recipe, raw)
    mixture = one_hot(torch.tensor([condition_index(card, source)], device=device), len(card.conditions))
    batch, (height, width) = pad_field(torch.from_numpy(x)[None].to(device))
    try:
        z, quality = model.encode(batch, mixture)
    except NotInvertible as failure:
        return Encoded(record_id, source, raw, x, x, torch.zeros_like(batch), float("inf"), (), 0, str(failure))
    back = model.decode(z, mixture)[0, :, :height, :width].cpu().numpy()
    error = relative_error(card, x, back)
    failure_text = ""
    if not error <= QUARTER_GREY_LEVEL:  # catches a round trip that is not a number, too
        failure_text = f"The round-trip error {error:.1e} of the range is above a quarter of a grey level."
    return Encoded(
        record_id,
        source,
        raw,
        x,
        back,
        z,
        error,
        tuple(float(q.contraction.max()) for q in quality),
        sum(q.evaluations for q in quality),
        failure_text,
    )


def relative_error(card: ModelCard, a: FloatArray, b: FloatArray) -> float:
    """Largest difference of two network images in raw grey values, as share of each channel's display range."""
    span = np.array(card.recipe.span)[:, None, None]
    return float(np.abs((from_network(card.recipe, a) - from_network(card.recipe, b)) / span).max())


def weight_vector(card: ModelCard, weights: dict[str, float]) -> FloatArray:
    """(K,) weights that sum to one; raises LeighError for unknown names or no weight at all."""
    out: FloatArray = np.zeros(len(card.conditions), np.float32)
    for name, weight in weights.items():
        out[condition_index(card, name)] = weight
    if not (out.sum() > 0 and (out >= 0).all()):  # also where a weight is not a number
        raise LeighError("The target weights must be positive.", "Choose at least one condition to move to.")
    normalised: FloatArray = out / out.sum()
    return normalised


@torch.no_grad()
def decode(model: IResNet, card: ModelCard, encoded: Encoded, weights: dict[str, float], strength: float) -> FloatArray:
    """Network image (C, Y', X') at `strength` toward `weights`: one explicit pass."""
    device = encoded.z.device
    source = one_hot(torch.tensor([condition_index(card, encoded.source)], device=device), len(card.conditions))
    target = torch.from_numpy(weight_vector(card, weights))[None].to(device)
    gain = float(card.training.get("strength_gain", FALLBACK_GAIN))
    mixture = blend(source, target, torch.tensor([strength * gain], device=device))
    height, width = encoded.x.shape[-2:]
    out: FloatArray = model.decode(encoded.z, mixture)[0, :, :height, :width].cpu().numpy()
    return out


@torch.no_grad()
def read_logits(model: IResNet, x: FloatArray) -> FloatArray:
    """Logits (K,) of one network image (C, Y', X')."""
    device = next(model.parameters()).device
    batch, _ = pad_field(torch.from_numpy(np.ascontiguousarray(x))[None].to(device))
    out: FloatArray = model.logits(batch)[0].cpu().numpy()
    return out


def counterfactual(
    model: IResNet, card: ModelCard, encoded: Encoded, weights: dict[str, float], strength: float
) -> Counterfactual:
    """The record at `strength` toward `weights`, in raw grey values at the file's own size.

    An invalid one carries its reason and no change: it must not be drawn.
    """
    original = encoded.raw.astype(np.float32)
    logits = read_logits(model, encoded.x)
    image, failure, clipped = original, encoded.failure, 0.0
    difference = np.zeros_like(original)
    if strength != 0 and not failure:
        moved = decode(model, card, encoded, weights, strength)
        if np.isfinite(moved).all():
            difference = change_at_full_size(card.recipe, encoded.back, moved, original.shape)
            image = original + difference
            clipped = _share_outside(image, encoded.raw.dtype)
            logits = read_logits(model, moved)
        else:
            failure = "The decoded image is not a number: the strength is outside what the model can do."
    return Counterfactual(
        record_id=encoded.record_id,
        source=encoded.source,
        weights=weights,
        strength=strength,
        original=original,
        image=image,
        difference=difference,
        probabilities=softmax(logits).astype(np.float32),
        coordinates=coordinates_of(logits),
        roundtrip_error=encoded.roundtrip_error,
        valid=not failure,
        reason=failure,
        clipped=clipped,
    )


def _share_outside(image: FloatArray, dtype: np.dtype[Any]) -> float:
    """Share of pixels beyond what the file's integer type can hold."""
    if dtype.kind not in "iu":
        return 0.0
    limits = np.iinfo(dtype)
    return float(((image < limits.min - 0.5) | (image > limits.max + 0.5)).mean())


def calibrate_gain(
    model: IResNet, card: ModelCard, encoded: list[Encoded], centres: FloatArray, *, seed: int
) -> tuple[float, dict[str, float]]:
    """The gain at which images move as far as the target condition typically is, in semantic coordinates.

    For encoded validation records and two other conditions each, drawn by `seed`: progress along the line between
    the two conditions' centres (K, K-1). The gain is where three in four images have come the whole way (lower
    quartile of progress 1, interpolated). Returns it with the quartile per gain.
    """
    progress: dict[float, list[float]] = {g: [] for g in GAINS}
    rng = np.random.default_rng(seed)
    trial = {**card.training, "strength_gain": 1.0}
    unit = replace(card, training=trial)
    for item in (e for e in encoded if not e.failure):
        s = condition_index(card, item.source)
        start = coordinates_of(read_logits(model, item.x))
        others = [t for t in range(len(centres)) if t != s]
        for t in rng.permutation(others)[:TARGETS_PER_RECORD]:
            name, way = card.condition_names[t], centres[t] - centres[s]
            if float(way @ way) < 1e-6:
                continue
            for g in GAINS:
                u = coordinates_of(read_logits(model, decode(model, unit, item, {name: 1.0}, g)))
                progress[g].append(float((u - start) @ way / (way @ way)))
    quartiles = {g: float(np.percentile(v, 25)) for g, v in progress.items() if v}
    if not quartiles:
        return FALLBACK_GAIN, {}
    return _gain_at_one(quartiles), {f"{g:g}": q for g, q in quartiles.items()}


def _gain_at_one(progress: dict[float, float]) -> float:
    """First gain at which the progress reaches 1; the last one where it never does."""
    last_gain, last = 0.0, 0.0
    for gain, value in progress.items():
        if value >= 1.0:
            return last_gain + (1.0 - last) / (value - last) * (gain - last_gain)
        last_gain, last = gain, value
    return last_gain
