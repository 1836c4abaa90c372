"""Training the independent judges, each on its own share of the wells and never on test wells."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.data.batches import FieldStore, Reader, balanced_indices
from core.data.preprocessing import to_network
from core.domain import BoolArray, FloatArray, ImageRecord, IntArray, Preprocessing, Split
from core.errors import LeighError
from core.models.heads import fit_temperature, negative_log_likelihood
from core.models.oracles import ConvOracle, Oracles, WaveletOracle, forest_readouts
from core.progress import Progress, Report, silent
from core.training.losses import cross_entropy
from core.training.objectives import Labelled
from core.training.presets import Schedule
from core.training.trainer import Objective, Run, train

BATCH = 24
SMOOTHING = 0.02  # of labels
CHECKED_FIELDS = 64  # of them at most: enough to choose a step and a temperature
WAVELET_STEPS = 400
NOISE, JITTER = 0.08, 0.05  # network units (a field's spread is 0.7): no judge should hang on less
FEATURE_NOISE = 0.2  # standard deviations of a feature
# of a field's sides: parts are measured too, so that no judge hangs on the size of the field
PART = 0.75
# of the display range: largest noise on the wavelet judge's parts; without it 1 % misled it
SPECKLE = 0.02


@dataclass(frozen=True)
class LabelledRecords:
    """Records with all that is needed to train on them.

    `split` maps group to Split value; records of unknown groups are never trained on.
    """

    records: Sequence[ImageRecord]
    split: Mapping[str, str]
    preprocessing: Preprocessing
    read: Reader
    conditions: tuple[str, ...]

    def known(self) -> list[ImageRecord]:
        """Records of training and validation groups."""
        return [r for r in self.records if not self._tested(r)]

    def tested(self) -> list[ImageRecord]:
        """Records of test and of unknown groups."""
        return [r for r in self.records if self._tested(r)]

    def _tested(self, record: ImageRecord) -> bool:
        return self.split.get(record.group, Split.TEST) == Split.TEST


def fit_oracles(
    labelled: LabelledRecords, *, steps: int = 600, seed: int = 0, report: Report = silent
) -> Oracles:
    """Train the three independent classifiers on the CPU; the same seed gives the same ones.

    Each learns from its own random three quarters of the training and validation groups; the
    left-out quarter chooses the step and the temperature of the networks. Accuracy is measured on
    test groups, which are never trained on. Raises LeighError when a condition has no image outside
    the test groups.
    """
    preprocessing, conditions = labelled.preprocessing, labelled.conditions
    known, held = labelled.known(), labelled.tested()
    if missing := set(conditions) - {r.condition for r in known}:
        raise LeighError(
            f"No image of {', '.join(sorted(missing))} is left to train the judges.",
            "Choose other test groups.",
        )
    count = _Counter(len(known) + steps + len(held), report)
    labels = np.array([conditions.index(r.condition) for r in known], np.int64)
    features, table = _measure(known, preprocessing, labelled.read, seed, count)
    learn = [_three_quarters(known, np.random.default_rng([seed, n])) for n in range(3)]
    twice, learn_twice = np.tile(labels, 2), np.tile(learn, 2)  # whole fields, then parts of them
    store = FieldStore(known, preprocessing, labelled.read)
    crops = Labelled(store, labels)
    with torch.random.fork_rng(devices=[]):  # weights and dropout are drawn from the seed
        torch.manual_seed(seed)
        convolutional = ConvOracle(len(preprocessing.offset), len(conditions))
        wavelet = WaveletOracle(len(preprocessing.offset), len(conditions))
        _fit_convolutional(convolutional, crops, learn[0], steps, seed, count.steps)
        _fit_wavelet(wavelet, features, twice, learn_twice[1], seed)
    rows = np.flatnonzero(learn_twice[2])
    oracles = Oracles(
        conditions, preprocessing, convolutional, wavelet, table[rows], twice[rows], seed, {}
    )
    oracles.accuracy.update(oracle_accuracy(oracles, held, labelled.read, count))
    count.finish()
    return oracles


class _Counter:
    """Counts images and steps of the whole work, whatever part of it is under way."""

    def __init__(self, total: int, report: Report) -> None:
        self._total, self._report = total, report
        self._done = self._steps = 0

    def __call__(self, steps: int = 1) -> None:
        self._done += steps
        self._report(Progress(self._done, self._total, "Training the judges"))

    def steps(self, progress: Progress) -> None:
        """Count the steps of a training since its last report."""
        self(progress.done - self._steps)
        self._steps = progress.done

    def finish(self) -> None:
        self._report(Progress(self._total, self._total, "Training the judges"))


def oracle_accuracy(
    oracles: Oracles,
    records: Sequence[ImageRecord],
    read: Reader,
    tick: Callable[[], None] = lambda: None,
) -> dict[str, float | None]:
    """Share of records each judge names rightly; None with fewer than two conditions, as nothing is
    told apart.
    """
    if len({r.condition for r in records}) < 2:
        return dict.fromkeys(oracles.names)
    right = []
    for record in records:
        right.append([name == record.condition for name in oracles.predictions(read(record))])
        tick()
    return dict(zip(oracles.names, np.mean(right, axis=0).tolist()))


def _measure(
    records: Sequence[ImageRecord],
    preprocessing: Preprocessing,
    read: Reader,
    seed: int,
    tick: Callable[[], None],
) -> tuple[Tensor, FloatArray]:
    """Wavelet features (2 N, F) and readouts (2 N, R): of all fields, then of a random part of
    each.
    """
    rng, span = np.random.default_rng([seed, 30]), np.array(preprocessing.span)[:, None, None]
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
            x = torch.from_numpy(to_network(preprocessing, seen))[None]
            out.append((WaveletOracle.features(x), forest_readouts(measured, preprocessing)))
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


@dataclass(frozen=True)
class _NoisyCrops:
    """Crops with jittered gain and offset and noise: no classifier should hang on less."""

    fields: Labelled
    rows: IntArray

    def __call__(self, oracle: ConvOracle, rng: np.random.Generator) -> dict[str, Tensor]:
        index = self.rows[balanced_indices(self.fields.labels[self.rows], BATCH, rng)]
        crops = self.fields.store.crops(index, rng)
        gain, shift = 1 + JITTER * rng.normal(size=(2, *crops.shape[:2], 1, 1))
        noise = NOISE * rng.uniform() * rng.standard_normal(crops.shape, np.float32)
        x = torch.from_numpy((crops * gain + (shift - 1) + noise).astype(np.float32))
        c = torch.from_numpy(self.fields.labels[index])
        return {"loss": cross_entropy(oracle(x), c, SMOOTHING)}


@dataclass(frozen=True)
class _NoisyFeatures:
    """Wavelet features (N, F) with noise in units of their spread."""

    features: Tensor
    labels: IntArray

    def __call__(self, oracle: WaveletOracle, rng: np.random.Generator) -> dict[str, Tensor]:
        index = balanced_indices(self.labels, 4 * BATCH, rng)
        n = torch.from_numpy(rng.standard_normal((len(index), self.features.shape[1]), np.float32))
        x = self.features[index] + FEATURE_NOISE * oracle.scale * n
        return {
            "loss": cross_entropy(
                oracle.classify(x), torch.from_numpy(self.labels[index]), SMOOTHING
            )
        }


@dataclass(frozen=True)
class _LeftOut:
    """Loss on whole left-out fields at the temperature that suits them best."""

    fields: Sequence[Tensor]
    labels: IntArray
    logits: Callable[[Any, Tensor], Tensor]

    def __call__(
        self, oracle: ConvOracle | WaveletOracle, _: np.random.Generator
    ) -> dict[str, Tensor]:
        logits = self.read(oracle)
        loss = negative_log_likelihood(logits, self.labels, fit_temperature(logits, self.labels))
        return {"loss": torch.tensor(loss)}

    def read(self, oracle: ConvOracle | WaveletOracle) -> FloatArray:
        """Logits (N, K) of the left-out fields."""
        with torch.inference_mode():
            return torch.cat([self.logits(oracle, field) for field in self.fields]).numpy()


def _schedule(steps: int, batch: int, rate: float) -> Schedule:
    """The rate rises over the first third, then falls to zero; the weights are not averaged."""
    return Schedule(
        steps,
        batch,
        rate,
        warm_up=max(1, steps // 3),
        constant=1 / 3,
        weight_decay=0.01,
        average=0.0,
        validation_batches=1,
    )


def _fit_convolutional(
    oracle: ConvOracle,
    fields: Labelled,
    learn: BoolArray,
    steps: int,
    seed: int,
    report: Report,
) -> None:
    """Train in place on the rows to `learn`; the others choose the step and the temperature."""
    left = np.random.default_rng([seed, 10]).permutation(np.flatnonzero(~learn))[:CHECKED_FIELDS]
    held = [torch.from_numpy(fields.store.field(int(i)))[None] for i in left]
    checked = _LeftOut(held, fields.labels[left], ConvOracle.forward)
    schedule = _schedule(steps, BATCH, 4e-3)
    objective = _NoisyCrops(fields, np.flatnonzero(learn))
    _fit(oracle, objective, schedule, checked, Run(seed * 10 + 1), report)


def _fit_wavelet(
    oracle: WaveletOracle, features: Tensor, labels: IntArray, learn: BoolArray, seed: int
) -> None:
    """Train in place on the rows to `learn`; the others choose the step and the temperature."""
    known = features[learn]
    oracle.mean.copy_(known.mean(dim=0))
    oracle.scale.copy_(known.std(dim=0, correction=0) + 1e-3)
    held = [row[None] for row in features[~learn]]
    checked = _LeftOut(held, labels[~learn], WaveletOracle.classify)
    schedule = _schedule(WAVELET_STEPS, 4 * BATCH, 1e-2)
    objective = _NoisyFeatures(known, labels[learn])
    _fit(oracle, objective, schedule, checked, Run(seed * 10 + 2), silent)


def _fit(
    oracle: ConvOracle | WaveletOracle,
    objective: Objective,
    schedule: Schedule,
    checked: _LeftOut,
    run: Run,
    report: Report,
) -> None:
    """Train, then divide the last layer by the temperature that suits the left-out fields."""
    checks = bool(len(checked.fields))
    train(oracle, objective, schedule, run, validation=checked if checks else None, report=report)
    temperature = fit_temperature(checked.read(oracle), checked.labels) if checks else 1.0
    with torch.no_grad():
        oracle.last.weight.div_(temperature)
        oracle.last.bias.div_(temperature)
