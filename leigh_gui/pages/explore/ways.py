"""How changes are drawn and paths are played, kept between starts."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QAbstractButton

from leigh_gui.pages.explore.kept import GREY, LARGE, Kept
from leigh_gui.widgets.counterfactual.difference_view import DifferenceView
from leigh_gui.widgets.counterfactual.evidence_card import EvidenceCard
from leigh_gui.widgets.counterfactual.path_bar import PathBar


class Ways(QObject):
    """Sets the widgets as they were left, and remembers what the user sets."""

    def __init__(
        self,
        kept: Kept,
        path: PathBar,
        view: DifferenceView,
        card: EvidenceCard,
        grey: QAbstractButton,
    ) -> None:
        super().__init__(path)
        self.kept, self.path, self.view, self.card, self.grey = kept, path, view, card, grey
        self._names: list[str] = []  # of the stains
        self._restore()
        path.playing_changed.connect(self._keep)
        view.how_changed.connect(self._keep)
        card.unfolded.connect(lambda _: self._keep())
        view.chosen_changed.connect(self._keep_large)
        grey.toggled.connect(lambda on: kept.memory.keep(GREY, on))

    def open(self, names: list[str]) -> None:
        """The stain that is shown large, and whether it is grey, as left in the open project."""
        self._names = names
        self.grey.setChecked(self.kept.memory.part(GREY) is True)
        large = self.kept.memory.part(LARGE)
        if large in names:
            self.view.choose(names.index(large))

    def _keep_large(self, index: int) -> None:
        if index < len(self._names):
            self.kept.memory.keep(LARGE, self._names[index])

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
