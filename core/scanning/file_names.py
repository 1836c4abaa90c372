"""Read well, site and channel from file names, by built-in patterns or a regular expression."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.errors import BadTable, LeighError
from core.io.well_names import normalise_well, row_letters
from core.scanning.naming_schemes import SCHEMES

GROUPS = ("condition", "plate", "well", "site", "channel", "z", "t", "group")
STAINS = (  # word, rank of display (nuclei, cytoplasm, mitochondria, others)
    ("dapi", 0), ("hoechst33342", 0), ("hoechst", 0), ("nuclei", 0), ("nucleus", 0), ("nuc", 0),
    ("dna", 0), ("h2b", 0), ("syto", 0), ("draq5", 0), ("egfp", 1), ("gfp", 1), ("fitc", 1),
    ("actin", 1), ("phalloidin", 1), ("tubulin", 1), ("er", 1), ("cona", 1), ("cyto", 1),
    ("cytoskeleton", 1), ("cytoplasm", 1), ("calcein", 1), ("tmrm", 2), ("tmre", 2),
    ("mitotracker", 2), ("mitosox", 2), ("mito", 2), ("mitochondria", 2), ("tom20", 2),
    ("rfp", 2), ("mcherry", 2), ("dsred", 2), ("tritc", 2), ("texasred", 2), ("cy3", 2),
    ("jc1", 2), ("yfp", 3), ("cfp", 3), ("agp", 3), ("rna", 3), ("cy5", 3), ("cy7", 3),
    ("brightfield", 3), ("phase", 3), ("bf", 3), ("nucblue", 0), ("sytox", 0), ("draq7", 0),
    ("blue", 0), ("green", 1), ("red", 2), ("farred", 3), ("orange", 2), ("wga", 1), ("a488", 1),
    ("a568", 2), ("a594", 2), ("a647", 3), ("alexa488", 1), ("alexa555", 2), ("alexa568", 2),
    ("alexa594", 2), ("alexa647", 3), ("mkate", 2), ("mruby", 2), ("tdtomato", 2),
    ("mneongreen", 1), ("venus", 1), ("lysotracker", 3), ("bodipy", 1), ("cellrox", 2),
    ("fluo4", 1), ("ph", 3), ("dic", 3), ("trans", 3),
)  # fmt: skip
STAIN_WORDS = frozenset(word for word, _ in STAINS)
STAIN_PATTERN = "|".join(sorted((re.escape(word) for word, _ in STAINS), key=len, reverse=True))
BUILT_IN: dict[str, str] = {
    **SCHEMES,
    "stain": (
        rf"^(?P<before>.*?)(?:^|[ _.\-(\[])(?P<channel>(?i:{STAIN_PATTERN}))"
        r"(?=$|[ _.\-)\]])(?P<after>.*)$"
    ),
    "well-site": r"^(?P<plate>\w[\w\-]*?)_(?P<well>(?:[A-Z]|A[A-F])\d\d)_[sf](?P<site>\d+)$",
    "plain": r"^(?:.*?[ _\-](?=[A-Z]{1,2}\d\d))?(?P<well>(?:[A-P]|A[A-F])\d{1,2})(?:[ _\-].*)?$",
}
ALIASES = {
    "cellprofiler": "stain",
    "operetta": "phenix",
    "imagexpress_w1": "imagexpress",
    "cv8000": "yokogawa",
    "nf1": "cytation",
}
IMAGE_SUFFIX = re.compile(
    r"(\.ome)?\.(tiff?|tf8|btf|lsm|stk|png|jpe?g|zarr|czi|lif|lof|nd2|oif|oib)$", re.IGNORECASE
)


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
    for name in names:
        match = scheme_match(name, relative_path)
        if match:
            return tidy(match, match.string)
    return {}


def scheme_match(name: str, relative_path: str) -> re.Match[str] | None:
    """The match of a built-in pattern, with the path where the pattern holds folders."""
    of_path = "/" in BUILT_IN[name]
    text = IMAGE_SUFFIX.sub("", relative_path) if of_path else stem_of(relative_path)
    return re.search(BUILT_IN[name], text)


def stem_of(relative_path: str) -> str:
    """The name of a file without its folder and without .tif or .ome.tif."""
    return IMAGE_SUFFIX.sub("", relative_path.rstrip("/").rpartition("/")[2])


def _parse_custom(relative_path: str, regex: re.Pattern[str]) -> dict[str, str]:
    """Try the name first, then the whole path, so that a pattern can use folders."""
    for text in (PurePosixPath(relative_path).name, stem_of(relative_path), relative_path):
        match = regex.search(text)
        if match:
            return tidy(match, text)
    return {}


def tidy(match: re.Match[str], text: str) -> dict[str, str]:
    """Group -> text of a match, with wells as B07 and the `key` without the channel."""
    groups = {name: value for name, value in match.groupdict().items() if value}
    row, column = groups.pop("row", ""), groups.pop("col", "")
    if row and column:
        letters = row_letters(int(row)) if row.isdecimal() else row
        groups["well"] = f"{letters}{int(column):02d}"
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
        first, last = match.span("drop") if "drop" in match.groupdict() else (end, end)
        groups["channel"] = re.sub(r" \d+,\d+$", "", groups["channel"])  # its wavelengths
        if first >= end:
            groups["key"] = _without_channel(text[:first] + text[last:], start, end)
        else:
            key = _without_channel(text, start, end)
            groups["key"] = key[:first] + key[last:]
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
