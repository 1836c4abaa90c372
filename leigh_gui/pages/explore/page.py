"""Explore: the map on the left, the image and what the model would change on the right.

Drag the handle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QSplitter, QStackedLayout, QTabWidget, QVBoxLayout, QWidget

from core.domain import Condition, Precision, Split
from leigh_gui.pages.explore.controller import ExploreControl
from leigh_gui.pages.explore.picture import PicturePanel
from leigh_gui.pages.explore.sentences import record_caption, short_caption
from leigh_gui.services.thumbnails import Thumbnails
from leigh_gui.state import AppState
from leigh_gui.widgets.common.empty_state import EmptyState
from leigh_gui.widgets.counterfactual.mix_board import MixBoard
from leigh_gui.widgets.image.channel_display import displays
from leigh_gui.widgets.image.gallery import Gallery, GalleryItem
from leigh_gui.widgets.image.plate_view import PlateView
from leigh_gui.widgets.map.legend import Legend
from leigh_gui.widgets.map.map_choice import MapChoice
from leigh_gui.widgets.map.scatter_view import ScatterView

if TYPE_CHECKING:
    from core.domain import Counterfactual, DecisionMap
    from core.latent_map.ternary_plane import Plane
    from core.latent_map.trajectory import Way
    from leigh_gui.settings import Settings

MANY = 400  # thumbnails in the gallery


class ExplorePage(QWidget):
    """Puts state on show and hands what the user does to the control."""

    train_asked = Signal()
    panel_asked = Signal(str)  # kind

    def __init__(
        self,
        state: AppState,
        control: ExploreControl,
        thumbnails: Thumbnails,
        settings: Settings,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.state, self.control, self.thumbnails, self.settings = (
            state,
            control,
            thumbnails,
            settings,
        )
        self._shown_selection: tuple[str, ...] = ()
        self._shown_plane: tuple[str, ...] = ()
        self._hidden: frozenset[str] = frozenset()
        self.plane: Plane | None = None
        self._decision: DecisionMap | None = None
        self._way: Way | None = None
        self._build()
        self._connect()
        self._on_model()

    def _build(self) -> None:
        self.empty = EmptyState(
            "Nothing to explore yet",
            "Train a model on your images, or open the demo.",
            "Go to Train",
        )
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setObjectName("explore-split")
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(8)
        self.left = self._build_left()
        self.picture = PicturePanel(self.state, self.control)
        self.split.addWidget(self.left)
        self.split.addWidget(self.picture)
        self.split.setStretchFactor(0, 50)
        self.split.setStretchFactor(1, 52)
        self.split.setSizes([500, 520])
        holder = QWidget()
        inner = QVBoxLayout(holder)
        inner.setContentsMargins(8, 8, 8, 8)
        inner.addWidget(self.split)
        self.stack = QStackedLayout(self)
        self.stack.addWidget(self.empty)
        self.stack.addWidget(holder)
        for name, splitter in self._splitters().items():
            saved = self.settings.bytes(f"split-{name}")
            if saved is not None:
                splitter.restoreState(saved)

    def _build_left(self) -> QSplitter:
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(8)
        top = QWidget()
        column = QVBoxLayout(top)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self.legend = Legend()
        self.maps = MapChoice()
        self.maps.setObjectName("maps")
        self.map = ScatterView()
        self.map.setObjectName("map")
        column.addWidget(self.maps, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.legend)
        column.addWidget(self.map, 1)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.gallery = Gallery()
        self.gallery.setObjectName("gallery")
        self.plate = PlateView()
        self.tabs.addTab(self.gallery, "Selection")
        self.mix = MixBoard()
        self.mix.setObjectName("mix")
        self.tabs.addTab(self.plate, "Plate")
        self.tabs.addTab(self.mix, "Mix")
        self.tabs.setTabToolTip(2, "Move the image toward several conditions at once")
        split.addWidget(top)
        split.addWidget(self.tabs)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 0)
        split.setSizes([600, 170])
        return split

    def _connect(self) -> None:
        self.empty.asked.connect(self.train_asked)
        self.map.picked.connect(self.control.pick)
        self.map.lassoed.connect(self.control.select)
        self.map.handle_moved.connect(lambda x, y: self.control.drag(x, y, False))
        self.map.handle_released.connect(lambda x, y: self.control.drag(x, y, True))
        self.map.hovered.connect(self._on_hovered)
        self.maps.chosen.connect(self.control.set_plane)
        self.legend.hidden_changed.connect(self._on_hidden)
        self.gallery.picked.connect(self.control.pick)
        self.gallery.needed.connect(self.thumbnails.request)
        self.thumbnails.ready.connect(self._on_thumbnail)
        self.plate.wells_picked.connect(self.control.select)
        self.mix.moved.connect(lambda shares: self.control.mix(shares, False))
        self.mix.let_go.connect(lambda shares: self.control.mix(shares, True))
        self.picture.panel_asked.connect(self.panel_asked)
        self.state.model_changed.connect(self._on_model)
        self.state.project_changed.connect(self._on_project)
        self.state.view_changed.connect(self._on_view)
        self.state.display_changed.connect(self.gallery.forget_thumbnails)
        self.state.counterfactual_changed.connect(self._on_counterfactual)
        self.control.path_changed.connect(self._on_path)

    def remember_layout(self) -> None:
        """Keep the splitters for the next start."""
        for name, splitter in self._splitters().items():
            self.settings.set_bytes(f"split-{name}", splitter.saveState())

    def _splitters(self) -> dict[str, QSplitter]:
        return {
            "explore": self.split,
            "explore-left": self.left,
            "explore-right": self.picture.split,
        }

    def _on_model(self) -> None:
        ready = self.state.ready_to_explore
        self.stack.setCurrentIndex(1 if ready else 0)
        if not ready:
            self._say_what_is_missing()
            return
        opened = self.state.opened
        assert opened is not None and opened.card and opened.latents
        preprocessing = opened.card.preprocessing
        if len(self.state.display) != len(opened.card.channels):
            self.state.set_display(
                displays(opened.card.channels, preprocessing.low, preprocessing.high)
            )
        self.maps.offer(self.state.shown_conditions(), opened.projection is not None)
        self._show_map()
        self._on_project()

    def _show_map(self) -> None:
        """Points and regions of the map that is chosen."""
        self.maps.show_choice(self.state.view.plane)
        opened = self.state.opened
        assert opened is not None and opened.latents
        latents, projection, decision = opened.latents, opened.projection, opened.decision
        self._shown_plane, self.plane = self.state.view.plane, None
        if self._shown_plane:
            from core.latent_map.ternary_plane import exact_plane

            projection, decision, self.plane = exact_plane(latents, self._shown_plane)
        assert projection is not None
        rows = {record_id: row for row, record_id in enumerate(latents.record_ids)}
        known = [(i, rows[r]) for i, r in enumerate(projection.record_ids) if r in rows]
        places = np.array([i for i, _ in known], dtype=np.int64)
        table = np.array([r for _, r in known], dtype=np.int64)
        held_out = np.array([latents.split[r] == Split.TEST for r in table])
        shown = self.conditions()
        self.map.set_points(
            [projection.record_ids[i] for i in places],
            projection.xy[places],
            latents.truth[table],
            held_out,
            shown,
            shapes(len(shown)),
        )
        self._decision = decision
        self.map.set_decision_map(decision, self.plane is not None)

    def _show_legend(self) -> None:
        """The conditions of the map on show."""
        dataset = self.state.project.dataset if self.state.project else None
        if dataset is not None:
            kinds = zip(self.conditions(), shapes(len(self.conditions())), strict=True)
            shown = [
                (c, s) for c, s in kinds if not self._shown_plane or c.name in self._shown_plane
            ]
            self.legend.set_conditions(
                [c for c, _ in shown], dataset.counts(), [s for _, s in shown], self._hidden
            )
            self.map.set_hidden(self.legend.hidden())

    def _on_hidden(self, names: frozenset[str]) -> None:
        """Remembered for every map: some are not on show."""
        self._hidden = (self._hidden - set(self.legend.ticks)) | names
        self.map.set_hidden(names)

    def conditions(self) -> tuple[Condition, ...]:
        """Conditions in class order with the project's colours."""
        return self.state.conditions()

    def _say_what_is_missing(self) -> None:
        opened = self.state.opened
        if opened is None:
            self.empty.text.setText("Open a folder of images or the demo on the Start page.")
            return
        has_model = opened.card is not None
        text = (
            "The model is there, its map is not. Compute the map on the Train page."
            if has_model
            else ("Train a model on these images; the map appears by itself afterwards.")
        )
        self.empty.text.setText(text)

    def _on_project(self) -> None:
        dataset = self.state.project.dataset if self.state.project else None
        if dataset is None or not self.state.ready_to_explore:
            return
        shown = self.conditions()
        self._show_legend()
        self.picture.set_conditions(shown, shapes(len(shown)))
        self.mix.set_conditions(shown, shapes(len(shown)))
        plates = list(dict.fromkeys(r.plate for r in dataset.records))
        first = [r for r in dataset.records if r.plate == plates[0]] if plates else []
        self.plate.set_plate(first, dataset.conditions, dataset.plate_shape)
        self._on_view()

    def _on_view(self) -> None:
        view = self.state.view
        again = self.state.ready_to_explore and view.plane != self._shown_plane
        if again:
            self._show_map()
            self._show_legend()
        self.map.set_source(view.current, self._place_of_image(view.current))
        if again:
            self._on_path()
        self.map.set_selection(view.selection)
        if view.selection != self._shown_selection:
            self._shown_selection = view.selection
            colours = {c.name: c.colour for c in self.conditions()}
            records = [self.state.record(i) for i in view.selection[:MANY]]
            items = [
                GalleryItem(r.id, short_caption(r), colours.get(r.condition, "#999999"))
                for r in records
                if r
            ]
            self.gallery.set_items(items)
            many = len(view.selection)
            self.tabs.setTabText(0, f"Selection ({many})" if many else "Selection")
        self.gallery.set_current(view.current)
        self.plate.set_selected(view.selection)
        weights = self.control.weights()
        if weights:
            target = max(weights, key=lambda name: weights[name])
            colour = next((c.colour for c in self.conditions() if c.name == target), "#888888")
            self.map.set_target(colour)
            self.picture.set_target(target, colour)
        record = self.state.record(view.current)
        self.mix.set_mix(record.condition if record else "", weights, view.strength)
        self.picture.show_view()
        self._show_marks()

    def _on_counterfactual(self) -> None:
        self.picture.show_counterfactual()
        self._show_marks()

    def _show_marks(self) -> None:
        view, cf = self.state.view, self.state.counterfactual
        source = self.map.overlay.source
        if source is None:
            self.map.set_marks(None, None)
            return
        from core.latent_map.trajectory import place_on

        landing = (
            place_on(self.plane, cf.xy, cf.coordinates)
            if cf is not None and cf.strength > 0
            else None
        )
        handle = view.place or landing or source
        if cf is not None:
            self.map.overlay.landing_colour = self.conditions()[
                int(cf.probabilities.argmax())
            ].colour
        self.map.overlay.left_way = self._way.at(view.strength) if self._way is not None else None
        place = self.map.overlay.handle if self.control.on_handle() else view.place
        said = (
            cf is not None
            and cf.valid
            and cf.precision > Precision.PREVIEW
            and place is not None
            and place != source
        )
        said = said and not self.control.waits() and not self.control.worker.busy()
        note = (self._note(place, cf) if said else "") or self._not_one_of_three(cf)
        self.map.set_marks(
            handle, landing if view.place else None, cf.valid if cf is not None else True, note
        )

    def _on_path(self) -> None:
        path = self.control.path
        source = self.map.overlay.source
        if path is None:
            self._way = None
            self.map.set_path((), None)
            self.picture.set_crossing(None)
            return
        from core.latent_map.trajectory import first_read_as, way_of

        if source is not None:
            way = self._way = way_of(path, source, self.plane)
            self.map.set_path(way.places, None if way.crossing is None else way.at(way.crossing))
            self._show_marks()
        first = first_read_as(path)
        self.picture.set_crossing(
            path.crossing, "" if first is None else self.conditions()[first].name
        )

    def _not_one_of_three(self, cf: Counterfactual | None) -> str:
        """Said of an image, or of what it is moved to, whose condition the plane on show leaves
        out.
        """
        record = self.state.record(self.state.view.current)
        if record is None or not self._shown_plane:
            return ""
        read = (
            self.conditions()[int(cf.probabilities.argmax())].name
            if cf is not None and cf.valid
            else ""
        )
        if cf is not None and cf.strength > 0 and read and read not in self._shown_plane:
            return (
                f"The picture is read as {read}: it lies where the model sees it among these three."
            )
        if record.condition in self._shown_plane:
            return ""
        return (
            f"The image is {record.condition}: it lies where the model sees it among these three."
        )

    def _note(self, place: tuple[float, float], cf: Counterfactual) -> str:
        """Where the picture is not what the model says of the region under the handle."""
        from core.latent_map.decision_regions import has_data, posterior_at

        if self._decision is None:
            return ""
        if cf.strength == 0:
            return "No condition lies this way: the image stays as it is."
        landed = self.conditions()[int(cf.probabilities.argmax())].name
        if not has_data(self._decision, *place):
            return f"There is no data under the handle; the picture is read as {landed}."
        under = self._decision.conditions[int(posterior_at(self._decision, *place).argmax())]
        return (
            "" if landed == under else f"The handle is in {under}, the picture lands in {landed}."
        )

    def _place_of_image(self, record_id: str) -> tuple[float, float] | None:
        """Where an image lies on the exact plane, also where it is none of the three; None on the
        map of all.
        """
        latents = self.state.opened.latents if self.state.opened else None
        if self.plane is None or latents is None or record_id not in latents.record_ids:
            return None
        x, y = self.plane.places(latents.coordinates[latents.row(record_id)])
        return float(x), float(y)

    def _on_hovered(self, record_id: str) -> None:
        if record_id:
            self.thumbnails.request([record_id])

    def _on_thumbnail(self, record_id: str, pixmap: QPixmap) -> None:
        self.gallery.set_thumbnail(record_id, pixmap)
        record = self.state.record(record_id)
        if record is not None:
            self.map.show_thumbnail(
                record_id, pixmap, f"{record.condition} · {record_caption(record)}"
            )


def shapes(count: int) -> tuple[int, ...]:
    """Circles for eight conditions, then another shape for the next eight, and so on."""
    return tuple(k // 8 for k in range(count))
