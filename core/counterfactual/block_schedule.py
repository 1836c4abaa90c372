"""The trained inverse, as it is: block times placed where the network is gentlest, and the round
trip measured.
"""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

import numpy as np
import torch

from core.counterfactual.encode_decode import (
    SCREEN_ERROR,
    Encoded,
    SourceImage,
    decode,
    encode,
    middle,
    mixture_of,
    refine,
    relative_error,
)
from core.data.batches import Reader
from core.data.preprocessing import to_network
from core.domain import (
    BoolArray,
    FloatArray,
    ImageRecord,
    InverseQuality,
    Mix,
    ModelCard,
    Role,
    Split,
)
from core.errors import NotInvertible
from core.models.iresnet import CONTRACTION_AIM, IResNet, block_edges, pad_field
from core.progress import Progress, Report, silent

log = logging.getLogger(__name__)
PLACING_RECORDS = 6
PLACING_ROUNDS = 3
ROOMY = 1.15  # of the aim is as good as the aim itself
PLACING_TOLERANCE = 3e-4  # steps below 1e-4 are not counted as contraction
MEASURED_RECORDS = (
    6,
    64,
)  # at least, at most; between them as many as MEASURED_PIXELS hold, at network size
MEASURED_PIXELS = 270_000
PROBED = 8  # of them are solved roughly first
# and the coarsest for the screen: above, single images fell far behind and were solved twice
PROBE_TOLERANCE = 3e-4


def schedule_blocks(
    model: IResNet,
    card: ModelCard,
    records: Sequence[ImageRecord],
    read: Reader,
    report: Report,
    holds: BoolArray | None = None,
) -> None:
    """Place the block times by the contraction measured on a few training records; the best of a
    few rounds stays.

    Best is the least contraction, and of those about as small as aimed at, the fewest blocks.

    Once with all stains free and, where there are several, once with those of `holds` (ways, C)
    held in turn, or with one to all but one of them drawn at random.
    """
    rng = np.random.default_rng(card.seed)
    chosen = _of_every_condition([records[n] for n in rng.permutation(len(records))])
    stains = len(card.channels)
    some = [
        tuple(bool(v) for v in rng.permutation(stains) < rng.integers(1, max(stains, 2)))
        for _ in chosen
    ]
    if holds is not None and len(holds):
        turns = rng.permutation(max(len(holds), len(chosen)))[: len(chosen)]
        some = [tuple(bool(v) for v in holds[i % len(holds)]) for i in turns]
    fields = [middle(read(r), card) for r in chosen]
    for held in (False, True) if stains > 1 else (False,):
        masks = some if held else [()] * len(chosen)
        best = (np.inf, 0, _times(model, held))
        for i in range(PLACING_ROUNDS):
            measured = _contractions(model, card, chosen, fields, masks)
            usable = [m for m in measured if m]
            report(Progress(i + 1, PLACING_ROUNDS, "Placing the steps"))
            if not usable:
                break
            contraction = np.max(usable, axis=0)
            worst = float(contraction.max()) if len(usable) == len(measured) else np.inf
            best = min(
                best, (max(worst, ROOMY * CONTRACTION_AIM), len(contraction), _times(model, held))
            )
            model.set_times(block_edges(model.architecture, contraction, held), held)
        model.set_times(best[-1], held)


