"""Find the run of names that tells the stains of each field apart, or ask."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from core.domain import Question, QuestionKind
from core.scanning.default_roles import names_role
from core.scanning.file_names import STAIN_WORDS
from core.scanning.name_runs import NAME, Run, first_files
from core.scanning.run_labels import (
    MAX_STAINS,
    MAX_WORDS,
    NONE,
    SHORT_STAINS,
    Context,
    all_wells,
    has_gaps,
    is_light,
    label_meaning,
    list_of,
)

MOST_NUMBERS = 5  # stains by number alone
BRIGHTER = 1.25  # in each field the brightest stain has at least this times the dimmest
MUCH_BRIGHTER = 3.0  # the same, where a word such as img says that the numbers count images
FIELDS_TO_COMPARE = 4


def stain_evidence(run: Run) -> int:
    """3: a known word, 2: a label or wavelengths, 1: words that may be stains, 0: no stain."""
    values = run.values
    bare = [re.sub(r"^(?:[wWcC]\d+|[Cc]hannel)[ _\-]?(?=[A-Za-z])", "", v) for v in values]
    words = [re.sub(r"[ _\-]", "", b).lower() for b in bare]
    if any(names_role(word) for word in words) or len(values) > MAX_STAINS:
        return 0
    known = sum(w in STAIN_WORDS or re.sub(r"\d+$", "", w) in STAIN_WORDS for w in words)
    if known and all(re.search("[A-Za-z]", b) for b in bare):
        return 3
    if bare != values and all(a != b for a, b in zip(values, bare, strict=True)):
        return 3
    if all(map(is_light, values)) or label_meaning(run) == "stain":
        return 2
    if all(re.fullmatch(r"(?i)ch\d+[ _\-]?t\d+", v) for v in values):
        return 2  # channel and track
    if run.label.lower() in SHORT_STAINS and run.numbers:
        return 1
    plain = all(any(map(str.isalpha, v)) for v in values)
    plain = plain and (not run.label or (not label_meaning(run) and has_gaps(values)))
    return 1 if plain and len(values) <= MAX_WORDS and not all_wells(run) else 0


def find_stain(
    runs: Sequence[Run],
    files: Sequence[str],
    context: Context,
    meanings: dict[int, str],
    questions: list[Question],
) -> None:
    if not all(file in context.single for file in files):
        return
    strength, bright = _stain_strength(runs, context, meanings)
    whole = {n for n, s in strength.items() if s and tells_apart(n, runs, files)}
    sure = [n for n in whole if strength[n] >= 2]
    doubtful = [n for n in whole if strength[n] == 1 and (runs[n].where == NAME or n in bright)]
    broken = [n for n, s in strength.items() if s >= 2 and n not in whole and runs[n].where == NAME]
    one = [n for n, run in enumerate(runs) if not run.varies and stain_evidence(run) == 3]
    lists: dict[str, int | None] = {_choice_of(n, runs): n for n in sorted(whole)}
    lists |= {NONE: None} if sure or doubtful or broken or one else {}
    answer = context.answers.choice(QuestionKind.STAIN, list(lists), files)
    chosen = lists.get(answer)
    if not answer:
        if sure:
            # A run in the name stands before a folder, a known word before a number.
            chosen = max(sure, key=lambda n: (runs[n].where == NAME, strength[n], n))
        elif one and not broken and runs[one[-1]].where == NAME:
            chosen = one[-1]  # all files show one stain
        elif doubtful or broken:
            questions.append(stain_question(runs, [*doubtful, *broken], files[0]))
    if chosen is None:
        for n in bright:
            if runs[n].label == "w":
                meanings[n] = "group"  # wells by number
        return
    meanings[chosen] = "stain"
    for n, run in enumerate(runs):
        near = run.where == runs[chosen].where or strength.get(n, 0) >= 2
        if n != chosen and run.varies and near and run.splits_like(runs[chosen]):
            meanings[n] = "stain-too"


def stains_of_folders(
    runs: Sequence[Run], files: Sequence[str], context: Context, meanings: Mapping[int, str]
) -> list[Question]:
    """Asks whether folders of unknown words are stains, where another run may be the condition.

    This is to be asked only where the conditions are asked, too.
    """
    if "stain" in meanings.values() or not all(file in context.single for file in files):
        return []
    free = [n for n, run in enumerate(runs) if run.varies and meanings.get(n, "word") == "word"]
    may_be = [n for n in free if runs[n].where != NAME or any(map(names_role, runs[n].values))]
    found = [
        n
        for n in may_be
        if runs[n].where != NAME and len(may_be) > 1 and stain_evidence(runs[n]) == 1
        if tells_apart(n, runs, files)
    ]
    if not found or context.answers.choice(QuestionKind.STAIN, [NONE], files):
        return []
    return [stain_question(runs, found, files[0])]


def _stain_strength(
    runs: Sequence[Run], context: Context, meanings: Mapping[int, str]
) -> tuple[dict[int, int], set[int]]:
    """Number of the run -> evidence of stains, and the runs that are only numbers."""
    strength, bright = {}, set()
    for n, run in enumerate(runs):
        if not run.varies or meanings.get(n) not in (None, "site"):
            continue
        strength[n] = 0 if n in meanings else stain_evidence(run)
        row = n > 0 and runs[n - 1].varies and runs[n - 1].label.lower() in ("r", "row")
        if row and run.label.lower() == "c":
            strength[n] = min(strength[n], 1)  # R1_C1 is a row and a column, or a stain
        if not strength[n] and n not in meanings and _may_count_stains(n, runs, meanings):
            strength[n] = 1
            bright.add(n)
        if strength[n] == 2 and run.label in SHORT_STAINS and before_others(n, runs):
            # w1_s1 is a well and its site, or a stain and the site of it
            sure = context.indexed >= run.texts.keys()
            sure = sure or _bright_alike(n, runs, context, MUCH_BRIGHTER)
            strength[n] = 2 if sure else 1
            bright.add(n)
        factor = MUCH_BRIGHTER if n in meanings else BRIGHTER
        if not strength[n] and _bright_alike(n, runs, context, factor):
            strength[n] = 1
            bright.add(n)
    return strength, bright


def _may_count_stains(n: int, runs: Sequence[Run], meanings: Mapping[int, str]) -> bool:
    """Whether a number of no known meaning may be that of a stain: Feld1_1, 1_1, WT/1/a."""
    run = runs[n]
    before = [m for m in range(n) if runs[m].varies]
    if not is_bare_number(run) or len(run.values) > MOST_NUMBERS:
        return False
    if any(runs[m].splits_like(run) for m in before):
        return False
    named = [m for m, other in enumerate(runs) if m != n and other.varies and other.where == NAME]
    if run.where != NAME:
        files = [m for m in named if meanings.get(m) not in ("z", "time")]
        return bool(files) and _is_small(run)
    fields = [m for m, meaning in meanings.items() if meaning == "site" and runs[m].varies]
    if any(m < n for m in fields):
        return True
    # 7_B02_1: a plate, a well and its field; its count begins again in each culture.
    start = max((m for m in named if meanings.get(m) == "group" or all_wells(runs[m])), default=-1)
    if fields and 0 <= start < n:
        return _is_small(run)  # dish1_1_field1
    counted = any(m > start and m not in meanings and is_bare_number(runs[m]) for m in named)
    return counted and n > start and _is_small(run)


def is_bare_number(run: Run) -> bool:
    """Whether all texts are numbers, and no word before them says what they count."""
    return not label_meaning(run) and all(re.fullmatch(r"[\W_]*\d+[\W_]*", v) for v in run.values)


def _is_small(run: Run) -> bool:
    """Whether numbers are counted one by one, as far as stains are."""
    return not has_gaps(run.values) and all(
        int(re.sub(r"\D", "", text)) <= MAX_STAINS for text in run.values
    )


def before_others(n: int, runs: Sequence[Run]) -> bool:
    """Whether numbers that vary follow: this run may count what holds several images."""
    return any(run.varies and (run.numbers or label_meaning(run)) for run in runs[n + 1 :])


def _choice_of(n: int, runs: Sequence[Run]) -> str:
    """The words of a run; with its place where an earlier run has the same ones."""
    before = sum(run.values == runs[n].values for run in runs[:n])
    return list_of(runs[n]) + (f" (number {before + 1})" if before else "")


def stain_question(runs: Sequence[Run], candidates: Sequence[int], about: str) -> Question:
    choices = tuple(_choice_of(n, runs) for n in candidates)
    text = f"Are {choices[0]} stains of one image? "
    if all(is_bare_number(runs[n]) for n in candidates):
        text = f"Are {choices[0]} stains of one image, or do they count cultures, fields or times? "
    text += "With none, every file is an image of its own."
    examples = {_choice_of(n, runs): first_files(runs[n].texts) for n in candidates}
    return Question(QuestionKind.STAIN, text, (*choices, NONE), examples=examples, about=about)


def tells_apart(n: int, runs: Sequence[Run], files: Sequence[str]) -> bool:
    """Whether most fields (all other runs the same) have one file for each value of this run."""
    run = runs[n]
    others = [
        other
        for m, other in enumerate(runs)
        if m != n
        and other.varies
        and not (other.splits_like(run) and (other.where == run.where or stain_evidence(other) > 1))
    ]
    fields: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for file in files:
        fields[tuple(other.texts[file] for other in others)].add(run.texts[file])
    complete = sum(len(values) == len(run.values) for values in fields.values())
    return len(run.values) > 1 and complete * 2 >= len(fields)


def _bright_alike(n: int, runs: Sequence[Run], context: Context, factor: float) -> bool:
    """Whether numbers of no known meaning go with brightness in all fields, as stains do.

    Images of one stain at several places differ in brightness now this way, now that.
    """
    run = runs[n]
    counted = run.numbers and (run.label or not has_gaps(run.values))
    wells = all_wells(run) and run.label not in SHORT_STAINS
    if not counted or len(run.values) > MAX_STAINS or wells or names_role(run.label):
        return False
    others = [other for m, other in enumerate(runs) if m != n and other.varies]
    fields: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for file, text in run.texts.items():
        fields[tuple(other.texts[file] for other in others)][text] = context.levels.get(file, 0.0)
    whole = [levels for levels in fields.values() if len(levels) == len(run.values)]
    if len(whole) < max(FIELDS_TO_COMPARE, len(fields) / 2):
        return False
    dim, bright = (find(whole[0], key=whole[0].__getitem__) for find in (min, max))
    return all(levels[bright] > factor * levels[dim] for levels in whole)
