"""Measure how well a model classifies held-out wells, with intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.data.assay_quality import separation
from core.data.intervals import balanced_interval, interval_over_groups
from core.domain import (
    BoolArray,
    Condition,
    FloatArray,
    ImageRecord,
    IntArray,
    LatentTable,
    Role,
    Split,
)
from core.domain.accuracy import BALANCED, FEWEST_GROUPS, UNEQUAL


def evaluation_report(
    latents: LatentTable, groups: Sequence[str], conditions: Sequence[Condition]
) -> dict[str, Any]:
    """Accuracy, intervals and Z' on held-out groups.

    `accuracy` is None, with a `reason`, where held-out groups are too few for a claim.
    """
    test = np.array(latents.split) == Split.TEST
    truth, predicted = latents.truth[test], latents.predicted[test]
    held_groups = np.array(groups)[test]
    names = latents.conditions
    present = [n for k, n in enumerate(names) if (truth == k).any()]
    report: dict[str, Any] = {
        "test_records": int(test.sum()),
        "test_groups": len(set(held_groups)),
        "groups_total": len(set(groups)),
        "conditions_tested": present,
        "conditions_not_tested": [n for n in names if n not in present],
        "accuracy": None,
        "few": few_images(latents, groups),
    }
    if len(present) < 2:
        report["reason"] = (
            f"Held-out groups exist only for {len(present)} condition(s); with fewer than two, no"
            " accuracy is claimed. A condition with a single well or culture cannot be tested."
        )
        return report
    right = (truth == predicted).astype(float)
    interval = f"95 % over {report['test_groups']} held-out groups"
    if report["test_groups"] < FEWEST_GROUPS:
        interval = f"none: fewer than {FEWEST_GROUPS} held-out groups say nothing about others"
    low, high = interval_over_groups(right, held_groups)
    classes = [names.index(n) for n in present]
    recalls = [right[truth == k].mean() for k in classes]
    balanced_low, balanced_high = balanced_interval(right, truth, held_groups)
    sizes = np.bincount(latents.truth, minlength=len(names))[classes]
    report |= {
        "accuracy": float(right.mean()),
        "accuracy_low": low,
        "accuracy_high": high,
        "balanced_accuracy": float(np.mean(recalls)),
        "balanced_accuracy_low": balanced_low,
        "balanced_accuracy_high": balanced_high,
        "headline": BALANCED if sizes.max() > UNEQUAL * sizes.min() else "accuracy",
        "interval": interval,
        "group_accuracy": group_accuracy(latents.probabilities[test], truth, held_groups),
        "calibration_error": calibration_error(latents.probabilities[test], truth),
        "conditions": _per_condition(truth, predicted, names),
        "confusion": _confusion(truth, predicted, len(names)),
    }
    roles = {c.name: c.role for c in conditions}
    report["z_prime"] = _z_primes(latents, test, groups, roles)
    return report


def few_images(latents: LatentTable, groups: Sequence[str]) -> list[str]:
    """A sentence for each condition with far fewer training images than another, or one group."""
    training = np.array(latents.split) == Split.TRAIN
    counts = np.bincount(latents.truth[training], minlength=len(latents.conditions))
    sentences = []
    for k, name in enumerate(latents.conditions):
        rows = training & (latents.truth == k)
        wells = len(set(np.asarray(groups)[rows]))
        if counts[k] and (wells < 2 or counts.max() > UNEQUAL * counts[k]):
            sentences.append(
                f"{name} was trained on {counts[k]} of {counts.sum()} images, from {wells} wells or"
                " groups: what is learned of it may be of these only."
            )
    return sentences


def group_accuracy(probabilities: FloatArray, truth: IntArray, groups: Sequence[str]) -> float:
    """Share of (group, condition) sets whose mean probability names the right condition."""
    keys = [f"{g}\0{t}" for g, t in zip(groups, truth)]
    right = []
    for key in sorted(set(keys)):
        rows = [i for i, k in enumerate(keys) if k == key]
        right.append(probabilities[rows].mean(axis=0).argmax() == truth[rows[0]])
    return float(np.mean(right))


def calibration_error(probabilities: FloatArray, truth: IntArray, bins: int = 10) -> float:
    """Expected calibration error of the top probability (Guo 2017, arXiv 1706.04599, eq. 3)."""
    top, right = probabilities.max(axis=1), (probabilities.argmax(axis=1) == truth).astype(float)
    bin_of = np.minimum((top * bins).astype(int), bins - 1)
    confidence, hits = np.bincount(bin_of, top, bins), np.bincount(bin_of, right, bins)
    return float(np.abs(confidence - hits).sum() / len(top))


def simple_baseline(
    records: Sequence[ImageRecord], test: BoolArray, readouts: Mapping[str, FloatArray]
) -> dict[str, Any]:
    """Accuracy on `test` records of a logistic regression on `readouts` (record id -> features)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features = np.array([readouts[r.id] for r in records])
    names = np.array([r.condition for r in records])
    accuracy = None
    if min(len(set(names[test])), len(set(names[~test]))) >= 2:
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, C=0.3))
        model.fit(features[~test], names[~test])
        accuracy = float((model.predict(features[test]) == names[test]).mean())
    return {
        "accuracy": accuracy,
        "what": "logistic regression on hand-made readouts",
        "readouts": features.shape[1],
    }


def _per_condition(
    truth: IntArray, predicted: IntArray, names: Sequence[str]
) -> dict[str, dict[str, float]]:
    from sklearn.metrics import precision_recall_fscore_support

    scores = precision_recall_fscore_support(
        truth, predicted, labels=range(len(names)), zero_division=0
    )
    keys = ("precision", "recall", "f1", "support")
    return {
        n: {k: float(column[i]) for k, column in zip(keys, scores)} for i, n in enumerate(names)
    }


def _confusion(truth: IntArray, predicted: IntArray, classes: int) -> list[list[int]]:
    table = np.zeros((classes, classes), int)
    np.add.at(table, (truth, predicted), 1)
    return [[int(v) for v in row] for row in table]


def _z_primes(
    latents: LatentTable, test: BoolArray, groups: Sequence[str], roles: Mapping[str, Role]
) -> dict[str, Any]:
    """Z' between healthy and diseased on held-out group medians, of logits and of probabilities."""
    by_role = {
        role: [k for k, n in enumerate(latents.conditions) if roles.get(n) == role] for role in Role
    }
    if not by_role[Role.HEALTHY] or not by_role[Role.DISEASED]:
        reason = "No healthy and diseased conditions are named; give the roles on the Data page."
        return {"reason": reason}
    healthy, diseased = by_role[Role.HEALTHY][0], by_role[Role.DISEASED][0]
    z_primes: dict[str, Any] = {
        "healthy": latents.conditions[healthy],
        "diseased": latents.conditions[diseased],
    }
    scores = {
        "logits": latents.logits[:, healthy] - latents.logits[:, diseased],
        "probabilities": latents.probabilities[:, healthy],
    }
    for name, score in scores.items():
        medians = [
            _group_medians(score, test & (latents.truth == k), groups) for k in (healthy, diseased)
        ]
        z_primes[name] = {"unit": "held-out well medians", **separation(*medians)}
    if min(z_primes["logits"]["wells"]) < 2:
        z_primes["reason"] = "Fewer than two held-out wells on one side: no Z'."
    return z_primes


def _group_medians(score: FloatArray, rows: BoolArray, groups: Sequence[str]) -> FloatArray:
    """Median score of every group among the chosen rows."""
    names = np.asarray(groups)
    return np.array([np.median(score[rows & (names == g)]) for g in sorted(set(names[rows]))])
