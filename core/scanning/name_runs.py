"""Split paths into runs, the parts that names are made of, and compare the runs of many files."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import PurePosixPath
from types import MappingProxyType

from core.scanning.default_roles import names_role
from core.scanning.file_names import IMAGE_SUFFIX, STAIN_WORDS

EXAMPLES = 8  # pictures for one choice of a question
WHOLE = re.compile(".+")
Compound = Mapping[int, re.Pattern[str]]
NAME = -1  # where a run stands: the number of the folder, or in the name of the file
_DYES = r"(?i:texas[ _\-]?red|far[ _\-]?red|alexa[ _\-]?(?:fluor[ _\-]?)?\d{3}|cell[ _\-]?mask)"
# z0.5, 1,5uM; row1_col2; A - 01, A_01: one piece in spite of the separators inside.
_DECIMAL = r"(?<![A-Za-z0-9.,])[A-Za-z]{0,3}(?:0|[1-9]\d*)[.,]\d+(?:[A-Za-zµμ%]+)?(?![A-Za-z0-9.,])"
# 2024-05-01_14-30-00, 20240501T143000, 1.5.2024; other numbers after a date count images.
_DATE = r"(?:19|20)\d\d([\-._]?)[01]\d\1[0-3]\d"
_MONTH = (
    r"(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
DAY_FIRST = (  # or the month first: 05-01-2024, 12_03_2024, 5.1.24, 12-Mar-2024
    r"(?:(?:[0-3]?\d\.[01]?\d\.20|[0-3]\d\.[01]\d\.)\d\d"
    r"|[0-3]?\d-[0-3]?\d-20\d\d|[0-3]\d_[0-3]\d_20\d\d"
    r"|[0-3]?\d(?:-%s-(?:20)?| %s 20|_%s_20|%s20)\d\d)"
).replace("%s", _MONTH)
_CLOCK = r"(?:T[0-2]\d[0-5]\d(?:[0-5]\d)?|[T _\-]+[0-2]\d[\-.:h][0-5]\d(?:[\-.:m][0-5]\d)?s?)"
_MOMENT = rf"(?<![A-Za-z0-9])(?:{_DATE}{_CLOCK}?|{DAY_FIRST})(?![A-Za-z0-9])"
_ROW_COLUMN = r"(?i:row[ _\-]?\d+[ _\-]col(?:umn)?[ _\-]?\d+)"
_LETTER_COLUMN = r"(?<![A-Za-z0-9])[A-P](?: - \d\d?|[ _\-][0-2]\d)(?!\d)"
_PIECE = rf"{_MOMENT}|{_DYES}|{_DECIMAL}|{_ROW_COLUMN}|{_LETTER_COLUMN}|[^\s_\-.()\[\],;@#]+"
_LABELLED = re.compile(
    r"[\s_\-]*([^\W\d_](?:[^\W\d_]| )*?)[ _\-=#]*\d+(?:[.,]\d+)?\s*(?:[uµμ]m)?\s*"
    r"|(?i:(plate|platte|plaque|pl)[ _\-#]*[A-Z])"
)
_PAIRS = re.compile(r"(?:[A-Za-z]+\d+){2,}")


@dataclass(frozen=True)
class Run:
    """One part of the names of a family of files: its text and its place in each path.

    `label` is the constant word before a number: `s` of s1 and s2, `plate` of plate 1.
    """

    where: int
    label: str
    texts: dict[str, str]
    spans: dict[str, tuple[int, int]]

    @cached_property
    def values(self) -> list[str]:
        """The different texts, sorted."""
        return sorted(set(self.texts.values()))

    @cached_property
    def varies(self) -> bool:
        """Whether not all files have the same text here."""
        return len(self.values) > 1

    @cached_property
    def numbers(self) -> bool:
        """Whether all texts are numbers, apart from the label."""
        return all(re.fullmatch(r"\D*\d+", text) for text in self.values)

    def splits_like(self, other: "Run") -> bool:
        """Whether both runs divide the files in the same way."""
        pairs = {(text, other.texts[file]) for file, text in self.texts.items()}
        return len(pairs) == len(self.values) == len(other.values)


def first_files(texts: Mapping[str, str]) -> dict[str, str]:
    """Text -> the first file that has it, for at most EXAMPLES texts: pictures of a choice."""
    firsts: dict[str, str] = {}
    for file, text in texts.items():
        firsts.setdefault(text, file)
    return {text: firsts[text] for text in sorted(firsts)[:EXAMPLES]}


def composed(text: str) -> str:
    """The text in one Unicode form."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def path_text(file: str) -> str:
    """The path without the suffix of an image; spans count in this text."""
    return IMAGE_SUFFIX.sub("", file)


