"""Warn where something else goes together with the condition: depth, scale, plate, a well."""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence

from core.domain import Problem, ProblemKind
from core.scanning.group_channels import Draft

FEWEST = 3  # images of a condition whose backgrounds can be compared
APART = 4.0  # gap between two backgrounds, in widths of the wider one
LEAST_OFFSET = 0.05  # the same gap, in mean grey values of the darker condition
BRIGHTER = 8.0  # a stain is rarely this many times as bright in all images of a condition
REMEDY = "A network may learn this instead of the cells. Export all images in the same way."


def _objective(file: str) -> str:
    """The magnification that a path names, such as 40x; "" for none."""
    found = re.search(r"(?i)(?<![a-z0-9])(?:2|4|5|10|20|25|40|60|63|100)x(?![a-z0-9])", file)
    return found.group().lower() if found else ""


TRAITS: tuple[tuple[ProblemKind, str, Callable[[Draft], Hashable]], ...] = (
    (ProblemKind.DEPTH_IS_CONDITION, "bit depth", lambda d: d.dtype),
    (ProblemKind.MAGNIFICATION_IS_CONDITION, "pixel size", lambda d: d.pixel_size_um),
    (ProblemKind.MAGNIFICATION_IS_CONDITION, "magnification", lambda d: _objective(d.files[0])),
    (ProblemKind.SCALE_IS_CONDITION, "image size", lambda d: d.shape[1:]),
    (ProblemKind.TIME_POINTS, "time", lambda d: d.tells.get("t", "")),
)


def one_with_the_condition(
    drafts: Sequence[Draft],
    condition_of: Mapping[str, str],
    well_of: Mapping[str, tuple[str, str]],
) -> list[Problem]:
    """Problems by first file of each record -> condition, and -> plate and well."""
    by_condition: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        by_condition[condition_of[draft.files[0]]].append(draft)
    if len(by_condition) < 2:
        return []
    problems = []
    for kind, what, trait in TRAITS:
        values = {name: {trait(d) for d in members} for name, members in by_condition.items()}
        if _one_each(values):
            listed = "; ".join(f"{name}: {next(iter(v))}" for name, v in list(values.items())[:4])
            problems.append(_warning(kind, f"{what} and condition go together: {listed}"))
    return [
        *problems,
        *_scale(by_condition),
        *_background(by_condition),
        *_plates(by_condition, well_of),
        *_wells(by_condition, well_of),
    ]


def _one_each(values: Mapping[str, set[Hashable]]) -> bool:
    """Whether each condition has one value, and not all have the same one."""
    return all(len(v) == 1 for v in values.values()) and len(set.union(*values.values())) > 1


def _warning(
    kind: ProblemKind, reason: str, remedy: str = REMEDY, item: str = "conditions"
) -> Problem:
    return Problem(item, reason, remedy, "warning", kind)


def _scale(by_condition: Mapping[str, Sequence[Draft]]) -> list[Problem]:
    """Two conditions whose images are all many times as bright as those of the other."""
    dark = {name: max(d.level for d in members) for name, members in by_condition.items()}
    bright = {name: min(d.level for d in members) for name, members in by_condition.items()}
    low, high = min(dark, key=lambda n: dark[n]), max(bright, key=lambda n: bright[n])
    if bright[high] < BRIGHTER * dark[low] or dark[low] <= 0:
        return []
    times = bright[high] / dark[low]
    reason = f"all images of {high} are at least {times:.0f} times as bright as those of {low}"
    return [_warning(ProblemKind.SCALE_IS_CONDITION, reason)]


def _background(by_condition: Mapping[str, Sequence[Draft]]) -> list[Problem]:
    """Two conditions whose backgrounds lie far apart in one channel, as after a camera's offset."""
    counts = {len(d.floors) for members in by_condition.values() for d in members}
    if len(counts) != 1 or min(map(len, by_condition.values())) < FEWEST:
        return []
    for channel in range(counts.pop()):
        spans = {
            name: (min(d.floors[channel] for d in members), max(d.floors[channel] for d in members))
            for name, members in by_condition.items()
        }
        low = min(spans, key=lambda name: spans[name][1])
        high = max(spans, key=lambda name: spans[name][0])
        gap = spans[high][0] - spans[low][1]
        widest = max(most - least for least, most in (spans[low], spans[high]))
        level = min(d.level for d in by_condition[low])
        if gap > APART * widest and gap > LEAST_OFFSET * level:
            where = f"in channel {channel + 1}" if len(by_condition[low][0].floors) > 1 else ""
            reason = (
                f"the background of all images of {high} {where} is {gap:.4g} grey values above"
                f" that of {low}"
            )
            return [_warning(ProblemKind.SCALE_IS_CONDITION, reason.replace("  ", " "))]
    return []


def _plates(
    by_condition: Mapping[str, Sequence[Draft]], well_of: Mapping[str, tuple[str, str]]
) -> list[Problem]:
    conditions: dict[str, set[str]] = defaultdict(set)
    for name, members in by_condition.items():
        for draft in members:
            conditions[well_of[draft.files[0]][0]].add(name)
    if len(conditions) < 2 or any(len(names) > 1 for names in conditions.values()):
        return []
    listed = "; ".join(
        f"{plate}: {', '.join(sorted(n))}" for plate, n in list(conditions.items())[:4]
    )
    reason = f"each plate holds one condition ({listed}), so plate and condition go together"
    return [_warning(ProblemKind.PLATE_IS_CONDITION, reason, "Add a plate with both conditions.")]


def _wells(
    by_condition: Mapping[str, Sequence[Draft]], well_of: Mapping[str, tuple[str, str]]
) -> list[Problem]:
    conditions: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name, members in by_condition.items():
        for draft in members:
            conditions[well_of[draft.files[0]]].add(name)
    double = {
        place: sorted(names) for place, names in conditions.items() if place[1] and len(names) > 1
    }
    if not double:
        return []
    (plate, well), names = next(iter(double.items()))
    where = f"well {well}" + (f" of plate {plate}" if plate else "")
    reason = f"{where} is in {' and in '.join(names)}"
    if len(double) > 1:
        reason += f"; so are {len(double) - 1} other wells"
    remedy = "Are these different plates? Name the plates in the folders or in a plate map."
    return [_warning(ProblemKind.WELL_IN_TWO_CONDITIONS, reason, remedy, where)]
