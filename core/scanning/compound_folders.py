"""Find folder levels whose names hold several things: WT_DAPI, DS_rep2, day 7 WT."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import permutations

from core.scanning.file_names import STAIN_WORDS
from core.scanning.name_runs import COMPOUND, composed, folder_runs
from core.scanning.run_meanings import is_light, is_time, is_well, label_meaning

LEAST = 2  # parts of a name, values of a part
MAX_NAMES = 1000


def compound_levels(files: Sequence[str]) -> frozenset[int]:
    """The levels whose folders are read part by part, like folders in one another.

    All names of such a level have equally many parts. One part is a time, or two parts vary
    without each other: one is a stain, well, plate, time or culture, or all pairs are there.
    """
    names: dict[int, set[str]] = defaultdict(set)
    for file in files:
        for level, name in enumerate(file.split("/")[:-1]):
            names[level].add(name)
    return frozenset(level for level, found in names.items() if _compound(found))


def _compound(names: set[str]) -> bool:
    counts = {len(COMPOUND.findall(name)) for name in names}
    if not LEAST <= len(names) <= MAX_NAMES or len(counts) > 1 or counts.pop() < LEAST:
        return False
    files = [f"{composed(name)}/x" for name in names]
    runs = [run for run in folder_runs(files, frozenset({0})) if run.varies]
    if any(is_time(run.values) for run in runs):
        return True
    for one, other in permutations(runs, 2):
        pairs = len({(text, other.texts[file]) for file, text in one.texts.items()})
        if _bare_numbers(one.values) or pairs == len(one.values):
            continue
        if _says_something(other.values) or label_meaning(other) not in ("", "z"):
            return True
        crossed = pairs == len(one.values) * len(other.values)
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