def families(files: Iterable[str], long: Sequence[str] = ()) -> list[list[str]]:
    """Files whose paths have equally many folders and pieces; `long` as in `pieces`."""
    alike: dict[tuple[int, int], list[str]] = defaultdict(list)
    for file in files:
        alike[len(PurePosixPath(file).parts), len(pieces(file, long))].append(file)
    return list(alike.values())


def runs_of(
    files: Sequence[str], compound: Compound = MappingProxyType({}), long: Sequence[str] = ()
) -> list[Run]:
    """The runs of one family, from the top folder to the end of the name."""
    runs = folder_runs(files, compound)
    of_file = {file: pieces(file, long) for file in files}
    before = ""
    for n in range(len(of_file[files[0]])):
        column = {file: of_file[file][n] for file in files}
        added = _name_runs(column, before)
        words = {text for text, _ in column.values()}
        before = words.pop() if len(words) == 1 else ""
        runs += added
    return runs


def folder_runs(files: Sequence[str], compound: Compound = MappingProxyType({})) -> list[Run]:
    """One run for each folder of files that lie equally deep; `compound` as in `folder_parts`."""
    of_file = {file: folder_parts(file, compound) for file in files}
    runs = []
    for level in range(len(of_file[files[0]])):
        texts = {file: parts[level][0] for file, parts in of_file.items()}
        spans = {file: parts[level][1] for file, parts in of_file.items()}
        runs.append(Run(level, _label(texts.values()), texts, spans))
    return runs


def folder_parts(
    file: str, compound: Compound = MappingProxyType({})
) -> list[tuple[str, tuple[int, int]]]:
    """The folders of a file and their places.

    `compound` are levels whose folders are read part by part, and the pattern of their parts.
    """
    parts = []
    start = 0
    for level, name in enumerate(file.split("/")[:-1]):
        for match in compound.get(level, WHOLE).finditer(name):
            place = (start + match.start(), start + match.end())
            parts.append((composed(match.group()), place))
        start += len(name) + 1
    return parts


def without(file: str, cut: Sequence[tuple[int, int]]) -> str:
    """The path without some spans and the separators before them."""
    text = path_text(file)
    for start, end in sorted(set(cut), reverse=True):
        before, after = text[:start], text[end:]
        if (before.endswith("/") or not before) and after.startswith("/"):
            text = before + after[1:]  # a whole folder
            continue
        bare = re.sub(r"[ _\-.(\[@]+$", "", before)
        after = re.sub(r"^[)\]]", "", after)
        text = bare + (re.sub(r"^[ _\-.]+", "", after) if bare.endswith("/") or not bare else after)
    folder, slash, name = text.rpartition("/")
    return folder + slash + (name.strip(" _-") or "image")


def pieces(file: str, long: Sequence[str] = ()) -> list[tuple[str, tuple[int, int]]]:
    """The texts between separators in the name of a file, and their places in the path.

    The words `long` are one piece each, in spite of their separators.
    """
    text = path_text(file)
    found = _piece(tuple(long)).finditer(text, text.rfind("/") + 1)
    return [(composed(m.group()), m.span()) for m in found]


@cache
def _piece(long: tuple[str, ...]) -> re.Pattern[str]:
    words = [rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])" for word in long]
    return re.compile("|".join([*words, _PIECE]))


def _name_runs(column: dict[str, tuple[str, tuple[int, int]]], before: str) -> list[Run]:
    """The runs of one piece: pairs of letters and numbers such as T01F02 are runs of their own."""
    texts = {file: text for file, (text, _) in column.items()}
    spans = {file: span for file, (_, span) in column.items()}
    letters = {tuple(re.findall(r"[A-Za-z]+", text)) for text in texts.values()}
    row_column = all(re.fullmatch(r"(?i)r(?:ow)?\d+c(?:ol)?\d+", text) for text in texts.values())
    apart = len(letters) == 1 or _wells_with_counts(letters)
    if apart and not row_column and all(map(_PAIRS.fullmatch, texts.values())):
        labels = next(iter(letters))
        first = labels[0] if len(letters) == 1 else ""
        return _split(texts, spans, r"[A-Za-z]+\d+", (first, *labels[1:]))
    if _two_counters(texts.values()):
        return _split(texts, spans, r"\d+", ("", ""))
    glued = [re.fullmatch(r"([A-Za-z]+)(\d+)", text) for text in texts.values()]
    words = [match.group(1) for match in glued if match]
    known = _known_words(words, texts) or _words_with_counter(texts.values())
    if len(letters) > 1 and known:
        return _word_and_number(texts, spans)
    label = _label(texts.values())
    if not label and all(text.isdecimal() for text in texts.values()):
        label = before if before.isalpha() else ""
    elif not label and all(re.fullmatch("[A-Za-z]", text) for text in texts.values()):
        label = before if before.lower() in ("plate", "platte", "plaque") else ""
    return [Run(NAME, label, texts, spans)]


