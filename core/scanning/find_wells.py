"""Find the runs of names that are wells and plates, or ask."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from core.domain import Question, QuestionKind
from core.io.well_names import well_place
from core.scanning.default_roles import names_role
from core.scanning.name_runs import NAME, Run
from core.scanning.other_plate import other_plate
from core.scanning.run_labels import (
    NONE,
    SHORT_STAINS,
    Context,
    all_wells,
    has_gaps,
    is_time,
    list_of,
    well_of,
)

# One letter before numbers of all files: rather days, ages, passages or lines than a row of wells.
DOUBTFUL_ROWS = frozenset("CDEFGHIJKLMNOPQRSTUVWXYZ")


def find_well(
    runs: Sequence[Run],
    context: Context,
    condition: Run | None,
    meanings: dict[int, str],
    questions: list[Question],
) -> None:
    candidates = [n for n, run in enumerate(runs) if run.varies and all_wells(run)]
    candidates = [n for n in candidates if meanings.get(n) not in ("stain", "stain-too")]
    of_map = [n for n in candidates if in_map(runs[n], context)]
    of_letter = [n for n in candidates if meanings.get(n) in (None, "plate")]
    free = [
        n
        for n in candidates
        if n not in meanings
        or len({_row(v) for v in runs[n].values}) > 1
        # P07 and P21 may be ages, passages or wells; P1 and P2 count positions.
        or (of_letter == [n] and runs[n].label in ("P", "p") and not _from_one(runs[n]))
    ]
    plates = [n for n, meaning in meanings.items() if meaning == "plate" and runs[n].varies]
    apart = {n for n in plates if condition is None or not _one_to_one(runs[n], condition)}
    # Wells of the map in several rows, or with a zero, before f1 or d1 of one row.
    ranked = sorted(of_map, key=lambda n: (n in meanings, -_like_wells(runs[n]), -n))
    for n in ranked or reversed(free):
        run, several = runs[n], bool(apart - {n})
        other = condition is not None and run is not condition and not several
        follows = other and condition is not None and _one_to_one(run, condition)
        # P1_B02: a well with a zero after its plate is a well, also where each condition has one.
        of_plate = n > 0 and meanings.get(n - 1) == "plate" and _padded(run)
        alike = not follows and _looks_like_wells(run, condition, several)
        alike = alike and not (condition is not None and _initials(run, condition))
        rivals = [m for m in candidates if m not in meanings and runs[m].texts != run.texts]
        alone = not any(_like_wells(runs[m]) >= _like_wells(run) for m in rivals)
        by_map = n in of_map and (alone if n not in meanings else _fills_map(run, context))
        sure = by_map or of_plate or (alike and (alone or n not in of_map))
        choices, files = (list_of(run), NONE), run.texts
        guessed = alike and not by_map and not of_plate and _is_scattered(run)
        asked = guessed or not sure
        answer = context.answers.choice(QuestionKind.WELL, choices, files) if asked else ""
        yes = answer == choices[0]
        if not sure and not answer:
            if _are_counters(n, runs, condition, meanings):
                continue
            grouped = any(meaning == "group" for meaning in meanings.values())
            if follows and grouped:
                continue  # lines or clones, with their replicates
            questions.append(_well_question(run, None))
            return
        if guessed and not answer:
            questions.append(_well_question(run, choices[0]))
        if (sure or yes) and answer != NONE:
            twins = [m for m in candidates if runs[m].texts == run.texts]
            meanings |= dict.fromkeys([*twins, n], "well")  # B02_1_B02 names one well twice
            return


def _well_question(run: Run, default: str | None) -> Question:
    text = (
        f"Are {list_of(run)} wells of a plate? With none, they are something else, such as clones."
    )
    choices, about = (list_of(run), NONE), next(iter(run.texts))
    return Question(QuestionKind.WELL, text, choices, default, about=about)


def _is_scattered(run: Run) -> bool:
    """Whether few wells have a neighbour: A3, B12, C7 may be clones that were picked there."""
    places = {well_place(well_of(value)) for value in run.values}
    near = [(r, c) for r, c in places if places & {(r, c + 1), (r, c - 1), (r + 1, c), (r - 1, c)}]
    return not _padded(run) and len(near) * 2 < len(places)


def _are_counters(
    n: int, runs: Sequence[Run], condition: Run | None, meanings: Mapping[int, str]
) -> bool:
    """Whether a1, a2, a3 only count the images of each condition."""
    if condition is None or not _again(runs[n], condition) or _padded(runs[n]):
        return False
    others = [m for m, run in enumerate(runs) if run.varies and run is not condition and m != n]
    stains = all(meanings.get(m) in ("stain", "stain-too") for m in others)
    if {_row(value) for value in runs[n].values} <= DOUBTFUL_ROWS:
        # d1_c1 may be a day and a clone.
        return stains and not any(runs[m].label in SHORT_STAINS for m in others)
    return stains


def _one_to_one(run: Run, condition: Run) -> bool:
    """Whether each condition, in any spelling, has one value of this run, and each value one."""
    pairs = {(text, condition.texts[file].strip().casefold()) for file, text in run.texts.items()}
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def _initials(run: Run, condition: Run) -> bool:
    """Whether the letters are those of the conditions: C1, C2 of Control and P1, P2 of Patient."""
    pairs = {(text[0], condition.texts[file][:1]) for file, text in run.texts.items()}
    return not _padded(run) and len(pairs) > 1 and all(a == b for a, b in pairs)


def _from_one(run: Run) -> bool:
    """Whether folders, or numbers in names without a zero before them, are counted from 1."""
    first = min(int(re.sub(r"\D", "", value)) for value in run.values)
    return run.where != NAME or (first == 1 and not _padded(run) and not has_gaps(run.values))


def _row(text: str) -> str:
    return well_of(text).rstrip("0123456789")


def in_map(run: Run, context: Context) -> bool:
    """Whether most texts are wells that the plate map names."""
    wells = {well_of(value) for value in run.values}
    return len(wells & context.map_wells) * 2 > len(wells)


def _fills_map(run: Run, context: Context) -> bool:
    """Whether the run names most of the wells of the map: f1 to f9 are fields of a full plate."""
    wells = {well_of(value) for value in run.values}
    return len(wells & context.map_wells) * 2 > len(context.map_wells)


def like_a_plate(run: Run) -> bool:
    """Whether wells have a zero before the column, or several rows."""
    return _like_wells(run) > 0


def _like_wells(run: Run) -> int:
    """2: in several rows, 1: with a zero before the column, 0: B2, or the day D7."""
    return 2 if len({_row(value) for value in run.values}) > 1 else int(_padded(run))


def _looks_like_wells(run: Run, condition: Run | None, several: bool) -> bool:
    """Several rows, or one row whose letter is not that of days, ages, passages or lines.

    D07 and D14 in each condition are rather days, unless there are `several` plates.
    """
    rows = {_row(value) for value in run.values}
    again = condition is not None and not several and condition.varies and _again(run, condition)
    doubtful = rows <= DOUBTFUL_ROWS or (again and not _padded(run))
    if len(rows) > 1 or not doubtful:
        return True
    return _padded(run) and not again


def _again(run: Run, condition: Run) -> bool:
    """Whether a value of the run is in several conditions."""
    pairs = {(text, condition.texts[file]) for file, text in run.texts.items()}
    return len(pairs) > len(run.values)


def _padded(run: Run) -> bool:
    return any(re.fullmatch(r"(?i)[a-z]+0\d", value) for value in run.values)


def find_plate(
    runs: Sequence[Run],
    context: Context,
    condition: Run | None,
    meanings: dict[int, str],
    questions: list[Question],
) -> None:
    """Plates stand before their wells: by name, in the map, or where wells come back."""
    well = next((n for n, meaning in meanings.items() if meaning == "well"), None)
    for n, meaning in list(meanings.items()):
        if meaning == "plate" and well is None and runs[n].label in ("P", "p"):
            del meanings[n]  # passage 12 is not a plate
    if well is None:
        return
    for n, meaning in list(meanings.items()):
        if meaning == "plate" and n > well and runs[n].label in ("P", "p", "Pos"):
            meanings[n] = "site"  # B02_P1 is a position of the well
    named = [
        n
        for n, run in enumerate(runs)
        if set(map(str.casefold, run.values)) & context.map_plates
        if n < well or not all(map(str.isdecimal, run.values))  # B02_1 is a field
    ]
    for n in named:
        if meanings.get(n) in (None, "plate", "word"):
            meanings[n] = "plate"
    if "plate" in meanings.values():
        return
    for n in reversed(range(well)):
        if _may_be_plate(n, runs, condition, meanings) and come_back(runs[well], runs[n]):
            _take_plate(n, runs, context, meanings, questions)
            return
    meanings |= dict.fromkeys(other_plate(runs[:well], context, meanings), "plate")


def _may_be_plate(
    n: int, runs: Sequence[Run], condition: Run | None, meanings: Mapping[int, str]
) -> bool:
    """Whether a run before the wells may tell plates: no condition, and no known meaning.

    Replicates and experiments may be plates of their own.
    """
    run = runs[n]
    if not run.varies or meanings.get(n) not in (None, "group") or run is condition:
        return False
    if any(map(names_role, run.values)) or (all_wells(run) and like_a_plate(run)):
        return False
    counted = run.where == NAME and _numbered(run)  # BC1_B02 and BC2_B02: wells come back
    apart = condition is None or not run.splits_like(condition) or counted
    return apart and (run.where == NAME or _numbered(run))


def come_back(wells: Run, plates: Run) -> bool:
    """Whether most wells are on several plates."""
    of_well: dict[str, set[str]] = defaultdict(set)
    for file, text in plates.texts.items():
        of_well[wells.texts[file]].add(text)
    return sum(len(several) > 1 for several in of_well.values()) * 2 >= len(of_well)


def _take_plate(
    n: int,
    runs: Sequence[Run],
    context: Context,
    meanings: dict[int, str],
    questions: list[Question],
) -> None:
    """Takes a run as the plate; small numbers, replicates, days and D1 are asked about."""
    run = runs[n]
    small = all(value.isdecimal() and len(value) <= 4 for value in run.values)
    named = run.where == NAME and meanings.get(n) == "group"
    asked = small or named or is_time(run.values) or all_wells(run)
    answer, question = plate_answer(run, context) if asked else ("plate", None)
    if answer == "plate":
        meanings[n] = "plate"
    elif answer == NONE:
        meanings.setdefault(n, "time" if is_time(run.values) else "site")
    if question is not None:
        questions.append(question)


def plate_answer(run: Run, context: Context) -> tuple[str, Question | None]:
    """What is answered about plates (`plate`, `none` or ""), and the question if nothing is."""
    choices, files = (list_of(run), NONE), run.texts
    answer = context.answers.choice(QuestionKind.PLATE, choices, files)
    if answer:
        return ("plate" if answer == choices[0] else NONE), None
    text = f"Are {choices[0]} plates? With none, they show the same wells again."
    return "", Question(QuestionKind.PLATE, text, choices, about=next(iter(files)))


def _numbered(run: Run) -> bool:
    return all(re.search(r"\d", value) for value in run.values)
