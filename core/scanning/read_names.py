"""Read a folder of names: the scheme of a maker as a whole, or what varies from file to file.

What names do not say becomes a question.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath

from core.domain import NameRun, Problem, ProblemKind, Question, QuestionKind, ScanOptions
from core.io.stacks import MAXIMUM, MEAN
from core.io.well_names import natural, normalise_well
from core.scanning.answers import Answers
from core.scanning.compound_folders import compound_levels
from core.scanning.file_names import (
    STAIN_WORDS,
    NamePattern,
    parse_name,
    scheme_match,
    stem_of,
)
from core.scanning.find_stains import stains_of_folders
from core.scanning.long_words import long_words
from core.scanning.name_parts import parts_of_tells
from core.scanning.name_runs import (
    NAME,
    Compound,
    Run,
    families,
    first_files,
    path_text,
    pieces,
    runs_of,
    without,
)
from core.scanning.names import ASIDE, GROUPS, Names, several
from core.scanning.naming_schemes import SCHEMES
from core.scanning.read_schemes import by_scheme
from core.scanning.rows_and_columns import join_rows_and_columns
from core.scanning.run_labels import NONE, Context
from core.scanning.run_meanings import find_meanings
from core.scanning.z_stacks import plane_question, stack_warning

MADE_BY_MICROSCOPE = r"(?i)z[ _\-]?step[ _\-]?0"  # the projection next to its planes, of MetaXpress
LEAVE_OUT = "leave out the longer names"
LONG_STAIN_WORDS = frozenset(word for word in STAIN_WORDS if len(word) > 2)
SESSIONS = ("exp", "experiment", "run", "batch")


def read_names(files: Sequence[str], pattern: NamePattern, context: Context) -> Names:
    """What all names say: by the given pattern, by the schemes of makers, or by what varies."""
    names = Names(example=files[0] if files else "")
    if pattern.name != "auto":
        names.scheme = pattern.name if pattern.name in SCHEMES else "pattern"
        for file in files:
            names.tells[file] = _with_folder(file, pattern)
        tells = names.tells.get(names.example, {})
        match = scheme_match(pattern.name, names.example) if pattern.name in SCHEMES else None
        names.runs = parts_of_tells(names.example, tells, match)
        return names
    compound = compound_levels(files)
    rest = by_scheme(files, names, context, compound)
    long = long_words(rest)
    kinds = families(rest, long)
    for family in kinds:
        _by_runs(family, names, context, compound, long)
    _ask_of_families(kinds, names, context)
    return names


def _ask_of_families(kinds: Sequence[Sequence[str]], names: Names, context: Context) -> None:
    """Asks where names of different length begin alike: they may be stains of the same fields."""
    single = [[f for f in kind if f in context.single] for kind in kinds]
    single = sorted((kind for kind in single if kind), key=lambda kind: len(pieces(kind[0])))
    for n, short in enumerate(single):
        count = len(pieces(short[0]))
        for long in single[n + 1 :]:
            found = (
                side
                for side in (_start, _end)
                if _meet(side, count, short, long) or _meet(side, count - 1, short, long)
            )
            alike = next(found, None)
            if alike is None:
                continue
            whole = _meet(alike, count, short, long)  # cell1 and cell1_x: x may be a copy
            _ask_of_family(short[0], long, alike, whole, names, context)
            return


def _ask_of_family(
    short: str,
    long: Sequence[str],
    alike: Callable[[str, int], str],
    whole: bool,
    names: Names,
    context: Context,
) -> None:
    choices = (NONE, LEAVE_OUT) if whole else (NONE,)
    answer = context.answers.choice(QuestionKind.STAIN, choices, long)
    if answer == NONE:
        return
    if answer == LEAVE_OUT:
        for file in long:
            del names.tells[file]
        reason = f"left out: named like {short}, with more"
        kind = ProblemKind.PROCESSED_COPY
        names.problems.append(Problem(several(long), reason, "Or answer none.", kind=kind))
        return
    text = (
        f"{short} and {long[0]} {_VERBS[alike]} alike. Are they stains of one"
        " image? Then give a pattern for the names. With none, every file is an image of its own."
    )
    pictures = {PurePosixPath(file).name: file for file in (short, long[0])}
    examples = dict.fromkeys(choices, pictures)
    names.questions.append(
        Question(QuestionKind.STAIN, text, choices, examples=examples, about=long[0])
    )


def _ask_of_stain_words(files: Sequence[str], context: Context) -> list[Question]:
    """Asks where each name holds one of several known stains, but not all at the same place."""
    if not all(file in context.single for file in files):
        return []
    firsts: dict[str, str] = {}
    for file in files:
        words = {text.lower() for text, _ in pieces(file)} & LONG_STAIN_WORDS
        if len(words) != 1:
            return []
        firsts.setdefault(words.pop(), file)
    if len(firsts) < 2 or context.answers.choice(QuestionKind.STAIN, [NONE], files):
        return []
    listed = " and ".join(sorted(firsts)[:2])
    text = (
        f"The names say {listed}, but not at the same place. Are they stains of one image? Then"
        " give a pattern for the names. With none, every file is an image of its own."
    )
    return [Question(QuestionKind.STAIN, text, (NONE,), examples={NONE: firsts}, about=files[0])]


def _meet(
    side: Callable[[str, int], str], count: int, short: Sequence[str], long: Sequence[str]
) -> bool:
    """Whether half of the short names begin, or end, like one of the long names."""
    found = {side(file, count) for file in short}
    return "" not in found and len(found & {side(f, count) for f in long}) * 2 >= len(found)


def _start(file: str, count: int) -> str:
    """The folders and the first pieces of a name; "" without pieces."""
    first = [text for text, _ in pieces(file)[:count]]
    return "/".join([PurePosixPath(file).parent.as_posix(), *first]) if first else ""


def _end(file: str, count: int) -> str:
    """The folders and the last pieces of a name; "" without pieces."""
    last = [text for text, _ in pieces(file)[-count:]] if count else []
    return "/".join([PurePosixPath(file).parent.as_posix(), *last]) if last else ""


_VERBS: dict[Callable[[str, int], str], str] = {_start: "begin", _end: "end"}


def _with_folder(file: str, pattern: NamePattern) -> dict[str, str]:
    """What the given pattern reads from a name, with the folder and the field."""
    tells = parse_name(file, pattern)
    parent = PurePosixPath(file).parent.as_posix()
    parent = "" if parent == "." else parent
    key = f"{parent}/{tells.get('key') or stem_of(file)}".removeprefix("/")
    field = key
    if pattern.regex is not None and tells.keys() & {"z", "t"}:
        field = f"{parent}/{_without_groups(file, pattern.regex)}".removeprefix("/")
    return {**tells, "key": key, "field": field, "folder": parent}


def _without_groups(file: str, regex: re.Pattern[str]) -> str:
    """The text that the pattern fits, without stain, plane and time."""
    for text in (PurePosixPath(file).name, stem_of(file), path_text(file), file):
        match = regex.search(text)
        if match is None:
            continue
        groups = [name for name in ("channel", "z", "t") if match.groupdict().get(name)]
        for start, end in sorted((match.span(name) for name in groups), reverse=True):
            text = text[:start] + text[end:]
        return text
    return stem_of(file)


def _by_runs(
    files: Sequence[str],
    names: Names,
    context: Context,
    compound: Compound,
    long: Sequence[str],
) -> None:
    """Reads one family of names by what varies in it."""
    runs, of_wells = join_rows_and_columns(runs_of(files, compound, long), context)
    meanings, questions = find_meanings(runs, files, context)
    questions = [*of_wells, *questions]
    if not questions and "stain" not in meanings.values():
        questions = _ask_of_stain_words(files, context)
    names.questions += questions
    if not questions:
        names.with_conditions += stains_of_folders(runs, files, context, meanings)
    for file in files:
        names.tells[file] = _run_tells(file, runs, meanings)
    names.words += [
        run for n, run in enumerate(runs) if meanings.get(n) == "word" and run.where == NAME
    ]
    if not names.runs:
        names.example = files[0]
        names.runs = [
            NameRun(run.texts[files[0]], meaning.removesuffix("-too"), run.spans[files[0]][0])
            for n, run in enumerate(runs)
            if (meaning := meanings.get(n, "")) not in ("", "word")
        ]


def _run_tells(file: str, runs: Sequence[Run], meanings: Mapping[int, str]) -> dict[str, str]:
    tells: dict[str, str] = {}
    stains = next((run.values for n, run in enumerate(runs) if meanings.get(n) == "stain"), [])
    bare = len({stain_name(text) for text in stains}) == len(stains)  # w1Conf, w2Conf: both Conf
    cut: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for n, run in enumerate(runs):
        meaning = meanings.get(n, "")
        cut[meaning].append(run.spans[file])
    for meaning in dict.fromkeys(meanings[n] for n in sorted(meanings)):
        group = GROUPS.get(meaning, meaning)
        if group in ("stain-too", "word", ""):
            continue
        alike = [run for n, run in enumerate(runs) if meanings.get(n) == meaning]
        text = _told([run for run in alike if run.varies] or alike, meaning, file)
        if text:
            tells[group] = stain_name(text) if meaning == "stain" and bare else text
    if "well" in tells:
        tells["well"] = normalise_well(tells["well"])
    if "group" in tells:
        tells["culture"] = tells.pop("group")
    stain = cut["stain"] + cut["stain-too"]
    tells["key"] = without(file, stain)
    tells["field"] = without(file, [*stain, *cut["z"], *cut["time"]])
    aside = {run.where for n, run in enumerate(runs) if meanings.get(n) in (*ASIDE, "stain-too")}
    folders = [run.texts[file] for run in runs if run.where != NAME and run.where not in aside]
    tells["folder"] = "/".join(folders)
    return tells


def _told(alike: Sequence[Run], meaning: str, file: str) -> str:
    """What runs of one meaning say of a file: the first one; all of them for planes and times."""
    if meaning == "group" and not alike[0].varies and alike[0].label.lower() in SESSIONS:
        return ""  # all images are of this experiment, which tells no cultures apart
    if meaning in ("z", "time"):
        texts = [run.texts[file] for run in alike]
        if alike[0].label.lower() == "slice" and texts[0].isdecimal():
            texts[0] = f"slice {texts[0]}"
        return " ".join(texts)
    return alike[0].texts[file]


def stain_name(text: str) -> str:
    """`w1DAPI`, `c1_DAPI` and `ChannelDAPI` are DAPI; `w1` stays a number."""
    bare = re.fullmatch(r"(?:[wWcC]\d+|[Cc]hannel)[ _\-]?([A-Za-z].*)", text)
    return bare.group(1) if bare else text


def choose_planes(names: Names, options: ScanOptions, answers: Answers) -> list[str]:
    """The files that are read: stacks of separate files become one image, or give one plane.

    Time points are all read, or one of them. Fills `names.stacks`.
    """
    left = _chosen_planes(list(names.tells), names, answers)
    before = len(names.problems)
    left = _chosen_times(left, names, answers)
    if options.group_by not in ("well", "plate", "record"):
        del names.problems[before:]  # the plate map says what is one group
    return left


def _series(files: Sequence[str], names: Names, group: str) -> dict[str, list[str]]:
    """File -> all files that differ from it only in plane (`z`) or time (`t`), in order."""
    other = "t" if group == "z" else "z"
    alike: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for file in files:
        tells = names.tells[file]
        if group in tells:
            at = (tells["field"], tells.get(other, ""), tells.get("channel", ""))
            alike[at][tells[group]] = file
    series: dict[str, list[str]] = {}
    for by_value in alike.values():
        if len(by_value) > 1:
            ordered = [by_value[value] for value in sorted(by_value, key=natural)]
            series |= dict.fromkeys(ordered, ordered)
    return series


def _chosen_planes(files: list[str], names: Names, answers: Answers) -> list[str]:
    stacks = _series(files, names, "z")
    values = sorted({names.tells[file]["z"] for file in stacks}, key=natural)
    if not values:
        return files
    answer = answers.choice(QuestionKind.Z, [MAXIMUM, MEAN, *values])
    if answer in values:
        return [f for f in files if f not in stacks or names.tells[f]["z"] == answer]
    made = [value for value in values if re.fullmatch(MADE_BY_MICROSCOPE, value)]
    sizes = Counter(len(stack) for stack in stacks.values())
    depth = sizes.most_common(1)[0][0] - len(made)
    names.projection = answer if answer in (MAXIMUM, MEAN) else MAXIMUM
    names.problems.append(
        stack_warning(several(list(stacks)), depth, names.projection, "in separate files")
    )
    if answer != names.projection:
        choices = [*made, *(v for v in values if v not in made)]
        examples = _pictures(list(stacks), names, "z", choices)
        names.questions.append(plane_question(choices, examples))
    usual = _usual_depth(stacks, names)
    short = [f for f in files if f in stacks and len(stacks[f]) < usual[_channel(names, f)]]
    if short:
        reason = (
            f"planes are missing: {len(stacks[short[0]])} of {usual[_channel(names, short[0])]}"
        )
        names.problems.append(
            Problem(several(short), reason, "Copy them again.", kind=ProblemKind.MISSING_PART)
        )
    left = []
    for file in files:
        stack = [f for f in stacks.get(file, []) if names.tells[f]["z"] not in made]
        if file in stacks and (file in short or not stack):
            continue
        if stack and file == stack[0] and len(stack) > 1:
            names.stacks[file] = stack
            _name_stack(names.tells[file], file)
        if file in stack or file not in stacks:
            left.append(file)
    return left


def _name_stack(tells: dict[str, str], file: str) -> None:
    """Names a projected stack without its plane, where the field keeps the name of the file."""
    if PurePosixPath(tells["field"]).parent == PurePosixPath(file).parent:
        tells["key"] = tells["field"] + (f" t{tells['t']}" if "t" in tells else "")


def _channel(names: Names, file: str) -> str:
    return names.tells[file].get("channel", "")


def _usual_depth(stacks: Mapping[str, Sequence[str]], names: Names) -> dict[str, int]:
    """The most frequent number of planes of each stain."""
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for file, stack in stacks.items():
        counts[_channel(names, file)][len(stack)] += 1
    return {channel: max(c.items(), key=lambda p: (p[1], p[0]))[0] for channel, c in counts.items()}


def _chosen_times(files: list[str], names: Names, answers: Answers) -> list[str]:
    series = _series(files, names, "t")
    values = sorted({names.tells[file]["t"] for file in series}, key=natural)
    if not values:
        return files
    answer = answers.choice(QuestionKind.TIME, ["all", *values])
    if answer in values:
        left = [f for f in files if f not in series or names.tells[f]["t"] == answer]
        names.stacks = {f: stack for f, stack in names.stacks.items() if f in set(left)}
        return left
    _warn_of_times(names, values, len(series))
    if answer != "all":
        text = f"The files show {len(values)} time points ({', '.join(values[:6])}). Which?"
        examples = _pictures(list(series), names, "t", values)
        choices = ("all", *values)
        names.questions.append(Question(QuestionKind.TIME, text, choices, "all", examples))
    for file in series:
        names.tells[file]["movie"] = names.tells[file]["field"]
    return files


def _pictures(
    files: Sequence[str], names: Names, group: str, values: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Plane or time point -> its picture, for each choice."""
    texts = {f: names.tells[f].get(group, "") for f in files}
    firsts = first_files({f: text for f, text in texts.items() if text in values})
    return {text: {text: file} for text, file in firsts.items()}


def _warn_of_times(names: Names, values: Sequence[str], count: int) -> None:
    reason = f"{len(values)} time points of the same fields; each field is one group"
    remedy = "Or choose one time point."
    names.problems.append(
        Problem(f"{count} files", reason, remedy, "warning", ProblemKind.TIME_POINTS)
    )