def _wells_with_counts(letters: Collection[tuple[str, ...]]) -> bool:
    """Whether only the row of a well differs before what it holds: b3f1, c3f2."""
    same = len({words[1:] for words in letters}) == 1
    return same and all(
        len(words) > 1 and re.fullmatch("[A-Pa-p]|A[A-F]", words[0]) for words in letters
    )


def _split(
    texts: Mapping[str, str],
    spans: Mapping[str, tuple[int, int]],
    part: str,
    labels: Sequence[str],
) -> list[Run]:
    """A run for each label: what the pattern `part` finds in all texts."""
    runs = []
    for n, label in enumerate(labels):
        found = {file: list(re.finditer(part, text))[n] for file, text in texts.items()}
        places = {f: (spans[f][0] + m.start(), spans[f][0] + m.end()) for f, m in found.items()}
        runs.append(Run(NAME, label, {f: m.group() for f, m in found.items()}, places))
    return runs


def _two_counters(texts: Iterable[str]) -> bool:
    """Whether numbers such as 1.1, 1.2, 2.1, 2.2 count two things: most pairs are there."""
    values = set(texts)
    if not all(re.fullmatch(r"\d+[.,]\d+", value) for value in values):
        return False
    first, last = (set(side) for side in zip(*(re.split("[.,]", v) for v in values), strict=True))
    most = len(values) * 2 > len(first) * len(last)
    return min(len(first), len(last)) > 1 and "0" not in first and most


def _known_words(words: Sequence[str], texts: Mapping[str, str]) -> bool:
    """Whether each text is a known stain and a number, or a word of a role and a number."""
    different = set(words)
    if len(words) < len(texts) or len(different) > EXAMPLES:
        return False
    return all(w.lower() in STAIN_WORDS for w in different) or any(map(names_role, different))


def _words_with_counter(texts: Iterable[str]) -> bool:
    """Whether each of a few words has the same numbers: GFP0001, TxRed0001, GFP0002, TxRed0002.

    One word is a known stain, or the numbers are counted with a zero before them; others, such as
    TNF1, TNF10, IL1, IL10, may be doses.
    """
    numbers: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        match = re.fullmatch(r"([A-Za-z]{2,})(\d+)", text)
        if match is None:
            return False
        numbers[match.group(1)].add(match.group(2))
    first = next(iter(numbers.values()))
    again = len(first) > 1 and all(of_word == first for of_word in numbers.values())
    stains = any(word.lower() in STAIN_WORDS for word in numbers)
    padded = len(set(map(len, first))) == 1 and any(number.startswith("0") for number in first)
    return again and 1 < len(numbers) <= EXAMPLES and (stains or padded)


def _word_and_number(texts: dict[str, str], spans: dict[str, tuple[int, int]]) -> list[Run]:
    """DAPI01 and GFP01, or WT1 and DS1: the word, and the number of what was photographed."""
    words = {file: text.rstrip("0123456789") for file, text in texts.items()}
    middle = {file: spans[file][0] + len(word) for file, word in words.items()}
    numbers = {file: text[len(words[file]) :] for file, text in texts.items()}
    return [
        Run(NAME, "", words, {file: (spans[file][0], middle[file]) for file in texts}),
        Run(NAME, "n", numbers, {file: (middle[file], spans[file][1]) for file in texts}),
    ]


def _label(texts: Iterable[str]) -> str:
    """The word before the number, if all texts have the same one; else ""."""
    found = {
        match.group(1) or match.group(2) if match else ""
        for match in (_LABELLED.fullmatch(text) for text in texts)
    }
    return found.pop() if len(found) == 1 else ""
