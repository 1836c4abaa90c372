"""Who is who in a screen: which wells are healthy and diseased controls, and which plates are kept
apart.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.domain import Condition, IntArray, Role
from core.errors import LeighError
from core.screening.wells import WellTable


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

    @cached_property
    def counts(self) -> IntArray:
        """(K, P) wells of every condition on every plate that is kept apart."""
        home = self.home
        counts = np.zeros((len(self.conditions), int(home.max()) + 1), np.int64)
        np.add.at(counts, (self.condition, home), 1)
        return counts


def control_of(table: WellTable, conditions: Sequence[Condition], role: Role) -> int:
    """Class number of the control of this role: of several, that with most wells.

    Raises LeighError where none is.
    """
    wells = Counter(table.conditions)
    own = [k for k, c in enumerate(conditions) if c.role == role and wells[c.name]]
    if not own:
        raise LeighError(
            f"There are no wells of a condition that is {role.value}, so there is no way from"
            " diseased to healthy.",
            "Give the roles on the Data page, or in a column role of the plate map.",
        )
    return max(own, key=lambda k: wells[conditions[k].name])


def design_of(table: WellTable, conditions: Sequence[Condition], per_plate: bool) -> Design:
    """Of the conditions that have wells.

    Raises LeighError where no healthy or no diseased condition has any.
    """
    present = [c for c in conditions if c.name in table.conditions]
    names = [c.name for c in present]
    condition = np.array([names.index(c) for c in table.conditions])
    healthy, diseased = (control_of(table, present, role) for role in (Role.HEALTHY, Role.DISEASED))
    return Design(tuple(present), condition, table.plate_index, healthy, diseased, per_plate)
