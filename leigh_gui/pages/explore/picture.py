"""The right side of Explore: original, counterfactual, difference maps, and their readings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QProgressBar, QSizePolicy, QToolButton, QWidget

from core.domain import Condition, CounterfactualPath, Mix, Precision
from leigh_gui.pages.explore.controller import ExploreControl
from leigh_gui.pages.explore.readings import ReadingsPanel
from leigh_gui.pages.explore.sentences import record_caption, target_caption
from leigh_gui.pages.explore.shown import Shown
from leigh_gui.state import AppState
from leigh_gui.widgets.common.elided_label import ElidedLabel
from leigh_gui.widgets.counterfactual.change import Change
from leigh_gui.widgets.counterfactual.difference_view import DifferenceView
from leigh_gui.widgets.counterfactual.light import Light
from leigh_gui.widgets.counterfactual.verdict import RULE, verdict
from leigh_gui.widgets.image.channel_display import automatic
from leigh_gui.widgets.image.image_view import ImagePane, Viewpoint
from leigh_gui.widgets.image.picture_column import FOOT, HEAD, PictureColumn

if TYPE_CHECKING:
    import numpy as np

GAP, BUSY = 8, 3  # pixels between the parts, and of the line that says that it is working
LEAST_PANE = 120  # pixels
PANELS = (("counterfactual", "This counterfactual"), ("path", "Its path"), ("map", "The map"),
          ("confusion", "The confusion table"))  # fmt: skip


class PicturePanel(QWidget):
    """Shows what the state holds; the last good picture stays until a better one comes."""

    panel_asked = Signal(str)
    shape_changed = Signal()  # of the image

    def __init__(
        self, state: AppState, control: ExploreControl, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.state, self.control = state, control
        self.viewpoint = Viewpoint(self, crosshair=True)
        self.aspect = 1.0  # width over height of the image
        self._scale_of = ""
        self._build()
        self._connect()

    def _build(self) -> None:
        self.stage = QWidget()
        self.stage.setMinimumWidth(3 * LEAST_PANE)
        row = QHBoxLayout(self.stage)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        self.differences = DifferenceView(self.viewpoint)
        for column in (self._build_original(), self._build_counterfactual(), self.differences):
            column.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
            row.addWidget(column, 1)
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

    def _build_original(self) -> QWidget:
        self.original = ImagePane(self.viewpoint)
        self.original.setObjectName("original")
        self.original.set_hint("Click a point on the map to see its image.")
        column = PictureColumn(self.original)
        self.original_title = ElidedLabel("Original")
        column.head.addWidget(self.original_title)
        return column

    def _build_counterfactual(self) -> QWidget:
        self.counterfactual = ImagePane(self.viewpoint)
        self.counterfactual.setObjectName("counterfactual")
        self.counterfactual.set_hint("The counterfactual appears here.")
        column = PictureColumn(self.counterfactual)
        self.light, self.cf_title = Light(14), ElidedLabel("Counterfactual")
        column.head.addWidget(self.light)
        column.head.addWidget(self.cf_title, 1)
        column.head.addWidget(self._build_add())
        return column

    def _build_add(self) -> QToolButton:
        self.add = QToolButton()
        self.add.setObjectName("add-to-figure")
        self.add.setText("Add to figure ▾")
        self.add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.add)
        for kind, text in PANELS:
            menu.addAction(text).triggered.connect(lambda _=False, k=kind: self.panel_asked.emit(k))
        self.add.setMenu(menu)
        return self.add

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
        self.readings.set_page_height(self.height(), left)
        self.readings.setGeometry(0, high + GAP, self.width(), left)

    def _most_height(self, height: int) -> float:
        """Pixels of a pane that leave the readings what they need."""
        rest = HEAD + FOOT + GAP + self.readings.least_height(height)
        return max(height - rest, LEAST_PANE)

    def _connect(self) -> None:
        self.readings.channels.auto_asked.connect(self._on_auto)
        self.readings.multiples.chosen.connect(self.differences.choose)
        self.readings.evidence.unfolded.connect(lambda _: self.fit())
        self.differences.drawn_changed.connect(self._on_drawn)
        self.readings.channels.lock_changed.connect(self._on_lock)
        self.state.display_changed.connect(self._on_display)
        self.state.original_changed.connect(self._on_original)
        self.control.busy_changed.connect(self._on_busy)

    def set_conditions(self, conditions: Sequence[Condition], shapes: Sequence[int]) -> None:
        """Rows of the probabilities."""
        self.readings.set_conditions(conditions, shapes)
        self._on_display()

    def apply(self, old: Shown | None, new: Shown) -> None:
        """Paint what is different; without `old`, everything."""
        if new.differs(old, "current"):
            self._show_record()
        if new.differs(old, "current", "mix"):
            self._show_target(new.mix)
        if new.differs(old, "answer", "current"):
            self._show_answer()
        if new.differs(old, "answer", "waits", "move"):
            self.counterfactual.set_mark(_mark(new))
        if new.differs(old, "path"):
            self._show_crossing(new.path)
        self.readings.apply(old, new)

    def _show_record(self) -> None:
        record, opened = self.state.record(self.state.view.current), self.state.opened
        self.add.setEnabled(True)
        self.add.setToolTip("Collect this for the figure (F)")
        if record is None:
            self._empty()
            return
        projection = opened.projection if opened is not None else None
        outside = projection is not None and record.id in projection.out_of_distribution
        title = f"Original · {record.condition} · {record_caption(record)}"
        self.original_title.setText(title + (" · out of distribution" if outside else ""))

    def _show_target(self, mix: Mix) -> None:
        if self.state.record(self.state.view.current) is not None:
            self.cf_title.setText(target_caption(dict(mix.weights), mix.strength))
        colours = {c.name: c.colour for c in self.state.conditions()}
        if mix.target:
            self.path.set_target(mix.target, colours.get(mix.target, "#888888"))

    def _show_crossing(self, path: CounterfactualPath | None) -> None:
        if path is None:
            self.path.set_crossing(None)
            return
        from core.latent_map.trajectory import first_read_as

        first = first_read_as(path)
        to = "" if first is None else self.state.conditions()[first].name
        self.path.set_crossing(path.crossing, to)

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
        self.light.set_state(state, f"{reason}\n{RULE}")

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
        self.counterfactual.set_over(view.over_pixels())

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
        self.light.set_state("none", "No answer yet.")
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
        self.original_title.setText("Original")
        self.cf_title.setText("Counterfactual")
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

    def _on_auto(self) -> None:
        image = self.original.image()
        if image is not None and not self.state.locked:
            self.state.set_display(automatic(self.state.display, image))

    def _on_lock(self, locked: bool) -> None:
        self.state.locked = locked

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
