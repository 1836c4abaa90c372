"""All that shows a move on Explore shows the same one, and dims while another is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from core.domain import Move
from leigh_gui.pages.explore.shown import carried
from leigh_gui.widgets.common.veil import Veil

if TYPE_CHECKING:
    from leigh_gui.pages.explore.picture import PicturePanel
    from leigh_gui.widgets.map.scatter_view import ScatterView

DIM_MS = 150  # that a picture may take before all that shows a move dims


class OneTruth(QObject):
    """The veils over the map and over the pictures with their readings."""

    def __init__(self, scatter: ScatterView, picture: PicturePanel) -> None:
        super().__init__(picture)
        self._map, self._picture = scatter, picture
        self._veils = (Veil(scatter), Veil(picture))
        self._timer = QTimer(self, singleShot=True, interval=DIM_MS)
        self._timer.timeout.connect(lambda: self._set(True))

    def dim(self, waits: bool) -> None:
        """Dim a moment later if another move is awaited; clear at once if not."""
        if not waits:
            self._timer.stop()
            self._set(False)
        elif not self.dimmed() and not self._timer.isActive():
            self._timer.start()

    def dimmed(self) -> bool:
        """Whether what is on show is not what was asked for."""
        return not any(veil.isHidden() for veil in self._veils)

    def moves(self) -> dict[str, Move | None]:
        """The move that each part of the page shows: always the same one."""
        picture, stage = self._picture, self._picture.stage
        parts = {
            "header": stage.cf_title,
            "light": stage.light,
            "picture": stage.counterfactual,
            "slider": picture.path,
            "bars": picture.bars,
            "card": picture.evidence,
            "map": self._map,
        }
        return {name: carried(part) for name, part in parts.items()}

    def _set(self, on: bool) -> None:
        for veil in self._veils:
            veil.set_on(on)
