"""The answers to the questions of a scan: which of them settles what, and which settle nothing."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from core.domain import Problem, answers_key


def same_answer(answer: str, choice: str) -> bool:
    """Whether an answer is a choice; the words of a list may come in any order."""
    return sorted(answer.split(", ")) == sorted(choice.split(", "))


class Answers:
    """The answers of one scan, by kind of question or by kind and what the question is about.

    It remembers which answers settled something.
    """

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        self._given = dict(given or {})
        self._used: set[str] = set()

    def choice(self, kind: str, choices: Sequence[str], about: Collection[str] = ()) -> str:
        """The choice that is the answer; "" where there is none, or one of other choices.

        `about` are all names for what the question is about, such as the files of one kind of name.
        """
        for key, answer in self._matching(kind, about):
            chosen = next((choice for choice in choices if same_answer(answer, choice)), "")
            if chosen:
                self._used.add(key)
            return chosen
        return ""

    def text(self, kind: str, about: Collection[str] = ()) -> str:
        """The answer as it was written; "" for none. This does not count as settled."""
        return next((answer for _, answer in self._matching(kind, about)), "")

    def use(self, kind: str, about: Collection[str] = ()) -> None:
        """Remember that the answer settled something."""
        self._used.update(key for key, _ in self._matching(kind, about))

    def unused(self) -> list[Problem]:
        """A warning for each answer that no question took."""
        reason = "this answer settles nothing in this folder, so it was not used"
        remedy = "Is it the answer to another question? Else leave it out."
        return [
            Problem(f"--answer {key}={answer}", reason, remedy, "warning")
            for key, answer in self._given.items()
            if key not in self._used
        ]

    def _matching(self, kind: str, about: Collection[str]) -> Iterator[tuple[str, str]]:
        """Key and text of the answer: that to this question before that to all of its kind."""
        if any(key.startswith(f"{kind}:") for key in self._given):
            for key in (answers_key(kind, name) for name in about):
                if key in self._given:
                    yield key, self._given[key]
                    return
        if kind in self._given:
            yield kind, self._given[kind]
