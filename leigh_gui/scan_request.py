"""One scan that the window asks for, and a scan that waits for answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.domain import ImagePlace, NameRun, Question, QuestionKind, ReadAs, ScanOptions


@dataclass(frozen=True)
class ScanRequest:
    """Which folder is read into which project, and with which choices.

    `again`: the project exists, and these choices replace those that it stores.
    """

    folder: Path
    project: Path
    options: ScanOptions = field(default_factory=ScanOptions)
    again: bool = False

    def arguments(self) -> tuple[str, ...]:
        """The words after `leigh scan`. A choice that was not made is not sent."""
        options, usual = self.options, ScanOptions()
        words = [str(self.folder), "--project", str(self.project)]
        words += ["--replace"] if self.again else []
        for flag, value, default in (
            ("--condition-from", options.condition_from, usual.condition_from),
            ("--plate-map", options.plate_map, None),
            ("--pattern", options.pattern, None),
            ("--group-by", options.group_by, usual.group_by),
            ("--pixel-size-um", options.pixel_size_um, None),
        ):
            if value != default:
                words.append(f"{flag}={value}")  # a value may begin with a dash
        words += [f"--answer={kind}={choice}" for kind, choice in options.answers.items()]
        words += ["--exclude", *options.exclude] if options.exclude else []
        return tuple(words)


@dataclass(frozen=True)
class OpenScan:
    """A scan that wrote nothing, because it asks something."""

    request: ScanRequest
    questions: tuple[Question, ...]
    read_as: ReadAs | None = None
    problems: str = ""  # what was left out or is doubtful, one a line

    @property
    def open(self) -> bool:
        """Whether a question must be answered."""
        return any(question.default is None for question in self.questions)

    def concerns(self, project: Path) -> bool:
        """Whether this scan is one of that project."""
        return self.request.project == project


def open_scan(request: ScanRequest, result: dict[str, Any]) -> OpenScan | None:
    """What the JSON of a scan asks; None where no question is open."""
    questions = tuple(
        Question(
            QuestionKind(asked["kind"]),
            asked["text"],
            tuple(asked["choices"]),
            asked["default"],
            asked.get("examples") or {},
            {image: ImagePlace(**place) for image, place in (asked.get("places") or {}).items()},
            asked.get("about", ""),
        )
        for asked in result.get("questions") or ()
    )
    read = result.get("read_as")
    read_as = None
    if read:
        runs = tuple(NameRun(**run) for run in read["runs"])
        read_as = ReadAs(read["scheme"], read["example"], runs)
    asked = OpenScan(request, questions, read_as, problem_lines(result.get("problems") or []))
    return asked if asked.open else None


def with_answers(options: ScanOptions, answers: dict[str, str]) -> ScanOptions:
    """The choices with further answers."""
    return replace(options, answers={**options.answers, **answers})


def problem_lines(problems: list[dict[str, Any]]) -> str:
    """The problems of a scan that made nothing, one a line."""
    return "\n".join(
        f"{problem['item']}: {problem['reason'].rstrip('. ')}. {problem['remedy']}".strip()
        for problem in problems
    )
