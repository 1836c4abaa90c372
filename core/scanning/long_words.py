"""Find names of stains that hold several words next to single ones: DAPI, MitoTracker Deep Red."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath

from core.scanning.name_runs import path_text, pieces
from core.scanning.run_labels import MAX_WORDS

Split = Callable[[str, int], tuple[str, str]]  # file, pieces of the field -> field, word


def long_words(files: Sequence[str]) -> tuple[str, ...]:
    """Texts of several pieces that stand in each field next to texts of one piece."""
    found: set[str] = set()
    by_depth: dict[int, list[str]] = defaultdict(list)
    for file in files:
        by_depth[len(PurePosixPath(file).parts)].append(file)
    for alike in by_depth.values():
        counts = {len(pieces(file)) for file in alike}
        if len(counts) > 1 and min(counts) > 1:
            for split in (_at_end, _at_start):
                found |= _words({file: split(file, min(counts) - 1) for file in alike})
    return tuple(sorted(found, key=len, reverse=True))


def _words(parts: Mapping[str, tuple[str, str]]) -> set[str]:
    """The words of several pieces, if each field has all words."""
    of_field: dict[str, set[str]] = defaultdict(set)
    for field, word in parts.values():
        of_field[field].add(word)
    words = set.union(*of_field.values())
    if not 1 < len(words) <= MAX_WORDS or not all(word[:1].isalpha() for word in words):
        return set()
    begun = any(a != b and b.startswith(a) for a in words for b in words)
    whole = sum(found == words for found in of_field.values())
    if begun or len(of_field) < 2 or whole * 2 < len(of_field):
        return set()
    return {word for word in words if len(pieces(word)) > 1}


def _at_end(file: str, count: int) -> tuple[str, str]:
    start = pieces(file)[count][1][0]
    return file[:start], path_text(file)[start:]


def _at_start(file: str, count: int) -> tuple[str, str]:
    found = pieces(file)
    name = len(file) - len(PurePosixPath(file).name)
    end = found[len(found) - count - 1][1][1]
    return file[:name] + path_text(file)[end:], path_text(file)[name:end]
