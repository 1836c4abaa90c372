"""Under the images of Explore: contrast, strength, locked channels, probabilities, evidence."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from core.domain import Condition, Counterfactual
from leigh_gui.pages.explore.controller import ExploreControl
from leigh_gui.pages.explore.shown import Shown
from leigh_gui.state import AppState
from leigh_gui.widgets.common.look import scrolled
from leigh_gui.widgets.counterfactual.evidence_card import EvidenceCard
from leigh_gui.widgets.counterfactual.lock_button import LockButton
from leigh_gui.widgets.counterfactual.path_bar import PathBar
from leigh_gui.widgets.counterfactual.probability_bars import ProbabilityBars
from leigh_gui.widgets.image.channel_bar import ChannelBar

ROWS_IN_VIEW = 5


class ReadingsPanel(QWidget):
    """What can be set about the picture, and what is known of it."""

    def __init__(
        self, state: AppState, control: ExploreControl, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.state, self.control = state, control
        self._build()
        self._connect()
        self._on_opened()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self.channels = ChannelBar()
        self.path = PathBar()
        self.lock = LockButton()
        self.bars = ProbabilityBars()
        self.bars.setObjectName("probabilities")
        self.evidence = EvidenceCard()
        self.evidence.setObjectName("evidence")
        self._scroll = _see_through(self.bars)
        strength = QHBoxLayout()
        strength.setSpacing(8)
        strength.addWidget(self.path, 1)
        strength.addWidget(self.lock)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(self._scroll, 1)
        row.addWidget(_see_through(self.evidence), 1)
        column.addWidget(self.channels)
        column.addLayout(strength)
        column.addLayout(row, 1)

    def _connect(self) -> None:
        self.channels.changed.connect(self.state.set_display)
        self.path.strength_moved.connect(lambda s: self.control.gestures.slide(s, False))
        self.path.strength_set.connect(lambda s: self.control.gestures.slide(s, True))
        self.lock.changed.connect(self.control.gestures.set_locked)
        self.bars.move_asked.connect(self.control.gestures.move_to)
        self.state.display_changed.connect(self._on_display)
        self.control.client.opened.connect(self._on_opened)

    def set_conditions(self, conditions: Sequence[Condition], shapes: Sequence[int]) -> None:
        """Rows of the probabilities."""
        self.bars.set_conditions(conditions, shapes)
        dataset = self.state.project.dataset if self.state.project else None
        self.evidence.set_confounders(dataset.confounders if dataset else ())
        self._scroll.setMinimumHeight(min(self.bars.sizeHint().height(), ROWS_IN_VIEW * 28))
        self._on_display()

    def apply(self, old: Shown | None, new: Shown) -> None:
        """Paint what is different; without `old`, everything."""
        there = self.state.record(new.view.current) is not None
        if new.differs(old, "mix"):
            self.path.set_strength(new.mix.strength)
        if new.differs(old, "current"):
            self.path.setEnabled(there)
            self.bars.set_movable(there, "Click an image on the map first.")
        if new.differs(old, "answer") and new.answer is not None:
            self._show_answer(new.answer.result)
        if new.differs(old, "answer", "move"):
            self._show_locked()

    def _show_answer(self, cf: Counterfactual) -> None:
        """How sure the model is, and the evidence."""
        opened = self.state.opened
        assert opened is not None and opened.card is not None
        table = opened.latents
        known = table is not None and cf.record_id in table.record_ids
        before = (
            table.probabilities[table.row(cf.record_id)] if table is not None and known else None
        )
        self.bars.set_probabilities(cf.probabilities, before)
        names = [c.name for c in self.state.conditions()]
        channels = [c.name for c in opened.card.channels]
        automatic = self.state.view.move.locked is None
        self.evidence.set_counterfactual(
            cf, names, channels, opened.card.preprocessing.span, automatic
        )

    def _show_locked(self) -> None:
        cf = self.state.counterfactual
        self.lock.set_locked(self.state.view.move.locked, cf.locked if cf is not None else ())

    def _on_display(self) -> None:
        self.channels.set_channels(self.state.display)
        self.lock.set_channels([c.name for c in self.state.display])
        self.lock.setVisible(len(self.state.display) > 1)  # a single channel cannot be locked
        self._show_locked()

    def _on_opened(self) -> None:
        self.evidence.set_no_oracles(self.control.client.no_evidence)


def _see_through(widget: QWidget) -> QScrollArea:
    """The widget with a scroll bar where it is too tall, on the background of the page."""
    scroll = scrolled(widget)
    scroll.viewport().setAutoFillBackground(False)
    widget.setAutoFillBackground(False)
    return scroll
