"""Who is who in a screen: which wells are healthy and diseased controls, and which plates are kept apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.domain import Condition, IntArray, Role
from core.errors import LeighError
from core.screen.wells import WellTable


@dataclass(frozen=True)
class Design:
    """Who is who: class numbers of the wells, the plates, the two controls."""

    conditions: tuple[Condition, ...]
    condition: IntArray  # (W,)
    plate: IntArray  # (W,)
    healthy: int
    diseased: int
    per_plate: bool  # wells are compared with the diseased wells of their own plate

    @property
    def home(self) -> IntArray:
        """(W,) the plate, or 0 for all where plates are not kept apart."""
        return self.plate if self.per_plate else np.zeros_like(self.plate)


def design_of(table: WellTable, conditions: Sequence[Condition], per_plate: bool) -> Design:
    """Raises LeighError where no healthy or no diseased condition is named."""
    names = [c.name for c in conditions]
    present = set(table.conditions)
    by_role = {role: [k for k, c in enumerate(conditions) if c.role == role and c.name in present] for role in Role}
    for role in (Role.HEALTHY, Role.DISEASED):
        if not by_role[role]:
            raise LeighError(
                f"No condition is marked as {role.value}, so there is no way from diseased to healthy.",
                "Give the roles on the Data page.",
            )
    condition = np.array([names.index(c) for c in table.conditions])
    healthy, diseased = by_role[Role.HEALTHY][0], by_role[Role.DISEASED][0]
    return Design(tuple(conditions), condition, table.plate_index, healthy, diseased, per_plate)
