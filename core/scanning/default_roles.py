"""What condition names tell: their order, role and colour, and spellings that look like one
condition.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from core.domain import (
    CHANNEL_COLOURS,
    CONDITION_COLOURS,
    Channel,
    Condition,
    Dataset,
    Problem,
    ProblemKind,
    Role,
)
from core.io.well_names import natural
from core.scanning.file_names import stain_rank

HEALTHY_GENOTYPE = {"wt", "wildtype", "healthy", "isogenic"}
HEALTHY_CONTROL = {"control", "ctrl", "dmso"}
DISEASED = {"ds", "disease", "diseased", "null", "patient", "leigh"}
NEUTRAL = {
    "cell",
    "cells",
    "culture",
    "cultures",
    "line",
    "untreated",
    "vehicle",
    "negative",
    *HEALTHY_CONTROL,
}
GREY = CHANNEL_COLOURS[-1]
MAX_TINTS = 8


def build_conditions(
    names: Iterable[str],
    doses: Mapping[str, float | None] | None = None,
    reported: Mapping[str, Role] | None = None,
) -> tuple[Condition, ...]:
    """Conditions in fixed order (healthy, diseased, treated, the rest), colours their own.

    Roles are those `told`, by the plate map; the others are guessed from the names.
    """
    roles = guess_roles(names, reported or {})
    rank = {Role.HEALTHY: 0, Role.DISEASED: 1}
    treated = {"tt", "treated"}  # the treatment itself before further drugs
    ordered = sorted(
        roles,
        key=lambda name: (
            rank.get(roles[name], 3 - (name.lower() in treated)),
            natural(name),
            name,
        ),
    )
    colours = dict(zip(ordered, _colours([roles[name] for name in ordered]), strict=True))
    return tuple(
        Condition(name, roles[name], colours[name], (doses or {}).get(name)) for name in ordered
    )


def guess_roles(
    names: Iterable[str], reported: Mapping[str, Role] | None = None
) -> dict[str, Role]:
    """DMSO is a healthy control only where no condition is wild type: on patient cells it is a
    vehicle.

    What is `told` stands, and counts for the others.
    """
    names = list(dict.fromkeys(names))
    reported = {name: role for name, role in (reported or {}).items() if name in names}
    free = [name for name in names if name not in reported]
    known = {role: {name for name in reported if reported[name] == role} for role in Role}
    genotype = {name for name in free if _is(name, HEALTHY_GENOTYPE)}
    certain = genotype | known[Role.HEALTHY]
    healthy = certain or {name for name in free if _is(name, HEALTHY_CONTROL)}
    diseased = ({name for name in free if _is(name, DISEASED)} - healthy) | known[Role.DISEASED]
    rest = Role.TREATED if healthy and diseased else Role.OTHER
    guessed = {
        n: Role.HEALTHY if n in healthy else Role.DISEASED if n in diseased else rest for n in names
    }
    return guessed | reported


def names_role(word: str) -> bool:
    """Does this word alone name a healthy or a diseased condition?"""
    return any(_is(word, words) for words in (HEALTHY_GENOTYPE, HEALTHY_CONTROL, DISEASED))


def _is(name: str, words: set[str]) -> bool:
    joined = re.sub(r"wild[ _\-]type", "wildtype", name.lower())
    found = {word for word in re.findall(r"[a-z0-9]+", joined) if not word.isdecimal()}
    return bool(found & words) and found <= words | NEUTRAL


def _colours(roles: list[Role]) -> list[str]:
    """Okabe-Ito, green for the healthy and vermilion for the diseased; then lighter and darker
    tints of them.
    """
    tints = (0.0, 0.45, -0.35, 0.25, -0.2, 0.6, -0.5, 0.35)[:MAX_TINTS]
    every = [_tint(colour, share) for share in tints for colour in CONDITION_COLOURS]
    reserved = {Role.HEALTHY: every[0], Role.DISEASED: every[1]}
    free = [*every[2:8], *every[:2], *every[8:]]
    taken: set[str] = set()
    colours = []
    for role in roles:
        wanted = reserved.get(role)
        if wanted is None or wanted in taken:
            kept = {reserved[r] for r in set(roles) if r in reserved}
            wanted = next((c for c in free if c not in taken | kept), GREY)
        taken.add(wanted)
        colours.append(wanted)
    return colours


def _tint(colour: str, share: float) -> str:
    """Toward white for positive shares, toward black for negative ones."""
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    goal = 255 if share > 0 else 0
    return "#" + "".join(f"{round(p + (goal - p) * abs(share)):02X}" for p in parts)


def build_channels(names: tuple[str, ...]) -> tuple[Channel, ...]:
    """Channels coloured by stain: blue nuclei, green cytoplasm, red mitochondria; a single channel
    is grey.
    """
    if len(names) == 1:
        return (Channel(names[0], GREY),)
    colours: dict[int, str] = {}
    for place, name in enumerate(names):
        rank = stain_rank(name)
        if rank is not None and rank < 3 and CHANNEL_COLOURS[rank] not in colours.values():
            colours[place] = CHANNEL_COLOURS[rank]
    for place in range(len(names)):
        if place not in colours:
            own = CHANNEL_COLOURS[place % len(CHANNEL_COLOURS)]
            free = [c for c in (own, *CHANNEL_COLOURS) if c not in colours.values()]
            colours[place] = free[0] if free else own
    return tuple(Channel(name, colours[place]) for place, name in enumerate(names))


def spelling_problems(counts: Mapping[str, int]) -> list[Problem]:
    """Names that differ only in case, spaces or marks are probably one condition;
    the user decides.
    """
    alike: dict[str, list[str]] = {}
    for name in counts:
        alike.setdefault(re.sub(r"[\s_\-.]+", "", name).casefold(), []).append(name)
    problems = []
    for group in alike.values():
        if len(group) > 1:
            names = sorted(group, key=lambda name: -counts[name])
            item = " / ".join(repr(name) for name in names)
            reason = f"{len(names)} spellings of what looks like one condition; they are kept apart"
            remedy = f"Merge them into {names[0]!r}?"
            problems.append(Problem(item, reason, remedy, "warning", ProblemKind.SPELLING))
    return problems


def merge_conditions(dataset: Dataset, old: str, new: str) -> Dataset:
    """The dataset with every record of condition `old` counted as `new`.

    Raises KeyError for unknown names.
    """
    dataset.condition(old), dataset.condition(new)
    records = tuple(replace(r, condition=new) if r.condition == old else r for r in dataset.records)
    kept = tuple(c for c in dataset.conditions if c.name != old)
    problems = tuple(
        p for p in dataset.problems if not (p.kind == ProblemKind.SPELLING and repr(old) in p.item)
    )
    return replace(dataset, records=records, conditions=kept, problems=problems)
