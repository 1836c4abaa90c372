"""The kinds of error that a user can meet; each says what is wrong and what to do about it."""

from collections.abc import Sequence
from typing import Any


class LeighError(Exception):
    """An input cannot be used: `message` says what is wrong and where, `hint` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class BadImage(LeighError):
    """One image file cannot be used. The problems list names it, and the scan goes on.

    `kind` is a value of ProblemKind.
    """

    def __init__(self, message: str, hint: str = "", kind: str = "unreadable") -> None:
        super().__init__(message, hint)
        self.kind = kind


class BadTable(LeighError):
    """A plate map or another table cannot be used as it is."""


class NothingWritten(LeighError):
    """A scan that made no records; `problems`, `questions` and `read_as` are of the domain."""

    def __init__(
        self,
        message: str,
        hint: str,
        problems: Sequence[Any],
        questions: Sequence[Any] = (),
        read_as: Any = None,
    ) -> None:
        super().__init__(message, hint)
        self.problems, self.questions, self.read_as = tuple(problems), tuple(questions), read_as


class BadProject(LeighError):
    """A project folder is damaged, of another version, or does not match its images."""


class FolderMissing(BadProject):
    """A folder that was there is gone: moved, renamed, or on a drive that was removed."""


class NetworkPath(LeighError):
    """A project names a folder on another computer that nobody has allowed on this one.

    `project` is the folder of the project.
    """

    def __init__(self, message: str, hint: str, project: Any) -> None:
        super().__init__(message, hint)
        self.project = project


class BadModel(LeighError):
    """A model file is damaged, or was trained for other channels or conditions."""


class NotInvertible(LeighError):
    """The network could not be inverted to the promised precision, so no image is shown."""
