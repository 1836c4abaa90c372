"""What a scan finds on its way: problems and questions."""

from dataclasses import dataclass, field

from core.domain import Problem, Question


@dataclass(frozen=True)
class Findings:
    """Problems and questions, in the order in which they were found."""

    problems: list[Problem] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)


def same_answer(answer: str, choice: str) -> bool:
    """Whether an answer is a choice; the words of a list may come in any order."""
    return sorted(answer.split(", ")) == sorted(choice.split(", "))
