"""Calibrate the strength: at strength 1 an image is as far as the target condition typically is.

The guidance scale of each pair of conditions is measured on validation wells. Features say how far
an image came (core.evidence.checks.Direction.came). The model itself cannot say this: an image
crosses the model's boundary long before it looks like the target. The model only says where a move
went too far, because the model then no longer reads the target.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from core.counterfactual.encode_decode import (
    FALLBACK_GAIN,
    Encoded,
    SourceImage,
    counterfactual,
    detail_shift,
    encode,
    locked_mask,
    middle,
)
from core.data.readouts import readout_values
from core.domain import BoolArray, FloatArray, ImageRecord, Mix, ModelCard, Role
from core.domain.limits import LARGEST_GAIN
from core.evidence.checks import Direction
from core.evidence.contrast import TOLD_APART, separability
from core.evidence.reference import ReferenceSet
from core.models.iresnet import IResNet
from core.progress import Progress, Report, silent

MAX_PAIRS = 60
RECORDS, MAIN_RECORDS = 6, 8  # per pair; per pair of healthy and diseased
LOWEST, HIGHEST = 0.5, LARGEST_GAIN
TRIED, LESS = (1.0, 1.25), 0.8  # scales that are tried first; then LESS or HIGHEST if nearer
TOO_FAR = 2.0  # features further than this from the target all count the same
NEARLY = 1.1  # a distance up to 1.1 times the least counts as equally near
TURNED = 0.05  # a fall of the target's mean probability: the model no longer reads the target
READOUT_TOLERANCE = 1.5e-4  # a more exact solution does not change the features

Read = Callable[[ImageRecord], FloatArray]


@dataclass(frozen=True)
class CalibrationImages:
    """Images of validation wells, with the model's logits."""

    records: Sequence[ImageRecord]
    logits: FloatArray  # (N, K)
    read: Read
    alike: Collection[frozenset[str]] = ()  # pairs of conditions that do not differ in pattern


def calibrate(
    model: IResNet,
    card: ModelCard,
    real: ReferenceSet,
    images: CalibrationImages,
    report: Report = silent,
) -> dict[str, dict[str, float]]:
    """Guidance scale per source and target.

    A pair without features that differ gets FALLBACK_GAIN. The scale is 0 where there are enough
    wells to see a difference and the model cannot separate the pair either: both are then alike.
    It is also 0 where patterns do not differ, or where moving fine detail alone comes nearer to the
    target than what the network draws: then only brightness and detail move.

    Parameters
    ----------
    model, card
        The network and its card.
    real
        Features of real images.
    images
        Validation images with logits (N, K).
    report
        Receives the progress.
    """
    pairs, names = pairs_of_interest(card), card.condition_names
    records, logits = images.records, images.logits
    of = {name: [i for i, r in enumerate(records) if r.condition == name] for name in names}
    encoded: dict[tuple[str, tuple[bool, ...]], Encoded] = {}
    gains: dict[str, dict[str, float]] = {}
    for i, (source, target) in enumerate(pairs):
        direction = Direction(real, source, target)
        count = MAIN_RECORDS if {source, target} <= _main(card) else RECORDS
        chosen = _some([records[n] for n in of[source]], count, card.seed)
        locked = locked_mask(card, direction.lockable)
        items = []
        is_alike = frozenset((source, target)) in images.alike
        for record in chosen if direction.differs.any() and not is_alike else ():
            key = (record.id, locked)
            if key not in encoded:
                field = middle(images.read(record), card)
                image = SourceImage(record.id, source, field, locked)
                encoded[key] = encode(model, card, image, tolerance=READOUT_TOLERANCE)
            items.append(encoded[key])
        items = [item for item in items if not item.failure]
        if is_alike:
            gain = 0.0
        elif items:
            gain = _gain(model, card, direction, items)
        else:
            apart = separability(
                logits[of[source]], logits[of[target]], names.index(source), names.index(target)
            )
            gain = 0.0 if direction.nothing_differs and apart < TOLD_APART else FALLBACK_GAIN
        gains.setdefault(source, {})[target] = gain
        report(Progress(i + 1, len(pairs), "Calibrating the strength"))
    return gains


