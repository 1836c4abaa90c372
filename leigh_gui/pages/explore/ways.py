"""How changes are drawn and paths are played, kept between starts."""

from __future__ import annotations

from PySide6.QtCore import QObject

from leigh_gui.pages.explore.kept import Kept
from leigh_gui.widgets.counterfactual.difference_view import DifferenceView
from leigh_gui.widgets.counterfactual.evidence_card import EvidenceCard
from leigh_gui.widgets.counterfactual.path_bar import PathBar


class Ways(QObject):
    """Sets the widgets as they were left, and remembers what the user sets."""

    def __init__(self, kept: Kept, path: PathBar, view: DifferenceView, card: EvidenceCard) -> None:
        super().__init__(path)
        self.kept, self.path, self.view, self.card = kept, path, view, card
        self._restore()
        path.playing_changed.connect(self._keep)
        view.how_changed.connect(self._keep)
        card.unfolded.connect(lambda _: self._keep())

    def _restore(self) -> None:
        ways = self.kept.ways()
        self.path.loop.setChecked(ways.get("loop") is True)
        speed, threshold = ways.get("speed"), ways.get("threshold")
        self.path.set_speed(float(speed) if isinstance(speed, int | float) else 1.0)
        above = float(threshold) if isinstance(threshold, int | float) else 0.0
        self.view.set_how(ways.get("relative") is True, above)
        self.card.numbers.setChecked(ways.get("numbers") is True)

    def _keep(self) -> None:
        how = self.view.how
        self.kept.keep_ways(
            {
                "loop": self.path.loop.isChecked(),
                "speed": self.path.speed_now(),
                "relative": how.relative,
                "threshold": how.threshold,
                "numbers": self.card.numbers.isChecked(),
            }
        )
