"""Train the independent classifiers, each on its own wells and never on held-out wells."""

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

STAGE = "Training independent classifiers"
BATCH = 24
SMOOTHING = 0.02  # of labels
CHECKED_FIELDS = 64  # at most; enough to choose a step and a temperature
WAVELET_STEPS = 400
# Network units (a field's spread is 0.7): classifiers must not depend on smaller differences.
NOISE, JITTER = 0.08, 0.05
FEATURE_NOISE = 0.2  # standard deviations of a feature
# Share of a field's sides. Parts of fields are used too, so that classifiers do not depend on the
# size of the field.
PART = 0.75
# Share of the display range: largest noise on parts of fields. Without this noise, 1 % noise misled
# the wavelet classifier.
SPECKLE = 0.02


@dataclass(frozen=True)
class LabelledRecords:
    """Records with everything that a training needs.

    `split` maps group to Split value; records of other groups are not used for training.
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
        """Records of test groups, and of groups outside the split."""
        return [r for r in self.records if self._tested(r)]

    def _tested(self, record: ImageRecord) -> bool:
        return self.split.get(record.group, Split.TEST) == Split.TEST


def fit_oracles(
    labelled: LabelledRecords, *, steps: int = 600, seed: int = 0, report: Report = silent
) -> Oracles:
    """Train the three independent classifiers on the CPU; the same seed gives the same result.

    Each classifier learns from its own random three quarters of the training and validation groups.
    The left-out quarter chooses the step and the temperature of the networks. Accuracy is measured
    on test groups, which are not used for training. Raises LeighError when a condition has no image
    outside the test groups.
    """
    preprocessing, conditions = labelled.preprocessing, labelled.conditions
    known, test = labelled.known(), labelled.tested()
    if missing := set(conditions) - {r.condition for r in known}:
        raise LeighError(
            f"No image of {', '.join(sorted(missing))} is left to train the independent"
            " classifiers.",
            "Choose other test groups.",
        )
    count = _Counter(len(known) + steps + len(test), report)
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
    oracles.accuracy.update(oracle_accuracy(oracles, test, labelled.read, count))
    count.finish()
    return oracles


class _Counter:
    """Counts images and steps of all parts of the work together."""

    def __init__(self, total: int, report: Report) -> None:
        self._total, self._report = total, report
        self._done = self._steps = 0

    def __call__(self, steps: int = 1) -> None:
        self._done += steps
        self._report(Progress(self._done, self._total, STAGE))

    def steps(self, progress: Progress) -> None:
        """Count the steps of a training since its last report."""
        self(progress.done - self._steps)
        self._steps = progress.done

    def finish(self) -> None:
        self._report(Progress(self._total, self._total, STAGE))


def oracle_accuracy(
    oracles: Oracles,
    records: Sequence[ImageRecord],
    read: Reader,
    tick: Callable[[], None] = lambda: None,
) -> dict[str, float | None]:
    """Share of records that each classifier names correctly; None for fewer than two conditions."""
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
    """Wavelet features (2 N, F) and features (2 N, R) of all fields, then of a part of each."""
    rng, span = np.random.default_rng([seed, 30]), np.array(preprocessing.span)[:, None, None]
    whole: list[tuple[Tensor, FloatArray]] = []
    parts: list[tuple[Tensor, FloatArray]] = []
    for record in records:
        raw = read(record)
        height, width = (int(np.ceil(PART * side)) for side in raw.shape[1:])
        top = rng.integers(0, raw.shape[1] - height + 1)
        left = rng.integers(0, raw.shape[2] - width + 1)
        part = raw[:, top : top + height, left : left + width]
        noise = SPECKLE * rng.uniform() * span * rng.standard_normal(part.shape, np.float32)
        for rows, seen, measured in ((whole, raw, raw), (parts, part + noise, part)):
            x = torch.from_numpy(to_network(preprocessing, seen))[None]
            rows.append((WaveletOracle.features(x), forest_readouts(measured, preprocessing)))
        tick()
    features, readouts = zip(*whole, *parts)
    return torch.cat(features), np.stack(readouts)


def _three_quarters(records: Sequence[ImageRecord], rng: np.random.Generator) -> BoolArray:
    """(N,) True for training records: a random quarter of each condition's groups is left out.

    The only group of a condition is never left out.
    """
    groups_of: dict[str, set[str]] = {}
    for r in records:
        groups_of.setdefault(r.condition, set()).add(r.group)
    left_out: set[str] = set()
    for name in sorted(groups_of):
        for group in rng.permutation(sorted(groups_of[name])).tolist():
            wanted = len(left_out & groups_of[name]) < round(len(groups_of[name]) / 4)
            if wanted and all(groups - left_out - {group} for groups in groups_of.values()):
                left_out.add(group)
    return np.array([r.group not in left_out for r in records])


@dataclass(frozen=True)
class _NoisyCrops:
    """Cross-entropy on crops with noise and with random gain and offset."""

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
    """Cross-entropy on wavelet features (N, F) with noise in units of their spread."""

    features: Tensor
    labels: IntArray

    def __call__(self, oracle: WaveletOracle, rng: np.random.Generator) -> dict[str, Tensor]:
        index = balanced_indices(self.labels, 4 * BATCH, rng)
        n = torch.from_numpy(rng.standard_normal((len(index), self.features.shape[1]), np.float32))
        x = self.features[index] + FEATURE_NOISE * oracle.scale * n
        c = torch.from_numpy(self.labels[index])
        return {"loss": cross_entropy(oracle.classify(x), c, SMOOTHING)}


@dataclass(frozen=True)
class _LeftOut:
    """Loss on whole left-out fields, at the best temperature for these fields."""

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
    """A rate that rises over the first third and then falls to zero; without averaged weights."""
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
    """Train in place on the rows `learn`; the other rows choose the step and the temperature."""
    left = np.random.default_rng([seed, 10]).permutation(np.flatnonzero(~learn))[:CHECKED_FIELDS]
    left_out = [torch.from_numpy(fields.store.field(int(i)))[None] for i in left]
    checked = _LeftOut(left_out, fields.labels[left], ConvOracle.forward)
    schedule = _schedule(steps, BATCH, 4e-3)
    objective = _NoisyCrops(fields, np.flatnonzero(learn))
    _fit(oracle, objective, schedule, checked, Run(seed * 10 + 1), report)


def _fit_wavelet(
    oracle: WaveletOracle, features: Tensor, labels: IntArray, learn: BoolArray, seed: int
) -> None:
    """Train in place on the rows `learn`; the other rows choose the step and the temperature."""
    learned = features[learn]
    oracle.mean.copy_(learned.mean(dim=0))
    oracle.scale.copy_(learned.std(dim=0, correction=0) + 1e-3)
    left_out = [row[None] for row in features[~learn]]
    checked = _LeftOut(left_out, labels[~learn], WaveletOracle.classify)
    schedule = _schedule(WAVELET_STEPS, 4 * BATCH, 1e-2)
    objective = _NoisyFeatures(learned, labels[learn])
    _fit(oracle, objective, schedule, checked, Run(seed * 10 + 2), silent)


def _fit(
    oracle: ConvOracle | WaveletOracle,
    objective: Objective,
    schedule: Schedule,
    checked: _LeftOut,
    run: Run,
    report: Report,
) -> None:
    """Train, then divide the last layer by the best temperature for the left-out fields."""
    checks = bool(len(checked.fields))
    train(oracle, objective, schedule, run, validation=checked if checks else None, report=report)
    temperature = fit_temperature(checked.read(oracle), checked.labels) if checks else 1.0
    with torch.no_grad():
        oracle.last.weight.div_(temperature)
        oracle.last.bias.div_(temperature)
