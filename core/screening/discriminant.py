"""Where every well lies: along the way from diseased to healthy, and across it.

Features are first reduced to principal components, far fewer than wells, so that their covariance
needs no shrinking: a shrunken one takes part of every side effect for rescue (measured: 90 %
intervals then cover 60-70 % of such treatments instead of 85 %). Along: Fisher's discriminant
between the two controls, cross-fitted: a control well is placed by axes fitted without it. Across:
what of a well's departure from the diseased wells is orthogonal to the way to the healthy ones, in
a space in which wells of one condition scatter alike in all directions.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from sklearn.model_selection import StratifiedKFold

from core.domain import BoolArray, FloatArray, IntArray
from core.errors import LeighError

FOLDS = 5
FEWEST_WELLS = 3  # of each control, over all plates
AXES = 200  # axes redrawn
WELLS_PER_COMPONENT = 5
MOST_COMPONENTS = 60
MANY_WELLS = 3000  # beyond, the covariance is known so well that redrawing it changes nothing


@dataclass(frozen=True)
class OffAxisSpace:
    """The space of side effects: whitened departures from the diseased wells, and the way to the
    healthy ones.
    """

    departure: FloatArray  # (W, D) whitened, diseased mean 0
    way: FloatArray  # (D,) unit vector from diseased to healthy
    length: float  # of the way, in the spread of healthy wells
    spread: float  # root mean square departure of healthy wells from their mean, whitened

    def off(self) -> FloatArray:
        """(W, D) part of the departure that is orthogonal to the way."""
        rest: FloatArray = self.departure - np.outer(self.departure @ self.way, self.way)
        return rest


def position_along(
    features: FloatArray,
    conditions: IntArray,
    home: IntArray,
    healthy: int,
    diseased: int,
    *,
    seed: int,
) -> FloatArray:
    """(W,) cross-fitted scores on the axis from diseased to healthy, in standard deviations within
    conditions.

    `conditions` (W,) are class numbers, `home` (W,) the plates that are kept apart. Wells that are
    no controls get the mean over the axes of all folds. Raises LeighError with fewer than
    FEWEST_WELLS wells of a control.
    """
    controls = np.flatnonzero((conditions == healthy) | (conditions == diseased))
    counts = [int((conditions == k).sum()) for k in (healthy, diseased)]
    if min(counts) < FEWEST_WELLS:
        raise LeighError(
            f"There are {counts[0]} healthy and {counts[1]} diseased wells; {FEWEST_WELLS} of each"
            " are needed.",
            "Check the roles of the conditions on the Data page, or add control wells.",
        )
    folds = StratifiedKFold(min(FOLDS, *counts), shuffle=True, random_state=seed)
    scores, others = np.zeros(len(features)), np.ones(len(features), bool)
    others[controls] = False
    splits = list(folds.split(controls, conditions[controls]))
    for _, spared in splits:
        kept = np.ones(len(features), bool)
        kept[controls[spared]] = False
        placed = _placed(features, conditions, home, kept, healthy, diseased)
        scores[controls[spared]] = placed[controls[spared]]
        scores[others] += placed[others] / len(splits)
    return scores


def _placed(
    features: FloatArray,
    conditions: IntArray,
    home: IntArray,
    kept: BoolArray,
    healthy: int,
    diseased: int,
) -> FloatArray:
    """(W,) scores of all wells on an axis of which every part was fitted to the `kept` wells (W,)
    alone.

    Also its zero and its components: those of all wells would carry the chance difference between
    the diseased wells and the others, and noise would look like a way from diseased to healthy.
    """
    values = from_diseased(features, home, (conditions == diseased) & kept)
    basis = _basis(values[kept], conditions[kept], home[kept])
    reduced = values @ basis
    known, of = reduced[kept], conditions[kept]
    covariance = _covariance(_residuals(known, of, home[kept]))
    axis = np.linalg.solve(
        covariance, known[of == healthy].mean(axis=0) - known[of == diseased].mean(axis=0)
    )
    scale = float(np.sqrt(axis @ covariance @ axis))
    scores: FloatArray = reduced @ axis / (scale if scale > 0 else 1.0)
    return scores


def redrawn_positions(
    features: FloatArray,
    conditions: IntArray,
    home: IntArray,
    healthy: int,
    diseased: int,
    *,
    seed: int,
) -> FloatArray:
    """(AXES, K) how the position of every condition's mean changes when the axis is fitted to wells
    drawn anew.

    Zero for what lies on the way itself; large for a treatment with a strong side effect, part of
    which a slightly different axis takes for rescue. Deviations from their mean, in units of the
    way (0 diseased, 1 healthy).
    """
    rng = np.random.default_rng(seed)
    values = from_diseased(features, home, conditions == diseased)
    values = values @ _basis(values, conditions, home)
    rest = _residuals(values, conditions, home)
    covariance = _covariance(rest)
    means = class_means(values, conditions)
    means = means - means[diseased]
    errors = [_errors_of_mean(values[conditions == k], rng) for k in (healthy, diseased)]
    drawn = []
    for healthy_error, diseased_error in zip(*errors):
        if len(rest) < MANY_WELLS:
            covariance = _covariance(rest[rng.integers(0, len(rest), len(rest))])
        axis = np.linalg.solve(covariance, means[healthy] + healthy_error - diseased_error)
        drawn.append(means @ axis / (means[healthy] @ axis))
    table = np.array(drawn)
    out: FloatArray = table - table.mean(axis=0)
    return out


def _errors_of_mean(wells: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(AXES, D) errors of the mean of wells (W, D) drawn anew, with replacement."""
    count = len(wells)
    rest = (wells - wells.mean(axis=0)) * np.sqrt(count / (count - 1))
    weights = rng.multinomial(count, np.full(count, 1 / count), AXES)
    out: FloatArray = weights @ rest / count
    return out


