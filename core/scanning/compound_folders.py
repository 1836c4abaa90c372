"""Find folder levels whose names hold several things: WT_DAPI, DS_rep2, day 7 WT."""

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import permutations

from core.scanning.file_names import STAIN_WORDS
from core.scanning.name_runs import folder_runs
from core.scanning.run_labels import MEASURED, is_light, is_time, is_well, label_meaning

LEAST = 2  # parts of a name, values of a part
MAX_NAMES = 1000
# All parts, the last part, the first part. `day 7` is one part.
PARTS = (
    re.compile(r"[^\W\d_]{2,} \d+(?![^ _\-])|[^ _\-]+"),
    re.compile(r"^.+(?=[ _\-][^ _\-]+$)|[^ _\-]+$"),
    re.compile(r"^[^ _\-]+|(?<=[ _\-]).+$"),
)


def compound_levels(files: Sequence[str]) -> dict[int, re.Pattern[str]]:
    """The levels whose folders are read part by part, like folders in one another.

    All names of such a level have equally many parts. One part is a time, or two parts vary
    without each other: one is a stain, well, plate, time or culture, or many pairs are there.
    """
    names: dict[int, set[str]] = defaultdict(set)
    for file in files:
        for level, name in enumerate(file.split("/")[:-1]):
            names[level].add(name)
    found: dict[int, re.Pattern[str]] = {}
    for level, of_level in names.items():
        if LEAST <= len(of_level) <= MAX_NAMES and not all(map(MEASURED.fullmatch, of_level)):
            pattern = next((p for p in PARTS if _compound(of_level, p)), None)
            found |= {} if pattern is None else {level: pattern}
    return found


def _compound(names: set[str], pattern: re.Pattern[str]) -> bool:
    counts = {len(pattern.findall(name)) for name in names}
    if len(counts) > 1 or counts.pop() < LEAST:
        return False
    runs = [r for r in folder_runs([f"{name}/x" for name in names], {0: pattern}) if r.varies]
    times = [run for run in runs if is_time(run.values)]
    stains = [run for run in runs if label_meaning(run) == "stain"]
    if times:  # but Ch1-T1 is one stain of a microscope with several tracks
        return not any(time.splits_like(stain) for time in times for stain in stains)
    for one, other in permutations(runs, 2):
        pairs = len({(text, other.texts[file]) for file, text in one.texts.items()})
        if _bare_numbers(one.values) or pairs == len(one.values):
            continue
        if _says_something(other.values) or label_meaning(other):
            return True
        crossed = pairs >= len(one.values) + len(other.values)  # two values of both, at least
        if crossed and not _bare_numbers(other.values):
            return True
    return False


def _says_something(values: Sequence[str]) -> bool:
    """Whether words are all stains, wavelengths, wells, or dates such as 240501."""
    return any(
        all(map(says, values))
        for says in (lambda v: v.lower() in STAIN_WORDS, is_light, is_well, _is_date)
    )


def _is_date(text: str) -> bool:
    return text.isdecimal() and len(text) == 6


def _bare_numbers(values: Sequence[str]) -> bool:
    return all(map(str.isdecimal, values))
