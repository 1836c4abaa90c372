"""Pictures for questions about planes and times inside a file: each choice as it would be read."""

from collections.abc import Sequence
from dataclasses import replace

from core.domain import ImagePlace, Question, QuestionKind
from core.io.stacks import MAXIMUM, PLANES, PROJECTION, STAINS
from core.scanning.findings import Findings
from core.scanning.inspect_files import FileInspection

Shown = dict[str, dict[str, ImagePlace]]  # choice -> word -> place


def show_stacks(findings: Findings, facts: Sequence[FileInspection]) -> None:
    """Give questions without examples those of a file that is asked about."""
    for number, question in enumerate(findings.questions):
        shown = {} if question.examples else _shown(question, facts)
        examples: dict[str, dict[str, str]] = {}
        for choice, words in shown.items():
            for word, place in words.items():
                image = f"{place.file}, {place.scene + ', ' if place.scene else ''}{word}"
                examples.setdefault(choice, {})[word] = image
                findings.places[image] = place
        if examples:
            findings.questions[number] = replace(question, examples=examples)


def _shown(question: Question, facts: Sequence[FileInspection]) -> Shown:
    if question.kind == QuestionKind.Z:
        stacks = [f for f in facts if f.info and f.info.depth > 1 and f.z != STAINS]
        deepest = max(stacks, key=lambda f: f.info.depth if f.info else 0, default=None)
        return {} if deepest is None else _planes(deepest, question.choices)
    if question.kind == QuestionKind.SLICES:
        doubtful = next((f for f in facts if f.may_be_stains and f.info), None)
        if doubtful is not None:
            return _slices(doubtful)
        unnamed = next((f for f in facts if f.unnamed and f.info), None)
        return {} if unnamed is None else {STAINS: {"one image": _place(unnamed)}}
    return {}


def _planes(fact: FileInspection, choices: Sequence[str]) -> Shown:
    """A projection next to the stacks is a file of its own, and has no picture here."""
    place = _place(fact)
    return {c: {_word(c): replace(place, z=c)} for c in choices if c != PROJECTION}


def _slices(fact: FileInspection) -> Shown:
    """All stains in one picture and each alone; planes as their maximum, times one by one."""
    place, depth = _place(fact), fact.info.depth if fact.info else 1
    numbers = [str(n + 1) for n in range(fact.may_be_stains)]
    if depth > 1:
        together = replace(place, z=STAINS)
        single = {n: replace(place, z=n) for n in numbers}
        others = {"maximum": replace(place, z=MAXIMUM)}
    else:
        together = replace(place, t=STAINS)
        single = {n: replace(place, t=n) for n in numbers}
        others = {f"time {n}": single[n] for n in numbers}
    alone = {f"stain {n}": single[n] for n in numbers}
    return {STAINS: {"one image": together, **alone}, PLANES: others}


def _place(fact: FileInspection) -> ImagePlace:
    return ImagePlace(fact.sources[0] if fact.sources else fact.file, fact.scene, fact.t)


def _word(choice: str) -> str:
    return f"plane {choice}" if choice.isdecimal() else choice