def likely_locks(card: ModelCard, real: ReferenceSet) -> BoolArray:
    """(choices, C) channels that are locked automatically, one row per pair that locks any channel.

    `real` needs only features. The choices are needed before training, because they are trained
    most.
    """
    masks = [locked_mask(card, Direction(real, *pair).lockable) for pair in pairs_of_interest(card)]
    return np.array([m for m in masks if any(m)], np.bool_).reshape(-1, len(card.channels))


def pairs_of_interest(card: ModelCard) -> list[tuple[str, str]]:
    """At most MAX_PAIRS ordered pairs, those with healthy or diseased conditions first."""
    names = card.condition_names
    main = _main(card)
    pairs = [(s, t) for s in names for t in names if s != t]
    return sorted(pairs, key=lambda pair: -len(main & set(pair)))[:MAX_PAIRS]


def _main(card: ModelCard) -> set[str]:
    return {c.name for c in card.conditions if c.role in (Role.HEALTHY, Role.DISEASED)}


def _some(records: Sequence[ImageRecord], count: int, seed: int) -> list[ImageRecord]:
    return [records[i] for i in np.random.default_rng(seed).permutation(len(records))[:count]]


def _gain(model: IResNet, card: ModelCard, direction: Direction, items: Sequence[Encoded]) -> float:
    """The guidance scale that brings the features of `items` nearest to the target.

    0 where their detail differs and moving it alone comes nearer, counting what should stay, and
    the model reads the target as well.
    """
    downscale, mix = card.preprocessing.downscale, Mix({direction.target: 1.0})
    before = np.mean([readout_values(item.image.raw, downscale) for item in items], axis=0)
    row = card.condition_names.index(direction.target)
    shift, agrees = np.abs(direction.shift[direction.differs]), direction.agrees

    def moved(gain: float) -> tuple[FloatArray, float]:
        images = [counterfactual(model, card, item, mix, gain=gain) for item in items]
        after = np.mean([readout_values(m.image, downscale) for m in images], axis=0)
        return after, float(np.mean([m.probabilities[row] for m in images]))

    def came(gain: float) -> tuple[FloatArray, float]:
        after, probability = moved(gain)
        return direction.came(before, after), probability

    def missed(gain: float) -> tuple[float, float]:
        after, probability = moved(gain)
        astray = np.abs((after - before) / direction.spread)[agrees].sum()
        return float(_distance(direction.came(before, after), shift) + astray), probability

    gain = nearest_gain(came, shift)
    if not detail_shift(card, direction.source, mix, 0.0).any():
        return gain
    (drawn, read), (alone, read_alone) = missed(gain), missed(0.0)
    return 0.0 if alone < drawn and read_alone >= read - TURNED else gain


def nearest_gain(came: Callable[[float], tuple[FloatArray, float]], shift: FloatArray) -> float:
    """The guidance scale at which the features are nearest to the target.

    The distance is the summed deviation of the features from the target. Among scales that are
    nearly as near, the largest is taken: at the least distance alone, independent classifiers did
    not yet see the target. The median over features is worse, because it follows the many weak
    features. Scales at which the model no longer reads the target do not count.

    `came` gives the share of the way of each feature (D,) and the probability of the target at a
    scale. `shift` (D,) is the distance of each feature, in standard deviations. Between the two or
    three scales that are tried, values are interpolated linearly.
    """
    tried = {gain: came(gain) for gain in TRIED}
    best = _nearest(tried, shift)
    if not TRIED[0] <= best < TRIED[1]:
        further = LESS if best < TRIED[0] else HIGHEST
        tried[further] = came(further)
        best = _nearest(tried, shift)
    return best


def _nearest(tried: dict[float, tuple[FloatArray, float]], shift: FloatArray) -> float:
    gains = sorted(tried)
    grid = np.arange(LOWEST, gains[-1] + 1e-9, 0.01)
    curves = np.array([np.zeros_like(shift), *(tried[g][0] for g in gains)])
    share = np.stack([np.interp(grid, [0.0, *gains], curve) for curve in curves.T], axis=1)
    probability = np.interp(grid, gains, [tried[g][1] for g in gains])
    distance = _distance(share, shift)
    distance[probability < np.maximum.accumulate(probability) - TURNED] = np.inf
    return float(grid[distance <= NEARLY * distance.min() + 1e-9].max().round(2))


def _distance(share: FloatArray, shift: FloatArray) -> FloatArray:
    """Summed deviation (...) of features (..., D) from the target, in standard deviations."""
    distance: FloatArray = np.minimum(np.abs(share - 1), TOO_FAR) @ shift
    return distance
