"""What the runs of names mean: stain, z, time, well, plate, site, group, or words to ask about.

A run is a stain only if exactly its values tell apart the files of each field. Known words support
what varies; they never decide alone.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.domain import Question, QuestionKind
from core.errors import BadTable
from core.io.well_names import normalise_well
from core.scanning.answers import Answers
from core.scanning.default_roles import names_role
from core.scanning.file_names import STAIN_WORDS
from core.scanning.name_runs import NAME, Run, first_files

LABELS: dict[str, frozenset[str]] = {
    "stain": frozenset(
        {"ch", "chan", "channel", "wavelength", "wv", "filter", "laser", "led", "kanal", "canal"}
    ),
    "z": frozenset(
        {"z", "zstep", "zslice", "zplane", "zpos", "slice", "plane", "ebene"}
        | {"zstack", "focus", "fokus", "schicht", "depth", "tiefe"}
    ),
    "time": frozenset(
        {"t", "time", "timepoint", "tp", "frame", "day", "days", "hour", "hours", "week", "dpi"}
        | {"div", "weeks", "timelapse", "wk", "hpi", "tag", "tage", "stunde", "stunden", "woche"}
        | {"jour", "jours", "heure", "heures", "semaine", "zeit", "zeitpunkt", "temps"}
        | {"round", "cycle", "cyc"}
    ),
    "site": frozenset(
        {"s", "f", "xy", "m", "site", "field", "fld", "fov", "pos", "position", "point", "tile"}
        | {"no", "nr", "snap", "snapshot", "pic", "picture", "photo", "foto"}
        | {"scene", "image", "img", "series", "seq", "roi", "view", "stage"}
        | {"feld", "bild", "champ", "cell", "cells", "colony", "object", "zelle", "zellen"}
    ),
    "group": frozenset(
        {"rep", "replicate", "culture", "mouse", "donor", "animal", "dish", "coverslip", "slide"}
        | {"batch", "chip", "organoid", "embryo", "rat", "fish", "n", "exp", "experiment", "r"}
        | {"biorep", "run", "clone", "line", "patient", "passage", "maus", "kultur", "souris"}
        | {"sample", "probe", "spheroid", "neuron", "echantillon", "well", "puits", "vertiefung"}
        | {"cs", "br", "coverglass"}
    ),
    "plate": frozenset({"plate", "plt", "p", "pl", "barcode", "platte", "plaque"}),
}
SHORT_STAINS = ("c", "w")  # c1 is a stain, C1 may be a well or a clone
_LINES_NM = """340 355 365 375 380 385 395 405 430 440 445 458 470 473 475 477 488 490 505 514 532
546 550 555 561 568 575 587 590 594 630 633 635 638 640 647 650 660 680 685 730 740 750 770 785"""
WAVELENGTHS = frozenset(re.findall(r"\d+", _LINES_NM))  # of lasers and lamps
_OF_LIGHT = re.compile(r"[A-Za-z][A-Za-z ]*[ _\-]?(\d{3})")  # Conf405, ATTO488, Ex 561
# One letter before numbers of all files: rather days, ages, passages or lines than a row of wells.
DOUBTFUL_ROWS = frozenset("CDEFHJKMNPQRSTUVWXYZ")
MAX_STAINS = 12
MOST_NUMBERS = 5  # stains by number alone
NONE = "none"
TIMES, CULTURES = "times", "cultures"
BRIGHTER = 1.25  # in each field the brightest stain has at least this times the dimmest
MUCH_BRIGHTER = 3.0  # the same, where a word such as img says that the numbers count images
FIELDS_TO_COMPARE = 4
MAX_WORDS = 8
_TIME = re.compile(
    r"(?i)(?:t|tp|d|day|days|div|hour|week|wk|tag|jour|time[ _\-]?point)[ _\-]?\d+"
    r"|\d+(?:[.,]\d+)?[ _\-]?(?:h|hr|hrs|hours?|min|d|days?|wk|weeks?|mo|months?|hp[fit]|dp[fit]"
    r"|stunden?|tage?|wochen?|monate?|heures?|jours?|semaines?|mois)|(?:\d+d)?\d+h\d+m?"
    r"|(?:19|20)\d\d[\-_.]?[01]\d[\-_.]?[0-3]\d(?:[T _\-]+\d.*)?"
)


@dataclass(frozen=True)
class Context:
    """What is known besides the names: answers, files of one channel, the plate map.

    `levels` are file -> mean grey value.
    """

    answers: Answers = field(default_factory=Answers)
    single: frozenset[str] = frozenset()
    levels: Mapping[str, float] = field(default_factory=dict)
    map_wells: frozenset[str] = frozenset()
    map_plates: frozenset[str] = frozenset()


def is_time(values: Iterable[str]) -> bool:
    """Whether all texts are times: T1, day 3, 24h, 2024-05-01."""
    return all(_TIME.fullmatch(value.strip()) for value in values)


def _for_several(run: Run) -> bool:
    """Whether the values of a run are folders, or in several files each, and no wells."""
    often = Counter(run.texts.values())
    return run.where != NAME or (min(often.values()) > 1 and not _all_wells(run))


def label_meaning(run: Run) -> str:
    """The meaning that the word before the numbers has; "" without a known one."""
    label = run.label.lower().replace(" ", "")
    for meaning, labels in LABELS.items():
        if label in labels and not (meaning == "stain" and not run.numbers):
            return meaning
    counted = run.label in SHORT_STAINS and run.numbers and not has_gaps(run.values)
    written = run.label in ("c", "C") and all("=" in value for value in run.values)  # C=0 of Fiji
    return "stain" if counted or written else ""


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
            meaning = "time"
        if meaning == "site" and run.varies and all(map(is_light, run.values)):
            meaning = ""  # F340 and F380
        if meaning == "site" and run.label.lower() == "m" and _before_others(n, runs):
            meaning = "group"  # mouse 101, before its images; the tile m1 stands last
        if meaning in ("z", "time", "site", "group", "plate"):
            meanings[n] = meaning
    _find_stain(runs, files, context, meanings, questions)
    _ask_of_days(runs, context, meanings, questions)
    condition = _condition_run(runs, meanings)
    _find_well(runs, context, condition, meanings, questions)
    _find_plate(runs, context, condition, meanings, questions)
    for n, run in enumerate(runs):
        if n not in meanings and run.where == NAME and _is_word(run, files, condition):
            meanings[n] = "word"
    return meanings, questions


def _stain_evidence(run: Run) -> int:
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
    return 1 if plain and len(values) <= MAX_WORDS and not _all_wells(run) else 0


def is_light(text: str) -> bool:
    """Whether a text is a wavelength, alone or after a word."""
    after = _OF_LIGHT.fullmatch(text)
    nm = re.fullmatch(r"(?:[A-Za-z]+)?\d{3} ?nm", text)
    return text in WAVELENGTHS or nm is not None or bool(after and after.group(1) in WAVELENGTHS)


def has_gaps(texts: Iterable[str]) -> bool:
    """Whether the numbers at the end are not counted one by one, as in NDUFS2 and NDUFS4."""
    found = {n for text in texts for n in re.findall(r"\d+(?:[.,]\d+)?$", text)}
    numbers = sorted({float(n.replace(",", ".")) for n in found})
    return len(numbers) > 1 and numbers[-1] - numbers[0] >= len(numbers)


def _find_stain(
    runs: Sequence[Run],
    files: Sequence[str],
    context: Context,
    meanings: dict[int, str],
    questions: list[Question],
) -> None:
    if not all(file in context.single for file in files):
        return
    strength, bright = _stain_strength(runs, context, meanings)
    whole = {n for n, s in strength.items() if s and _tells_apart(n, runs, files)}
    sure = [n for n in whole if strength[n] >= 2]
    doubtful = [n for n in whole if strength[n] == 1 and (runs[n].where == NAME or n in bright)]
    broken = [n for n, s in strength.items() if s >= 2 and n not in whole and runs[n].where == NAME]
    one = [n for n, run in enumerate(runs) if not run.varies and _stain_evidence(run) == 3]
    lists: dict[str, int | None] = {_choice(runs[n]): n for n in sorted(whole)}
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
            questions.append(_stain_question(runs, [*doubtful, *broken], files[0]))
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
        if runs[n].where != NAME and len(may_be) > 1 and _stain_evidence(runs[n]) == 1
        if _tells_apart(n, runs, files)
    ]
    if not found or context.answers.choice(QuestionKind.STAIN, [NONE], files):
        return []
    return [_stain_question(runs, found, files[0])]


def _stain_strength(
    runs: Sequence[Run], context: Context, meanings: Mapping[int, str]
) -> tuple[dict[int, int], set[int]]:
    """Number of the run -> evidence of stains, and the runs that only go with brightness."""
    strength, bright = {}, set()
    for n, run in enumerate(runs):
        if not run.varies or meanings.get(n) not in (None, "site"):
            continue
        strength[n] = 0 if n in meanings else _stain_evidence(run)
        row = n > 0 and runs[n - 1].varies and runs[n - 1].label.lower() in ("r", "row")
        if row and run.label.lower() == "c":
            strength[n] = min(strength[n], 1)  # R1_C1 is a row and a column, or a stain
        if not strength[n] and n not in meanings and _is_one_number_more(n, runs, meanings):
            strength[n] = 1
        if strength[n] == 2 and run.label in SHORT_STAINS and _before_others(n, runs):
            # w1_s1 is a well and its site, or a stain and the site of it
            sure = _bright_alike(n, runs, context, MUCH_BRIGHTER)
            strength[n] = 2 if sure else 1
            bright.add(n)
        factor = MUCH_BRIGHTER if n in meanings else BRIGHTER
        if not strength[n] and _bright_alike(n, runs, context, factor):
            strength[n] = 1
            bright.add(n)
    return strength, bright


def _is_one_number_more(n: int, runs: Sequence[Run], meanings: Mapping[int, str]) -> bool:
    """Whether a number in names follows those that count fields already: Feld1_1, dish1_1_2."""
    before = [m for m in range(n) if runs[m].varies]
    few = len(runs[n].values) <= MOST_NUMBERS
    if not few or not _is_bare_number(runs[n]) or any(runs[m].splits_like(runs[n]) for m in before):
        return False
    counted = [m for m in before if _is_bare_number(runs[m])]
    cultures = [m for m in before if meanings.get(m) == "group" or _all_wells(runs[m])]
    fields = [m for m in before if meanings.get(m) == "site" and runs[m].where == NAME]
    return bool(fields) or any(m > k for m in counted for k in cultures)


def _is_bare_number(run: Run) -> bool:
    return run.where == NAME and not run.label and all(map(str.isdecimal, run.values))


def _before_others(n: int, runs: Sequence[Run]) -> bool:
    """Whether numbers that vary follow: this run may count what holds several images."""
    return any(run.varies and (run.numbers or label_meaning(run)) for run in runs[n + 1 :])


def _choice(run: Run) -> str:
    values = run.values
    return ", ".join(values[:MAX_STAINS]) + (" ..." if len(values) > MAX_STAINS else "")


def _stain_question(runs: Sequence[Run], candidates: Sequence[int], about: str) -> Question:
    choices = tuple(_choice(runs[n]) for n in candidates)
    text = f"Are {choices[0]} stains of one image? With none, every file is an image of its own."
    examples = {_choice(runs[n]): first_files(runs[n].texts) for n in candidates}
    return Question(QuestionKind.STAIN, text, (*choices, NONE), examples=examples, about=about)


def _tells_apart(n: int, runs: Sequence[Run], files: Sequence[str]) -> bool:
    """Whether most fields (all other runs the same) have one file for each value of this run."""
    run = runs[n]
    others = [
        other
        for m, other in enumerate(runs)
        if m != n
        and other.varies
        and not (
            other.splits_like(run) and (other.where == run.where or _stain_evidence(other) > 1)
        )
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
    wells = _all_wells(run) and run.label not in SHORT_STAINS
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


def _condition_run(runs: Sequence[Run], meanings: Mapping[int, str]) -> Run | None:
    """The first folder that varies and may be the condition; else a run of role words."""
    for n, run in enumerate(runs):
        if run.where != NAME and run.varies and n not in meanings and not _all_wells(run):
            return run
    return next((run for run in runs if run.varies and any(map(names_role, run.values))), None)


def _well(text: str) -> str:
    rows = r"r(?:ow)?\d+c(?:ol)?\d+|row[ _\-]?\d+[ _\-]col(?:umn)?[ _\-]?\d+"
    text = re.sub(r"(?i)^well[ _\-]?(?=[a-z]\d)", "", text)
    letter = r"[a-z]\d{1,3}|[a-p](?: - \d\d?|[ _\-]\d\d)|a[a-f]\d{1,3}"
    if not re.fullmatch(rf"(?i){letter}|{rows}", text):
        return ""
    try:
        return normalise_well(text)
    except BadTable:
        return ""


def is_well(text: str) -> bool:
    """Whether a text is written like a well."""
    return _well(text) != ""


def _all_wells(run: Run) -> bool:
    return all(map(is_well, run.values))


def _find_well(
    runs: Sequence[Run],
    context: Context,
    condition: Run | None,
    meanings: dict[int, str],
    questions: list[Question],
) -> None:
    candidates = [n for n, run in enumerate(runs) if run.varies and _all_wells(run)]
    candidates = [n for n in candidates if meanings.get(n) not in ("stain", "stain-too")]
    of_map = [n for n in candidates if _in_map(runs[n], context)]
    of_letter = [n for n in candidates if meanings.get(n) in (None, "plate")]
    free = [
        n
        for n in candidates
        if n not in meanings
        or len({_row(v) for v in runs[n].values}) > 1
        # P07 and P21 may be ages, passages or wells.
        or (of_letter == [n] and runs[n].label in ("P", "p") and runs[n].where == NAME)
    ]
    plates = [n for n, meaning in meanings.items() if meaning == "plate" and runs[n].varies]
    apart = {n for n in plates if condition is None or not _one_to_one(runs[n], condition)}
    for n in reversed(of_map or free):
        run, several = runs[n], bool(apart - {n})
        other = condition is not None and run is not condition and not several
        follows = other and condition is not None and _one_to_one(run, condition)
        # P1_B02: a well with a zero after its plate is a well, also where each condition has one.
        of_plate = n > 0 and meanings.get(n - 1) == "plate" and _padded(run)
        alike = not follows and _looks_like_wells(run, condition, several)
        alike = alike and not (condition is not None and _initials(run, condition))
        sure = n in of_map or of_plate or alike
        choices, files = (_choice(run), NONE), run.texts
        answer = "" if sure else context.answers.choice(QuestionKind.WELL, choices, files)
        yes = answer == choices[0]
        if not sure and not answer:
            if _are_counters(n, runs, condition, meanings):
                continue
            grouped = any(meaning == "group" for meaning in meanings.values())
            if follows and grouped:
                continue  # lines or clones, with their replicates
            text = f"Are {_choice(run)} wells of a plate? With none, they are not."
            about = next(iter(files))
            questions.append(Question(QuestionKind.WELL, text, choices, about=about))
            return
        if sure or yes:
            twins = [m for m in candidates if runs[m].texts == run.texts]
            meanings |= dict.fromkeys([*twins, n], "well")  # B02_1_B02 names one well twice
            return


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
            text = f"Are {_choice(run)} times of the same fields, or cultures such as donors?"
            about = next(iter(files))
            questions.append(Question(QuestionKind.GROUP, text, choices, about=about))


def _are_counters(
    n: int, runs: Sequence[Run], condition: Run | None, meanings: Mapping[int, str]
) -> bool:
    """Whether a1, a2, a3 only count the images of each condition."""
    if condition is None or not _again(runs[n], condition) or _padded(runs[n]):
        return False
    others = [m for m, run in enumerate(runs) if run.varies and run is not condition and m != n]
    return all(meanings.get(m) in ("stain", "stain-too") for m in others)


def _one_to_one(run: Run, condition: Run) -> bool:
    """Whether each condition, in any spelling, has one value of this run, and each value one."""
    pairs = {(text, condition.texts[file].strip().casefold()) for file, text in run.texts.items()}
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def _initials(run: Run, condition: Run) -> bool:
    """Whether the letters are those of the conditions: C1, C2 of Control and P1, P2 of Patient."""
    pairs = {(text[0], condition.texts[file][:1]) for file, text in run.texts.items()}
    return not _padded(run) and len(pairs) > 1 and all(a == b for a, b in pairs)


def _row(text: str) -> str:
    return _well(text).rstrip("0123456789")


def _in_map(run: Run, context: Context) -> bool:
    wells = {_well(value) for value in run.values}
    return len(wells & context.map_wells) * 2 > len(wells)


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


def _find_plate(
    runs: Sequence[Run],
    context: Context,
    condition: Run | None,
    meanings: dict[int, str],
    questions: list[Question],
) -> None:
    """Plates stand before their wells: by name, in the map, or where wells come back."""
    well = next((n for n, meaning in meanings.items() if meaning == "well"), None)
    for n, meaning in list(meanings.items()):
        if meaning == "plate" and well is None and runs[n].where == NAME and runs[n].label in "Pp":
            del meanings[n]  # passage 12 is not a plate
    if well is None:
        return
    for n, meaning in list(meanings.items()):
        if meaning == "plate" and n > well and runs[n].label in ("P", "p", "Pos"):
            meanings[n] = "site"  # B02_P1 is a position of the well
    named = [
        n for n, run in enumerate(runs) if set(map(str.casefold, run.values)) & context.map_plates
    ]
    for n in named:
        if meanings.get(n) in (None, "plate", "word"):
            meanings[n] = "plate"
    if "plate" in meanings.values():
        return
    for n in reversed(range(well)):
        if _may_be_plate(n, runs, condition, meanings) and _come_back(runs[well], runs[n]):
            _take_plate(n, runs, context, meanings, questions)
            return


def _may_be_plate(
    n: int, runs: Sequence[Run], condition: Run | None, meanings: Mapping[int, str]
) -> bool:
    """Whether a run before the wells may tell plates: no condition, and no known meaning.

    Replicates and experiments may be plates of their own.
    """
    run = runs[n]
    if not run.varies or meanings.get(n) not in (None, "group") or run is condition:
        return False
    if any(map(names_role, run.values)):
        return False
    counted = run.where == NAME and _numbered(run)  # BC1_B02 and BC2_B02: wells come back
    apart = condition is None or not run.splits_like(condition) or counted
    return apart and (run.where == NAME or _numbered(run))


def _come_back(wells: Run, plates: Run) -> bool:
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
    """Takes a run as the plate; small numbers, replicates and days in names are asked about."""
    run = runs[n]
    small = all(value.isdecimal() and len(value) <= 3 for value in run.values)
    asked = small or (run.where == NAME and (meanings.get(n) == "group" or is_time(run.values)))
    choices, files = (_choice(run), NONE), run.texts
    answer = context.answers.choice(QuestionKind.PLATE, choices, files) if asked else ""
    if not asked or answer == choices[0]:
        meanings[n] = "plate"
    elif answer == NONE:
        meanings.setdefault(n, "time" if is_time(run.values) else "site")
    else:
        text = f"Are {_choice(run)} plates? With none, they show the same wells again."
        about = next(iter(files))
        questions.append(Question(QuestionKind.PLATE, text, choices, about=about))


def _numbered(run: Run) -> bool:
    return all(re.search(r"\d", value) for value in run.values)


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