def from_diseased(values: FloatArray, home: IntArray, control: BoolArray) -> FloatArray:
    """(W, D) departures from the mean of the `control` wells (W,) of the own plate; of all plates
    where it has none.

    Means, as a median taken feature by feature shifts whole plates in directions in which wells
    scarcely differ.
    """
    base = np.tile(values[control].mean(axis=0), (int(home.max()) + 1, 1))
    there = np.unique(home[control])
    base[there] = class_means(values[control], home[control])[there]
    out: FloatArray = values - base[home]
    return out


def class_means(values: FloatArray, classes: IntArray) -> FloatArray:
    """(K, D) means of every class; 0 where it has no wells."""
    rows = np.arange(len(classes))
    member = csr_array(
        (np.ones(len(classes)), (classes, rows)), shape=(int(classes.max()) + 1, len(classes))
    )
    means: FloatArray = (member @ values) / np.maximum(np.bincount(classes), 1)[:, None]
    return means


def across(
    readouts: FloatArray, conditions: IntArray, home: IntArray, healthy: int, diseased: int
) -> OffAxisSpace:
    """The space of side effects from (W, R) readouts (normalised per plate)."""
    values = from_diseased(readouts, home, conditions == diseased)
    values = values @ _basis(values, conditions, home)
    eigenvalues, vectors = np.linalg.eigh(_covariance(_residuals(values, conditions, home)))
    whitened = values @ (vectors / np.sqrt(np.maximum(eigenvalues, 1e-9)))
    well = whitened[conditions == healthy]
    way = well.mean(axis=0)
    length = float(np.linalg.norm(way))
    spread = float(np.sqrt(((well - well.mean(axis=0)) ** 2).sum() / max(1, len(well) - 1)))
    return OffAxisSpace(
        whitened, way / max(length, 1e-12), length / max(spread, 1e-12), max(spread, 1e-12)
    )


def _residuals(values: FloatArray, conditions: IntArray, home: IntArray) -> FloatArray:
    """(W', D) departures from the mean of the own condition, and of those from the mean of the own
    plate.

    What all wells of a plate share is an error of its controls, not a spread of wells. Conditions
    of a single well say nothing and are left out.
    """
    some = np.bincount(conditions)[conditions] > 1
    rest = values - class_means(values, conditions)[conditions]
    out: FloatArray = (rest - class_means(rest, home)[home])[some]
    return out


def _covariance(residuals: FloatArray) -> FloatArray:
    """(D, D) of residuals (W, D), with a trace of its mean variance so that it can be inverted."""
    own = residuals.T @ residuals / max(1, len(residuals))
    out: FloatArray = own + 1e-6 * np.trace(own) / len(own) * np.eye(len(own))
    return out


def _basis(values: FloatArray, conditions: IntArray, home: IntArray) -> FloatArray:
    """(D, Q) to principal components of features taken in their own spread within conditions;
    constant ones count as 0.

    At most one component per WELLS_PER_COMPONENT wells beyond the number of conditions.
    """
    rest = _residuals(values, conditions, home)
    spread = rest.std(axis=0)
    scale = np.where(spread > 1e-9, 1 / np.maximum(spread, 1e-9), 0.0)
    scaled = (values - values.mean(axis=0)) * scale
    freedom = len(rest) - len(np.unique(conditions))
    count = int(np.clip(freedom // WELLS_PER_COMPONENT, 1, min(MOST_COMPONENTS, *values.shape)))
    _, vectors = np.linalg.eigh(scaled.T @ scaled)
    basis: FloatArray = scale[:, None] * vectors[:, ::-1][:, :count]
    return basis
