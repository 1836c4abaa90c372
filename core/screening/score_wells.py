"""From a well table to everything a ranking needs: plates made comparable, wells placed, estimates
with their noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain import Condition, FloatArray
from core.screening.design import Design, design_of
from core.screening.discriminant import OffAxisSpace, across, position_along, redrawn_positions
from core.screening.ranking import Estimates, Placement, Rules, estimate
from core.screening.wells import WellTable, b_scores, normalise


@dataclass(frozen=True)
class Placed:
    """Wells on the way from diseased to healthy."""

    design: Design
    scores: FloatArray  # (W,) along the way, in standard deviations within conditions
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
    """`how` is one of NORMALISATIONS.

    Raises LeighError where controls are missing or cannot be told apart.
    """
    design = design_of(table, conditions, how != "none")
    diseased = design.condition == design.diseased
    features, readouts = (
        normalise(v, design.plate, diseased, how) for v in (table.features, table.readouts)
    )
    who = (design.condition, design.home, design.healthy, design.diseased)
    scores = position_along(features, *who, seed=seed)
    if b_score:
        scores = b_scores(scores, table, diseased | (design.condition == design.healthy))
    axes = redrawn_positions(features, *who, seed=seed)
    space = across(readouts, *who)
    placement = Placement(scores, axes, space)
    estimates = estimate(placement, table.nuclei, design, rules, seed=seed)
    return Placed(design, scores, space, estimates)
