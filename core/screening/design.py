"""The design of a screen: which wells are healthy and diseased controls, and their batches."""

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
    """Conditions and plates of the wells, and the two controls, as class numbers."""

    conditions: tuple[Condition, ...]
    condition: IntArray  # (W,)
    plate: IntArray  # (W,)
    healthy: int
    diseased: int
    per_plate: bool  # wells are compared with the diseased wells of their own plate

    @property
    def home(self) -> IntArray:
        """(W,) the batch of each well: its plate, or 0 for all where plates are not separated."""
        return self.plate if self.per_plate else np.zeros_like(self.plate)

    @cached_property
    def counts(self) -> IntArray:
        """(K, B) number of wells of every condition in every batch."""
        home = self.home
        counts = np.zeros((len(self.conditions), int(home.max()) + 1), np.int64)
        np.add.at(counts, (self.condition, home), 1)
        return counts


def control_of(table: WellTable, conditions: Sequence[Condition], role: Role) -> int:
    """Class number of the control of this role; of several conditions, the one with most wells.

    Raises LeighError where no condition with wells has the role.
    """
    wells = Counter(table.conditions)
    own = [k for k, c in enumerate(conditions) if c.role == role and wells[c.name]]
    if not own:
        raise LeighError(
            f"No well has a condition that is {role.value}, so the disease axis is not defined.",
            "Give the roles on the Data page, or in a column role of the plate map.",
        )
    return max(own, key=lambda k: wells[conditions[k].name])


def design_of(table: WellTable, conditions: Sequence[Condition], per_plate: bool) -> Design:
    """The design of a well table; conditions without wells are left out.

    Raises LeighError without healthy or without diseased wells.
    """
    present = [c for c in conditions if c.name in table.conditions]
    names = [c.name for c in present]
    condition = np.array([names.index(c) for c in table.conditions])
    healthy, diseased = (control_of(table, present, role) for role in (Role.HEALTHY, Role.DISEASED))
    return Design(tuple(present), condition, table.plate_index, healthy, diseased, per_plate)
