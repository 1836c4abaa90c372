"""Training the independent judges, each on its own share of the wells and never on test wells."""

import copy
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from torch import Tensor
from torch.nn import functional

from core.data.batches import FieldStore, Reader, balanced_indices
from core.data.preprocessing import to_network
from core.domain import BoolArray, FloatArray, ImageRecord, IntArray, Recipe, Split
from core.errors import LeighError
from core.evidence.oracles import ConvJudge, Judges, WaveletJudge, forest_readouts
from core.progress import Progress, Report, silent

BATCH = 24
CHECKS = 8  # times during training that the left-out wells are looked at
CHECKED_FIELDS = 64  # of them at most: enough to choose a step and a temperature
WAVELET_STEPS = 400
NOISE, JITTER = 0.08, 0.05  # network units (a field's spread is 0.7): no judge should hang on less
FEATURE_NOISE = 0.2  # standard deviations of a feature
# of a field's sides: parts are measured too, so that no judge hangs on the size of the field
PART = 0.75
# of the display range: largest noise on the wavelet judge's parts; without it 1 % misled it
SPECKLE = 0.02


def fit_judges(
    records: Sequence[ImageRecord],
    split: Mapping[str, str],
    recipe: Recipe,
    read: Reader,
    conditions: tuple[str, ...],
    *,
    steps: int = 600,
    seed: int = 0,
    report: Report = silent,
) -> Judges:
    """Train the three judges on the CPU; the same seed gives the same judges.

    Each learns from its own random three quarters of the training and validation groups; the
    left-out quarter chooses the step and the temperature of the networks. Accuracy is measured on
    test groups, which are never trained on. Raises LeighError when a condition has no image outside
    the test groups.
    """
    tested = [
        split.get(r.group, Split.TEST) == Split.TEST for r in records
    ]  # unknown groups: never trained on
    known = [r for r, test in zip(records, tested) if not test]
    held = [r for r, test in zip(records, tested) if test]
    if missing := set(conditions) - {r.condition for r in known}:
        raise LeighError(
            f"No image of {', '.join(sorted(missing))} is left to train the judges.",
            "Choose other test groups.",
        )
    total, done = len(known) + steps + len(held), 0

    def tick() -> None:
        nonlocal done
        done += 1
        report(Progress(done, total, "Training the judges"))

    labels = np.array([conditions.index(r.condition) for r in known], np.int64)
    features, table = _measure(known, recipe, read, seed, tick)
    learn = [_three_quarters(known, np.random.default_rng([seed, n])) for n in range(3)]
    twice, learn_twice = np.tile(labels, 2), np.tile(learn, 2)  # whole fields, then parts of them
    store = FieldStore(known, recipe, read)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        convolutional = _fit_convolutional(
            store, labels, len(conditions), learn[0], steps, seed, tick
        )
        wavelet = _fit_wavelet(
            features, twice, len(recipe.offset), len(conditions), learn_twice[1], seed
        )
    rows = np.flatnonzero(learn_twice[2])
    judges = Judges(conditions, recipe, convolutional, wavelet, table[rows], twice[rows], seed, {})
    judges.accuracy.update(judge_accuracy(judges, held, read, tick))
    report(Progress(total, total, "Training the judges"))
    return judges


def judge_accuracy(
    judges: Judges,
    records: Sequence[ImageRecord],
    read: Reader,
    tick: Callable[[], None] = lambda: None,
) -> dict[str, float | None]:
    """Share of records each judge names rightly; None with fewer than two conditions, as nothing is
    told apart.
    """
    if len({r.condition for r in records}) < 2:
        return dict.fromkeys(judges.names)
    right = []
    for record in records:
        right.append([name == record.condition for name in judges.predictions(read(record))])
        tick()
    return dict(zip(judges.names, np.mean(right, axis=0).tolist()))


def _measure(
    records: Sequence[ImageRecord],
    recipe: Recipe,
    read: Reader,
    seed: int,
    tick: Callable[[], None],
) -> tuple[Tensor, FloatArray]:
    """Wavelet features (2 N, F) and readouts (2 N, R): of all fields, then of a random part of
    each.
    """
    rng, span = np.random.default_rng([seed, 30]), np.array(recipe.span)[:, None, None]
    whole: list[tuple[Tensor, FloatArray]] = []
    parts: list[tuple[Tensor, FloatArray]] = []
    for record in records:
        raw = read(record)
        height, width = (int(np.ceil(PART * side)) for side in raw.shape[1:])
        top, left = (
            rng.integers(0, raw.shape[1] - height + 1),
            rng.integers(0, raw.shape[2] - width + 1),
        )
        part = raw[:, top : top + height, left : left + width]
        noise = SPECKLE * rng.uniform() * span * rng.standard_normal(part.shape, np.float32)
        for out, seen, measured in ((whole, raw, raw), (parts, part + noise, part)):
            x = torch.from_numpy(to_network(recipe, seen))[None]
            out.append((WaveletJudge.features(x), forest_readouts(measured, recipe)))
        tick()
    features, rows = zip(*whole, *parts)
    return torch.cat(features), np.stack(rows)


