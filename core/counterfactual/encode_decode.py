"""Moves an image toward other conditions: encode under its own condition, decode under a blend.

x' = F_blend^-1(F_source(x)) with v_blend = v_s + g sum_k w_k (v_k - v_s). Strength 0 is the
original to the solver's precision; g = strength x the gain that, on validation wells, brings an
image as far as the target typically is (core.counterfactual.calibration). Locked channels stay
exactly what they are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor

from core.data.logit_coordinates import coordinates_of
from core.data.preprocessing import change_at_full_size, from_network, to_network
from core.domain import Counterfactual, FloatArray, InverseQuality, Mix, ModelCard, Precision
from core.domain.limits import EXACT_TO
from core.errors import LeighError, NotInvertible
from core.io.models import condition_index
from core.models.inverse import TOLERANCE
from core.models.iresnet import Blend, IResNet, blend, block_edges, one_hot, pad_field

SCREEN_ERROR = 0.75 * EXACT_TO  # estimated, of a picture while it is dragged
FARTHEST = 10.0  # strength; nothing is estimated beyond
LARGEST_CONTRACTION = 0.9  # of any block of a record that is shown
RETRIES = 2  # with block edges placed for this record alone
MIDDLE_PX = 96
FALLBACK_GAIN = 1.0  # where a pair of conditions was not calibrated


@dataclass(frozen=True)
class SourceImage:
    """One real image to be moved."""

    record_id: str
    condition: str
    raw: NDArray[Any]  # (C, Y, X) grey values as in the file
    locked: tuple[bool, ...] = ()  # (C,) channels that must not move; (): none


@dataclass(frozen=True)
class Encoded:
    """One record in latent space, ready to be decoded toward any condition."""

    image: SourceImage
    x: FloatArray  # (C, Y', X') network input
    back: FloatArray  # (C, Y', X') decode(encode(x)): the image at strength 0
    z: Tensor  # (1, 4C, H, W)
    roundtrip_error: float  # share of the range, worst channel
    contraction: tuple[float, ...] = ()
    evaluations: int = 0
    failure: str = ""
    # block edges of this record alone, where the network's own were too far apart
    times: tuple[float, ...] = ()
    # (1, 4C, H, W) at every block edge, image end first
    trajectory: tuple[Tensor, ...] = ()
    precision: Precision = Precision.EXACT  # DISPLAY: `refine` can solve further

    @property
    def locked(self) -> tuple[bool, ...]:
        """(C,) channels that must not move."""
        return self.image.locked or (False,) * len(self.x)


def locked_mask(card: ModelCard, names: Iterable[str]) -> tuple[bool, ...]:
    """(C,) which channels these names lock; raises LeighError for unknown names and where none is
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
    image: SourceImage,
    *,
    retries: int = RETRIES,
    tolerance: float = TOLERANCE,
) -> Encoded:
    """Solve the inverse of every block once. A record that cannot be inverted comes back with its
    `failure`.

    Where a block does not contract enough on this image, its blocks are placed again for this image
    alone, by the measured contraction: the block times of one image are independent of those of
    another.
    """
    encoded = _solved(model, card, image, (), tolerance)
    for _ in range(retries):
        if not encoded.contraction or max(encoded.contraction) < LARGEST_CONTRACTION:
            break
        locks = any(image.locked)
        edges = block_edges(model.architecture, encoded.contraction, locks, encoded.times)
        again = _solved(model, card, image, edges, tolerance)
        if not again.contraction or max(again.contraction) >= max(encoded.contraction):
            break
        encoded = again
    return encoded


def encode_for_display(model: IResNet, card: ModelCard, image: SourceImage) -> Encoded:
    """As `encode`, but only as exact as a screen shows, for less work. `refine` before you measure.

    Pictures are held to SCREEN_ERROR; an image whose blocks contract too little is encoded exactly.
    """
    tolerance = _inverse_of(card).screen_tolerance
    encoded = _solved(model, card, image, (), tolerance)
    while (
        encoded.precision < Precision.EXACT
        and picture_error(card, encoded, 1.0) > SCREEN_ERROR
        and tolerance > TOLERANCE
    ):
        tolerance = max(tolerance / 4, TOLERANCE)
        encoded = _solved(model, card, image, (), tolerance, encoded)
    return encode(model, card, image) if encoded.failure else encoded