@torch.no_grad()
def _contractions(
    model: IResNet,
    card: ModelCard,
    records: Sequence[ImageRecord],
    fields: Sequence[FloatArray],
    masks: Sequence[tuple[bool, ...]],
) -> list[tuple[float, ...]]:
    """Contraction of every block per field, () where it cannot be inverted; in one batch where that
    is possible.
    """
    images = [to_network(card.preprocessing, field) for field in fields]
    if len({x.shape for x in images}) == 1:
        device = next(model.parameters()).device
        batch, _ = pad_field(torch.from_numpy(np.stack(images)).to(device))
        mixture = torch.cat([mixture_of(card, r.condition, device) for r in records])
        held = torch.tensor(masks, dtype=torch.float32, device=device) if any(masks[0]) else None
        try:
            quality = model.encode(batch, mixture, held, tolerance=PLACING_TOLERANCE)[1]
        except NotInvertible:
            log.info("Not every image can be inverted yet: one after the other.")
        else:
            return [tuple(float(q.contraction[i]) for q in quality) for i in range(len(images))]
    return [
        encode(model, card, image, retries=0, tolerance=PLACING_TOLERANCE).contraction
        for image in (
            SourceImage(r.id, r.condition, field, mask)
            for r, field, mask in zip(records, fields, masks)
        )
    ]


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
    model: IResNet,
    card: ModelCard,
    records: Sequence[ImageRecord],
    read: Reader,
    report: Report = silent,
) -> InverseQuality:
    """Round trip of the test records (of all records where there are none), as share of the range.

    Of many or large ones a few drawn by the seed; every other record is measured when it is moved.
    Some are solved roughly first and moved: how far those pictures are off says how rough a solve
    may be for the screen.
    """
    known = [r for r in records if r.condition in card.condition_names]
    tested = [r for r in known if card.part_of(r) == Split.TEST] or known
    pixels = np.median([r.shape[1] * r.shape[2] for r in tested]) / card.preprocessing.downscale**2
    count = int(np.clip(MEASURED_PIXELS / pixels, *MEASURED_RECORDS))
    rng = np.random.default_rng(card.seed)
    tested = [tested[i] for i in sorted(rng.permutation(len(tested))[:count])]
    solved: list[Encoded] = []
    rough: list[tuple[float, float]] = []
    began = time.monotonic()
    for i, record in enumerate(tested):
        if i % max(1, len(tested) // PROBED):
            image = SourceImage(record.id, record.condition, read(record))
            solved.append(encode(model, card, image))
        else:
            image = SourceImage(record.id, record.condition, read(record))
            exact, *off = _probed(model, card, image, rng, bool(len(rough) % 2))
            solved.append(exact)
            rough += off
        left = (time.monotonic() - began) / (i + 1) * (len(tested) - i - 1)
        report(Progress(i + 1, len(tested), "Measuring the inverse", left))
    finite = [s for s in solved if np.isfinite(s.roundtrip_error)]
    if not finite:
        raise NotInvertible(
            "The trained network could not be inverted on any test image.", "Train longer."
        )
    out = InverseQuality(
        records=len(tested),
        roundtrip_max=float(max(s.roundtrip_error for s in finite)),
        roundtrip_median=float(np.median([s.roundtrip_error for s in finite])),
        contraction=tuple(
            float(max(v)) for v in zip_longest(*(s.contraction for s in finite), fillvalue=0.0)
        ),
        failed=tuple(s.image.record_id for s in solved if s.failure),
        evaluations=float(np.mean([s.evaluations for s in finite])),
    )
    if not rough:
        return out
    growth, errors = np.array(rough).T
    return replace(
        out,
        growth=float(np.exp(np.log(growth).mean())),
        screen_tolerance=float(PROBE_TOLERANCE * min(SCREEN_ERROR / errors.max(), 1.0)),
    )


def _probed(
    model: IResNet,
    card: ModelCard,
    image: SourceImage,
    rng: np.random.Generator,
    main: bool,
) -> tuple[Encoded, *tuple[tuple[float, float], ...]]:
    """The record solved, by way of a rough solve; how its picture was off: in round-trip errors, as
    share of the range.

    It is moved to any other condition, `main`: to a healthy or diseased one, with one of several
    stains held.
    """
    others = [c for c in card.conditions if c.name != image.condition]
    others = [c for c in others if main and c.role in (Role.HEALTHY, Role.DISEASED)] or others
    target = others[rng.integers(len(others))].name
    stains = len(card.channels)
    locked = tuple(bool(v) for v in rng.permutation(stains) == 0) if stains > 1 else ()
    rough = encode(model, card, replace(image, locked=locked), retries=0, tolerance=PROBE_TOLERANCE)
    exact = refine(model, card, rough)
    if rough.failure or exact.failure:
        return (encode(model, card, image),)
    pictures = (decode(model, card, item, Mix({target: 1.0})) for item in (rough, exact))
    error = relative_error(card, *pictures)
    return exact, (error / rough.roundtrip_error, error)
