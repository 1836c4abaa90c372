"""Classify images with the generator: under which condition does it predict an image best?

The score of a condition is the flow-matching loss |v(y_t, t, c) - (n - x)|^2 with y_t = (1 - t) x +
t n, averaged over noise levels. The condition with the lowest score is predicted (after Li et al.
2023, arXiv 2303.16203, who use diffusion models).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax

from core.data.batches import Reader
from core.data.preprocessing import to_network
from core.domain import FloatArray, ImageRecord, IntArray, ModelCard, Split
from core.models.iresnet import FIELD_MULTIPLE, IResNet, split_image
from core.progress import Progress, Report, silent

LEVELS = (0.2, 0.35, 0.5, 0.65, 0.8)
LARGEST_PX = 192  # the middle of larger fields is scored
RECORDS = 32  # held-out records, and as many training records for the limit
UNLIKE_PERCENTILE = 99
SURE = 0.05  # largest p of an accuracy above chance
SHUFFLES = 999


@torch.no_grad()
def generative_scores(model: IResNet, x: FloatArray, seed: int = 0) -> FloatArray:
    """(K,) loss of one pattern (C, Y, X) under every condition, with the same noise."""
    device = next(model.parameters()).device
    clean = model.squeeze(torch.from_numpy(_middle(x))[None].to(device))
    rng = np.random.default_rng(seed)
    losses = []
    for t in LEVELS:
        drawn = rng.standard_normal(tuple(clean.shape), dtype=np.float32)
        noise = torch.from_numpy(drawn).to(device)
        velocity = model.velocity.of_every_condition((1 - t) * clean + t * noise, t)
        losses.append((velocity - (noise - clean)).square().mean(dim=(1, 2, 3)))
    scores: FloatArray = torch.stack(losses).mean(dim=0).cpu().numpy()
    return scores


def generative_report(
    model: IResNet,
    card: ModelCard,
    records: Sequence[ImageRecord],
    read: Reader,
    report: Report = silent,
) -> dict[str, Any]:
    """Accuracy of the generative scores on held-out records, and which are out of distribution.

    `above_chance` is False where the network names no more of them right than its `chance`, which
    shuffled names reach: it cannot draw the difference. It is None where even all right would prove
    nothing. `unlike` lists records whose best score is above that of UNLIKE_PERCENTILE % of the
    training records.

    Parameters
    ----------
    model, card
        The network and its card; its seed draws the records.
    records
        All records.
    read
        Reads a record (C Y X).
    report
        Receives the progress.
    """
    names = card.condition_names
    held_out = np.array([card.part_of(r) == Split.TEST for r in records])
    drawn = [
        np.random.default_rng(card.seed).permutation(np.flatnonzero(held_out == part))
        for part in (True, False)
    ]
    chosen = [records[i] for rows in drawn for i in sorted(rows[:RECORDS])]
    scores, levels = [], []
    for i, record in enumerate(chosen):
        pattern, of_image = split_image(model, to_network(card.preprocessing, read(record)))
        scores.append(generative_scores(model, pattern, card.seed))
        levels.append(of_image.ravel())
        report(Progress(i + 1, len(chosen), "Classifying with the generator"))
    count = min(RECORDS, len(drawn[0]))
    if not count or count == len(chosen):
        return {"records": 0, "accuracy": None, "above_chance": None, "unlike": []}
    table = np.stack(scores)
    limit = float(np.percentile(table[count:].min(axis=1), UNLIKE_PERCENTILE))
    truth = np.array([names.index(r.condition) for r in chosen])
    cost = table
    if model.levels is not None:
        cost = table + _cost_of_levels(table, np.stack(levels), truth, count)
    named = [names[k] for k in cost[:count].argmin(axis=1)]
    true = [record.condition for record in chosen[:count]]
    chance, p = _by_chance(true, named, card.seed)
    _, best = _by_chance(true, true, card.seed)
    return {
        "records": count,
        "accuracy": float(np.mean([n == t for n, t in zip(named, true)])),
        "chance": chance,
        "above_chance": None if best > SURE else p <= SURE,
        "limit": limit,
        "unlike": [r.id for r, row in zip(chosen[:count], table) if row.min() > limit],
    }


def _cost_of_levels(
    table: FloatArray, levels: FloatArray, truth: IntArray, count: int
) -> FloatArray:
    """What the levels (N, 2C) add to the losses (N, K) of the patterns.

    Levels count as normally distributed around the mean of each condition. Records from `count` on
    are training records; they say how far a pattern and its levels differ by chance, and so how
    much each counts.
    """
    known, classes = np.unique(truth[count:]), table.shape[1]
    if len(known) < classes:
        return np.zeros_like(table)
    learned, true = levels[count:], truth[count:]
    means = np.stack([learned[true == k].mean(axis=0) for k in range(classes)])
    spread = np.sqrt(np.mean((learned - means[true]) ** 2, axis=0)) + 1e-6
    distance = 0.5 * (((levels[:, None] - means) / spread) ** 2).sum(axis=2)  # (N, K)

    def loss(weights: FloatArray) -> float:
        cost = weights[0] * table[count:] + weights[1] * distance[count:]
        return float(-log_softmax(-cost, axis=1)[np.arange(len(true)), true].mean())

    scale = 1 / max(float(np.ptp(table[count:], axis=1).mean()), 1e-9)
    best = minimize(loss, [scale, 0.5], bounds=[(0.01 * scale, 100 * scale), (0.0, 1.0)])
    cost: FloatArray = float(best.x[1] / best.x[0]) * distance
    return cost


def _by_chance(true: Sequence[str], named: Sequence[str], seed: int) -> tuple[float, float]:
    """Share of right names that shuffled conditions give, and how often they give as many (p)."""
    rng, given = np.random.default_rng(seed), np.array(named)
    right = int((np.array(true) == given).sum())
    shuffled = [int((rng.permutation(true) == given).sum()) for _ in range(SHUFFLES)]
    p = (1 + sum(s >= right for s in shuffled)) / (SHUFFLES + 1)
    return float(np.mean(shuffled)) / len(given), p


def _middle(x: FloatArray) -> FloatArray:
    """The middle of a network image, with sides that the network accepts."""
    sides = [min(s, LARGEST_PX) // FIELD_MULTIPLE * FIELD_MULTIPLE for s in x.shape[1:]]
    top, left = ((s - side) // 2 for s, side in zip(x.shape[1:], sides))
    cut: FloatArray = np.ascontiguousarray(x[:, top : top + sides[0], left : left + sides[1]])
    return cut
