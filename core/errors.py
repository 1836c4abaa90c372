"""The kinds of error that a user can meet; each says what is wrong and what to do about it."""


class LeighError(Exception):
    """An input cannot be used: `message` says what is wrong and where, `hint` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class BadImage(LeighError):
    """One image file cannot be used. The problems list names it, and the scan goes on."""


class BadTable(LeighError):
    """A plate map or another table cannot be used as it is."""


class BadProject(LeighError):
    """A project folder is damaged, of another version, or does not match its images."""


class FolderMissing(BadProject):
    """A folder that was there is gone: moved, renamed, or on a drive that was removed."""


class BadModel(LeighError):
    """A model file is damaged, or was trained for other channels or conditions."""


class NotInvertible(LeighError):
    """The network could not be inverted to the promised precision, so no image is shown."""
