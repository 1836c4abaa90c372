"""Does anything but the treatment explain the conditions? Plate, position, cell count and
background are asked.

Two questions each: is it to be read from the same features (cross-validated, wells of one condition
compared with one another), and does it go along with the conditions (so that the two cannot be told
apart)?
"""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import adjusted_mutual_info_score, balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core.domain import BoolArray, FloatArray, IntArray
from core.domain.screen import Finding
from core.io.well_names import well_place
from core.screening.design import Design
from core.screening.discriminant import class_means
from core.screening.wells import WellTable

PERMUTATIONS = 99
SURE = 0.011  # p at or below: 99 permutations can show no less than 0.01
READ_WELL = 0.15  # balanced accuracy above chance, or R2, worth a warning
GOES_ALONG = 0.25  # adjusted mutual information with the conditions worth a warning
MOST_WELLS = 3000  # are asked; more tell nothing new
MOST_FEATURES = 30


def audit(
    table: WellTable, design: Design, scores: FloatArray, seed: int = 0
) -> tuple[Finding, ...]:
    """What is told by the features, what goes along with the conditions. `scores` (W,) lie along
    the way.

    The features are taken as they are, before plates were made comparable.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(table.plates))[:MOST_WELLS])
    condition = design.condition[rows]
    features = _within(table.features[rows], condition)
    found = []
    plate = design.plate[rows]
    if len(np.unique(plate)) > 1:
        found.append(_told("plate", features, plate, rng))
        found.append(_along("plate", condition, plate, rng))
    if all(table.wells):
        place = np.array([well_place(table.wells[i]) for i in rows])
        edge = _edges(place, plate)
        for name, values in (("row", place[:, 0]), ("column", place[:, 1])):
            found.append(_along(name, condition, values, rng))
            controls = (condition == design.healthy) | (condition == design.diseased)
            found.append(
                _along(f"{name} of the controls", condition[controls], values[controls], rng)
            )
        if 0 < edge.sum() < len(edge):
            found.append(_edge(features, edge, scores[rows], design, condition, rng))
            found.append(_along("edge", condition, edge.astype(int), rng))
    if np.isfinite(table.nuclei).all():
        found += _cells(table.nuclei[rows], features, condition, design, rng)
    return tuple(found)


def background(
    inside: FloatArray,
    condition: IntArray,
    groups: Sequence[str],
    healthy: int,
    diseased: int,
    seed: int = 0,
) -> Finding:
    """Can healthy and diseased be told from readouts (N, D) of images whose cells were masked?

    Whole groups are left out. A network that could do so may have learned the background instead of
    the cells.
    """
    controls = (condition == healthy) | (condition == diseased)
    x, y, g = inside[controls], condition[controls] == healthy, np.array(groups)[controls]
    wells = np.array([np.flatnonzero(g == name)[0] for name in dict.fromkeys(g)])
    folds = min(5, int(np.bincount(y[wells].astype(int), minlength=2).min()))
    if folds < 2:
        return Finding("background", None, "balanced accuracy", 0.5, None, "")
    rng = np.random.default_rng(seed)
    middle = np.array([np.median(x[g == g[w]], axis=0) for w in wells])
    score, p = _balanced(middle, y[wells].astype(int), folds, rng)
    warning = ""
    if p <= SURE and score > 0.5 + READ_WELL:
        warning = (
            f"Healthy and diseased are told apart by the empty background alone ({score:.2f},"
            " chance 0.50): what the network learned may not be in the cells."
        )
    return Finding("background", score, "balanced accuracy without cells", 0.5, p, warning)


def _within(features: FloatArray, condition: IntArray) -> FloatArray:
    """Departures from the mean of the own condition, reduced to the leading components."""
    rest = features - class_means(features, condition)[condition]
    spread = rest.std(axis=0)
    rest = rest[:, spread > 1e-12] / spread[spread > 1e-12]
    count = min(MOST_FEATURES, max(1, len(rest) // 5), rest.shape[1])
    _, vectors = np.linalg.eigh(rest.T @ rest)
    reduced: FloatArray = rest @ vectors[:, ::-1][:, :count]
    return reduced


def _told(what: str, features: FloatArray, label: IntArray, rng: np.random.Generator) -> Finding:
    """How well `label` is read from the features by a linear classifier."""
    folds = min(5, int(np.unique(label, return_counts=True)[1].min()))
    chance = 1 / len(np.unique(label))
    if folds < 2:
        return Finding(what, None, "balanced accuracy", chance, None, "")
    score, p = _balanced(features, label, folds, rng)
    warning = ""
    if p <= SURE and score > chance + READ_WELL:
        warning = (
            f"The {what} can be read from the features ({score:.2f}, chance {chance:.2f}): compare"
            " wells of one "
        )
        warning += f"{what} only, or normalise."
    return Finding(what, score, "balanced accuracy", chance, p, warning)


def _balanced(
    features: FloatArray, label: IntArray, folds: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Cross-validated balanced accuracy and its permutation p."""
    model = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=300, C=0.1, class_weight="balanced")
    )
    split = StratifiedKFold(folds, shuffle=True, random_state=int(rng.integers(2**31)))
    guess = cross_val_predict(model, features, label, cv=split)
    score = float(balanced_accuracy_score(label, guess))
    # Labels are shuffled against the guesses: what a classifier without knowledge would score.
    null = [balanced_accuracy_score(rng.permutation(label), guess) for _ in range(PERMUTATIONS)]
    return score, float((1 + sum(n >= score for n in null)) / (PERMUTATIONS + 1))


