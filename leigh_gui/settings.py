"""What the program remembers between starts: recent projects, window size, theme.

Damaged settings become defaults. Settings that cannot be written are kept until the window closes.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings

RECENT = 8
log = logging.getLogger(__name__)


class Settings:
    """Typed reading and writing; a value that cannot be read is its default.

    QSettings waits half a minute for a lock that another program holds. So its file is read once,
    and written as a whole to a new file, which replaces the old one.
    """

    def __init__(self, path: Path | None = None) -> None:
        store = QSettings(
            QSettings.Format.IniFormat, QSettings.Scope.UserScope, "Leigh Explorer", "window"
        )
        self._path = path or Path(store.fileName())
        self._unwritten: dict[str, Any] = {}
        self.notice = ""  # what was wrong with the file; "" where nothing was
        values = _read(self._path)
        if values is None:
            aside = self._path.with_name(f"{self._path.name}.damaged")
            self.notice = f"The settings in {self._path} were damaged; the window starts without."
            log.warning(self.notice)
            try:
                os.replace(self._path, aside)
            except OSError:
                log.warning("The damaged settings could not be put aside.", exc_info=True)
        self._values = values or {}

    def recent(self) -> list[Path]:
        """Project folders that were open, newest first."""
        value = self._values.get("recent", [])
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list):
            return []
        return [Path(name) for name in names if isinstance(name, str) and name]

    def remember(self, folder: Path) -> None:
        """Put this project at the head of the recent ones."""
        others = [p for p in self.recent() if p != folder]
        self._set("recent", [str(p) for p in [folder, *others][:RECENT]])

    def forget(self, folder: Path) -> None:
        """Take a project off the list."""
        self._set("recent", [str(p) for p in self.recent() if p != folder])

    def bytes(self, key: str) -> QByteArray | None:
        """Saved geometry or splitter sizes."""
        value = self._values.get(key)
        return value if isinstance(value, QByteArray) and not value.isEmpty() else None

    def set_bytes(self, key: str, value: QByteArray) -> None:
        """Save geometry or splitter sizes."""
        self._set(key, value)

    def flag(self, key: str, default: bool = False) -> bool:
        """A yes or no."""
        value = self._values.get(key, default)
        if isinstance(value, str):
            return value.lower() == "true"
        return value if isinstance(value, bool) else default

    def set_flag(self, key: str, value: bool) -> None:
        """Save a yes or no."""
        self._set(key, value)

    def number(self, key: str, default: float) -> float:
        """A finite number above zero."""
        try:
            value = float(str(self._values.get(key, default)))
        except ValueError:
            return default
        return value if 0 < value < float("inf") else default

    def set_number(self, key: str, value: float) -> None:
        """Save a number."""
        self._set(key, value)

    def text(self, key: str, default: str = "") -> str:
        """A word."""
        value = self._values.get(key, default)
        return value if isinstance(value, str) else default

    def set_text(self, key: str, value: str) -> None:
        """Save a word."""
        self._set(key, value)

    def _set(self, key: str, value: Any) -> None:
        self._values[key] = self._unwritten[key] = value
        try:
            _write(self._path, (_read(self._path) or {}) | self._unwritten)
        except Exception as error:  # a full disk must not keep the window from working
            log.warning("The settings cannot be written to %s: %s", self._path, error)
            return
        self._unwritten.clear()


def _read(path: Path) -> dict[str, Any] | None:
    """All values of a file of settings; None where it is damaged."""
    store = QSettings(str(path), QSettings.Format.IniFormat)
    values = {key: store.value(key) for key in store.allKeys()}
    try:
        text = path.read_bytes().strip()
    except OSError:
        text = b""
    damaged = store.status() == QSettings.Status.FormatError or (text and not values)
    if damaged or b"\0" in text:
        return None
    return {key: value for key, value in values.items() if value is not None}


def _write(path: Path, values: dict[str, Any]) -> None:
    """Raises OSError or LeighError for a file that cannot be written."""
    from core.io.atomic import replacing

    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        store = QSettings(str(temporary), QSettings.Format.IniFormat)
        for key, value in values.items():
            store.setValue(key, value)
        store.sync()
        if store.status() != QSettings.Status.NoError:
            raise OSError("the disk is full or read-only")
