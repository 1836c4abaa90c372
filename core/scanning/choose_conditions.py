"""Choose which folders or words of the names are the conditions, or ask."""

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain import Problem, ProblemKind, Question, QuestionKind
from core.scanning.answers import Answers
from core.scanning.default_roles import names_role
from core.scanning.findings import Findings
from core.scanning.group_channels import Draft
from core.scanning.name_runs import Run, first_files, pieces
from core.scanning.plate_map import PlateRow
from core.scanning.run_labels import LABELS, has_gaps

FOLDER, PLATE_MAP = "folder", "plate map"
SHOWN = 8  # conditions in the text of a choice
TREATMENTS = frozenset({"compound", "cpd", "drug", "treatment", "dose", "substance", "inhibitor"})
LINES = frozenset({"line"})  # lines of cells are compared
CULTURES = LABELS["group"] | LABELS["site"]
_DOSE = re.compile(r"\d ?_?(?:[pnuµμm]M|(?i:[nuµμm]?g[ /_]?ml)|%)(?![A-Za-z])")
_COUNTED = re.compile(r"(?P<word>[^\W\d_].*?)[\W_]*\d{1,3}|\d{1,3}[\W_]+(?P<after>[^\W\d_].*?)")


@dataclass(frozen=True)
class Choice:
    """First file of a record -> condition, and what is not certain."""

    conditions: dict[str, str]
    questions: tuple[Question, ...] = ()