def _along(what: str, condition: IntArray, label: IntArray, rng: np.random.Generator) -> Finding:
    """Whether the label goes along with the conditions: adjusted mutual information, 0 by chance, 1
    the same.
    """
    unit = "mutual information with condition"
    if len(np.unique(condition)) < 2 or len(np.unique(label)) < 2:
        return Finding(what, None, unit, 0.0, None, "")
    score = float(adjusted_mutual_info_score(condition, label))
    null = [
        adjusted_mutual_info_score(condition, rng.permutation(label)) for _ in range(PERMUTATIONS)
    ]
    p = float((1 + sum(n >= score for n in null)) / (PERMUTATIONS + 1))
    warning = ""
    if p <= SURE and score > GOES_ALONG:
        warning = (
            f"Conditions and {what} go together ({score:.2f} of 1): an effect of the {what} cannot"
            " be told from "
        )
        warning += "an effect of the condition. Scatter the wells in the next experiment."
    return Finding(what, score, unit, 0.0, p, warning)


def _edge(
    features: FloatArray,
    edge: BoolArray,
    scores: FloatArray,
    design: Design,
    condition: IntArray,
    rng: np.random.Generator,
) -> Finding:
    """Whether wells on the perimeter look different, and by how much that moves them on the way."""
    found = _told("edge", features, edge.astype(int), rng)
    if not found.warning:
        return found
    rest = scores - class_means(scores[:, None], condition)[condition][:, 0]
    means = class_means(scores[:, None], condition)[:, 0]
    gap = means[design.healthy] - means[design.diseased]
    moved = float((rest[edge].mean() - rest[~edge].mean()) / gap)
    score = found.score or 0.0
    words = (
        f"Wells at the edge look different ({score:.2f}, chance 0.50); there the rescue reads"
        f" {moved:+.2f}."
    )
    return Finding("edge", found.score, found.unit, found.chance, found.p_value, words)


def _edges(place: IntArray, plate: IntArray) -> BoolArray:
    """(W,) wells on the perimeter of the physical plate that holds all wells of their plate."""
    from core.domain.limits import PLATE_SHAPES

    out = np.zeros(len(place), bool)
    for p in np.unique(plate):
        rows = np.flatnonzero(plate == p)
        most = place[rows].max(axis=0)
        shape = next(
            (s for s in PLATE_SHAPES if s[0] >= most[0] and s[1] >= most[1] and s >= (8, 12)),
            tuple(most),
        )
        r, c = place[rows].T
        out[rows] = (r == 1) | (c == 1) | (r == shape[0]) | (c == shape[1])
    return out


def _cells(
    nuclei: FloatArray,
    features: FloatArray,
    condition: IntArray,
    design: Design,
    rng: np.random.Generator,
) -> list[Finding]:
    """Whether cell count is in the features, and whether it alone tells healthy from diseased."""
    rest = nuclei - class_means(nuclei[:, None], condition)[condition][:, 0]
    folds = KFold(5, shuffle=True, random_state=int(rng.integers(2**31)))
    guess = cross_val_predict(RidgeCV(np.logspace(-1, 4, 6)), features, rest, cv=folds)
    score = float(1 - ((rest - guess) ** 2).sum() / max(float((rest**2).sum()), 1e-12))
    found = [Finding("cell count", score, "R2 within conditions", 0.0, None, "")]
    controls = (condition == design.healthy) | (condition == design.diseased)
    healthy = condition[controls] == design.healthy
    auc = float(roc_auc_score(healthy, nuclei[controls]))
    null = [
        abs(roc_auc_score(rng.permutation(healthy), nuclei[controls]) - 0.5)
        for _ in range(PERMUTATIONS)
    ]
    p = float((1 + sum(n >= abs(auc - 0.5) for n in null)) / (PERMUTATIONS + 1))
    warning = ""
    if p <= SURE and abs(auc - 0.5) > READ_WELL:
        warning = (
            f"The number of cells alone tells healthy from diseased (AUC {auc:.2f}): a treatment"
            " that only changes "
        )
        warning += "the number of cells may look like a rescue. Compare the column of nuclei."
    return [
        *found,
        Finding("cell count of the controls", auc, "AUC healthy against diseased", 0.5, p, warning),
    ]
