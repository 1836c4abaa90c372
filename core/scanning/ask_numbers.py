"""Ask what numbers of no known meaning count: cultures, fields, times, planes or stains."""

from collections.abc import Mapping, Sequence

from core.domain import Question, QuestionKind
from core.io.well_names import natural
from core.scanning.default_roles import names_role
from core.scanning.find_stains import MOST_NUMBERS, is_bare_number, tells_apart
from core.scanning.name_runs import NAME, Run
from core.scanning.run_labels import MAX_STAINS, NONE, Context, all_wells, label_meaning

Reading = dict[int, str]  # number of the run -> meaning
GROUPED = frozenset({"group", "well"})
ONE = (
    ("cultures", "group"),
    ("fields", "site"),
    ("times", "time"),
    ("planes", "z"),
    ("stains", "stain"),
)
SEVERAL = (  # what the first and the last number count; all between count fields
    ("cultures and fields", "group", "site"),
    ("fields", "site", "site"),
    ("fields and cultures", "site", "group"),
    ("times and fields", "time", "site"),
    ("fields and times", "site", "time"),
    ("fields and planes", "site", "z"),
    ("stains and fields", "stain", "site"),
    ("fields and stains", "site", "stain"),
)
FEW = 5  # numbers that a question lists one by one


def ask_of_numbers(
    runs: Sequence[Run],
    context: Context,
    condition: Run | None,
    meanings: dict[int, str],
    questions: list[Question],
) -> None:
    """Reads numbers as they are answered, or as they look like, and asks.

    Folders are shown with their guess as the default. Two numbers in one name have no default.
    """
    unknown = _unknown(runs, condition, meanings)
    if not unknown or any(question.default is None for question in questions):
        return  # what they count depends on those answers
    readings = _readings(unknown, runs, context, condition, meanings)
    if not readings:
        return
    files = list(runs[unknown[0]].texts)
    days = any(meanings.get(n) and run.label in ("D", "d") for n, run in enumerate(runs))
    about = files[-1] if days else files[0]  # days are asked about by the first file
    answer = context.answers.choice(QuestionKind.GROUP, list(readings), [about] if days else files)
    settled = context.answers.choice(QuestionKind.STAIN, [NONE], files) == NONE
    bare = all(runs[n].where == NAME and is_bare_number(runs[n]) for n in unknown)
    doubtful = (bare or not settled) and _in_doubt(unknown, runs, condition, meanings)
    guess = next(iter(readings))
    meanings |= readings[answer or guess]
    if not answer:
        listed = " and ".join(_listed(runs[n].values) for n in unknown)
        text = f"What do {listed} count, as in {about}? They look like {guess}."
        default = None if doubtful else guess
        questions.append(Question(QuestionKind.GROUP, text, tuple(readings), default, about=about))


def _unknown(runs: Sequence[Run], condition: Run | None, meanings: Mapping[int, str]) -> list[int]:
    """Numbers without a meaning that vary within conditions; one of those that go together."""
    found: list[int] = []
    for n, run in enumerate(runs):
        if n in meanings or run is condition or not run.varies or not _counts(run):
            continue
        outer = run.where != NAME and (condition is None or condition.where >= run.where)
        alike = any(run.splits_like(other) for other in runs[:n])
        if not (outer or alike or _goes_with(run, condition)):
            found.append(n)
    return found


def _counts(run: Run) -> bool:
    """Whether a run is a number, alone or after a word that has no known meaning."""
    if is_bare_number(run):
        return True
    if label_meaning(run) or not run.numbers or (run.label and names_role(run.label)):
        return False
    return run.where != NAME or (bool(run.label) and not all_wells(run))


def _goes_with(run: Run, condition: Run | None) -> bool:
    """Whether each condition has one number, or all have several words such as Lamp1 and Tom70."""
    if condition is None:
        return False
    pairs = {(text, condition.texts[file]) for file, text in run.texts.items()}
    crossed = len(pairs) == len(run.values) * len(condition.values)
    words = not run.label and not is_bare_number(run)
    return len(pairs) == len(condition.values) or (words and crossed)