def _three_quarters(records: Sequence[ImageRecord], rng: np.random.Generator) -> BoolArray:
    """(N,) True where a judge learns: a random quarter of each condition's groups is left out,
    never its only one.
    """
    homes: dict[str, set[str]] = {}
    for r in records:
        homes.setdefault(r.condition, set()).add(r.group)
    out: set[str] = set()
    for name in sorted(homes):
        for group in rng.permutation(sorted(homes[name])).tolist():
            wanted = len(out & homes[name]) < round(len(homes[name]) / 4)
            if wanted and all(groups - out - {group} for groups in homes.values()):
                out.add(group)
    return np.array([r.group not in out for r in records])


def _fit_convolutional(
    store: FieldStore,
    labels: IntArray,
    conditions: int,
    learn: BoolArray,
    steps: int,
    seed: int,
    tick: Callable[[], None],
) -> ConvJudge:
    rng = np.random.default_rng([seed, 10])
    judge = ConvJudge(len(store.recipe.offset), conditions)
    rows = np.flatnonzero(learn)
    left = rng.permutation(np.flatnonzero(~learn))[:CHECKED_FIELDS]
    held = [torch.from_numpy(store.field(int(i)))[None] for i in left]

    def batch() -> tuple[Tensor, Tensor]:
        index = rows[balanced_indices(labels[rows], BATCH, rng)]
        crops = store.crops(index, rng)
        gain, shift = 1 + JITTER * rng.normal(size=(2, *crops.shape[:2], 1, 1))
        crops = (
            crops * gain
            + (shift - 1)
            + NOISE * rng.uniform() * rng.standard_normal(crops.shape, np.float32)
        )
        tick()
        return torch.from_numpy(crops.astype(np.float32)), torch.from_numpy(labels[index])

    _descend(judge, judge, batch, held, labels[left], steps, rate=4e-3)
    return judge


def _fit_wavelet(
    features: Tensor, labels: IntArray, channels: int, conditions: int, learn: BoolArray, seed: int
) -> WaveletJudge:
    rng = np.random.default_rng([seed, 20])
    judge = WaveletJudge(channels, conditions)
    known, target = features[learn], labels[learn]
    judge.mean.copy_(known.mean(dim=0))
    judge.scale.copy_(known.std(dim=0, correction=0) + 1e-3)

    def batch() -> tuple[Tensor, Tensor]:
        index = balanced_indices(target, 4 * BATCH, rng)
        noise = torch.from_numpy(rng.standard_normal((len(index), known.shape[1]), np.float32))
        return known[index] + FEATURE_NOISE * judge.scale * noise, torch.from_numpy(target[index])

    _descend(
        judge,
        judge.classify,
        batch,
        [row[None] for row in features[~learn]],
        labels[~learn],
        WAVELET_STEPS,
        rate=1e-2,
    )
    return judge


def _descend(
    judge: ConvJudge | WaveletJudge,
    logits: Callable[[Tensor], Tensor],
    batch: Callable[[], tuple[Tensor, Tensor]],
    held: Sequence[Tensor],
    held_labels: IntArray,
    steps: int,
    rate: float,
) -> None:
    """Train in place; keep the step of least loss on `held` (the last where it is empty), with its
    temperature.
    """
    optimiser = torch.optim.AdamW(judge.parameters(), lr=rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    best, least, temperature = judge.state_dict(), np.inf, 1.0
    for step in range(1, steps + 1):
        judge.train()
        x, target = batch()
        loss = functional.cross_entropy(logits(x), target, label_smoothing=0.02)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        if len(held) and (step % -(-steps // CHECKS) == 0 or step == steps):
            judge.eval()
            with torch.inference_mode():
                told = torch.cat([logits(field) for field in held]).numpy()
            softness = _temperature(told, held_labels)
            if (now := _loss(told, held_labels, softness)) < least:
                best, least, temperature = copy.deepcopy(judge.state_dict()), now, softness
    judge.load_state_dict(best)
    with torch.no_grad():
        judge.last.weight.div_(temperature)
        judge.last.bias.div_(temperature)
    judge.eval()


def _temperature(logits: FloatArray, labels: IntArray) -> float:
    """What the logits are divided by for the least loss; at least 1, as few wells that are all
    right prove little.
    """
    found = minimize_scalar(
        lambda t: _loss(logits, labels, np.exp(t)), bounds=(0, 3), method="bounded"
    )
    return float(np.exp(found.x))


def _loss(logits: FloatArray, labels: IntArray, temperature: float) -> float:
    """Mean negative log-likelihood."""
    return float(-log_softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels].mean())
