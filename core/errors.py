"""The few kinds of error a user can meet; each says what is wrong and what to do about it."""


class LeighError(Exception):
    """The user's input is at fault: `message` says what and where, `hint` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class BadImage(LeighError):
    """One image file cannot be used. It goes to the problems list; the batch goes on."""


class BadTable(LeighError):
    """A plate map or label table cannot be used as it is."""


class BadProject(LeighError):
    """A project folder is damaged, of another version, or does not match its images."""


class BadModel(LeighError):
    """A model file is damaged, or was trained for other channels or conditions."""


class NotInvertible(LeighError):
    """The network could not be inverted to the promised precision: nothing is drawn."""