def refine(model: IResNet, card: ModelCard, encoded: Encoded) -> Encoded:
    """Solve an image encoded for display on to full accuracy, or encode it again where that fails.

    An exact one stays as it is.
    """
    if encoded.precision == Precision.EXACT:
        return encoded
    exact = _solved(model, card, encoded.image, encoded.times, TOLERANCE, encoded)
    return encode(model, card, encoded.image) if exact.failure else exact


def picture_error(card: ModelCard, encoded: Encoded, strength: float) -> float:
    """Estimate of the largest error of a picture at this strength, as share of the range.

    What the solver leaves grows along the trajectory as measured on the model's test records
    (InverseQuality.growth).
    """
    far = min(abs(strength), FARTHEST)
    return float(encoded.roundtrip_error * _inverse_of(card).growth ** far)


def _inverse_of(card: ModelCard) -> InverseQuality:
    """As measured, or as it usually is while it is not measured yet."""
    return card.inverse or InverseQuality(0, 0.0, 0.0, ())


@torch.no_grad()
def _solved(
    model: IResNet,
    card: ModelCard,
    image: SourceImage,
    times: tuple[float, ...],
    tolerance: float,
    former: Encoded | None = None,
) -> Encoded:
    """Solve at one tolerance, on from a `former` solution with the same times."""
    device = next(model.parameters()).device
    x = to_network(card.preprocessing, image.raw)
    mixture, locked = mixture_of(card, image.condition, device), _row(image.locked, device)
    batch, sides = pad_field(torch.from_numpy(x)[None].to(device))
    try:
        starts = former.trajectory[1:] if former else ()
        z, quality = model.encode(batch, mixture, locked, times, tolerance, starts)
    except NotInvertible as failure:
        none = torch.zeros_like(batch)
        return Encoded(image, x, x, none, float("inf"), failure=str(failure))
    back = _cut(model.decode(z, mixture, locked, times), sides)
    error = relative_error(card, x, back)
    contraction = tuple(float(q.contraction.max()) for q in quality)
    work = int(sum(q.evaluations.max() for q in quality))
    if former:
        contraction = tuple(max(pair) for pair in zip(contraction, former.contraction, strict=True))
        work += former.evaluations
    entered = model.enter(batch, mixture, locked, times)[0]
    return Encoded(
        image,
        x,
        back,
        z,
        error,
        contraction,
        work,
        _failure(error, contraction),
        times,
        (entered, *(q.x for q in quality)),
        Precision.DISPLAY if tolerance > TOLERANCE else Precision.EXACT,
    )


def _failure(error: float, contraction: tuple[float, ...]) -> str:
    """Why this solution must not be shown; "" where it may be."""
    if not error <= EXACT_TO:  # catches a round trip that is not a number, too
        return f"The round-trip error {error:.1e} of the range is above a quarter of a grey level."
    if not max(contraction) < LARGEST_CONTRACTION:
        return (
            f"A block contracts by {max(contraction):.2f} only; {LARGEST_CONTRACTION} is the limit."
        )
    return ""


def mixture_of(card: ModelCard, name: str, device: torch.device) -> Tensor:
    """(1, K) mixture that is this condition alone."""
    return one_hot(torch.tensor([condition_index(card, name)], device=device), len(card.conditions))


def _cut(images: Tensor, sides: tuple[int, ...]) -> FloatArray:
    """Network image (C, Y', X') of a padded batch of one."""
    image: FloatArray = images[0].cpu().numpy()
    return image[:, : sides[0], : sides[1]]


def _row(locked: tuple[bool, ...], device: torch.device) -> Tensor | None:
    return torch.tensor([locked], dtype=torch.float32, device=device) if any(locked) else None


def gain_of(card: ModelCard, source: str, mix: Mix) -> float:
    """What strength 1 means between these conditions: the calibrated gains of the targets, by their
    weights.
    """
    gains = card.training.get("gains", {}).get(source, {})
    total = sum(weight for _, weight in mix.weights)
    return float(sum(w * gains.get(name, FALLBACK_GAIN) for name, w in mix.weights) / total)


