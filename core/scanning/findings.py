"""What a scan finds on its way: problems, questions, and where the images lie."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from core.domain import ImagePlace, Problem, Question
from core.scanning.answers import Answers
from core.scanning.inspect_files import FileInspection


@dataclass(frozen=True)
class Findings:
    """Problems and questions, in the order in which they were found, and places of images.

    `answers` are those to questions of before.
    """

    problems: list[Problem] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    places: dict[str, ImagePlace] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)


def image_places(facts: Iterable[FileInspection]) -> dict[str, ImagePlace]:
    """Name -> place of the images that are a part of a file."""
    places: dict[str, ImagePlace] = {}
    for fact in facts:
        if fact.sources and fact.sources[0] != fact.file:
            places[fact.file] = ImagePlace(fact.sources[0], fact.scene, fact.t)
            if fact.base not in ("", fact.sources[0]):
                places.setdefault(fact.base, places[fact.file])
    return places


def with_places(question: Question, places: Mapping[str, ImagePlace]) -> Question:
    """The question, with the places of its examples."""
    shown = {image for words in question.examples.values() for image in words.values()}
    return replace(question, places={image: places[image] for image in shown if image in places})
