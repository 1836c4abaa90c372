"""The right side of Explore: original, counterfactual, difference maps, and their readings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import QProgressBar, QWidget

from core.domain import Condition, Mix, Precision
from leigh_gui.pages.explore.blink import Blink
from leigh_gui.pages.explore.controller import ExploreControl
from leigh_gui.pages.explore.kept import Kept
from leigh_gui.pages.explore.looks import Looks, values_at
from leigh_gui.pages.explore.readings import ReadingsPanel
from leigh_gui.pages.explore.sentences import record_caption, target_caption
from leigh_gui.pages.explore.shown import Shown, carry
from leigh_gui.pages.explore.stage import GAP, HINT, LEAST_PANE, Stage
from leigh_gui.pages.explore.ways import Ways
from leigh_gui.state import AppState
from leigh_gui.widgets.counterfactual.change import Change
from leigh_gui.widgets.counterfactual.verdict import RULE, verdict
from leigh_gui.widgets.image.image_view import Viewpoint
from leigh_gui.widgets.image.picture_column import FOOT, HEAD

if TYPE_CHECKING:
    import numpy as np

    from leigh_gui.opened import Opened

BUSY = 3  # pixels of the line that says that it is working


class PicturePanel(QWidget):
    """Shows what the state holds; the last good picture stays until a better one comes."""

    panel_asked = Signal(str)
    shape_changed = Signal()  # of the image

    def __init__(
        self, state: AppState, control: ExploreControl, kept: Kept, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.state, self.control = state, control
        self.viewpoint = Viewpoint(self, crosshair=True)
        self.aspect = 1.0  # width over height of the image
        self._scale_of = ""
        self._build()
        self.blinking = Blink(self.counterfactual, self.original)
        self.looks = Looks(state, self.readings.channels, kept)
        self.ways = Ways(kept, self.path, self.differences, self.evidence, self.single)
        self._connect()

    def _build(self) -> None:
        self.stage = Stage(self.viewpoint, self.panel_asked.emit)
        self.original, self.counterfactual = self.stage.original, self.stage.counterfactual
        self.differences = self.stage.differences
        self.light, self.cf_title = self.stage.light, self.stage.cf_title
        self.add, self.single = self.stage.add, self.stage.single
        self.busy = QProgressBar()
        self.busy.setTextVisible(False)
        self.busy.setRange(0, 1)
        self.readings = ReadingsPanel(self.state, self.control)
        self.path, self.bars, self.evidence = (
            self.readings.path,
            self.readings.bars,
            self.readings.evidence,
        )
        for part in (self.stage, self.busy, self.readings):
            part.setParent(self)

    def width_for(self, height: int) -> int:
        """Pixels in which the pictures fill their panes, on a page of this height."""
        return 3 * round(self._most_height(height) * self.aspect) + 2 * GAP

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def minimumSizeHint(self) -> QSize:
        width = max(self.stage.minimumWidth(), self.readings.minimumSizeHint().width())
        return QSize(width, LEAST_PANE + HEAD + FOOT + GAP + self.readings.least_height(0))

    def fit(self) -> None:
        """Panes in the shape of the image, as large as the width and the readings allow."""
        by_width = (self.width() - 2 * GAP) / 3 / self.aspect
        pane = max(min(by_width, self._most_height(self.height())), LEAST_PANE)
        high = round(pane) + HEAD + FOOT
        self.stage.setGeometry(0, 0, self.width(), high)
        self.busy.setGeometry(0, high + 2, self.width(), BUSY)
        left = self.height() - high - GAP
        self.readings.set_page_height(self.height(), left, self.width())
        self.readings.setGeometry(0, high + GAP, self.width(), left)

    def _most_height(self, height: int) -> float:
        """Pixels of a pane that leave the readings what they need."""
        rest = HEAD + FOOT + GAP + self.readings.least_height(height)
        return max(height - rest, LEAST_PANE)

    def _connect(self) -> None:
        self.viewpoint.pointed.connect(self._show_values)
        self.stage.blink.pointed.connect(
            lambda on: self.blinking.start() if on else self.blinking.stop()
        )
        self.stage.single.toggled.connect(lambda _: self._show_single())
        self.readings.multiples.chosen.connect(self.differences.choose)
        self.readings.evidence.unfolded.connect(lambda _: self.fit())
        self.differences.drawn_changed.connect(self._on_drawn)
        self.state.display_changed.connect(self._on_display)
        self.state.original_changed.connect(self._on_original)
        self.control.busy_changed.connect(self._on_busy)

    def open(self, opened: Opened) -> None:
        """The stains of a project that is opened, as they were left."""
        if self.looks.open(opened):
            self.ways.open([c.name for c in self.state.display])

    def set_conditions(self, conditions: Sequence[Condition], shapes: Sequence[int]) -> None:
        """Rows of the probabilities."""
        self.readings.set_conditions(conditions, shapes)
        self._on_display()

    def apply(self, old: Shown | None, new: Shown) -> None:
        """Paint what is different; without `old`, everything."""
        if new.differs(old, "current"):
            self._show_record()
        if new.differs(old, "current", "mix", "answer"):
            self._show_target(new.answered)
            carry(new.answer, self.stage.cf_title, self.counterfactual, self.stage.light)
        if new.differs(old, "answer", "current"):
            self._show_answer()
        if new.differs(old, "answer", "waits", "move"):
            self.counterfactual.set_mark(_mark(new))
        self.readings.apply(old, new)

    def _show_record(self) -> None:
        record, opened = self.state.record(self.state.view.current), self.state.opened
        self.stage.add.setEnabled(True)
        self.stage.add.setToolTip("Collect this for the figure (F)")
        if record is None:
            self._empty()
            return
        projection = opened.projection if opened is not None else None
        outside = projection is not None and record.id in projection.out_of_distribution
        title = f"Original · {record.condition} · {record_caption(record)}"
        self.stage.original_title.setText(title + (" · out of distribution" if outside else ""))

    def _show_target(self, mix: Mix) -> None:
        if self.state.record(self.state.view.current) is not None:
            self.stage.cf_title.setText(target_caption(dict(mix.weights), mix.strength))
        colours = {c.name: c.colour for c in self.state.conditions()}
        if mix.target:
            self.path.set_target(mix.target, colours.get(mix.target, "#888888"))

    def _show_answer(self) -> None:
        """The model's answer; the reason of an invalid one is shown, not its image."""
        cf = self.state.counterfactual
        names = [c.name for c in self.state.conditions()]
        opened = self.state.opened
        if cf is None or opened is None or opened.card is None:
            self._wait()
            return
        self.original.set_image(cf.original)
        self._set_aspect(cf.original)
        self.readings.channels.set_images(cf.original, *((cf.image,) if cf.valid else ()))
        if not self.state.view.dragging:
            self.looks.fit(cf)
        if cf.valid:
            self.counterfactual.set_image(cf.image)
            noise = max(cf.roundtrip_error, cf.picture_error)
            change = Change(cf.original, cf.image, cf.difference, cf.locked, noise)
            self.differences.set_change(change, keep_scale=self._scale_of == cf.record_id)
            self._scale_of = cf.record_id
        else:
            self.counterfactual.set_hint(f"Not drawn: {cf.reason}")
            self.counterfactual.set_image(None)
            self.differences.set_change(None)
        state, reason = verdict(cf, names) if cf.strength > 0 else ("none", "This is the original.")
        self.stage.light.set_state(state, f"{reason}\n{RULE}")

    def _set_aspect(self, image: np.ndarray) -> None:
        aspect = image.shape[2] / image.shape[1]
        if aspect != self.aspect:
            self.aspect = aspect
            self.fit()
            self.shape_changed.emit()

    def _on_drawn(self) -> None:
        """Another change, or another way to draw it."""
        view, small = self.differences, self.readings.multiples
        small.set_large(view.chosen)
        small.set_change(view.change, view.values(), view.limit)
        self.counterfactual.set_over(view.over if view.lies_over() else None)
        self._show_single()

    def _show_single(self) -> None:
        single = self.differences.chosen if self.stage.single.isChecked() else None
        for pane in (self.original, self.counterfactual):
            pane.set_single(single)

    def _show_values(self) -> None:
        """Grey values under the crosshair, before and after."""
        at, cf = self.viewpoint.pointer, self.state.counterfactual
        known = at is not None and cf is not None and len(cf.original) == len(self.state.display)
        words = HINT
        if known and at is not None and cf is not None:
            words = values_at(cf, self.state.display, self.differences.chosen, at)
        self.stage.values.setText(words)

    def thumbnail(self) -> QPixmap:
        """Original and counterfactual side by side, for the figure page."""
        left, right = self.original.grab(), self.counterfactual.grab()
        both = QPixmap(left.width() + right.width() + 8, left.height())
        both.fill(Qt.GlobalColor.transparent)
        painter = QPainter(both)
        painter.drawPixmap(0, 0, left)
        painter.drawPixmap(left.width() + 8, 0, right)
        painter.end()
        return both

    def _wait(self) -> None:
        self.stage.light.set_state("none", "No answer yet.")
        self.bars.set_probabilities(None)
        self.differences.set_change(None)
        self.counterfactual.set_mark("")
        self.counterfactual.set_image(None)
        if self.state.view.current:
            waiting = (
                "Turning the image into latents…"
                if self.control.client.ready
                else "Loading the model…"
            )
            self.counterfactual.set_hint(waiting)
            self.evidence.clear(waiting)

    def _empty(self) -> None:
        self.stage.original_title.setText("Original")
        self.stage.cf_title.setText("Counterfactual")
        self.original.set_image(None)
        self.counterfactual.set_hint("The counterfactual appears here.")
        self.counterfactual.set_image(None)
        self.evidence.clear("Click an image on the map to begin.")

    def _on_original(self) -> None:
        if self.state.counterfactual is None and self.state.original is not None:
            self._set_aspect(self.state.original)
            self.original.set_image(self.state.original)

    def _on_display(self) -> None:
        display = self.state.display
        opened = self.state.opened
        self.original.set_channels(display)
        self.counterfactual.set_channels(display)
        spans = (
            opened.card.preprocessing.span if opened and opened.card else [c.span for c in display]
        )
        if len(spans) == len(display):
            self.differences.set_channels(display, spans)
            self.readings.multiples.set_channels(display, spans)
        size = opened.project.dataset.pixel_size_um if opened and opened.project.dataset else None
        self.original.set_pixel_size(size)
        self.counterfactual.set_pixel_size(size)

    def _on_busy(self, busy: bool) -> None:
        self.busy.setRange(0, 0 if busy else 1)
        self.busy.setValue(0)
        if not busy and self.control.waits():  # the answer did not come
            self.counterfactual.set_mark("out of date")


def _mark(shown: Shown) -> str:
    """What must be known of the image on show."""
    result = shown.answer.result if shown.answer is not None else None
    if shown.waits:
        return "computing…"
    if result is None or not result.valid:
        return ""
    if result.precision == Precision.PREVIEW:
        return "preview"
    return "generated" if result.strength > 0 else ""