def folded(name: str) -> str:
    """The name in one Unicode form, without case and outer spaces: equal names are one."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def folder_conditions(drafts: Sequence[Draft]) -> dict[str, str]:
    """Conditions from the first folder level that differs; {} if most records lie in one folder."""
    level = shared_folders(drafts)
    names = Counter(_at(draft, level) for draft in drafts)
    if len(names) < 2 or names[""] > names.total() / 2:
        return {}
    return {draft.files[0]: _at(draft, level) for draft in drafts}


def shared_folders(drafts: Sequence[Draft]) -> int:
    """How many folders all records have in common."""
    folders = [draft.folder for draft in drafts]
    shared = 0
    while folders and len({f[: shared + 1] for f in folders}) == 1 and len(folders[0]) > shared:
        shared += 1
    return shared


def _at(draft: Draft, level: int) -> str:
    return draft.folder[level] if len(draft.folder) > level else ""


def choose_conditions(
    drafts: Sequence[Draft],
    words: Sequence[Run],
    root: Path,
    from_folder: dict[str, str],
    answers: Answers,
) -> Choice:
    """The conditions from folders or names; several ways to read them are a question."""
    if not drafts or any("condition" in draft.tells for draft in drafts):
        return Choice(from_folder or {d.files[0]: "" for d in drafts})
    base, text, asked = _first_reading(drafts, words, root, from_folder)
    readings = {_listed(base): base}
    if without := _without_numbers(base):
        readings.setdefault(_listed(without), without)
    for finer in _finer(drafts, words, base, bool(from_folder)):
        readings.setdefault(_listed(finer), finer)
    several = len(readings) > 1 or asked
    if several and (chosen := answers.choice(QuestionKind.CONDITION, list(readings))):
        return Choice(readings[chosen])
    if several:
        text = text or "The folders and the names differ in more than one way. What is compared?"
        examples = {listed: first_files(reading) for listed, reading in readings.items()}
        question = Question(QuestionKind.CONDITION, text, tuple(readings), examples=examples)
        return Choice(base, (question,))
    return Choice(base)


def _first_reading(
    drafts: Sequence[Draft], words: Sequence[Run], root: Path, from_folder: dict[str, str]
) -> tuple[dict[str, str], str, bool]:
    """The likeliest conditions, the text of the question, and whether it must be asked."""
    of_roles = [run for run in words if any(map(names_role, run.values))]
    told = len(of_roles) == 1 and all(d.files[0] in of_roles[0].texts for d in drafts)
    cultures = _are_cultures(set(from_folder.values()))
    inner = _roles_inside(drafts, from_folder) if cultures else {}
    if inner:
        return inner, "", False  # rep1/WT, rep1/DS, rep2/WT, rep2/DS
    if cultures and not told:
        text = "The folders count cultures. Are they conditions? If not, give a plate map."
        return from_folder, text, True
    if from_folder and not cultures:
        numbers = all(re.fullmatch(r"[\d\s._\-]+", name) for name in from_folder.values() if name)
        text = (
            "The folders are numbers. Are they conditions, or times or plates?" if numbers else ""
        )
        return from_folder, text, numbers
    if told:
        return {d.files[0]: of_roles[0].texts[d.files[0]] for d in drafts}, "", False
    leading = {d.files[0]: _leading_word(d.stem) for d in drafts}
    if all(leading.values()) and len(set(leading.values())) > 1:
        before = {re.split(r"[ _.\-]\d", d.stem, maxsplit=1)[0] for d in drafts}
        return leading, "", len(before) > len(set(leading.values())) and len(before) <= SHOWN
    folders = [root.joinpath(*d.folder) for d in drafts]
    name = Path(os.path.commonpath(folders)).name or "images"
    text = "All images would be in one condition. Give a plate map, or choose what is compared."
    return dict.fromkeys((d.files[0] for d in drafts), name), text, True


def _are_cultures(names: Collection[str]) -> bool:
    """Whether all names are one word for a culture and a number, such as sample1 and sample2."""
    parts = [_COUNTED.fullmatch(name) for name in names]
    words = {(part["word"] or "").casefold().rstrip(" _-") if part else "" for part in parts}
    return len(words) == 1 and words <= LABELS["group"] - LINES


def _roles_inside(drafts: Sequence[Draft], outer: Mapping[str, str]) -> dict[str, str]:
    """The next level of folders, if all of them are in several outer ones and one names a role."""
    level = shared_folders(drafts) + 1
    names = {d.files[0]: _at(d, level) for d in drafts}
    alike = all(names.values()) and _in_several(names, outer)
    return names if alike and any(map(names_role, set(names.values()))) else {}


def _without_numbers(base: Mapping[str, str]) -> dict[str, str]:
    """WT_1, WT_2, DS_1, DS_2 as WT and DS: each word has several numbers; {} for other names."""
    parts = {name: _COUNTED.fullmatch(name) for name in set(base.values())}
    words = {name: (m["word"] or m["after"]) if m else "" for name, m in parts.items()}
    counts = Counter(words.values())
    glued = any(re.fullmatch(r"[^\W\d_]+\d+", name) for name in words)
    if len(counts) < 2 or "" in counts or min(counts.values()) < 2:
        return {}
    if glued and not any(map(names_role, counts)) and not _counted(parts):
        return {}  # NDUFS2, NDUFS4, NDUFV1, NDUFV2
    return {file: words[name] for file, name in base.items()}


def _counted(names: Collection[str]) -> bool:
    """Whether the numbers of each word are counted, as in HC01, HC02, LS01, LS02."""
    words: dict[str, set[str]] = defaultdict(set)
    for name in names:
        words[name.rstrip("0123456789")].add(name)
    padded = all(re.search(r"\D0\d+$", name) for name in names)
    from_one = (f"{word}1" in of_word and not has_gaps(of_word) for word, of_word in words.items())
    return padded or all(from_one)


def _leading_word(stem: str) -> str:
    word = re.split(r"[ _.\-]", stem, maxsplit=1)[0]
    return word if names_role(word) else ""


def _finer(
    drafts: Sequence[Draft], words: Sequence[Run], base: dict[str, str], with_folder: bool
) -> list[dict[str, str]]:
    """Other readings: a further level of folders that is not numbered, and words of the names."""
    finer = []
    levels = max(len(draft.folder) for draft in drafts)
    for level in range(shared_folders(drafts) + 1, levels):
        names = {d.files[0]: _at(d, level) for d in drafts}
        per_base = {(base[file], name) for file, name in names.items()}
        if (
            not _numbered(names, base)
            and len(set(names.values())) > 1
            and len(per_base) > len(set(base.values()))
        ):
            finer.append({file: f"{base[file]} {name}".strip() for file, name in names.items()})
            if all(names.values()) and _in_several(names, base):
                finer.append(names)  # only what the inner folders say
    for run in words:
        if not all(d.files[0] in run.texts for d in drafts):
            continue
        texts = {d.files[0]: run.texts[d.files[0]] for d in drafts}
        if texts != base:
            finer.append(texts)
            if len(set(base.values())) > 1 or with_folder:
                finer.append({file: f"{base[file]} {text}" for file, text in texts.items()})
    return finer


def _numbered(names: Mapping[str, str], base: Mapping[str, str]) -> bool:
    """Whether folders are counted, as cultures are; doses and compounds are not.

    Folders with gaps between their numbers, or with different words, are compared where each
    condition has all of them.
    """
    texts = set(names.values())
    if not all(re.search(r"\d", text) for text in texts):
        return False
    if any(_DOSE.search(text) for text in texts):
        return False
    words = {re.sub(r"[\d\s_.\-]+$", "", text).casefold() for text in texts}
    crossed = len({(base[f], t) for f, t in names.items()}) == len(texts) * len(set(base.values()))
    known = all(word.strip(" _-") in CULTURES for word in words)
    compared = words <= TREATMENTS or len(words) > 1 or (has_gaps(texts) and not known)
    return not (crossed and len(set(base.values())) > 1 and compared)


def _in_several(names: Mapping[str, str], base: Mapping[str, str]) -> bool:
    """Whether each inner folder is in several outer ones."""
    pairs = {(base[file], name) for file, name in names.items()}
    return all(n > 1 for n in Counter(name for _, name in pairs).values())


def _listed(reading: Mapping[str, str]) -> str:
    names = sorted(set(reading.values()))
    more = f" ({len(names)} in all)" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _agree(folder: str, of_map: str) -> bool:
    """Whether a folder is the condition of the map, or that with a dose."""
    name, start = folded(folder), folded(of_map)
    with_dose = re.fullmatch(r"(?:[ _\-]*\d.*)?", name[len(start) :]) is not None
    return name.startswith(start) and with_dose


def contradiction(
    from_folder: Mapping[str, str],
    rows: Mapping[str, PlateRow | None],
    answers: Answers,
    findings: Findings,
) -> bool:
    """Asks where folders and plate map disagree; returns whether the answer is the plate map."""
    against = [
        (file, row)
        for file, row in rows.items()
        if row is not None and row.condition.strip() and from_folder.get(file)
        if not _agree(from_folder[file], row.condition)
    ]
    if not against:
        return False
    if answer := answers.choice(QuestionKind.MAP, [FOLDER, PLATE_MAP]):
        return answer == PLATE_MAP
    file, row = against[0]
    reason = f"the folder says {from_folder[file]}, the map {row.condition} ({row.where})"
    item = file if len(against) == 1 else f"{file} and {len(against) - 1} others"
    kind = ProblemKind.MAP_CONTRADICTS_FOLDER
    findings.problems.append(Problem(item, reason, "Correct one of them.", "warning", kind))
    text = f"Folders and plate map disagree on {len(against)} records. Which is right?"
    findings.questions.append(Question(QuestionKind.MAP, text, (FOLDER, PLATE_MAP)))
    return False


def warn_of_other_names(
    drafts: Sequence[Draft], conditions: Mapping[str, str], problems: list[Problem]
) -> None:
    """Warns where a name says another condition than folders or plate map do.

    `conditions` are first file -> condition.
    """
    known = {folded(name) for name in conditions.values()}
    known = {name for name in known if len(name) > 1 and not name.isdecimal()}
    against: list[tuple[str, str]] = []
    for file in (draft.files[0] for draft in drafts if draft.files[0] in conditions):
        own = folded(conditions[file])
        said = {folded(text) for text, _ in pieces(file)} & known
        if said and not any(re.search(rf"\b{re.escape(name)}\b", own) for name in said):
            against.append((file, sorted(said)[0]))
    if against:
        file, name = against[0]
        item = file if len(against) == 1 else f"{file} and {len(against) - 1} others"
        reason = f"the name says {name}, but it was read as {conditions[file]}"
        kind = ProblemKind.MAP_CONTRADICTS_FOLDER
        problems.append(Problem(item, reason, "Which is right?", "warning", kind))
