"""Which conditions differ in their pattern, once background and gain are split off.

Where two conditions have the same patterns in held-out groups, the network has nothing to draw
between them: only the brightness moves.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch

from core.data.batches import Reader
from core.data.preprocessing import to_network
from core.domain import BoolArray, FloatArray, ImageRecord, ModelCard
from core.evidence.contrast import TOLD_APART
from core.models.iresnet import IResNet, split_image
from core.models.oracles import WaveletOracle

FOLDS = 5  # at most
FEWEST_IMAGES, FEWEST_GROUPS = 20, 3  # of each condition; with fewer, nothing is known to be alike
SHRINKAGE = 0.1  # C of the logistic regression

Pair = frozenset[str]


def alike_in_pattern(
    model: IResNet, card: ModelCard, records: Sequence[ImageRecord], read: Reader
) -> set[Pair]:
    """Pairs of conditions whose patterns a classifier does not tell apart in groups it never saw.

    The classifier is a logistic regression on wavelet statistics of the patterns (cross-validated
    over groups). Empty where the network does not split off brightness. A condition with few images
    or groups is alike to none.
    """
    if model.levels is None:
        return set()
    features = pattern_statistics(model, card, records, read)
    truth, groups = np.array([r.condition for r in records]), np.array([r.group for r in records])
    alike = set()
    for first, second in combinations(sorted(set(truth)), 2):
        rows = np.isin(truth, (first, second))
        of_each = [groups[truth == name] for name in (first, second)]
        fewest = min(len(set(g)) for g in of_each)
        if fewest < FEWEST_GROUPS or min(len(g) for g in of_each) < FEWEST_IMAGES:
            continue
        folds = min(FOLDS, fewest)
        if _recall(features[rows], truth[rows] == first, groups[rows], folds) < TOLD_APART:
            alike.add(frozenset((first, second)))
    return alike


@torch.no_grad()
def pattern_statistics(
    model: IResNet, card: ModelCard, records: Sequence[ImageRecord], read: Reader
) -> FloatArray:
    """(N, F) wavelet statistics of the patterns of records."""
    rows = []
    for record in records:
        pattern, _ = split_image(model, to_network(card.preprocessing, read(record)))
        rows.append(WaveletOracle.features(torch.from_numpy(pattern)[None])[0].numpy())
    return np.stack(rows)


def _recall(features: FloatArray, is_first: BoolArray, groups: np.ndarray, folds: int) -> float:
    """Mean recall of both conditions, each image classified without its group."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fit = LogisticRegression(C=SHRINKAGE, max_iter=3000, class_weight="balanced")
    parts = StratifiedGroupKFold(folds)
    classifier = make_pipeline(StandardScaler(), fit)
    named = cross_val_predict(classifier, features, is_first, groups=groups, cv=parts)
    right = named == is_first
    return float((right[is_first].mean() + right[~is_first].mean()) / 2)