def _one_each(run: Run, condition: Run | None) -> bool:
    """Whether each number has one file in each condition: it counts the images."""
    files = condition.texts if condition is not None else dict.fromkeys(run.texts, "")
    return len({(files[file], text) for file, text in run.texts.items()}) == len(run.texts)


def _readings(
    unknown: Sequence[int],
    runs: Sequence[Run],
    context: Context,
    condition: Run | None,
    meanings: Mapping[int, str],
) -> dict[str, Reading]:
    """Choice -> meanings; the first one is the guess. {} where one number counts the images."""
    known = {meaning for n, meaning in meanings.items() if runs[n].varies}
    sites = [n for n, m in meanings.items() if m == "site" and runs[n].varies]
    first, last = unknown[0], unknown[-1]
    fields = dict.fromkeys(unknown, "site")
    if len(unknown) > 1:
        found = {name: {**fields, first: one, last: other} for name, one, other in SEVERAL}
    elif _one_each(runs[last], condition):
        return {}
    elif runs[last].where == NAME and sites and sites[-1] < last:
        again = {} if known & GROUPED else dict.fromkeys(sites, "group")
        found = {"repeats": {**again, **fields}}
        found |= {name: {last: meaning} for name, meaning in ONE if meaning != "site"}
    elif runs[last].where == NAME and not sites and not _after_cultures(last, runs, context, known):
        return {}  # 1, or dish1_1 to dish1_9
    else:
        found = {name: {last: meaning} for name, meaning in ONE}
    return {
        name: reading
        for name, reading in found.items()
        if all(_fits(n, reading[n], n == last, runs, context, known) for n in unknown)
    }


def _after_cultures(n: int, runs: Sequence[Run], context: Context, known: set[str]) -> bool:
    """Whether a number after a culture has a word of its own, or may be that of a stain."""
    if runs[n].label:
        return bool(known & GROUPED)
    return "group" in known and "stain" not in known and _may_be_stains(n, runs, context)


def _fits(
    n: int, meaning: str, is_last: bool, runs: Sequence[Run], context: Context, known: set[str]
) -> bool:
    """Whether a number can have a meaning, besides those that are `known`."""
    in_folder = runs[n].where != NAME
    if meaning == "group":
        return not known & GROUPED
    if meaning == "time":
        return meaning not in known and (in_folder or is_last)
    if meaning == "z":
        return meaning not in known and not in_folder
    return meaning == "site" or ("stain" not in known and _may_be_stains(n, runs, context))


def _may_be_stains(n: int, runs: Sequence[Run], context: Context) -> bool:
    """Whether a number of or after a word, which nobody was asked about, may be that of a stain."""
    files, run = list(runs[n].texts), runs[n]
    in_folder = run.where != NAME
    asked = is_bare_number(run) and (in_folder or is_bare_number(runs[n - 1]))
    if in_folder and len(run.values) > MOST_NUMBERS:
        asked = False  # too many to be asked about first
    few = len(run.values) <= (MAX_STAINS if in_folder else MOST_NUMBERS) and not asked
    return few and all(f in context.single for f in files) and tells_apart(n, runs, files)


def _in_doubt(
    unknown: Sequence[int],
    runs: Sequence[Run],
    condition: Run | None,
    meanings: Mapping[int, str],
) -> bool:
    """Whether names hold two numbers, of which the first is not a word's, nor the last a serial."""
    named = [n for n in unknown if runs[n].where == NAME]
    if not named:
        return False
    counted = [n for n, m in meanings.items() if m == "site" and runs[n].where == NAME]
    before = [n for n in (*counted, *named) if n < named[-1] and runs[n].varies]
    if not before or _one_each(runs[named[-1]], condition):
        return False
    word = max(before) in unknown and not is_bare_number(runs[max(before)])
    return not (word and is_bare_number(runs[named[-1]]))


def _listed(values: Sequence[str]) -> str:
    ordered = sorted(values, key=natural)
    return ", ".join(ordered) if len(ordered) <= FEW else f"{ordered[0]} to {ordered[-1]}"
