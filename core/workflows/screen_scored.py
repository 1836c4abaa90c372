"""The options of a screen, and the scored and ranked wells that come out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.domain import (
    FloatArray,
)
from core.domain.screen import DoseCurve, Finding, Ranked

if TYPE_CHECKING:
    from core.screening.design import Design
    from core.screening.discriminant import OffAxisSpace
    from core.screening.ranking import Estimates, Rules
    from core.screening.wells import WellTable


@dataclass(frozen=True)
class ScreenOptions:
    """How treatments are ranked.

    `space`: "latents" measures rescue in the features of the network, "readouts" in hand-made
    readouts. "auto" takes the latents where the network was trained on the controls only. Off-axis
    changes are always measured in readouts, because a network ignores differences that it was not
    trained on. `explain`: also move some images of every known treatment to healthy, to measure
    the residual.
    """

    space: str = "auto"
    normalise: str = "auto"
    b_score: bool = False
    level: float = 0.9  # of the intervals
    explain: bool = True
    seed: int = 0
    device: str = "auto"


@dataclass(frozen=True)
class Scored:
    """Scored wells, ranked treatments and the audit of the ranking."""

    table: WellTable
    design: Design
    rules: Rules
    scores: FloatArray
    space: OffAxisSpace
    estimates: Estimates
    ranked: tuple[Ranked, ...]
    audit: tuple[Finding, ...]
    doses: tuple[DoseCurve, ...]
    normalised: str
    notes: tuple[str, ...]
