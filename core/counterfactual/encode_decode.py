"""Move an image toward other conditions: encode under its own condition, decode under a mix.

x' = F_mix^-1(F_source(x)) with v_mix = v_s + g sum_k w_k (v_k - v_s). g is the strength times the
guidance scale, which is calibrated on validation wells (core.counterfactual.calibration). Strength
0 gives the original to the solver's precision. Locked channels do not change at all.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor

from core.data.logit_coordinates import coordinates_of
from core.data.preprocessing import change_at_full_size, from_network, rescaled, to_network
from core.domain import Counterfactual, FloatArray, InverseQuality, Mix, ModelCard, Precision
from core.domain.limits import EXACT_TO
from core.domain.model import BANDS, LEVELS
from core.errors import LeighError, NotInvertible
from core.io.models import condition_index
from core.models.inverse import TOLERANCE
from core.models.iresnet import Blend, IResNet, blend, block_edges, one_hot, pad_field

SCREEN_ERROR = 0.75 * EXACT_TO  # estimated error of an image during a drag
FARTHEST = 10.0  # errors of larger strengths are not estimated
LARGEST_CONTRACTION = 0.9  # of any block, for a record that is shown
RETRIES = 2  # with block times for one record alone
MIDDLE_PX = 96
FALLBACK_GAIN = 1.0  # guidance scale of pairs that were not calibrated
_NO_LEVELS = torch.zeros(0)


@dataclass(frozen=True)
class SourceImage:
    """A real image that is to be moved."""

    record_id: str
    condition: str
    raw: NDArray[Any]  # (C, Y, X) grey values as in the file
    locked: tuple[bool, ...] = ()  # (C,) locked channels; (): none


@dataclass(frozen=True)
class Encoded:
    """One record in latent space, from which any counterfactual can be decoded."""

    image: SourceImage
    x: FloatArray  # (C, Y', X') network input
    back: FloatArray  # (C, Y', X') decode(encode(x)): the image at strength 0
    z: Tensor  # (1, 4C, H, W)
    roundtrip_error: float  # share of the range, worst channel
    contraction: tuple[float, ...] = ()
    evaluations: int = 0
    failure: str = ""
    # Block times for this record alone, where the network's own times were too far apart.
    times: tuple[float, ...] = ()
    # (1, 4C, H, W) at every block time, image end first.
    trajectory: tuple[Tensor, ...] = ()
    precision: Precision = Precision.EXACT  # DISPLAY: `refine` can solve further
    levels: Tensor = _NO_LEVELS  # (1, 2, C) background and log gain of the image
    pattern: Tensor = _NO_LEVELS  # (1, C, H, W) the padded pattern at strength 0

    @property
    def locked(self) -> tuple[bool, ...]:
        """(C,) locked channels."""
        return self.image.locked or (False,) * len(self.x)


def locked_mask(card: ModelCard, names: Iterable[str]) -> tuple[bool, ...]:
    """(C,) the channels that `names` lock.

    Raises LeighError for unknown names, and where all channels would be locked.
    """
    channels, wanted = [c.name for c in card.channels], set(names)
    if unknown := wanted - set(channels):
        raise LeighError(
            f"The model has no channel {sorted(unknown)[0]}.", f"It has {', '.join(channels)}."
        )
    if wanted == set(channels):
        raise LeighError(
            "All channels are held: nothing could change.", "Leave at least one channel free."
        )
    return tuple(name in wanted for name in channels)


def encode(
    model: IResNet,
    card: ModelCard,
    image: SourceImage,
    *,
    retries: int = RETRIES,
    tolerance: float = TOLERANCE,
) -> Encoded:
    """Solve the inverse of every block once.

    Where a block does not contract enough on this image, the image gets block times of its own,
    chosen by the measured Lipschitz estimates.

    Parameters
    ----------
    model, card
        The network and its card.
    image
        The image, its condition and its locked channels.
    retries
        How often block times may be chosen again.
    tolerance
        Of the solver, in network units.

    Returns
    -------
    Encoded
        With a `failure` where the image cannot be inverted.
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
    """Like `encode`, with less work and only the precision of a display; `refine` before measuring.

    Errors of images stay below SCREEN_ERROR. An image whose blocks contract too little is encoded
    exactly.
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
    """Solve an image that was encoded for display to full precision; returns exact ones as is."""
    if encoded.precision == Precision.EXACT:
        return encoded
    exact = _solved(model, card, encoded.image, encoded.times, TOLERANCE, encoded)
    return encode(model, card, encoded.image) if exact.failure else exact


def picture_error(card: ModelCard, encoded: Encoded, strength: float) -> float:
    """Estimated largest error of an image at this strength, as a share of the range.

    The solver's error grows along the trajectory as measured on test records
    (InverseQuality.growth).
    """
    far = min(abs(strength), FARTHEST)
    return float(encoded.roundtrip_error * _inverse_of(card).growth ** far)


def _inverse_of(card: ModelCard) -> InverseQuality:
    """The measured quality of the inverse, or usual values before it is measured."""
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
    """Solve at one tolerance, starting from a `former` solution with the same times if any."""
    device = next(model.parameters()).device
    x = to_network(card.preprocessing, image.raw)
    mixture, locked = mixture_of(card, image.condition, device), _row(image.locked, device)
    batch, sides = pad_field(torch.from_numpy(x)[None].to(device))
    entering, levels = model.split(batch)
    try:
        starts = former.trajectory[1:] if former else ()
        z, quality = model.encode(entering, mixture, locked, times, tolerance, starts)
    except NotInvertible as failure:
        none = torch.zeros_like(batch)
        return Encoded(image, x, x, none, float("inf"), failure=str(failure))
    pattern = model.decode(z, mixture, locked, times)
    back = _cut(model.join(pattern, levels), sides)
    error = relative_error(card, x, back)
    contraction = tuple(float(q.contraction.max()) for q in quality)
    work = int(sum(q.evaluations.max() for q in quality))
    if former:
        contraction = tuple(max(pair) for pair in zip(contraction, former.contraction, strict=True))
        work += former.evaluations
    entered = model.enter(entering, mixture, locked, times)[0]
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
        levels,
        pattern,
    )


def _failure(error: float, contraction: tuple[float, ...]) -> str:
    """Why this solution must not be shown; "" for a good solution."""
    if not error <= EXACT_TO:  # also true where the error is not a number
        return f"The round-trip error {error:.1e} of the range is above a quarter of a grey level."
    if not max(contraction) < LARGEST_CONTRACTION:
        return (
            f"A block contracts by {max(contraction):.2f} only; {LARGEST_CONTRACTION} is the limit."
        )
    return ""


def mixture_of(card: ModelCard, name: str, device: torch.device) -> Tensor:
    """(1, K) mixture with the whole weight on one condition."""
    return one_hot(torch.tensor([condition_index(card, name)], device=device), len(card.conditions))


def _cut(images: Tensor, sides: tuple[int, ...]) -> FloatArray:
    """Network image (C, Y', X') of a padded batch of one."""
    image: FloatArray = images[0].cpu().numpy()
    return image[:, : sides[0], : sides[1]]


def _row(locked: tuple[bool, ...], device: torch.device) -> Tensor | None:
    return torch.tensor([locked], dtype=torch.float32, device=device) if any(locked) else None


def gain_of(card: ModelCard, source: str, mix: Mix) -> float:
    """The guidance scale of a mix: the calibrated scales of its targets, averaged by weight."""
    return float(_scaled_weights(card, source, mix).sum())


def _scaled_weights(card: ModelCard, source: str, mix: Mix) -> FloatArray:
    """(K,) weights, each times its target's scale: a mix lies between its targets."""
    gains = card.training.get("gains", {}).get(source, {})
    scales = [gains.get(name, FALLBACK_GAIN) for name in card.condition_names]
    scaled: FloatArray = weight_vector(card, mix) * np.array(scales, np.float32)
    return scaled


