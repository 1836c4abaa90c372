"""Stacks of planes, in files of their own or inside a file: what is asked, and what becomes one."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from core.domain import Problem, ProblemKind, Question, QuestionKind
from core.io.digest import join_digests
from core.io.stacks import MAXIMUM, MEAN, PLANES, PROJECTION, STAINS
from core.scanning.answers import Answers
from core.scanning.inspect_files import FileInspection
from core.scanning.names import several

SHOWN = 24  # planes among the choices of a question
MOST_SLICES = 6  # of a brain or an organoid; a stack has more planes
CULTURES = "cultures"  # an answer: slices are none of a stack


def stack_facts(
    facts: Mapping[str, FileInspection],
    stacks: Mapping[str, Sequence[str]],
    how: str,
    problems: list[Problem],
) -> list[FileInspection]:
    """The facts, with the planes of each stack (first file -> all files) as one image."""
    planes = {file for members in stacks.values() for file in members}
    joined = [fact for file, fact in facts.items() if file not in planes]
    for first, members in stacks.items():
        of_stack = [facts[file] for file in members]
        if len({(f.info.shape, f.info.dtype) for f in of_stack if f.info}) > 1:
            reason = "the planes of its stack differ in size or bit depth"
            problems.append(Problem(first, reason, kind=ProblemKind.MISSING_PART))
            continue
        joined.append(_joined(of_stack, how))
    return joined


def _joined(planes: Sequence[FileInspection], how: str) -> FileInspection:
    channels = range(len(planes[0].saturated))
    blank = [all(p.unusable[c] for p in planes) for c in channels]
    return replace(
        planes[0],
        sources=tuple(source for p in planes for source in p.sources),
        digests=tuple(p.digest for p in planes),
        pixels=join_digests([p.pixels for p in planes]),
        saturated=tuple(max(p.saturated[c] for p in planes) for c in channels),
        unusable=tuple(planes[0].unusable[c] if blank[c] else "" for c in channels),
        zero_tail=any(p.zero_tail for p in planes),
        level=max(p.level for p in planes),
        depth=len(planes),
        z=how,
    )


def questions_of_files(
    facts: Iterable[FileInspection],
    tells: Mapping[str, Mapping[str, str]],
    answers: Answers,
    projections: Sequence[str],
    problems: list[Problem],
) -> list[Question]:
    """What must be asked of files that hold planes or times.

    `projections` are pictures that seem to be projections of stacks.
    """
    read = [fact for fact in facts if fact.info is not None and fact.file in tells]
    questions = _slices_question(read, tells, answers)
    stacks = [f for f in read if f.info and f.info.depth > 1 and f.z != STAINS]
    if stacks:
        questions += _plane_question(stacks, answers, projections, problems)
    return questions


def _slices_question(
    read: Sequence[FileInspection], tells: Mapping[str, Mapping[str, str]], answers: Answers
) -> list[Question]:
    """Whether planes or times are stains. Pages without metadata are stains, if not answered."""
    doubtful = [f for f in read if f.may_be_stains and "channel" not in tells[f.file]]
    unnamed = [f for f in read if f.unnamed]
    answer = answers.choice(QuestionKind.SLICES, [STAINS, PLANES]) if doubtful or unnamed else ""
    if answer or not (doubtful or unnamed):
        return []
    one = (doubtful or unnamed)[0]
    what = "planes or times of one channel" if doubtful else "pages without metadata"
    text = f"{one.base} holds {one.may_be_stains or one.unnamed} {what}."
    text += " Are they stains of one image?"
    return [Question(QuestionKind.SLICES, text, (STAINS, PLANES), None if doubtful else STAINS)]


def _plane_question(
    stacks: Sequence[FileInspection],
    answers: Answers,
    projections: Sequence[str],
    problems: list[Problem],
) -> list[Question]:
    depths = Counter(f.info.depth for f in stacks if f.info)
    depth = depths.most_common(1)[0][0]
    z = stacks[0].z
    item = several([stack.file for stack in stacks])
    problems.append(stack_warning(item, depth, z, "inside the file"))
    if answers.choice(QuestionKind.Z, [z]):
        return []
    offered = (PROJECTION,) if projections else ()
    return [plane_question([*offered, *map(str, range(1, max(depths) + 1))])]


def stack_warning(item: str, depth: int, z: str, where: str) -> Problem:
    """The warning of a stack, with what is read of it."""
    word = {MAXIMUM: "the maximum of each pixel", MEAN: "the mean of each pixel"}
    reason = f"a z-stack of {depth} planes {where}; {word.get(z, f'plane {z}')} is read"
    remedy = "Another choice: “Change…” on the Data page, or --answer z=CHOICE."
    return Problem(item, reason, remedy, "warning", ProblemKind.Z_STACK)


def plane_question(
    planes: Sequence[str], examples: Mapping[str, Mapping[str, str]] | None = None
) -> Question:
    """The question how planes become one image; the maximum is safe, but not of slices."""
    named = ", ".join([*planes[:8], *(["…"] if len(planes) > 8 else [])])
    if _may_be_tissue(planes):
        text = f"Are {named} planes of one stack? Then choose what is read. Or are they cultures?"
        return Question(
            QuestionKind.Z, text, (CULTURES, MAXIMUM, MEAN, *planes), None, examples or {}
        )
    text = f"The images are stacks of planes ({named}). What is read of them?"
    choices = (MAXIMUM, MEAN, *planes[:SHOWN])
    return Question(QuestionKind.Z, text, choices, MAXIMUM, examples or {})


def _may_be_tissue(planes: Sequence[str]) -> bool:
    """Whether slices may be cultures, such as slices of a brain: a stack has more planes."""
    slices = all(re.fullmatch(r"(?i)slice[ _\-]?\d+", plane) for plane in planes)
    return slices and len(planes) <= MOST_SLICES