def middle(raw: FloatArray, card: ModelCard) -> FloatArray:
    """The middle of a large field (C, Y, X), at most MIDDLE_PX network pixels a side: enough to
    calibrate on.
    """
    side = MIDDLE_PX * card.preprocessing.downscale
    top, left = (max(0, (s - side) // 2) for s in raw.shape[1:])
    return raw[:, top : top + side, left : left + side]


def relative_error(card: ModelCard, a: FloatArray, b: FloatArray) -> float:
    """Largest difference of two network images in raw grey values, as share of each channel's
    display range.
    """
    span = np.array(card.preprocessing.span)[:, None, None]
    return float(
        np.abs(
            (from_network(card.preprocessing, a) - from_network(card.preprocessing, b)) / span
        ).max()
    )


def weight_vector(card: ModelCard, mix: Mix) -> FloatArray:
    """(K,) weights that sum to one; raises LeighError for unknown names or no weight at all."""
    out: FloatArray = np.zeros(len(card.conditions), np.float32)
    for name, weight in mix.weights:
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
    mix: Mix,
    *,
    gain: float | None = None,
    precision: Precision = Precision.DISPLAY,
) -> FloatArray:
    """Network image (C, Y', X') of a mix: one explicit pass. `gain`: another than calibrated.

    A PREVIEW is rough and costs a part of a pass; any other is as precise as `encoded`.
    """
    device, source = encoded.z.device, encoded.image.condition
    gain = gain_of(card, source, mix) if gain is None else gain
    way = Blend(
        mixture_of(card, source, device),
        torch.from_numpy(weight_vector(card, mix))[None].to(device),
        torch.tensor([mix.strength * gain], dtype=torch.float32, device=device),
    )
    locked, sides = _row(encoded.locked, device), encoded.x.shape[1:]
    if precision == Precision.PREVIEW:
        change = model.preview_change(encoded.trajectory, way, locked, encoded.times)
        preview: FloatArray = encoded.back + _cut(change, sides)
        return preview
    mixture = blend(way.source, way.target, way.share)
    moved = _cut(model.decode(encoded.z, mixture, locked, encoded.times), sides)
    out: FloatArray = np.where(np.array(encoded.locked)[:, None, None], encoded.back, moved)
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
    mix: Mix,
    *,
    gain: float | None = None,
    precision: Precision = Precision.EXACT,
) -> Counterfactual:
    """The record moved by a mix, in raw grey values at the file's own size.

    An invalid one carries its reason and no change: it must not be drawn.
    """
    raw = encoded.image.raw
    original = raw.astype(np.float32)
    image, seen, failure, clipped = original, encoded.x, encoded.failure, 0.0
    difference = np.zeros_like(original)
    if mix.strength != 0 and not failure:
        moved = decode(model, card, encoded, mix, gain=gain, precision=precision)
        if np.isfinite(moved).all():
            difference = change_at_full_size(
                card.preprocessing, encoded.back, moved, original.shape
            )
            image = original + difference
            clipped = share_outside(image, raw.dtype)
            seen = moved
        else:
            failure = (
                "The decoded image is not a number: the strength is outside what the model can do."
            )
    logits = read_logits(model, seen)
    preview = precision == Precision.PREVIEW and mix.strength != 0 and not failure
    return Counterfactual(
        record_id=encoded.image.record_id,
        source=encoded.image.condition,
        weights=dict(mix.weights),
        strength=mix.strength,
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
        locked=tuple(c.name for c, locks in zip(card.channels, encoded.locked) if locks),
        picture_error=picture_error(card, encoded, mix.strength),
        precision=precision if preview else max(precision, Precision.DISPLAY),
    )


def share_outside(image: FloatArray, dtype: np.dtype[Any]) -> float:
    """Share of pixels beyond what the file's integer type can hold."""
    if dtype.kind not in "iu":
        return 0.0
    limits = np.iinfo(dtype)
    return float(((image < limits.min - 0.5) | (image > limits.max + 0.5)).mean())
