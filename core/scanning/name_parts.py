"""What the parts of one name mean, as people are shown it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from core.domain import NameRun

MEANINGS = {"channel": "stain", "t": "time", "culture": "group"}  # group of a pattern -> meaning
HELPERS = ("key", "field", "folder", "movie")  # what is only for grouping files


def parts_of_tells(
    file: str, tells: Mapping[str, str], match: re.Match[str] | None
) -> list[NameRun]:
    """The parts that a scheme or a pattern names in a path, in the order of the path."""
    parts = []
    for group, text in tells.items():
        if group not in HELPERS:
            start, end = _span(file, group, text, match)
            shown = file[start:end] if start >= 0 else text
            parts.append(NameRun(shown, MEANINGS.get(group, group), start))
    return sorted(parts, key=lambda part: part.start)


def _span(file: str, group: str, text: str, match: re.Match[str] | None) -> tuple[int, int]:
    """Where the text of a group stands in the path; (-1, -1) where that is not known."""
    start, end = _matched(file, group, text, match)
    if start < 0:
        whole = re.search(rf"(?<![A-Za-z0-9]){re.escape(text)}(?![A-Za-z0-9])", file)
        start = whole.start() if whole else file.find(text)
        end = start + len(text)
    if start < 0:
        return -1, -1
    if file[start].isdecimal():  # with its label: w1, ch1, r02c03
        start = len(re.sub(r"[A-Za-z]+$", "", file[:start]))
    return start, end


def _matched(file: str, group: str, text: str, match: re.Match[str] | None) -> tuple[int, int]:
    if match is None:
        return -1, -1
    groups = match.groupdict()
    offset = 0 if "/" in match.string else len(file) - len(PurePosixPath(file).name)
    if group == "well" and groups.get("row") and groups.get("col"):
        return offset + match.start("row"), offset + match.end("col")
    if groups.get(group) and (groups[group] == text or group in ("well", "channel")):
        return offset + match.start(group), offset + match.end(group)
    return -1, -1


def with_condition(file: str, parts: Iterable[NameRun], condition: str) -> list[NameRun]:
    """The parts with that of the condition, if the path names it apart from them."""
    parts = list(parts)
    for found in re.finditer(re.escape(condition), file, re.IGNORECASE) if condition else ():
        start, end = found.span()
        if all(end <= part.start or part.start + len(part.text) <= start for part in parts):
            parts.append(NameRun(found.group(), "condition", start))
            break
    return sorted(parts, key=lambda part: part.start)


def counted(
    parts: Sequence[NameRun], tells: Iterable[Mapping[str, str]], conditions: int
) -> tuple[NameRun, ...]:
    """The parts, each with the number of different texts that the folder has for its meaning."""
    texts: dict[str, set[str]] = {}
    for of_file in tells:
        for group, text in of_file.items():
            texts.setdefault(MEANINGS.get(group, group), set()).add(text)
    numbers = {meaning: len(values) for meaning, values in texts.items()}
    numbers["condition"] = conditions
    return tuple(replace(part, values=numbers.get(part.means, 1)) for part in parts)
