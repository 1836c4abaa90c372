"""Guess role, order and colour of conditions from their names, and find doubtful spellings."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from core.domain import (
    CHANNEL_COLOURS,
    CONDITION_COLOURS,
    Channel,
    Condition,
    Dataset,
    Problem,
    ProblemKind,
    ProposedRole,
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
DASHES = "\u2010-\u2015\u2212'\u2018\u2019"  # of word processors, with apostrophes


def build_conditions(
    names: Iterable[str],
    doses: Mapping[str, float | None] | None = None,
    given: Mapping[str, Role] | None = None,
) -> tuple[Condition, ...]:
    """Conditions in fixed order (healthy, diseased, treated, the rest), each with its own colour.

    Roles are `given` by the plate map; the others are guessed from the names.
    """
    roles = guess_roles(names, given or {})
    rank = {Role.HEALTHY: 0, Role.DISEASED: 1}
    treated = {"tt", "treated"}  # these names come before further drugs
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


def guess_roles(names: Iterable[str], given: Mapping[str, Role] | None = None) -> dict[str, Role]:
    """The role of every condition; `given` roles stay and help to guess the others.

    DMSO is a healthy control only where no condition is wild type: on patient cells it is a
    vehicle.
    """
    names = list(dict.fromkeys(names))
    given = {name: role for name, role in (given or {}).items() if name in names}
    free = [name for name in names if name not in given]
    by_role = {role: {name for name in given if given[name] == role} for role in Role}
    genotype = {name for name in free if _is(name, HEALTHY_GENOTYPE)}
    certain = genotype | by_role[Role.HEALTHY]
    healthy = certain or {name for name in free if _is(name, HEALTHY_CONTROL)}
    diseased = ({name for name in free if _is(name, DISEASED)} - healthy) | by_role[Role.DISEASED]
    rest = Role.TREATED if healthy and diseased else Role.OTHER
    guessed = dict.fromkeys(names, rest)
    guessed |= dict.fromkeys(diseased, Role.DISEASED)
    guessed |= dict.fromkeys(healthy, Role.HEALTHY)
    return guessed | given


def propose_roles(
    conditions: Sequence[Condition], given: Mapping[str, Role] | None = None
) -> dict[str, ProposedRole]:
    """Condition -> its role, and whether the plate map or the name says so."""
    reasons = {}
    for condition in conditions:
        if condition.name in (given or {}):
            why = f"the plate map says {condition.role}"
        elif condition.role in (Role.HEALTHY, Role.DISEASED):
            why = f"the name says {condition.name}"
        elif condition.role == Role.TREATED:
            why = "there are a healthy and a diseased condition, and this is neither"
        else:
            why = "neither its name nor a plate map says its role"
        reasons[condition.name] = ProposedRole(condition.role.value, why)
    return reasons


def names_role(word: str) -> bool:
    """Whether this word alone names a healthy or a diseased condition."""
    return any(_is(word, words) for words in (HEALTHY_GENOTYPE, HEALTHY_CONTROL, DISEASED))


def _is(name: str, words: set[str]) -> bool:
    joined = re.sub(r"wild[ _\-]type", "wildtype", name.lower())
    words_of_name = {word for word in re.findall(r"[a-z0-9]+", joined) if not word.isdecimal()}
    return bool(words_of_name & words) and words_of_name <= words | NEUTRAL


def _colours(roles: list[Role]) -> list[str]:
    """Okabe-Ito colours, green for healthy and vermilion for diseased; then tints of these."""
    tints = (0.0, 0.45, -0.35, 0.25, -0.2, 0.6, -0.5, 0.35)[:MAX_TINTS]
    every = [_tint(colour, share) for share in tints for colour in CONDITION_COLOURS]
    reserved = {Role.HEALTHY: every[0], Role.DISEASED: every[1]}
    free = [*every[2:8], *every[:2], *every[8:]]
    taken: set[str] = set()
    colours = []
    for role in roles:
        wanted = reserved.get(role)
        if wanted is None or wanted in taken:
            for_roles = {reserved[r] for r in set(roles) if r in reserved}
            wanted = next((c for c in free if c not in taken | for_roles), GREY)
        taken.add(wanted)
        colours.append(wanted)
    return colours


def _tint(colour: str, share: float) -> str:
    """A colour, moved toward white for positive shares and toward black for negative shares."""
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    goal = 255 if share > 0 else 0
    return "#" + "".join(f"{round(p + (goal - p) * abs(share)):02X}" for p in parts)


def build_channels(names: tuple[str, ...]) -> tuple[Channel, ...]:
    """Channels in the colours of their stains: blue nuclei, green cytoplasm, red mitochondria.

    A single channel is grey.
    """
    if len(names) == 1:
        return (Channel(names[0], GREY),)
    colours: dict[int, str] = {}
    for i, name in enumerate(names):
        rank = stain_rank(name)
        if rank is not None and rank < 3 and CHANNEL_COLOURS[rank] not in colours.values():
            colours[i] = CHANNEL_COLOURS[rank]
    for i in range(len(names)):
        if i not in colours:
            own = CHANNEL_COLOURS[i % len(CHANNEL_COLOURS)]
            free = [c for c in (own, *CHANNEL_COLOURS) if c not in colours.values()]
            colours[i] = free[0] if free else own
    return tuple(Channel(name, colours[i]) for i, name in enumerate(names))


def spelling_problems(counts: Mapping[str, int]) -> list[Problem]:
    """A warning for names that differ only in case, spaces or marks: probably one condition."""
    alike: dict[str, list[str]] = {}
    for name in counts:
        plain = re.sub(rf"[\s_\-.{DASHES}]+", "", unicodedata.normalize("NFKC", name))
        alike.setdefault(plain.casefold(), []).append(name)
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
    conditions = tuple(c for c in dataset.conditions if c.name != old)
    problems = tuple(
        p for p in dataset.problems if not (p.kind == ProblemKind.SPELLING and repr(old) in p.item)
    )
    return replace(dataset, records=records, conditions=conditions, problems=problems)
