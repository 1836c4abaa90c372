"""Choose the times of the network's blocks, and measure how exactly the network is inverted."""

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
ROOMY = 1.15  # a contraction up to this share of the aim is as good as the aim
PLACING_TOLERANCE = 3e-4  # steps below 1e-4 are not counted as contraction
# At least, at most; in between, as many records as MEASURED_PIXELS hold, at network size.
MEASURED_RECORDS = (6, 64)
MEASURED_PIXELS = 270_000
PROBED = 8  # measured records that are solved roughly first
# Also the roughest tolerance for display: above it, single images converged so badly that they
# were solved twice.
PROBE_TOLERANCE = 3e-4


def schedule_blocks(
    model: IResNet,
    card: ModelCard,
    records: Sequence[ImageRecord],
    read: Reader,
    report: Report,
    locks: BoolArray | None = None,
) -> None:
    """Set the block times of `model` by the Lipschitz estimates of a few training records.

    The best of PLACING_ROUNDS rounds is kept: the smallest estimate, and among estimates near the
    aim, the fewest blocks. This is done once with all channels free and, where there are several
    channels, once with locked channels.

    Parameters
    ----------
    model
        The trained network; its times are set in place.
    card
        Preprocessing, conditions and seed.
    records
        Training records, of which PLACING_RECORDS are used.
    read
        Reads a record (C Y X).
    report
        Receives the progress.
    locks
        (choices, C) locked channels to use in turn; None: random choices.
    """
    rng = np.random.default_rng(card.seed)
    chosen = _of_every_condition([records[n] for n in rng.permutation(len(records))])
    channels = len(card.channels)
    choices = [
        tuple(bool(v) for v in rng.permutation(channels) < rng.integers(1, max(channels, 2)))
        for _ in chosen
    ]
    if locks is not None and len(locks):
        turns = rng.permutation(max(len(locks), len(chosen)))[: len(chosen)]
        choices = [tuple(bool(v) for v in locks[i % len(locks)]) for i in turns]
    fields = [middle(read(r), card) for r in chosen]
    for locked in (False, True) if channels > 1 else (False,):
        masks = choices if locked else [()] * len(chosen)
        best = (np.inf, 0, _times(model, locked))
        for i in range(PLACING_ROUNDS):
            measured = _contractions(model, card, chosen, fields, masks)
            usable = [m for m in measured if m]
            report(Progress(i + 1, PLACING_ROUNDS, "Placing the steps"))
            if not usable:
                break
            contraction = np.max(usable, axis=0)
            worst = float(contraction.max()) if len(usable) == len(measured) else np.inf
            grade = max(worst, ROOMY * CONTRACTION_AIM)
            best = min(best, (grade, len(contraction), _times(model, locked)))
            model.set_times(block_edges(model.architecture, contraction, locked), locked)
        model.set_times(best[-1], locked)


@torch.no_grad()
def _contractions(
    model: IResNet,
    card: ModelCard,
    records: Sequence[ImageRecord],
    fields: Sequence[FloatArray],
    masks: Sequence[tuple[bool, ...]],
) -> list[tuple[float, ...]]:
    """Lipschitz estimate of every block per field; () for a field that cannot be inverted."""
    images = [to_network(card.preprocessing, field) for field in fields]
    if len({x.shape for x in images}) == 1:
        device = next(model.parameters()).device
        batch, _ = pad_field(torch.from_numpy(np.stack(images)).to(device))
        mixture = torch.cat([mixture_of(card, r.condition, device) for r in records])
        locked = torch.tensor(masks, dtype=torch.float32, device=device) if any(masks[0]) else None
        try:
            pattern, _ = model.split(batch)
            quality = model.encode(pattern, mixture, locked, tolerance=PLACING_TOLERANCE)[1]
        except NotInvertible:
            log.info("Not every image can be inverted: the images are measured one by one.")
        else:
            return [tuple(float(q.contraction[i]) for q in quality) for i in range(len(images))]
    contractions = []
    for record, field, mask in zip(records, fields, masks):
        source = SourceImage(record.id, record.condition, field, mask)
        encoded = encode(model, card, source, retries=0, tolerance=PLACING_TOLERANCE)
        contractions.append(encoded.contraction)
    return contractions


