"""The trained inverse, as it is: block times placed where the network is gentlest, and the round trip measured."""

import time
from collections import Counter
from collections.abc import Sequence

import numpy as np

from core.data.batches import Reader
from core.domain import BoolArray, ImageRecord, InverseQuality, ModelCard, Split
from core.errors import NotInvertible
from core.explain.counterfactual import encode, middle
from core.models.iresnet import IResNet, block_edges
from core.progress import Progress, Report, silent

PLACING_RECORDS = 6
PLACING_ROUNDS = 3
PLACING_TOLERANCE = 1e-4  # steps below are not counted as contraction
MEASURED_RECORDS = (6, 64)  # at least, at most; between them as many as MEASURED_PIXELS hold, at network size
MEASURED_PIXELS = 400_000


def place_steps(
    model: IResNet,
    card: ModelCard,
    records: Sequence[ImageRecord],
    read: Reader,
    report: Report,
    holds: BoolArray | None = None,
) -> None:
    """Place the block times by the contraction measured on a few training records; the best of a few rounds stays.

    Once with all stains free and, where there are several, once with those of `holds` (ways, C) held in turn, or with
    one to all but one of them drawn at random.
    """
    rng = np.random.default_rng(card.seed)
    chosen = _of_every_condition([records[n] for n in rng.permutation(len(records))])
    stains = len(card.channels)
    some = [tuple(bool(v) for v in rng.permutation(stains) < rng.integers(1, max(stains, 2))) for _ in chosen]
    if holds is not None and len(holds):
        some = [tuple(bool(v) for v in holds[i % len(holds)]) for i in rng.permutation(max(len(holds), len(chosen)))]
    fields = [middle(read(r), card) for r in chosen]
    for held in (False, True) if stains > 1 else (False,):
        masks = some if held else [()] * len(chosen)
        best = (np.inf, _times(model, held))
        for i in range(PLACING_ROUNDS):
            items = [
                encode(model, card, r.id, r.condition, x, m, 0, PLACING_TOLERANCE)
                for r, x, m in zip(chosen, fields, masks)
            ]
            measured = [item.contraction for item in items]
            usable = [m for m in measured if m]
            report(Progress(i + 1, PLACING_ROUNDS, "Placing the steps"))
            if not usable:
                break
            contraction = np.max(usable, axis=0)
            worst = float(contraction.max()) if len(usable) == len(measured) else np.inf
            best = min(best, (worst, _times(model, held)))
            model.set_times(block_edges(model.architecture, contraction, held), held)
        model.set_times(best[1], held)


def _of_every_condition(records: Sequence[ImageRecord]) -> list[ImageRecord]:
    """The first PLACING_RECORDS, one of each condition before a second of any."""
    seen: Counter[str] = Counter()
    turns = []
    for record in records:
        turns.append(seen[record.condition])
        seen[record.condition] += 1
    order = sorted(range(len(records)), key=lambda i: turns[i])
    return [records[i] for i in order[:PLACING_RECORDS]]


def _times(model: IResNet, held: bool) -> tuple[float, ...]:
    return model.architecture.times_held if held else model.architecture.times


def measure_inverse(
    model: IResNet, card: ModelCard, records: Sequence[ImageRecord], read: Reader, report: Report = silent
) -> InverseQuality:
    """Round trip of the test records (of all records where there are none), as share of the range.

    Of many or large ones a few drawn by the seed; every other record is measured when it is moved.
    """
    known = [r for r in records if r.condition in card.condition_names]
    tested = [r for r in known if card.part_of(r) == Split.TEST] or known
    pixels = np.median([r.shape[1] * r.shape[2] for r in tested]) / card.recipe.downscale**2
    count = int(np.clip(MEASURED_PIXELS / pixels, *MEASURED_RECORDS))
    drawn = np.random.default_rng(card.seed).permutation(len(tested))[:count]
    tested = [tested[i] for i in sorted(drawn)]
    errors, contraction, failed, evaluations = [], [], [], []
    began = time.monotonic()
    for i, record in enumerate(tested):
        result = encode(model, card, record.id, record.condition, read(record))
        if result.failure:
            failed.append(record.id)
        if np.isfinite(result.roundtrip_error):
            errors.append(result.roundtrip_error)
            contraction.append(result.contraction)
            evaluations.append(result.evaluations)
        left = (time.monotonic() - began) / (i + 1) * (len(tested) - i - 1)
        report(Progress(i + 1, len(tested), "Measuring the inverse", left))
    if not errors:
        raise NotInvertible("The trained network could not be inverted on any test image.", "Train longer.")
    return InverseQuality(
        records=len(tested),
        roundtrip_max=float(max(errors)),
        roundtrip_median=float(np.median(errors)),
        contraction=tuple(float(v) for v in np.max(contraction, axis=0)),
        failed=tuple(failed),
        evaluations=float(np.mean(evaluations)),
    )
