"""Audit a ranking: could plate, position, cell count or background explain it?

Two questions are asked of each. Can it be predicted from the features of wells of one condition
(cross-validated)? Does it coincide with the conditions, so that both effects cannot be separated?
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
SURE = 0.011  # largest significant p; 99 permutations cannot give less than 0.01
READ_WELL = 0.15  # balanced accuracy above chance, or R2, that gives a warning
GOES_ALONG = 0.25  # adjusted mutual information with the conditions that gives a warning
MOST_WELLS = 3000  # wells in the audit; more would change nothing
MOST_FEATURES = 30


def audit(
    table: WellTable, design: Design, scores: FloatArray, seed: int = 0
) -> tuple[Finding, ...]:
    """Findings on plate, position and cell count; `scores` (W,) are discriminant scores.

    The features are used as they were before plates were made comparable.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(table.plates))[:MOST_WELLS])
    condition = design.condition[rows]
    features = _within(table.features[rows], condition)
    findings = []
    plate = design.plate[rows]
    if len(np.unique(plate)) > 1:
        findings.append(_predicted("plate", features, plate, rng))
        findings.append(_coincides("plate", condition, plate, rng))
    if all(table.wells):
        position = np.array([well_place(table.wells[i]) for i in rows])
        edge = _edges(position, plate)
        controls = (condition == design.healthy) | (condition == design.diseased)
        for name, values in (("row", position[:, 0]), ("column", position[:, 1])):
            of_controls = f"{name} of the controls"
            findings.append(_coincides(name, condition, values, rng))
            findings.append(_coincides(of_controls, condition[controls], values[controls], rng))
        if 0 < edge.sum() < len(edge):
            findings.append(_edge(features, edge, scores[rows], design, condition, rng))
            findings.append(_coincides("edge", condition, edge.astype(int), rng))
    if np.isfinite(table.nuclei).all():
        findings += _cells(table.nuclei[rows], features, condition, design, rng)
    return tuple(findings)


def background(
    inside: FloatArray,
    condition: IntArray,
    groups: Sequence[str],
    healthy: int,
    diseased: int,
    seed: int = 0,
) -> Finding:
    """Can healthy and diseased be separated by the background, without the cells?

    A network may then have learned the background instead of the cells. The accuracy is
    cross-validated over whole groups.

    Parameters
    ----------
    inside
        (N, D) readouts of the background of N images.
    condition
        (N,) class indices.
    groups
        N names.
    healthy, diseased
        Class indices of the controls.
    seed
        Of the folds and permutations.
    """
    controls = (condition == healthy) | (condition == diseased)
    x, y, g = inside[controls], condition[controls] == healthy, np.array(groups)[controls]
    wells = np.array([np.flatnonzero(g == name)[0] for name in dict.fromkeys(g)])
    folds = min(5, int(np.bincount(y[wells].astype(int), minlength=2).min()))
    if folds < 2:
        return Finding("background", None, "balanced accuracy", 0.5, None, "")
    rng = np.random.default_rng(seed)
    medians = np.array([np.median(x[g == g[w]], axis=0) for w in wells])
    score, p = _balanced(medians, y[wells].astype(int), folds, rng)
    warning = ""
    if p <= SURE and score > 0.5 + READ_WELL:
        warning = (
            f"The empty background alone separates healthy from diseased ({score:.2f}, chance"
            " 0.50): the network may have learned the background instead of the cells."
        )
    return Finding("background", score, "balanced accuracy without cells", 0.5, p, warning)