def middle(raw: FloatArray, card: ModelCard) -> FloatArray:
    """The middle of a field (C, Y, X), at most MIDDLE_PX network pixels a side, for calibration."""
    side = MIDDLE_PX * card.preprocessing.downscale
    top, left = (max(0, (s - side) // 2) for s in raw.shape[1:])
    return raw[:, top : top + side, left : left + side]


def relative_error(card: ModelCard, a: FloatArray, b: FloatArray) -> float:
    """Largest difference of two network images, as a share of each channel's display range."""
    span = np.array(card.preprocessing.span)[:, None, None]
    difference = from_network(card.preprocessing, a) - from_network(card.preprocessing, b)
    return float(np.abs(difference / span).max())


def weight_vector(card: ModelCard, mix: Mix) -> FloatArray:
    """(K,) weights that sum to one; raises LeighError for unknown names or without any weight."""
    weights: FloatArray = np.zeros(len(card.conditions), np.float32)
    for name, weight in mix.weights:
        weights[condition_index(card, name)] = weight
    if not (weights.sum() > 0 and (weights >= 0).all()):  # also where a weight is not a number
        raise LeighError(
            "The target weights must be positive.", "Choose at least one condition to move to."
        )
    normalised: FloatArray = weights / weights.sum()
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
    """Decode the network image (C, Y', X') of a mix, in one explicit pass.

    Parameters
    ----------
    model, card
        The network and its card.
    encoded
        The encoded record, with its locked channels.
    mix
        Target weights and strength.
    gain
        Guidance scale; None: as calibrated.
    precision
        PREVIEW is rough and needs a part of a pass; all others are as precise as `encoded`.
    """
    device, source = encoded.z.device, encoded.image.condition
    weights = weight_vector(card, mix)
    given = gain
    if gain is None:
        scaled = _scaled_weights(card, source, mix)
        gain = float(scaled.sum())
        weights = scaled / gain if gain > 0 else weights
    guidance = Blend(
        mixture_of(card, source, device),
        torch.from_numpy(weights)[None].to(device),
        torch.tensor([mix.strength * gain], dtype=torch.float32, device=device),
    )
    locked, sides = _row(encoded.locked, device), encoded.x.shape[1:]
    if gain == 0:
        pattern = encoded.pattern  # the network draws nothing
    elif precision == Precision.PREVIEW:
        change = model.preview_change(encoded.trajectory, guidance, locked, encoded.times)
        pattern = model.restore(encoded.pattern + change, encoded.pattern)
    else:
        mixture = blend(guidance.source, guidance.target, guidance.share)
        drawn = model.decode(encoded.z, mixture, locked, encoded.times)
        pattern = model.restore(drawn, encoded.pattern)
    if model.levels is not None:
        shift = mix.strength * detail_shift(card, source, mix, given)
        by = torch.from_numpy(shift).to(pattern)
        pattern = model.levels.with_detail(pattern, encoded.pattern, by)
    moved = _cut(model.join(pattern, _moved_levels(card, encoded, mix)), sides)
    image: FloatArray = np.where(np.array(encoded.locked)[:, None, None], encoded.back, moved)
    return image


def level_shift(card: ModelCard, source: str, mix: Mix) -> FloatArray:
    """Shift of background and log gain (2, C) at strength 1 of a mix."""
    return _mixed(card, "level_shifts", source, mix, LEVELS)


def detail_shift(card: ModelCard, source: str, mix: Mix, gain: float | None = None) -> FloatArray:
    """Shift of the log detail (B, C) of patterns at strength 1 of a mix.

    Detail moves toward targets whose guidance scale is 0: the network draws nothing there. `gain`
    is the scale of all targets; None: as calibrated.
    """
    gains = card.training.get("gains", {}).get(source, {})
    drawn = {name for name, _ in mix.weights if (gains.get(name) if gain is None else gain) != 0}
    return _mixed(card, "detail_shifts", source, mix, BANDS, drawn)


def _mixed(
    card: ModelCard, name: str, source: str, mix: Mix, rows: int, without: Collection[str] = ()
) -> FloatArray:
    """Mean shift (rows, C) to the targets of a mix, by their weights; 0 for those `without` it."""
    shifts = card.training.get(name, {}).get(source, {})
    total = sum(weight for _, weight in mix.weights)
    shift: FloatArray = np.zeros((rows, len(card.channels)))
    for target, weight in mix.weights:
        if target not in without:
            shift += weight / total * np.array(shifts.get(target, 0.0))
    return shift


def _moved_levels(card: ModelCard, encoded: Encoded, mix: Mix) -> Tensor:
    """Levels (1, 2, C) of an image at the strength of a mix; the guidance scale has no part."""
    shift = mix.strength * level_shift(card, encoded.image.condition, mix)
    return encoded.levels + torch.from_numpy(shift).to(encoded.levels)


def _change(
    model: IResNet, card: ModelCard, encoded: Encoded, mix: Mix, moved: FloatArray
) -> FloatArray:
    """The change (C, Y, X) to the network image `moved`, in grey values at the file's own size.

    Brightness changes at the file's own size, and the pattern at the network's size.
    """
    raw = encoded.image.raw
    if model.levels is None:
        return change_at_full_size(card.preprocessing, encoded.back, moved, raw.shape)
    after, free = _moved_levels(card, encoded, mix), ~np.array(encoded.locked)
    brighter = _cut(model.join(encoded.pattern, after), encoded.x.shape[1:])
    old, new = (levels[0].double().cpu().numpy() for levels in (encoded.levels, after))
    change = rescaled(card.preprocessing, raw, old[0], new[0], np.exp(new[1] - old[1])) - raw
    change += change_at_full_size(card.preprocessing, brighter, moved, raw.shape)
    difference: FloatArray = (change * free[:, None, None]).astype(np.float32)
    return difference


@torch.no_grad()
def read_image(model: IResNet, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Features (F,) and logits (K,) of one network image (C, Y', X')."""
    device = next(model.parameters()).device
    batch, _ = pad_field(torch.from_numpy(np.ascontiguousarray(x))[None].to(device))
    features = model.features(batch)
    return features[0].cpu().numpy(), model.head(features)[0].cpu().numpy()


def read_logits(model: IResNet, x: FloatArray) -> FloatArray:
    """Logits (K,) of one network image (C, Y', X')."""
    return read_image(model, x)[1]


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

    Parameters
    ----------
    model, card
        The network and its card.
    encoded
        The encoded record, with its locked channels.
    mix
        Target weights and strength.
    gain
        Guidance scale; None: as calibrated.
    precision
        Of the decoding, see `decode`.

    Returns
    -------
    Counterfactual
        An invalid one has a reason and no change: it must not be shown.
    """
    raw = encoded.image.raw
    original = raw.astype(np.float32)
    image, seen, failure, clipped = original, encoded.x, encoded.failure, 0.0
    difference = np.zeros_like(original)
    if mix.strength != 0 and not failure:
        moved = decode(model, card, encoded, mix, gain=gain, precision=precision)
        if np.isfinite(moved).all():
            difference = _change(model, card, encoded, mix, moved)
            image = original + difference
            clipped = share_outside(image, raw.dtype)
            seen = moved
        else:
            failure = (
                "The decoded image is not a number: the strength is outside what the model can do."
            )
    logits = read_logits(model, seen)
    exact = precision == Precision.EXACT
    own = softmax(read_logits(model, encoded.x)).astype(np.float32) if exact else None
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
        own_probabilities=own,
        **_brightness(model, card, encoded, mix, gain),
    )


def _brightness(
    model: IResNet, card: ModelCard, encoded: Encoded, mix: Mix, gain: float | None
) -> dict[str, Any]:
    """What a mix does to the brightness of an image, see Counterfactual."""
    if model.levels is None:
        return {}
    source, free, given = encoded.image.condition, ~np.array(encoded.locked), gain
    lift, log_gain = mix.strength * level_shift(card, source, mix) * free
    gain = gain_of(card, source, mix) if gain is None else gain
    return {
        "brightness": tuple(float(v) for v in np.exp(log_gain)),
        "background": tuple(float(v) for v in lift * np.array(card.preprocessing.scale)),
        "detail": _detail_factors(mix.strength * detail_shift(card, source, mix, given) * free),
        "moves_pattern": gain != 0,
    }


def _detail_factors(shift: FloatArray) -> tuple[float, ...]:
    """(C,) mean factor of the bands that a shift (B, C) moves; () where it moves none."""
    moved = np.maximum((shift != 0).sum(axis=0), 1)
    return tuple(map(float, np.exp(shift.sum(axis=0) / moved))) if shift.any() else ()


def share_outside(image: FloatArray, dtype: np.dtype[Any]) -> float:
    """Share of pixels beyond what the file's integer type can hold."""
    if dtype.kind not in "iu":
        return 0.0
    limits = np.iinfo(dtype)
    return float(((image < limits.min - 0.5) | (image > limits.max + 0.5)).mean())
