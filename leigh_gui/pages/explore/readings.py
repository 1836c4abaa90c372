"""Under the images of Explore: contrast, path, small stains, probabilities, evidence."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from core.domain import Condition, Counterfactual, CounterfactualPath
from leigh_gui.pages.explore.controller import ExploreControl
from leigh_gui.pages.explore.shown import Shown, carry
from leigh_gui.state import AppState
from leigh_gui.widgets.common.look import scrolled
from leigh_gui.widgets.counterfactual.evidence_card import EvidenceCard
from leigh_gui.widgets.counterfactual.film_strip import CAPTION, FilmStrip
from leigh_gui.widgets.counterfactual.lock_button import LockButton
from leigh_gui.widgets.counterfactual.path_bar import PathBar
from leigh_gui.widgets.counterfactual.probability_bars import ProbabilityBars
from leigh_gui.widgets.counterfactual.stain_multiples import StainMultiples
from leigh_gui.widgets.image.channel_bar import ChannelBar

GAP = 6
ROWS = 26 + 36 + 2 * GAP  # pixels of the rows for stains and strength
LOWEST, HIGHEST, FOLDED_OUT = 150, 172, 250  # pixels of the lowest row
FRAMES, CHART = 7, 260  # of the film; pixels for the probabilities next to it
FILM_MS = 60  # after the last change of a contrast; the large pictures come first
ROOMY, WIDE = 200, 1100  # pixels of the lowest row, from which on it shows the other stains
FRAME_SHARE, LEAST_FRAME, MOST_FRAME = 0.088, 56, 200  # of the height of the page; pixels


class ReadingsPanel(QWidget):
    """What can be set about the picture, and what is known of it."""

    def __init__(
        self, state: AppState, control: ExploreControl, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.state, self.control = state, control
        self._film = QTimer(self, singleShot=True, interval=FILM_MS)
        self._build()
        self._connect()
        self._on_opened()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        self.channels = ChannelBar()
        self.path = PathBar()
        self.strip = FilmStrip()
        self.strip.setObjectName("film-strip")
        self.lock = LockButton()
        self.multiples = StainMultiples()
        self.multiples.setObjectName("stains")
        self.bars = ProbabilityBars()
        self.bars.setObjectName("probabilities")
        self.evidence = EvidenceCard()
        self.evidence.setObjectName("evidence")
        strength = QHBoxLayout()
        strength.setSpacing(8)
        strength.addWidget(self.path, 1)
        strength.addWidget(self.lock)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(self.multiples, 4)
        self._scroll = _see_through(self.bars)
        row.addWidget(self._scroll, 4)
        row.addWidget(self.evidence, 5)
        column.addWidget(self.channels)
        column.addLayout(strength)
        column.addWidget(self.strip)
        column.addLayout(row, 1)

    def _connect(self) -> None:
        self.path.strength_moved.connect(lambda s: self.control.gestures.slide(s, False))
        self.path.strength_set.connect(lambda s: self.control.gestures.slide(s, True))
        self.strip.picked.connect(lambda s: self.control.gestures.slide(s, True))
        self.lock.changed.connect(self.control.gestures.set_locked)
        self.bars.move_asked.connect(self.control.gestures.move_to)
        self.state.display_changed.connect(self._on_display)
        self._film.timeout.connect(lambda: self.strip.set_channels(self.state.display))
        self.control.client.opened.connect(self._on_opened)

    def least_height(self, page: int) -> int:
        """Pixels that this needs on a page of a height; the film grows with the page."""
        lowest = min(max(self.bars.sizeHint().height(), LOWEST), HIGHEST)
        if self.evidence.numbers.isChecked():
            lowest = max(lowest, FOLDED_OUT)
        return ROWS + _frame(page) + CAPTION + 2 * GAP + lowest

    def set_page_height(self, page: int, own: int, width: int) -> None:
        """The page is this high; pixels of height and width that are left for this."""
        frame = _frame(page)
        lowest = own - ROWS - frame - CAPTION - 2 * GAP
        small = lowest >= ROOMY and width >= WIDE and len(self.state.display) > 1
        self.multiples.setVisible(small)
        spare = 0 if small else max(own - self.least_height(page), 0)
        widest = (width - CHART) // FRAMES
        self.strip.set_side(max(min(frame + spare, MOST_FRAME, widest), LEAST_FRAME))

    def set_conditions(self, conditions: Sequence[Condition], shapes: Sequence[int]) -> None:
        """Rows of the probabilities."""
        self.bars.set_conditions(conditions, shapes)
        self._scroll.setMinimumWidth(self.bars.minimumSizeHint().width())
        self.strip.set_conditions(conditions)
        dataset = self.state.project.dataset if self.state.project else None
        self.evidence.set_confounders(dataset.confounders if dataset else ())
        self._on_display()

    def apply(self, old: Shown | None, new: Shown) -> None:
        """Paint what is different; without `old`, everything."""
        there = self.state.record(new.view.current) is not None
        if new.differs(old, "mix"):
            self.path.set_strength(new.mix.strength)
        if new.differs(old, "answer", "mix"):
            self.path.set_answered(new.answered.strength)
            self.strip.set_strength(new.answered.strength)
            carry(new.answer, self.path, self.bars, self.evidence)
        if new.differs(old, "path"):
            self._show_path(new.path)
        if new.differs(old, "current"):
            self.path.setEnabled(there)
            self.bars.set_movable(there, "Click an image on the map first.")
        if new.differs(old, "path", "mix") and (new.path is None or new.differs(old, "path")):
            self.strip.set_path(new.path, "" if not there else _why_no_film(new))
        if new.differs(old, "answer") and new.answer is not None:
            self._show_answer(new.answer.result)
        if new.differs(old, "answer", "move"):
            self._show_locked()

    def _show_path(self, path: CounterfactualPath | None) -> None:
        """On the slider: where the class first changes, and what is unlike real images."""
        first = path.changes[:1] if path is not None else ()
        names = [c.name for c in self.state.conditions()]
        self.path.set_crossing(*((first[0].strength, names[first[0].read]) if first else (None,)))
        self.path.set_far(path.far if path is not None else ())

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
        self._film.start()
        self.lock.set_channels([c.name for c in self.state.display])
        self.lock.setVisible(len(self.state.display) > 1)  # a single channel cannot be locked
        self._show_locked()

    def _on_opened(self) -> None:
        self.evidence.set_no_oracles(self.control.client.no_evidence)


def _frame(page: int) -> int:
    """Height of a frame of the film on a page of this height."""
    return round(min(max(page * FRAME_SHARE, LEAST_FRAME), MOST_FRAME))


def _why_no_film(shown: Shown) -> str:
    if shown.view.dragging or shown.waits:
        return "The film of the path comes when you let go."
    return "The path to the target appears here, picture by picture."


def _see_through(widget: QWidget) -> QScrollArea:
    """The widget with a scroll bar where it is too tall, on the background of the page."""
    scroll = scrolled(widget)
    scroll.viewport().setAutoFillBackground(False)
    widget.setAutoFillBackground(False)
    return scroll
