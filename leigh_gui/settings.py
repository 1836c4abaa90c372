"""What the program remembers between starts: recent projects, window size, theme.

Damaged settings become defaults.
"""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

RECENT = 8
log = logging.getLogger(__name__)


class Settings:
    """Typed reading and writing; a value that cannot be read is its default."""

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            self._store = QSettings(
                QSettings.Format.IniFormat, QSettings.Scope.UserScope, "Leigh Explorer", "window"
            )
        else:
            self._store = QSettings(str(path), QSettings.Format.IniFormat)
        if self._store.status() == QSettings.Status.FormatError:
            log.warning("The settings file was damaged; starting with defaults.")
            self._store.clear()

    def recent(self) -> list[Path]:
        """Project folders that were open, newest first."""
        value = self._store.value("recent", [])
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list):
            return []
        return [Path(name) for name in names if isinstance(name, str) and name]

    def remember(self, folder: Path) -> None:
        """Put this project at the head of the recent ones."""
        others = [p for p in self.recent() if p != folder]
        self._store.setValue("recent", [str(p) for p in [folder, *others][:RECENT]])

    def forget(self, folder: Path) -> None:
        """Take a project off the list."""
        self._store.setValue("recent", [str(p) for p in self.recent() if p != folder])

    def bytes(self, key: str) -> QByteArray | None:
        """Saved geometry or splitter sizes."""
        value = self._store.value(key)
        return value if isinstance(value, QByteArray) and not value.isEmpty() else None

    def set_bytes(self, key: str, value: QByteArray) -> None:
        """Save geometry or splitter sizes."""
        self._store.setValue(key, value)

    def flag(self, key: str, default: bool = False) -> bool:
        """A yes or no."""
        value = self._store.value(key, default)
        if isinstance(value, str):
            return value.lower() == "true"
        return value if isinstance(value, bool) else default

    def set_flag(self, key: str, value: bool) -> None:
        """Save a yes or no."""
        self._store.setValue(key, value)

    def number(self, key: str, default: float) -> float:
        """A finite number above zero."""
        try:
            value = float(str(self._store.value(key, default)))
        except ValueError:
            return default
        return value if 0 < value < float("inf") else default

    def set_number(self, key: str, value: float) -> None:
        """Save a number."""
        self._store.setValue(key, value)

    def text(self, key: str, default: str = "") -> str:
        """A word."""
        value = self._store.value(key, default)
        return value if isinstance(value, str) else default

    def set_text(self, key: str, value: str) -> None:
        """Save a word."""
        self._store.setValue(key, value)
