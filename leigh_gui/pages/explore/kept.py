"""What the Explore page keeps between starts: colours, contrast, stain, map, film, ways to draw."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QColor

from leigh_gui.settings import Settings
from leigh_gui.widgets.image.channel_display import ChannelDisplay

SOON_MS = 800  # after the last change, so that a slider does not write at every step
PROJECTS = 16  # whose stains are remembered
STAINS, WAYS, PLANES = "explore-stains", "explore-ways", "explore-planes"  # keys of the settings


class Kept(QObject):
    """Writes a moment after a change; what cannot be read counts as not kept."""

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._pending: dict[str, Callable[[], str]] = {}
        self._timer = QTimer(self, singleShot=True, interval=SOON_MS)
        self._timer.timeout.connect(self.write)

    def stains(
        self, folder: Path, channels: Sequence[ChannelDisplay]
    ) -> tuple[tuple[ChannelDisplay, ...], bool, bool]:
        """The channels as they were left in this project.

        Also whether their contrast is made for each pair, and whether it is locked.
        """
        known = _mapping(_mapping(self._read(STAINS)).get(str(folder)))
        rows = {str(row.get("name")): row for row in known.get("stains", []) if _is(row)}
        locked = known.get("locked") is True
        auto = known.get("auto", True) is True and not locked
        shown = tuple(_restored(c, rows.get(c.name, {}), not auto) for c in channels)
        return shown, auto, locked

    def keep_stains(
        self, folder: Path, channels: Sequence[ChannelDisplay], auto: bool, locked: bool
    ) -> None:
        """Remember colours and visibility; contrast counts where it is not made for each pair."""
        rows = [
            {"name": c.name, "colour": c.colour, "visible": c.visible, "low": c.low,
             "high": c.high, "floor": c.floor, "ceiling": c.ceiling}
            for c in channels
        ]  # fmt: skip

        def words() -> str:
            others = _mapping(self._read(STAINS))
            others.pop(str(folder), None)
            newest = list(others.items())[-(PROJECTS - 1) :]
            own = {"stains": rows, "auto": auto, "locked": locked}
            return json.dumps(dict(newest) | {str(folder): own})

        self._soon(STAINS, words)

    def plane(self, folder: Path) -> tuple[str, ...] | None:
        """The map that was chosen in this project, () for that of all; None: none was."""
        names = _mapping(self._read(PLANES)).get(str(folder))
        return tuple(map(str, names)) if isinstance(names, list) else None

    def keep_plane(self, folder: Path, plane: tuple[str, ...] | None) -> None:
        """Remember the map that was chosen; None: that of the treatment in hand."""

        def words() -> str:
            others = _mapping(self._read(PLANES))
            others.pop(str(folder), None)
            newest = list(others.items())[-(PROJECTS - 1) :]
            own = {} if plane is None else {str(folder): list(plane)}
            return json.dumps(dict(newest) | own)

        self._soon(PLANES, words)

    def ways(self) -> dict[str, Any]:
        """How things were drawn and played."""
        return _mapping(self._read(WAYS))

    def keep_ways(self, ways: dict[str, Any]) -> None:
        """Remember how things are drawn and played."""
        self._soon(WAYS, lambda: json.dumps(ways))

    def write(self) -> None:
        """Write what has changed."""
        pending, self._pending = self._pending, {}
        for key, words in pending.items():
            self._settings.set_text(key, words())

    def _soon(self, key: str, words: Callable[[], str]) -> None:
        self._pending[key] = words
        self._timer.start()

    def _read(self, key: str) -> Any:
        try:
            return json.loads(self._settings.text(key) or "{}")
        except ValueError:
            return {}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is(row: Any) -> bool:
    return isinstance(row, dict)


def _restored(channel: ChannelDisplay, row: dict[str, Any], contrast: bool) -> ChannelDisplay:
    colour, visible = row.get("colour"), row.get("visible")
    if isinstance(colour, str) and len(colour) == 7 and QColor.isValidColorName(colour):
        channel = replace(channel, colour=colour)
    if isinstance(visible, bool):
        channel = replace(channel, visible=visible)
    read = [row.get(key) for key in ("low", "high", "floor", "ceiling")]
    numbers = [float(v) for v in read if isinstance(v, int | float)]
    if contrast and len(numbers) == len(read) and numbers[0] < numbers[1]:
        low, high, floor, ceiling = numbers
        channel = replace(channel, low=low, high=high, floor=floor, ceiling=ceiling)
    return channel
