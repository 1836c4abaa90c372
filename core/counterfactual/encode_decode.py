"""Moves an image toward other conditions: encode under its own condition, decode under a blend.

x' = F_blend^-1(F_source(x)) with v_blend = v_s + g sum_k w_k (v_k - v_s). Strength 0 is the
original to the solver's precision; g = strength x the gain that, on validation wells, brings an
image as far as the target typically is (core.counterfactual.calibration). Stains that are held stay
exactly what they are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.special import softmax
from torch import Tensor

from core.data.logit_coordinates import coordinates_of
from core.data.preprocessing import change_at_full_size, from_network, to_network
from core.domain import Counterfactual, FloatArray, InverseQuality, ModelCard
from core.errors import LeighError, NotInvertible
from core.models.inverse import TOLERANCE
from core.models.iresnet import IResNet, blend, block_edges, one_hot, pad_field

QUARTER_GREY_LEVEL = (
    0.25 / 255
)  # largest round-trip error of a record that is shown, as share of the range
SCREEN_ERROR = 0.75 * QUARTER_GREY_LEVEL  # estimated, of a picture while it is dragged
FARTHEST = 10.0  # strength; nothing is estimated beyond
LARGEST_CONTRACTION = 0.9  # of any block of a record that is shown
RETRIES = 2  # with block edges placed for this record alone
MIDDLE_PX = 96
FALLBACK_GAIN = 1.0  # where a pair of conditions was not calibrated


@dataclass(frozen=True)
class Encoded:
    """One record in latent space, ready to be decoded toward any condition."""

    record_id: str
    source: str
    raw: FloatArray  # (C, Y, X) grey values as in the file
    x: FloatArray  # (C, Y', X') network input
    back: FloatArray  # (C, Y', X') decode(encode(x)): the image at strength 0
    z: Tensor  # (1, 4C, H, W)
    held: tuple[bool, ...]  # (C,) stains that must not move
    roundtrip_error: float  # share of the range, worst channel
    contraction: tuple[float, ...]
    evaluations: int
    failure: str = ""
    times: tuple[
        float, ...
    ] = ()  # block edges of this record alone, where the network's own were too far apart
    way: tuple[Tensor, ...] = ()  # (1, 4C, H, W) at every block edge, image end first
    rough: bool = False  # `polish` can go on


def condition_index(card: ModelCard, name: str) -> int:
    """Class index of a condition; raises LeighError with the names the model knows."""
    if name not in card.condition_names:
        known = ", ".join(card.condition_names)
        raise LeighError(f"The model does not know the condition {name}.", f"It knows {known}.")
    return card.condition_names.index(name)


def held_mask(card: ModelCard, names: Iterable[str]) -> tuple[bool, ...]:
    """(C,) which channels these names hold; raises LeighError for unknown names and where none is
    left to move.
    """
    known, wanted = [c.name for c in card.channels], set(names)
    if unknown := wanted - set(known):
        raise LeighError(
            f"The model has no channel {sorted(unknown)[0]}.", f"It has {', '.join(known)}."
        )
    if wanted == set(known):
        raise LeighError(
            "All channels are held: nothing could change.", "Leave at least one channel free."
        )
    return tuple(name in wanted for name in known)


def encode(
    model: IResNet,
    card: ModelCard,
    record_id: str,
    source: str,
    raw: FloatArray,
    held: tuple[bool, ...] = (),
    retries: int = RETRIES,
    tolerance: float = TOLERANCE,
) -> Encoded:
    """Solve the inverse of every block once. A record that cannot be inverted comes back with its
    `failure`.

    Where a block does not contract enough on this image, its blocks are placed anew for it alone,
    by what was
    measured: nothing ties the block times of one image to those of another.
    """
    held = held or (False,) * len(card.channels)
    encoded = _encode(model, card, record_id, source, raw, held, (), tolerance)
    for _ in range(retries):
        if not encoded.contraction or max(encoded.contraction) < LARGEST_CONTRACTION:
            break
        edges = block_edges(model.architecture, encoded.contraction, any(held), encoded.times)
        again = _encode(model, card, record_id, source, raw, held, edges, tolerance)
        if not again.contraction or max(again.contraction) >= max(encoded.contraction):
            break
        encoded = again
    return encoded


def glance(
    model: IResNet,
    card: ModelCard,
    record_id: str,
    source: str,
    raw: FloatArray,
    held: tuple[bool, ...] = (),
) -> Encoded:
    """As `encode`, but no better than a screen shows, for less work: solve on with `polish` before
    you measure.

    Pictures are held to SCREEN_ERROR; an image whose blocks contract too little is encoded exactly.
    """
    held = held or (False,) * len(card.channels)
    tolerance = _inverse_of(card).screen_tolerance
    encoded = _encode(model, card, record_id, source, raw, held, (), tolerance)
    while (
        encoded.rough and picture_error(card, encoded, 1.0) > SCREEN_ERROR and tolerance > TOLERANCE
    ):
        tolerance = max(tolerance / 4, TOLERANCE)
        encoded = _encode(model, card, record_id, source, raw, held, (), tolerance, encoded)
    return encode(model, card, record_id, source, raw, held) if encoded.failure else encoded


def polish(model: IResNet, card: ModelCard, encoded: Encoded) -> Encoded:
    """A glance solved on to full accuracy, or encoded anew where that fails; what is exact already
    stays.
    """
    if not encoded.rough:
        return encoded
    e = encoded
    exact = _encode(model, card, e.record_id, e.source, e.raw, e.held, e.times, TOLERANCE, e)
    return encode(model, card, e.record_id, e.source, e.raw, e.held) if exact.failure else exact


def picture_error(card: ModelCard, encoded: Encoded, strength: float) -> float:
    """Estimate of the largest error of a picture at this strength, as share of the range.

    What the solver leaves grows along the way as measured on the model's test records
    (InverseQuality.growth).
    """
    far = min(abs(strength), FARTHEST)
    return float(encoded.roundtrip_error * _inverse_of(card).growth ** far)


def _inverse_of(card: ModelCard) -> InverseQuality:
    """As measured, or as it usually is while it is not measured yet."""
    return card.inverse or InverseQuality(0, 0.0, 0.0, ())


@torch.no_grad()
def _encode(
    model: IResNet,
    card: ModelCard,
    record_id: str,
    source: str,
    raw: FloatArray,
    held: tuple[bool, ...],
    times: tuple[float, ...],
    tolerance: float,
    former: Encoded | None = None,
) -> Encoded:
    """Solve at one tolerance, on from a `former` solution with the same times."""
    device = next(model.parameters()).device
    x = to_network(card.recipe, raw)
    mixture = mixture_of(card, source, device)
    batch, sides = pad_field(torch.from_numpy(x)[None].to(device))
    try:
        starts = former.way[1:] if former else ()
        z, quality = model.encode(batch, mixture, _row(held, device), times, tolerance, starts)
    except NotInvertible as failure:
        none = torch.zeros_like(batch)
        return Encoded(record_id, source, raw, x, x, none, held, float("inf"), (), 0, str(failure))
    back = _decoded(model, z, mixture, held, times, sides)
    error = relative_error(card, x, back)
    contraction = tuple(float(q.contraction.max()) for q in quality)
    work = int(sum(q.evaluations.max() for q in quality))
    if former:
        contraction = tuple(max(pair) for pair in zip(contraction, former.contraction, strict=True))
        work += former.evaluations
    reason = ""
    if not error <= QUARTER_GREY_LEVEL:  # catches a round trip that is not a number, too
        reason = (
            f"The round-trip error {error:.1e} of the range is above a quarter of a grey level."
        )
    elif not max(contraction) < LARGEST_CONTRACTION:
        reason = (
            f"A block contracts by {max(contraction):.2f} only; {LARGEST_CONTRACTION} is the limit."
        )
    way = (model.enter(batch, mixture, _row(held, device), times)[0], *(q.x for q in quality))
    rough = tolerance > TOLERANCE
    return Encoded(
        record_id,
        source,
        raw,
        x,
        back,
        z,
        held,
        error,
        contraction,
        work,
        reason,
        times,
        way,
        rough,
    )


def mixture_of(card: ModelCard, name: str, device: torch.device) -> Tensor:
    """(1, K) mixture that is this condition alone."""
    return one_hot(torch.tensor([condition_index(card, name)], device=device), len(card.conditions))


def _decoded(
    model: IResNet,
    z: Tensor,
    mixture: Tensor,
    held: tuple[bool, ...],
    times: tuple[float, ...],
    sides: tuple[int, ...],
) -> FloatArray:
    """Network image (C, Y', X') of one latent, cut to `sides`."""
    image: FloatArray = model.decode(z, mixture, _row(held, z.device), times)[0].cpu().numpy()
    return image[:, : sides[0], : sides[1]]


def _row(held: tuple[bool, ...], device: torch.device) -> Tensor | None:
    return torch.tensor([held], dtype=torch.float32, device=device) if any(held) else None


def gain_of(card: ModelCard, source: str, weights: dict[str, float]) -> float:
    """What strength 1 means between these conditions: the calibrated gains of the targets, by their
    weights.
    """
    gains = card.training.get("gains", {}).get(source, {})
    total = sum(weights.values())
    return float(sum(w * gains.get(name, FALLBACK_GAIN) for name, w in weights.items()) / total)


def middle(raw: FloatArray, card: ModelCard) -> FloatArray:
    """The middle of a large field (C, Y, X), at most MIDDLE_PX network pixels a side: enough to
    calibrate on.
    """
    side = MIDDLE_PX * card.recipe.downscale
    top, left = (max(0, (s - side) // 2) for s in raw.shape[1:])
    return raw[:, top : top + side, left : left + side]


def relative_error(card: ModelCard, a: FloatArray, b: FloatArray) -> float:
    """Largest difference of two network images in raw grey values, as share of each channel's
    display range.
    """
    span = np.array(card.recipe.span)[:, None, None]
    return float(np.abs((from_network(card.recipe, a) - from_network(card.recipe, b)) / span).max())


def weight_vector(card: ModelCard, weights: dict[str, float]) -> FloatArray:
    """(K,) weights that sum to one; raises LeighError for unknown names or no weight at all."""
    out: FloatArray = np.zeros(len(card.conditions), np.float32)
    for name, weight in weights.items():
        out[condition_index(card, name)] = weight
    if not (out.sum() > 0 and (out >= 0).all()):  # also where a weight is not a number
        raise LeighError(
            "The target weights must be positive.", "Choose at least one condition to move to."
        )
    normalised: FloatArray = out / out.sum()
    return normalised


@torch.no_grad()
def decode(
    model: IResNet,
    card: ModelCard,
    encoded: Encoded,
    weights: dict[str, float],
    strength: float,
    gain: float | None = None,
    draft: bool = False,
) -> FloatArray:
    """Network image (C, Y', X') at `strength` toward `weights`: one explicit pass. `gain`: another
    than calibrated.

    A `draft` is rough and costs a part of a pass.
    """
    device = encoded.z.device
    source = mixture_of(card, encoded.source, device)
    target = torch.from_numpy(weight_vector(card, weights))[None].to(device)
    gain = gain_of(card, encoded.source, weights) if gain is None else gain
    share = torch.tensor([strength * gain], dtype=torch.float32, device=device)
    mixture = blend(source, target, share)
    if draft:
        held = _row(encoded.held, device)
        change = (
            model.drafted(encoded.way, source, target, share, held, encoded.times)[0].cpu().numpy()
        )
        rough: FloatArray = encoded.back + change[:, : encoded.x.shape[1], : encoded.x.shape[2]]
        return rough
    moved = _decoded(model, encoded.z, mixture, encoded.held, encoded.times, encoded.x.shape[1:])
    out: FloatArray = np.where(np.array(encoded.held)[:, None, None], encoded.back, moved)
    return out


@torch.no_grad()
def read_logits(model: IResNet, x: FloatArray) -> FloatArray:
    """Logits (K,) of one network image (C, Y', X')."""
    device = next(model.parameters()).device
    batch, _ = pad_field(torch.from_numpy(np.ascontiguousarray(x))[None].to(device))
    out: FloatArray = model.logits(batch)[0].cpu().numpy()
    return out


def counterfactual(
    model: IResNet,
    card: ModelCard,
    encoded: Encoded,
    weights: dict[str, float],
    strength: float,
    gain: float | None = None,
    draft: bool = False,
) -> Counterfactual:
    """The record at `strength` toward `weights`, in raw grey values at the file's own size.

    An invalid one carries its reason and no change: it must not be drawn.
    """
    original = encoded.raw.astype(np.float32)
    image, seen, failure, clipped = original, encoded.x, encoded.failure, 0.0
    difference = np.zeros_like(original)
    if strength != 0 and not failure:
        moved = decode(model, card, encoded, weights, strength, gain, draft)
        if np.isfinite(moved).all():
            difference = change_at_full_size(card.recipe, encoded.back, moved, original.shape)
            image = original + difference
            clipped = share_outside(image, encoded.raw.dtype)
            seen = moved
        else:
            failure = (
                "The decoded image is not a number: the strength is outside what the model can do."
            )
    logits = read_logits(model, seen)
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
        contraction=max(encoded.contraction, default=0.0),
        held=tuple(c.name for c, held in zip(card.channels, encoded.held) if held),
        picture_error=picture_error(card, encoded, strength),
        draft=draft and strength != 0 and not failure,
    )


def share_outside(image: FloatArray, dtype: np.dtype[Any]) -> float:
    """Share of pixels beyond what the file's integer type can hold."""
    if dtype.kind not in "iu":
        return 0.0
    limits = np.iinfo(dtype)
    return float(((image < limits.min - 0.5) | (image > limits.max + 0.5)).mean())
