"""Strength 1 is as far as the target condition typically is: measured on validation wells, per pair
of conditions.

How far an image came is read from hand-made readouts (core.evidence.checks.Direction.came), not
from the model
itself: a classifier is moved across its boundary long before the image looks like the target. The
model only says where a way has gone too far: where it takes the image for something else again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.counterfactual.encode_decode import (
    FALLBACK_GAIN,
    Encoded,
    SourceImage,
    counterfactual,
    encode,
    locked_mask,
    middle,
)
from core.data.readouts import readout_values
from core.domain import BoolArray, FloatArray, ImageRecord, Mix, ModelCard, Role
from core.evidence.checks import Direction
from core.evidence.contrast import TOLD_APART, separability
from core.evidence.reference import ReferenceSet
from core.models.iresnet import IResNet
from core.progress import Progress, Report, silent

MAX_PAIRS = 60
RECORDS, MAIN_RECORDS = 6, 8  # per pair; of a pair of healthy and diseased
LOWEST, HIGHEST = (
    0.5,
    1.6,
)  # at 1.8 and more the judges of planted truth turned away; beyond 2.5 cells were erased
TRIED, LESS = (1.0, 1.25), 0.8  # first; then less or the most, where that is nearer
TOO_FAR = 2.0  # a readout further than that from the target counts no more
NEARLY = 1.1  # of the least distance is as near
TURNED = 0.05  # less than its mean probability for the target was before: the model has turned away
READOUT_TOLERANCE = 1.5e-4  # readouts do not see what a tighter solve changes

Read = Callable[[ImageRecord], FloatArray]


@dataclass(frozen=True)
class CalibrationImages:
    """Images of validation wells, and what the model says of them."""

    records: Sequence[ImageRecord]
    logits: FloatArray  # (N, K)
    read: Read


def calibrate(
    model: IResNet,
    card: ModelCard,
    real: ReferenceSet,
    images: CalibrationImages,
    report: Report = silent,
) -> dict[str, dict[str, float]]:
    """Gain per source and target.

    A pair in which no readout is known to differ gets FALLBACK_GAIN; 0 where there were wells
    enough to see one and the model cannot tell the pair apart either: the target is then where the
    source is already.
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
        held = locked_mask(card, direction.lockable)
        items = []
        for record in chosen if direction.differs.any() else ():
            key = (record.id, held)
            if key not in encoded:
                field = middle(images.read(record), card)
                image = SourceImage(record.id, source, field, held)
                encoded[key] = encode(model, card, image, tolerance=READOUT_TOLERANCE)
            items.append(encoded[key])
        items = [item for item in items if not item.failure]
        if items:
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
    """(ways, C) stains that will be held by themselves, one row per ordered pair of conditions that
    holds any.

    `real` needs no more than readouts: this is asked before training, so that these choices are
    trained most.
    """
    masks = [locked_mask(card, Direction(real, *pair).lockable) for pair in pairs_of_interest(card)]
    return np.array([m for m in masks if any(m)], np.bool_).reshape(-1, len(card.channels))


def pairs_of_interest(card: ModelCard) -> list[tuple[str, str]]:
    """All ordered pairs where they are few; else those from and to healthy and diseased conditions
    first.
    """
    names = card.condition_names
    main = _main(card)
    pairs = [(s, t) for s in names for t in names if s != t]
    return sorted(pairs, key=lambda pair: -len(main & set(pair)))[:MAX_PAIRS]


def _main(card: ModelCard) -> set[str]:
    return {c.name for c in card.conditions if c.role in (Role.HEALTHY, Role.DISEASED)}


def _some(records: Sequence[ImageRecord], count: int, seed: int) -> list[ImageRecord]:
    return [records[i] for i in np.random.default_rng(seed).permutation(len(records))[:count]]


def _gain(model: IResNet, card: ModelCard, direction: Direction, items: Sequence[Encoded]) -> float:
    """The gain that brings the readouts of some images nearest to the target, see
    `nearest_gain`.
    """
    before = np.mean(
        [readout_values(item.image.raw, card.preprocessing.downscale) for item in items], axis=0
    )
    row = card.condition_names.index(direction.target)

    def came(gain: float) -> tuple[FloatArray, float]:
        moved = [
            counterfactual(model, card, item, Mix({direction.target: 1.0}), gain=gain)
            for item in items
        ]
        after = np.mean(
            [readout_values(m.image, card.preprocessing.downscale) for m in moved], axis=0
        )
        return direction.came(before, after), float(np.mean([m.probabilities[row] for m in moved]))

    return nearest_gain(came, np.abs(direction.shift[direction.differs]))


def nearest_gain(came: Callable[[float], tuple[FloatArray, float]], shift: FloatArray) -> float:
    """The gain at which the readouts are nearest to the target: the least sum of what is left or
    too much.

    Of gains that are nearly as near it is the furthest: the least sum alone stays short of what
    judges take for the target. The median of the readouts instead follows the many that lag while
    the strongest are far beyond. Gains by which the model turned away from the target do not count:
    where few readouts differ, all are nearly as near, and the furthest was past the target. `came`
    says how far each readout (D,) is at a gain and how probable the target is, `shift` (D,) how
    many standard deviations a readout has to go. Between the two or three gains that are tried, all
    go along straight lines.
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
    ways = np.array([np.zeros_like(shift), *(tried[g][0] for g in gains)])
    share = np.stack([np.interp(grid, [0.0, *gains], way) for way in ways.T], axis=1)
    believed = np.interp(grid, gains, [tried[g][1] for g in gains])
    left = np.minimum(np.abs(share - 1), TOO_FAR) @ shift  # in standard deviations
    left[believed < np.maximum.accumulate(believed) - TURNED] = np.inf
    return float(grid[left <= NEARLY * left.min() + 1e-9].max().round(2))
