"""Choose the ternary planes to offer first."""

from collections.abc import Sequence

from core.domain import Condition, Role


def first_planes(conditions: Sequence[Condition]) -> list[tuple[str, str, str]]:
    """Healthy, diseased and each other condition; without roles, the first two and each other."""
    names, roles = [c.name for c in conditions], {c.role: c.name for c in reversed(conditions)}
    first = [roles[r] for r in (Role.HEALTHY, Role.DISEASED) if r in roles]
    first = [*first, *(n for n in names if n not in first)][:2]
    return [(first[0], first[1], name) for name in names if name not in first]
