"""The left side of Explore: the map, the choice of maps, the legend, and the marks of the drag."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.domain import Precision, Split
from leigh_gui.pages.explore.notes import crossing_note, landing_note, other_condition_note
from leigh_gui.pages.explore.sentences import record_caption
from leigh_gui.pages.explore.shown import Shown, carry
from leigh_gui.state import AppState
from leigh_gui.widgets.map.legend import Legend
from leigh_gui.widgets.map.map_choice import MapChoice
from leigh_gui.widgets.map.map_layers import Points
from leigh_gui.widgets.map.map_overlay import Mark, Overlay
from leigh_gui.widgets.map.scatter_view import ScatterView, shapes

if TYPE_CHECKING:
    from core.domain import DecisionMap
    from core.latent_map.ternary_plane import Plane
    from core.latent_map.trajectory import Crossing, Trajectory


class MapPanel(QWidget):
    """Shows the map of the view, and where the image, the handle and the landing are on it."""

    thumbnail_needed = Signal(str)  # record

    def __init__(self, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self.plane: Plane | None = None
        self.decision: DecisionMap | None = None
        self._hidden: frozenset[str] = frozenset()
        self._trajectory: Trajectory | None = None
        self._build()
        self.legend.hidden_changed.connect(self._on_hidden)
        self.map.hovered.connect(self._on_hovered)

    def _build(self) -> None:
        self.legend = Legend()
        self.choice = MapChoice()
        self.choice.setObjectName("maps")
        self.map = ScatterView()
        self.map.setObjectName("map")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.choice, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.legend)
        column.addWidget(self.map, 1)

    def apply(self, old: Shown | None, new: Shown) -> None:
        """Paint what is different; without `old`, everything."""
        another_map = new.differs(old, "plane")
        if another_map:
            self._show_map(new.view.plane)
            self.show_legend()
        if new.differs(old, "selection"):
            self.map.set_selection(new.view.selection)
        if new.differs(old, "plane", "current", "path"):
            self._trajectory = self._trajectory_of(new)
        if new != old or new.differs(old, "answer", "path"):
            self.map.set_overlay(self._overlay(new))
            carry(new.answer, self.map)

    def show_legend(self) -> None:
        """The conditions of the map on show."""
        dataset = self.state.project.dataset if self.state.project else None
        if dataset is None:
            return
        conditions, plane = self.state.conditions(), self.state.view.plane
        kinds = zip(conditions, shapes(len(conditions)), strict=True)
        shown = [(c, s) for c, s in kinds if not plane or c.name in plane]
        self.legend.set_conditions(
            [c for c, _ in shown], dataset.counts(), [s for _, s in shown], self._hidden
        )
        self.map.set_hidden(self.legend.hidden())

    def show_thumbnail(self, record_id: str, pixmap: QPixmap) -> None:
        """The picture of the image under the pointer."""
        record = self.state.record(record_id)
        if record is not None:
            caption = f"{record.condition} · {record_caption(record)}"
            self.map.show_thumbnail(record_id, pixmap, caption)

    def _show_map(self, names: tuple[str, ...]) -> None:
        """Points and regions of the map that is chosen."""
        opened = self.state.opened
        assert opened is not None and opened.latents is not None
        latents = opened.latents
        self.choice.offer(opened.shown_conditions(), opened.projection is not None)
        self.choice.show_choice(names)
        projection, self.decision, self.plane = opened.map_of(names)
        rows = {record_id: row for row, record_id in enumerate(latents.record_ids)}
        known = [(i, rows[r]) for i, r in enumerate(projection.record_ids) if r in rows]
        places = np.array([i for i, _ in known], dtype=np.int64)
        table = np.array([r for _, r in known], dtype=np.int64)
        conditions = self.state.conditions()
        from core.latent_map.region_labels import label_places

        points = Points(
            tuple(projection.record_ids[i] for i in places),
            projection.xy[places],
            latents.truth[table],
            np.array([latents.split[r] == Split.TEST for r in table], dtype=bool),
            conditions,
            shapes(len(conditions)),
        )
        self.map.set_points(points)
        labels = label_places(self.decision, points.xy)
        self.map.set_decision_map(self.decision, self.plane is not None, labels)

    def _trajectory_of(self, shown: Shown) -> Trajectory | None:
        source = self._source(shown.view.current)
        if shown.path is None or source is None:
            return None
        from core.latent_map.trajectory import trajectory_of

        names = tuple(c.name for c in self.state.conditions())
        return trajectory_of(shown.path, source, self.plane, self.decision, names)

    def _overlay(self, shown: Shown) -> Overlay:
        """Handle, landing and path, and a note where the landing is not what the map says."""
        source, colour = self._source(shown.view.current), self._colour_of(shown.answered.target)
        if source is None:
            return Overlay(colour=colour)
        overlay = Overlay(source=source, handle=source, colour=colour)
        if (path := self._trajectory) is not None:
            crossings = tuple(self._mark(c, c is path.crossings[0]) for c in path.crossings)
            overlay = replace(overlay, lines=path.lines, ticks=path.ticks, crossings=crossings)
        position, result = shown.view.position, shown.answer.result if shown.answer else None
        landing = None
        if result is not None:
            from core.latent_map.trajectory import position_on

            read = self.state.conditions()[int(result.probabilities.argmax())]
            overlay = replace(overlay, valid=result.valid, landing_colour=read.colour)
            if result.strength > 0:
                landing = position_on(self.plane, result.xy, result.coordinates)
        return replace(
            overlay,
            handle=position or landing or source,
            landing=landing if position else None,
            note=self._note(shown, source),
        )

    def _mark(self, crossing: Crossing, first: bool) -> Mark:
        """A diamond in the colour of the condition; the first one says what it means."""
        words = f"{crossing.condition} from {crossing.strength * 100:.0f} %" if first else ""
        return Mark(crossing.place, self._colour_of(crossing.condition), words)

    def _note(self, shown: Shown, source: tuple[float, float]) -> str:
        answer, position, conditions = shown.answer, shown.view.position, self.state.conditions()
        note = ""
        if answer is not None and position is not None and position != source:
            better = answer.result.precision > Precision.PREVIEW
            if answer.move == shown.view.move and answer.result.valid and better:
                note = landing_note(self.decision, position, answer.result, conditions)
        record = self.state.record(shown.view.current)
        result = answer.result if answer is not None else None
        note = note or other_condition_note(record, result, conditions, shown.view.plane)
        return note or crossing_note(shown.path, conditions, shown.view.plane)

    def _source(self, record_id: str) -> tuple[float, float] | None:
        """Where an image lies on the map, or on a plane even if it is of a fourth condition."""
        position = self.map.still.position_of(record_id)
        if position is not None:
            return position
        latents = self.state.opened.latents if self.state.opened else None
        if self.plane is None or latents is None or record_id not in latents.record_ids:
            return None
        x, y = self.plane.places(latents.coordinates[latents.row(record_id)])
        return float(x), float(y)

    def _colour_of(self, name: str) -> str:
        return next((c.colour for c in self.state.conditions() if c.name == name), "#888888")

    def _on_hidden(self, names: frozenset[str]) -> None:
        """Remembered for every map: some conditions are not on this one."""
        self._hidden = (self._hidden - set(self.legend.ticks)) | names
        self.map.set_hidden(names)

    def _on_hovered(self, record_id: str) -> None:
        if record_id:
            self.thumbnail_needed.emit(record_id)
