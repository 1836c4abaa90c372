"""Choose the ternary planes to offer first."""

from collections.abc import Sequence

from core.domain import Condition, Role


def default_plane(conditions: Sequence[Condition], *in_hand: str) -> tuple[str, ...]:
    """Healthy, diseased, and the first condition `in_hand` that is neither; () for two conditions.

    Without such a condition, the first of the others.
    """
    planes = first_planes(conditions)
    ranks = {plane[2]: in_hand.index(plane[2]) for plane in planes if plane[2] in in_hand}
    return min(planes, key=lambda plane: ranks.get(plane[2], len(in_hand)), default=())


def first_planes(conditions: Sequence[Condition]) -> list[tuple[str, str, str]]:
    """Healthy, diseased and each other condition; without roles, the first two and each other."""
    names, roles = [c.name for c in conditions], {c.role: c.name for c in reversed(conditions)}
    first = [roles[r] for r in (Role.HEALTHY, Role.DISEASED) if r in roles]
    first = [*first, *(n for n in names if n not in first)][:2]
    return [(first[0], first[1], name) for name in names if name not in first]
