"""Read well, site and channel from file names, by built-in patterns or a regular expression."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.errors import BadTable, LeighError
from core.io.well_names import normalise_well, row_letters

GROUPS = ("condition", "plate", "well", "site", "channel", "z", "t", "group")
STAINS = (  # word, rank of display (nuclei, cytoplasm, mitochondria, others)
    ("dapi", 0), ("hoechst33342", 0), ("hoechst", 0), ("nuclei", 0), ("nucleus", 0), ("nuc", 0),
    ("dna", 0),
    ("h2b", 0), ("syto", 0), ("draq5", 0), ("egfp", 1), ("gfp", 1), ("fitc", 1), ("actin", 1),
    ("phalloidin", 1),
    ("tubulin", 1), ("er", 1), ("cona", 1), ("cyto", 1), ("cytoskeleton", 1), ("cytoplasm", 1),
    ("calcein", 1),
    ("tmrm", 2), ("tmre", 2), ("mitotracker", 2), ("mitosox", 2), ("mito", 2), ("mitochondria", 2),
    ("tom20", 2),
    ("rfp", 2), ("mcherry", 2), ("dsred", 2), ("tritc", 2), ("texasred", 2), ("cy3", 2), ("jc1", 2),
    ("yfp", 3),
    ("cfp", 3), ("agp", 3), ("rna", 3), ("cy5", 3), ("cy7", 3), ("brightfield", 3), ("phase", 3),
    ("bf", 3),
)  # fmt: skip
_WORDS = "|".join(sorted((re.escape(word) for word, _ in STAINS), key=len, reverse=True))
_WELL = r"[A-Za-z]\d{1,2}|[Aa][A-Fa-f]\d{1,2}"  # rows Q to AF: plates of 1536 wells
BUILT_IN: dict[str, str] = {
    "imagexpress": (
        rf"^(?:(?P<plate>.+?)_)?(?P<well>{_WELL})_s(?P<site>\d+)_w(?P<channel>\d)"
        r"(?:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?$"
    ),
    "phenix": (
        r"^r(?P<row>\d{2})c(?P<col>\d{2})f(?P<site>\d+)p(?P<z>\d+)-ch(?P<channel>\d+)sk(?P<t>\d+)(?:fk\d+)?"
        r"(?:fl\d+)?$"
    ),
    "yokogawa": (
        rf"^(?P<plate>.*?)_(?:(?P<well>{_WELL})_)?T(?P<t>\d+)F(?P<site>\d+)L\d+(?P<drop>A\d+)"
        r"Z(?P<z>\d+)C(?P<channel>\d+)$"
    ),
    "arrayscan": rf"^(?P<plate>.+)_(?P<well>{_WELL})f(?P<site>\d+)d(?P<channel>\d)$",
    "nf1": (
        rf"^(?P<well>{_WELL})_\d+(?P<drop>_\d+)_(?P<site>\d+)_(?P<channel>[A-Za-z][A-Za-z0-9]*)_\d+$"
    ),
    "stain": (
        rf"^(?P<before>.*?)(?:^|[ _.\-(\[])(?P<channel>(?i:{_WORDS}))(?=$|[ _.\-)\]])(?P<after>.*)$"
    ),
    "well-site": r"^(?P<plate>\w[\w\-]*?)_(?P<well>(?:[A-Z]|A[A-F])\d\d)_[sf](?P<site>\d+)$",
    "plain": r"^(?:.*?[ _\-](?=[A-Z]{1,2}\d\d))?(?P<well>(?:[A-P]|A[A-F])\d{1,2})(?:[ _\-].*)?$",
}
ALIASES = {
    "cellprofiler": "stain",
    "operetta": "phenix",
    "imagexpress_w1": "imagexpress",
    "cv8000": "yokogawa",
}
IMAGE_SUFFIX = re.compile(r"(\.ome)?\.(tiff?|tf8|btf|lsm|stk|png|jpe?g)$", re.IGNORECASE)


@dataclass(frozen=True)
class NamePattern:
    """A name pattern: built-in, custom, or `auto` (the first built-in that fits each name)."""

    name: str
    regex: re.Pattern[str] | None = None


def compile_pattern(pattern: str | None) -> NamePattern:
    """The pattern of a built-in name or of a regular expression with named groups; None: automatic.

    Raises LeighError for a pattern that cannot be used.
    """
    if pattern is None or pattern == "auto":
        return NamePattern("auto")
    name = ALIASES.get(pattern, pattern)
    if name in BUILT_IN:
        return NamePattern(name, re.compile(BUILT_IN[name]))
    allowed = (
        f"Use one of {', '.join(BUILT_IN)} or named groups out of {', '.join(GROUPS)}:"
        " (?P<well>...)."
    )
    try:
        regex = re.compile(pattern)
    except re.error as error:
        raise LeighError(
            f"The name pattern {pattern!r} is not a regular expression: {error}.", allowed
        ) from error
    unknown = [name for name in regex.groupindex if name not in GROUPS]
    if unknown or not regex.groupindex:
        fault = f"has the unknown group {unknown[0]!r}" if unknown else "has no named groups"
        raise LeighError(f"The name pattern {pattern!r} {fault}.", allowed)
    return NamePattern("custom", regex)


def parse_name(relative_path: str, pattern: str | NamePattern | None = None) -> dict[str, str]:
    """Group -> text of a file name; empty where the pattern does not fit.

    Wells are written as B07. `key` is the name without the channel: files with the same key are
    channels of one record.
    """
    compiled = pattern if isinstance(pattern, NamePattern) else compile_pattern(pattern)
    if compiled.name == "custom" and compiled.regex is not None:
        return _parse_custom(relative_path, compiled.regex)
    names = tuple(BUILT_IN) if compiled.name == "auto" else (compiled.name,)
    stem = stem_of(relative_path)
    for name in names:
        match = re.match(BUILT_IN[name], stem)
        if match:
            return _tidy(match, stem)
    return {}


def stem_of(relative_path: str) -> str:
    """The name of a file without its folder and without .tif or .ome.tif."""
    return IMAGE_SUFFIX.sub("", PurePosixPath(relative_path).name)


def _parse_custom(relative_path: str, regex: re.Pattern[str]) -> dict[str, str]:
    """Try the name first, then the whole path, so that a pattern can use folders."""
    for text in (PurePosixPath(relative_path).name, stem_of(relative_path), relative_path):
        match = regex.search(text)
        if match:
            return _tidy(match, text)
    return {}


def _tidy(match: re.Match[str], text: str) -> dict[str, str]:
    groups = {name: value for name, value in match.groupdict().items() if value}
    row, column = groups.pop("row", ""), groups.pop("col", "")
    if row and column:
        groups["well"] = f"{row_letters(int(row))}{int(column):02d}"
    if "well" in groups:
        try:
            groups["well"] = normalise_well(groups["well"])
        except BadTable:
            del groups["well"]
    if "before" in match.groupdict() and "well" not in groups:
        plain = re.match(BUILT_IN["plain"], text)
        groups |= {"well": normalise_well(plain["well"])} if plain else {}
    for helper in ("before", "after", "drop"):
        groups.pop(helper, None)
    if "channel" in groups:
        start, end = match.span("channel")
        groups["key"] = _without_channel(text, start, end)
        if "drop" in match.groupdict():
            groups["key"] = (
                groups["key"][: match.start("drop")] + groups["key"][match.end("drop") :]
            )
    return groups


def _without_channel(text: str, start: int, end: int) -> str:
    lead = r"(?i)[ _.\-]*[(\[]?(?:(?<![A-Z])(?:w|ch|c)|(?<=Z\d\d)C|(?<=f\d\d)d)?$"
    before = re.sub(lead, "", text[:start])
    after = re.sub(r"^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "", text[end:])
    after = IMAGE_SUFFIX.sub("", re.sub(r"^[)\]]", "", after))
    return (before + after).strip(" _-") or "image"


def stain_rank(name: str) -> int | None:
    """0 nuclei, 1 cytoplasm, 2 mitochondria, 3 others; None without a stain in the name."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    ranks = [rank for word, rank in STAINS if word in words]
    return min(ranks) if ranks else None
