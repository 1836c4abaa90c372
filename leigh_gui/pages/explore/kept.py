"""What the Explore page keeps between starts: colours, contrast, stain, ways to draw and play."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QColor

from leigh_gui.left_view import number
from leigh_gui.project_memory import SOON_MS, ProjectMemory
from leigh_gui.widgets.image.channel_display import ChannelDisplay

STAINS, LARGE, GREY = "stains", "large-stain", "in-grey"  # parts of the memory of a project
WAYS = "explore-ways"  # key of the settings: the same for all projects


class Kept(QObject):
    """Writes a moment after a change; what cannot be read counts as not kept."""

    def __init__(self, memory: ProjectMemory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.memory, self._settings = memory, memory.settings
        self._ways: dict[str, Any] | None = None  # not written yet
        self._timer = QTimer(self, singleShot=True, interval=SOON_MS)
        self._timer.timeout.connect(self.write)

    def stains(
        self, channels: Sequence[ChannelDisplay]
    ) -> tuple[tuple[ChannelDisplay, ...], bool, bool]:
        """The channels as they were left in the open project.

        Also whether their contrast is made for each pair, and whether it is locked.
        """
        known = self.memory.mapping(STAINS)
        listed = known.get("stains")
        found = listed if isinstance(listed, list) else []
        rows = {str(row.get("name")): row for row in found if isinstance(row, dict)}
        locked = known.get("locked") is True
        auto = known.get("auto", True) is True and not locked
        shown = tuple(_restored(c, rows.get(c.name, {}), not auto) for c in channels)
        return shown, auto, locked

    def keep_stains(self, channels: Sequence[ChannelDisplay], auto: bool, locked: bool) -> None:
        """Remember colours and visibility; contrast counts where it is not made for each pair."""
        rows = [
            {"name": c.name, "colour": c.colour, "visible": c.visible, "low": c.low,
             "high": c.high, "floor": c.floor, "ceiling": c.ceiling}
            for c in channels
        ]  # fmt: skip
        self.memory.keep(STAINS, {"stains": rows, "auto": auto, "locked": locked})

    def ways(self) -> dict[str, Any]:
        """How things were drawn and played."""
        try:
            found = json.loads(self._settings.text(WAYS) or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def keep_ways(self, ways: dict[str, Any]) -> None:
        """Remember how things are drawn and played."""
        self._ways = ways
        self._timer.start()

    def write(self) -> None:
        """Write what has changed."""
        self.memory.write()
        if self._ways is not None:
            self._settings.set_text(WAYS, json.dumps(self._ways))
        self._ways = None


def _restored(channel: ChannelDisplay, row: dict[str, Any], contrast: bool) -> ChannelDisplay:
    colour, visible = row.get("colour"), row.get("visible")
    if isinstance(colour, str) and len(colour) == 7 and QColor.isValidColorName(colour):
        channel = replace(channel, colour=colour)
    if isinstance(visible, bool):
        channel = replace(channel, visible=visible)
    read = [number(row.get(key)) for key in ("low", "high", "floor", "ceiling")]
    numbers = [value for value in read if value is not None]
    if contrast and len(numbers) == len(read) and numbers[0] < numbers[1]:
        low, high, floor, ceiling = numbers
        channel = replace(channel, low=low, high=high, floor=floor, ceiling=ceiling)
    return channel
