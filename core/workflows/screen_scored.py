"""A well table placed and ranked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.domain import (
    FloatArray,
)
from core.domain.screen import DoseCurve, Finding, Ranked

if TYPE_CHECKING:
    from core.screening.design import Design
    from core.screening.discriminant import Across
    from core.screening.ranking import Estimates, Rules
    from core.screening.wells import WellTable


@dataclass(frozen=True)
class Scored:
    """A well table placed and ranked."""

    table: WellTable
    design: Design
    rules: Rules
    scores: FloatArray
    space: Across
    estimates: Estimates
    ranked: tuple[Ranked, ...]
    audit: tuple[Finding, ...]
    doses: tuple[DoseCurve, ...]
    normalised: str
    notes: tuple[str, ...]