def _within(features: FloatArray, condition: IntArray) -> FloatArray:
    """Deviations from the mean of the own condition, reduced to the leading components."""
    rest = features - class_means(features, condition)[condition]
    spread = rest.std(axis=0)
    rest = rest[:, spread > 1e-12] / spread[spread > 1e-12]
    count = min(MOST_FEATURES, max(1, len(rest) // 5), rest.shape[1])
    _, vectors = np.linalg.eigh(rest.T @ rest)
    reduced: FloatArray = rest @ vectors[:, ::-1][:, :count]
    return reduced


def _predicted(
    what: str, features: FloatArray, label: IntArray, rng: np.random.Generator
) -> Finding:
    """How well a linear classifier predicts `label` from the features."""
    folds = min(5, int(np.unique(label, return_counts=True)[1].min()))
    chance = 1 / len(np.unique(label))
    if folds < 2:
        return Finding(what, None, "balanced accuracy", chance, None, "")
    score, p = _balanced(features, label, folds, rng)
    warning = ""
    if p <= SURE and score > chance + READ_WELL:
        warning = (
            f"The {what} can be read from the features ({score:.2f}, chance {chance:.2f}): compare"
            f" only wells of one {what}, or normalise."
        )
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
    # Shuffled labels give the score of a classifier that knows nothing.
    null = [balanced_accuracy_score(rng.permutation(label), guess) for _ in range(PERMUTATIONS)]
    return score, float((1 + sum(n >= score for n in null)) / (PERMUTATIONS + 1))


def _coincides(
    what: str, condition: IntArray, label: IntArray, rng: np.random.Generator
) -> Finding:
    """Adjusted mutual information of label and conditions: 0 by chance, 1 the same."""
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
            " be separated from an effect of the condition. Scatter the wells in the next"
            " experiment."
        )
    return Finding(what, score, unit, 0.0, p, warning)


def _edge(
    features: FloatArray,
    edge: BoolArray,
    scores: FloatArray,
    design: Design,
    condition: IntArray,
    rng: np.random.Generator,
) -> Finding:
    """Whether wells at the edge look different, and by how much their rescue differs."""
    finding = _predicted("edge", features, edge.astype(int), rng)
    if not finding.warning:
        return finding
    means = class_means(scores[:, None], condition)[:, 0]
    rest = scores - means[condition]
    gap = means[design.healthy] - means[design.diseased]
    difference = float((rest[edge].mean() - rest[~edge].mean()) / gap)
    score = finding.score or 0.0
    warning = (
        f"Wells at the edge look different ({score:.2f}, chance 0.50); their rescue differs by"
        f" {difference:+.2f}."
    )
    return Finding("edge", finding.score, finding.unit, finding.chance, finding.p_value, warning)


def _edges(position: IntArray, plate: IntArray) -> BoolArray:
    """(W,) wells at the edge of the smallest usual plate that holds all wells of their plate."""
    from core.io.well_names import PLATES

    at_edge = np.zeros(len(position), bool)
    for p in np.unique(plate):
        rows = np.flatnonzero(plate == p)
        most = position[rows].max(axis=0)
        fitting = (s for s in PLATES if s[0] >= most[0] and s[1] >= most[1] and s >= (8, 12))
        shape = next(fitting, tuple(most))
        r, c = position[rows].T
        at_edge[rows] = (r == 1) | (c == 1) | (r == shape[0]) | (c == shape[1])
    return at_edge


def _cells(
    nuclei: FloatArray,
    features: FloatArray,
    condition: IntArray,
    design: Design,
    rng: np.random.Generator,
) -> list[Finding]:
    """Whether features predict the cell count, and whether it alone separates the controls."""
    rest = nuclei - class_means(nuclei[:, None], condition)[condition][:, 0]
    folds = KFold(5, shuffle=True, random_state=int(rng.integers(2**31)))
    guess = cross_val_predict(RidgeCV(np.logspace(-1, 4, 6)), features, rest, cv=folds)
    score = float(1 - ((rest - guess) ** 2).sum() / max(float((rest**2).sum()), 1e-12))
    in_features = Finding("cell count", score, "R2 within conditions", 0.0, None, "")
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
            f"The number of cells alone separates healthy from diseased (AUC {auc:.2f}): a"
            " treatment that only changes the number of cells may look like a rescue. Compare the"
            " column of nuclei."
        )
    of_controls = Finding(
        "cell count of the controls", auc, "AUC healthy against diseased", 0.5, p, warning
    )
    return [in_features, of_controls]
