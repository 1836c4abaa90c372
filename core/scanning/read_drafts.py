"""Inspect the files of a folder and read their names: records that have no condition yet."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from core.domain import Problem, ProblemKind, QuestionKind, ScanOptions
from core.errors import LeighError, NothingWritten
from core.io.fields import INSTALL
from core.io.stacks import PROJECTION
from core.progress import Report
from core.scanning.answers import Answers
from core.scanning.file_names import compile_pattern, stem_of
from core.scanning.find_files import Found, find_images
from core.scanning.findings import Findings, image_places
from core.scanning.group_channels import Draft, group_channels
from core.scanning.index_files import Index, index_of, read_indexes
from core.scanning.inspect_files import FileInspection, StackChoice, inspect_files
from core.scanning.names import Names
from core.scanning.other_pictures import other_pictures
from core.scanning.plate_map import PlateMap
from core.scanning.read_names import choose_planes, read_names
from core.scanning.run_labels import Context
from core.scanning.stack_pictures import show_stacks
from core.scanning.take_indexes import indexed, name_channels
from core.scanning.z_stacks import questions_of_files, stack_facts


def read_drafts(
    root: Path, table: PlateMap | None, options: ScanOptions, findings: Findings, report: Report
) -> tuple[list[Draft], Names, list[Index]]:
    """All records of a folder, what its names say, and its index files.

    `findings` gets the problems and questions. Raises LeighError for a folder without images.
    """
    answers, problems = findings.answers, findings.problems
    files = _found(root, report)
    choice = StackChoice(answers.text(QuestionKind.Z), answers.text(QuestionKind.SLICES))
    facts = inspect_files(root, files.images, report, choice)
    findings.places.update(image_places(facts))
    if choice.z == PROJECTION and any(f.error and f.error.kind == "z-stack" for f in facts):
        answers.use(QuestionKind.Z)
    problems += files.problems
    facts = _images(facts, problems)
    indexes = read_indexes(root, files.indexes, problems)
    usable = indexed(_usable(facts, problems), indexes)
    names = _read_names(usable, table, options, answers, indexes)
    name_channels(names.tells, indexes)
    chosen = choose_planes(names, options, answers)
    problems += names.problems
    tells = {file: names.tells[file] for file in chosen}
    aside = [p.item for p in problems if p.kind == ProblemKind.PROJECTION]
    asked = questions_of_files(usable.values(), tells, answers, aside, problems)
    kinds = {question.kind for question in names.questions}
    findings.questions.extend([*names.questions, *(q for q in asked if q.kind not in kinds)])
    show_stacks(findings, [fact for fact in usable.values() if fact.file in tells])
    kept = {file: usable[file] for file in chosen}
    stacked = stack_facts(kept, names.stacks, names.projection, problems)
    return group_channels(stacked, tells, problems), names, indexes


def _images(facts: Sequence[FileInspection], problems: list[Problem]) -> list[FileInspection]:
    """The files without masks, overlays and copies; `problems` names these, and unreadable files.

    A small copy may be too small to be read, and is named as a copy. What is known of other files
    that cannot be read says more than their names.
    """
    stacks = [f.file for f in facts if f.error is not None and f.error.kind == "z-stack"]
    others: list[Problem] = []
    plain = [f.file for f in facts if f.error is None or f.error.kind == ProblemKind.UNREADABLE]
    aside = other_pictures(plain, stacks, others)
    images = [fact for fact in facts if fact.file not in aside]
    copies = [fact for fact in facts if fact.file in aside]
    problems += [*_file_problems(images), *others, *_copies_of_others(copies, images)]
    return images


def _copies_of_others(
    copies: Sequence[FileInspection], images: Sequence[FileInspection]
) -> list[Problem]:
    """A warning for each copy that is named like its neighbour, but shows an image elsewhere."""
    of_pixels: dict[str, list[str]] = defaultdict(list)
    stems: dict[PurePosixPath, set[str]] = defaultdict(set)
    for image in images:
        stems[PurePosixPath(image.file).parent].add(stem_of(image.file))
        if image.pixels:
            of_pixels[image.pixels].append(image.file)
    found = []
    for copy in copies:
        same, here = of_pixels.get(copy.pixels, []), PurePosixPath(copy.file).parent
        elsewhere = same and all(PurePosixPath(file).parent != here for file in same)
        if elsewhere and any(stem in stem_of(copy.file) for stem in stems[here]):
            reason = f"is left out, and has the pixels of {same[0]}"
            remedy = "Check in which folder the image belongs."
            kind = ProblemKind.DUPLICATE
            found.append(Problem(copy.file, reason, remedy, "warning", kind))
    return found


def _usable(facts: Sequence[FileInspection], problems: list[Problem]) -> dict[str, FileInspection]:
    """The images that can be read, by file; label images are named in `problems`."""
    usable = {}
    for fact in facts:
        if fact.info is None:
            continue
        if fact.info.shape[0] == 1 and fact.mask:
            remedy = "Keep masks in another folder."
            reason = fact.unusable[0] or "is a label image: whole areas have one value each"
            problem = Problem(fact.file, reason, remedy, kind=ProblemKind.MASK)
            problems.append(problem)
            continue
        usable[fact.file] = fact
    return usable


def _read_names(
    usable: Mapping[str, FileInspection],
    table: PlateMap | None,
    options: ScanOptions,
    answers: Answers,
    indexes: Sequence[Index],
) -> Names:
    """What names say; a file that names its wells needs none, and times inside a file are added."""
    bases = {fact.base or file: fact for file, fact in usable.items() if not fact.tells}
    pattern = compile_pattern(options.pattern)
    context = _context(bases, table, answers)
    named = (f for f in bases if (index := index_of(f, indexes)) is not None and index.channels)
    names = read_names(list(bases), pattern, replace(context, indexed=frozenset(named)))
    for file, fact in usable.items():
        base = fact.base or file
        if fact.tells:
            names.tells[base] = {"folder": _outer(fact), "key": base, "field": base, **fact.tells}
    for file, fact in usable.items():
        if fact.base and fact.base != file:
            key = f"{names.tells[fact.base]['key']} t{fact.t}"
            names.tells[file] = {**names.tells[fact.base], "t": fact.t, "key": key}
    for base in {fact.base for file, fact in usable.items() if fact.base not in ("", file)}:
        del names.tells[base]
    return names


def _outer(fact: FileInspection) -> str:
    """The folder that holds a file or a plate of OME-Zarr."""
    source = PurePosixPath(fact.sources[0])
    in_plate = "plate" in fact.tells and len(source.parents) > 3
    folder = (source.parents[3] if in_plate else source.parent).as_posix()
    return "" if folder == "." else folder


def _context(
    usable: Mapping[str, FileInspection], table: PlateMap | None, answers: Answers
) -> Context:
    rows = table.rows if table is not None else ()
    return Context(
        answers,
        frozenset(f for f, fact in usable.items() if fact.info and fact.info.shape[0] == 1),
        {file: fact.level for file, fact in usable.items()},
        frozenset(row.well for row in rows if row.well),
        frozenset(row.plate.casefold() for row in rows if row.plate),
    )


def _found(root: Path, report: Report) -> Found:
    if not root.is_dir():
        what = "is a file" if root.is_file() else "does not exist"
        raise LeighError(f"{root} {what}.", "Choose the folder that holds the images.")
    files = find_images(root, report)
    if not files.images:
        others = "; ".join(f"{p.item}: {p.reason}" for p in files.problems[:3])
        more = f" It holds {others}." if others else ""
        usual = "Choose the folder with the images of the microscope."
        raise NothingWritten(
            f"{root} holds no images that can be read, also not in its sub-folders.{more}",
            INSTALL if any(p.remedy == INSTALL for p in files.problems) else usual,
            files.problems,
        )
    return files


def _file_problems(facts: Sequence[FileInspection]) -> list[Problem]:
    """One problem per unreadable file, and one per kind of warning of the readable files."""
    problems = [
        Problem(f.file, f.error.message.rstrip("."), f.error.hint, kind=ProblemKind(f.error.kind))
        for f in facts
        if f.error is not None
    ]
    warned: dict[tuple[ProblemKind, str], list[str]] = {}
    for fact in facts:
        for kind, text in _warnings(fact):
            warned.setdefault((kind, text), []).append(fact.file)
    for (kind, text), files in warned.items():
        item = files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} other files"
        remedy = "Check one of them on the Data page."
        problems.append(Problem(item, text.rstrip("."), remedy, "warning", kind))
    return problems


def _warnings(fact: FileInspection) -> list[tuple[ProblemKind, str]]:
    """Kind and text of what is doubtful in a readable file."""
    if fact.info is None:
        return []
    found = [(ProblemKind.OTHER, text) for text in fact.info.warnings]
    found += [(ProblemKind(kind), text) for kind, text in fact.info.notes]
    if fact.zero_tail and ProblemKind.ZERO_TAIL not in [kind for kind, _ in found]:
        found.append(
            (ProblemKind.ZERO_TAIL, "the last rows are all zero: was its copy interrupted?")
        )
    return found
