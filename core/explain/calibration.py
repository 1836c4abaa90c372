"""Strength 1 is as far as the target condition typically is: measured on validation wells, per pair of conditions.

How far an image came is read from hand-made readouts (core.explain.evidence.Direction.progress), not from the model
itself: a classifier is moved across its boundary long before the image looks like the target.
"""

from collections.abc import Callable, Sequence

import numpy as np

from core.data.readouts import readout_values
from core.domain import BoolArray, FloatArray, ImageRecord, ModelCard, Role
from core.explain.counterfactual import FALLBACK_GAIN, Encoded, counterfactual, encode, held_mask, middle
from core.explain.evidence import TOLD_APART, Direction, told_apart
from core.explain.panel import Real
from core.models.iresnet import IResNet
from core.progress import Progress, Report, silent

MAX_PAIRS = 60
RECORDS, MAIN_RECORDS = 3, 8  # per pair; of a pair of healthy and diseased
LOWEST, HIGHEST = 0.5, 1.6  # at 1.8 and more the judges of planted truth turned away; beyond 2.5 cells were erased
LEAST_PROGRESS = 0.1
READOUT_TOLERANCE = 1e-5  # readouts do not see what a tighter solve changes

Read = Callable[[ImageRecord], FloatArray]


def calibrate(
    model: IResNet,
    card: ModelCard,
    real: Real,
    records: Sequence[ImageRecord],
    logits: FloatArray,
    read: Read,
    report: Report = silent,
) -> dict[str, dict[str, float]]:
    """Gain per source and target, from `records` (validation wells) and the model's `logits` (N, K) of them.

    A pair in which no readout is known to differ gets FALLBACK_GAIN; 0 where there were wells enough to see one and
    the model cannot tell the pair apart either: the target is then where the source is already.
    """
    pairs, names = pairs_of_interest(card), card.condition_names
    of = {name: [i for i, r in enumerate(records) if r.condition == name] for name in names}
    encoded: dict[tuple[str, tuple[bool, ...]], Encoded] = {}
    gains: dict[str, dict[str, float]] = {}
    for i, (source, target) in enumerate(pairs):
        direction = Direction(real, source, target)
        count = MAIN_RECORDS if {source, target} <= _main(card) else RECORDS
        chosen = _some([records[n] for n in of[source]], count, card.seed)
        held = held_mask(card, direction.holdable)
        items = []
        for record in chosen if direction.differs.any() else ():
            key = (record.id, held)
            if key not in encoded:
                encoded[key] = encode(
                    model, card, record.id, source, middle(read(record), card), held, tolerance=READOUT_TOLERANCE
                )
            items.append(encoded[key])
        items = [item for item in items if not item.failure]
        if items:
            gain = _gain(model, card, direction, items)
        else:
            apart = told_apart(logits[of[source]], logits[of[target]], names.index(source), names.index(target))
            gain = 0.0 if direction.nothing_differs and apart < TOLD_APART else FALLBACK_GAIN
        gains.setdefault(source, {})[target] = gain
        report(Progress(i + 1, len(pairs), "Calibrating the strength"))
    return gains


def likely_holds(card: ModelCard, real: Real) -> BoolArray:
    """(ways, C) stains that will be held by themselves, one row per ordered pair of conditions that holds any.

    `real` needs no more than readouts: this is asked before training, so that these choices are trained most.
    """
    masks = [held_mask(card, Direction(real, *pair).holdable) for pair in pairs_of_interest(card)]
    return np.array([m for m in masks if any(m)], np.bool_).reshape(-1, len(card.channels))


def pairs_of_interest(card: ModelCard) -> list[tuple[str, str]]:
    """All ordered pairs where they are few; else those from and to healthy and diseased conditions first."""
    names = card.condition_names
    main = _main(card)
    pairs = [(s, t) for s in names for t in names if s != t]
    return sorted(pairs, key=lambda pair: -len(main & set(pair)))[:MAX_PAIRS]


def _main(card: ModelCard) -> set[str]:
    return {c.name for c in card.conditions if c.role in (Role.HEALTHY, Role.DISEASED)}


def _some(records: Sequence[ImageRecord], count: int, seed: int) -> list[ImageRecord]:
    return [records[i] for i in np.random.default_rng(seed).permutation(len(records))[:count]]


def _gain(model: IResNet, card: ModelCard, direction: Direction, items: Sequence[Encoded]) -> float:
    """The gain at which the readouts have come the whole way, see `whole_way`."""
    before = np.mean([readout_values(item.raw, card.recipe.downscale) for item in items], axis=0)

    def progress(gain: float) -> float:
        came = [counterfactual(model, card, item, {direction.target: 1.0}, 1.0, gain=gain).image for item in items]
        return direction.progress(before, np.mean([readout_values(x, card.recipe.downscale) for x in came], axis=0))

    return whole_way(progress)


def whole_way(progress: Callable[[float], float]) -> float:
    """The gain, of three tried, whose progress is nearest 1: gain 1, in proportion, and by the line through both.

    The line alone may lead far away, where progress hardly changes with the gain.
    """
    tried = {1.0: progress(1.0)}
    second = float(np.clip(1 / max(tried[1.0], LEAST_PROGRESS), LOWEST, HIGHEST))
    if abs(second - 1) < 0.05:
        return second
    tried[second] = progress(second)
    slope = (tried[second] - tried[1.0]) / (second - 1)
    if slope <= 0:
        return 1.0
    third = float(np.clip(1 + (1 - tried[1.0]) / slope, LOWEST, HIGHEST))
    if third not in tried:
        tried[third] = progress(third)
    return min(tried, key=lambda gain: abs(tried[gain] - 1))
