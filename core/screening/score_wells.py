"""From a well table to all that a ranking needs: comparable plates, scores and estimates."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain import Condition, FloatArray
from core.screening.design import Design, design_of
from core.screening.discriminant import OffAxisSpace, across, position_along, redrawn_positions
from core.screening.ranking import Estimates, Placement, Rules, estimate
from core.screening.wells import WellTable, b_scores, normalise


@dataclass(frozen=True)
class Placed:
    """The scores of all wells, and the estimates of all conditions."""

    design: Design
    scores: FloatArray  # (W,) discriminant scores, in standard deviations within conditions
    space: OffAxisSpace
    estimates: Estimates


def placed(
    table: WellTable,
    conditions: Sequence[Condition],
    how: str,
    rules: Rules,
    *,
    b_score: bool = False,
    seed: int = 0,
) -> Placed:
    """Score the wells of a table and estimate all conditions.

    Parameters
    ----------
    table
        W wells with features and readouts.
    conditions
        All conditions with their roles.
    how
        One of NORMALISATIONS.
    rules
        Level of the intervals and number of draws.
    b_score
        Remove row and column effects from the scores.
    seed
        Of folds and draws.

    Raises
    ------
    LeighError
        Where controls are missing or not separated.
    """
    design = design_of(table, conditions, how != "none")
    diseased = design.condition == design.diseased
    features, readouts = (
        normalise(v, design.plate, diseased, how) for v in (table.features, table.readouts)
    )
    wells = (design.condition, design.home, design.healthy, design.diseased)
    scores = position_along(features, *wells, seed=seed)
    if b_score:
        scores = b_scores(scores, table, diseased | (design.condition == design.healthy))
    axes = redrawn_positions(features, *wells, seed=seed)
    space = across(readouts, *wells)
    placement = Placement(scores, axes, space)
    estimates = estimate(placement, table.nuclei, design, rules, seed=seed)
    return Placed(design, scores, space, estimates)