def _of_every_condition(records: Sequence[ImageRecord]) -> list[ImageRecord]:
    """The first PLACING_RECORDS records, one of each condition before a second of any."""
    seen: Counter[str] = Counter()
    turns = []
    for record in records:
        turns.append(seen[record.condition])
        seen[record.condition] += 1
    order = sorted(range(len(records)), key=lambda i: turns[i])
    return [records[i] for i in order[:PLACING_RECORDS]]


def _times(model: IResNet, locked: bool) -> tuple[float, ...]:
    return model.architecture.times_held if locked else model.architecture.times


def measure_inverse(
    model: IResNet,
    card: ModelCard,
    records: Sequence[ImageRecord],
    read: Reader,
    report: Report = silent,
) -> InverseQuality:
    """Measure the round trip of test records (of all records where none is held out).

    Some records are first solved roughly and moved. The error of these images says how rough a
    solution may be for display.

    Parameters
    ----------
    model, card
        The network and its card.
    records
        All records; the seed draws some of many or large ones.
    read
        Reads a record (C Y X).
    report
        Receives the progress.

    Returns
    -------
    InverseQuality
        Errors as shares of the display range.

    Raises
    ------
    NotInvertible
        Where no record can be inverted.
    """
    in_model = [r for r in records if r.condition in card.condition_names]
    tested = [r for r in in_model if card.part_of(r) == Split.TEST] or in_model
    pixels = np.median([r.shape[1] * r.shape[2] for r in tested]) / card.preprocessing.downscale**2
    count = int(np.clip(MEASURED_PIXELS / pixels, *MEASURED_RECORDS))
    rng = np.random.default_rng(card.seed)
    tested = [tested[i] for i in sorted(rng.permutation(len(tested))[:count])]
    solved: list[Encoded] = []
    rough: list[tuple[float, float]] = []
    began = time.monotonic()
    for i, record in enumerate(tested):
        image = SourceImage(record.id, record.condition, read(record))
        if i % max(1, len(tested) // PROBED):
            solved.append(encode(model, card, image))
        else:
            exact, *errors_of_rough = _probed(model, card, image, rng, bool(len(rough) % 2))
            solved.append(exact)
            rough += errors_of_rough
        left = (time.monotonic() - began) / (i + 1) * (len(tested) - i - 1)
        report(Progress(i + 1, len(tested), "Measuring the inverse", left))
    finite = [s for s in solved if np.isfinite(s.roundtrip_error)]
    if not finite:
        raise NotInvertible(
            "The trained network could not be inverted on any test image.", "Train longer."
        )
    contraction = zip_longest(*(s.contraction for s in finite), fillvalue=0.0)
    quality = InverseQuality(
        records=len(tested),
        roundtrip_max=float(max(s.roundtrip_error for s in finite)),
        roundtrip_median=float(np.median([s.roundtrip_error for s in finite])),
        contraction=tuple(float(max(of_block)) for of_block in contraction),
        failed=tuple(s.image.record_id for s in solved if s.failure),
        evaluations=float(np.mean([s.evaluations for s in finite])),
    )
    if not rough:
        return quality
    growth, errors = np.array(rough).T
    return replace(
        quality,
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
    """The record solved roughly, then exactly; and the error of its roughly solved counterfactual.

    The error is given as a multiple of the round-trip error, and as a share of the range. The
    target is a random condition (`main`: a healthy or diseased one); one of several channels is
    locked.
    """
    others = [c for c in card.conditions if c.name != image.condition]
    others = [c for c in others if main and c.role in (Role.HEALTHY, Role.DISEASED)] or others
    target = others[rng.integers(len(others))].name
    channels = len(card.channels)
    locked = tuple(bool(v) for v in rng.permutation(channels) == 0) if channels > 1 else ()
    rough = encode(model, card, replace(image, locked=locked), retries=0, tolerance=PROBE_TOLERANCE)
    exact = refine(model, card, rough)
    if rough.failure or exact.failure:
        return (encode(model, card, image),)
    pictures = (decode(model, card, item, Mix({target: 1.0})) for item in (rough, exact))
    error = relative_error(card, *pictures)
    return exact, (error / rough.roundtrip_error, error)
