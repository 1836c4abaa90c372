"""What the runs of names mean: stain, z, time, well, plate, site, group, or words to ask about.

A run is a stain only if exactly its values tell apart the files of each field. Known words support
what varies; they never decide alone.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from core.domain import Question, QuestionKind
from core.scanning.ask_numbers import ask_of_numbers
from core.scanning.default_roles import names_role
from core.scanning.find_stains import before_others, find_stain
from core.scanning.find_wells import find_plate, find_well, in_map
from core.scanning.name_runs import NAME, Run
from core.scanning.run_labels import (
    MAX_WORDS,
    Context,
    all_wells,
    has_gaps,
    is_light,
    is_time,
    label_meaning,
    list_of,
)
from core.scanning.z_stacks import CULTURES, MOST_SLICES

TIMES = "times"


def _for_several(run: Run) -> bool:
    """Whether the values of a run are folders, or in several files each, and no wells."""
    often = Counter(run.texts.values())
    return run.where != NAME or (min(often.values()) > 1 and not all_wells(run))


def find_meanings(
    runs: Sequence[Run], files: Sequence[str], context: Context
) -> tuple[dict[int, str], list[Question]]:
    """Number of the run -> meaning, and the questions.

    `stain-too` goes with the stain; `word` varies like a condition, and its meaning is not known.
    """
    meanings: dict[int, str] = {}
    questions: list[Question] = []
    for n, run in enumerate(runs):
        meaning = label_meaning(run)
        if not meaning and run.varies and is_time(run.values) and _for_several(run):
            meaning = "" if in_map(run, context) else "time"  # D03 may be a well
        if meaning == "site" and run.varies and all(map(is_light, run.values)):
            meaning = ""  # F340 and F380
        if meaning == "site" and run.label.lower() == "m" and before_others(n, runs):
            meaning = "group"  # mouse 101, before its images; the tile m1 stands last
        if meaning == "z" and _are_cultures(run, runs, context):
            meaning = "group"
        if _numbered(run, "W") and any(_numbered(other, "P") for other in runs):
            meaning = "group"  # wells by number, of ScanR
        if meaning in ("z", "time", "site", "group", "plate"):
            meanings[n] = meaning
    find_stain(runs, files, context, meanings, questions)
    _ask_of_days(runs, context, meanings, questions)
    condition = _condition_run(runs, meanings)
    find_well(runs, context, condition, meanings, questions)
    find_plate(runs, context, condition, meanings, questions)
    for n, run in enumerate(runs):
        if n not in meanings and run.where == NAME and _is_word(run, files, condition):
            meanings[n] = "word"
    ask_of_numbers(runs, context, condition, meanings, questions)
    return meanings, questions


def _are_cultures(run: Run, runs: Sequence[Run], context: Context) -> bool:
    """Whether slices are cultures: there are planes, too, or it was answered."""
    if run.label.lower() != "slice" or len(run.values) > MOST_SLICES:
        return False
    planes = (other for other in runs if other is not run and other.varies)
    if any(label_meaning(other) == "z" for other in planes):
        return True
    return context.answers.choice(QuestionKind.Z, [CULTURES], run.texts) == CULTURES


def _numbered(run: Run, label: str) -> bool:
    """Whether all texts are a letter and a long number: W00001."""
    return run.label == label and all(re.fullmatch(r"[A-Z]\d{4,}", v) for v in run.values)


def _condition_run(runs: Sequence[Run], meanings: Mapping[int, str]) -> Run | None:
    """The first folder that varies and may be the condition; else a run of role words."""
    for n, run in enumerate(runs):
        if run.where != NAME and run.varies and n not in meanings and not all_wells(run):
            return run
    return next((run for run in runs if run.varies and any(map(names_role, run.values))), None)


def _ask_of_days(
    runs: Sequence[Run], context: Context, meanings: dict[int, str], questions: list[Question]
) -> None:
    """Asks whether D1, D2, D3 are days, or donors and dishes: days begin at 0, or have gaps."""
    for n, run in enumerate(runs):
        days = meanings.get(n) == "time" and run.varies and run.numbers and run.label in ("D", "d")
        if not days or has_gaps(run.values) or any(int(v[1:]) == 0 for v in run.values):
            continue
        choices, files = (TIMES, CULTURES), run.texts
        answer = context.answers.choice(QuestionKind.GROUP, choices, files)
        if answer == CULTURES:
            meanings[n] = "group"
        if not answer:
            text = f"Are {list_of(run)} times of the same fields, or cultures such as donors?"
            about = next(iter(files))
            questions.append(Question(QuestionKind.GROUP, text, choices, about=about))


def _is_word(run: Run, files: Sequence[str], condition: Run | None) -> bool:
    """Whether a run of few words varies within conditions, each word in several files."""
    values = Counter(run.texts[file] for file in files)
    if not (2 <= len(values) <= MAX_WORDS) or min(values.values()) < 2:
        return False
    if any(re.fullmatch(r"\d+", value) for value in values):
        return False
    if run.label and (label_meaning(run) or condition is None or not _in_all(run, condition)):
        return False
    return condition is None or run is condition or not _follows(run, condition)


def _in_all(run: Run, condition: Run) -> bool:
    """Whether values with gaps between their numbers, as doses have, are in each condition."""
    pairs = {(text, condition.texts[file]) for file, text in run.texts.items()}
    return has_gaps(run.values) and len(pairs) == len(run.values) * len(condition.values)


def _follows(run: Run, condition: Run) -> bool:
    pairs = set(zip(condition.texts.values(), (run.texts[f] for f in condition.texts), strict=True))
    return len(pairs) == len(condition.values)
