"""Explore: the map on the left, the image and what the model would change on the right.

Drag the handle.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QSplitter, QStackedLayout, QTabWidget, QVBoxLayout, QWidget

from core.domain import ModelCard
from leigh_gui.layout_memory import LayoutMemory
from leigh_gui.pages.explore.controller import ExploreControl
from leigh_gui.pages.explore.kept import Kept
from leigh_gui.pages.explore.map_panel import MapPanel
from leigh_gui.pages.explore.one_truth import OneTruth
from leigh_gui.pages.explore.picture import PicturePanel
from leigh_gui.pages.explore.selection_tabs import SelectionTabs
from leigh_gui.pages.explore.shown import Shown, now_shown
from leigh_gui.project_memory import ProjectMemory
from leigh_gui.services.thumbnails import Thumbnails
from leigh_gui.widgets.common.empty_state import EmptyState
from leigh_gui.widgets.common.splitter import HANDLE, splitter
from leigh_gui.widgets.map.scatter_view import shapes

MARGIN = 8
PICTURES, MAP = "explore-pictures", "explore-map"  # the splitters
LEAST_PICTURES = 700  # pixels, of the pictures and what is under them
MAP_HEIGHT = 1.25  # of its width, with what stands above it
MAP_SHARE, MAP_SHARE_OF_ONE, LEAST_MAP = 0.28, 0.24, 320  # of the width; of one stain; pixels


class ExplorePage(QWidget):
    """Shows the state and hands what the user does to the gestures."""

    train_asked = Signal()
    panel_asked = Signal(str)  # kind

    def __init__(
        self,
        control: ExploreControl,
        thumbnails: Thumbnails,
        memory: ProjectMemory,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.state, self.control = control.state, control
        self.thumbnails, self.memory = thumbnails, memory
        self._shown: Shown | None = None
        self._filled = False
        self._card: ModelCard | None = None  # of the model on show
        self._build()
        self._connect()

    def _build(self) -> None:
        self.empty = EmptyState(
            "Nothing to explore yet",
            "Train a model on your images, or open the demo.",
            "Go to Train",
        )
        self.map_panel = MapPanel(self.state)
        self.map, self.choice = self.map_panel.map, self.map_panel.choice
        self.tabs = SelectionTabs(self.state)
        self.kept = Kept(self.memory, self)
        self.picture = PicturePanel(self.state, self.control, self.kept)
        self.truth = OneTruth(self.map, self.picture)
        self.left = splitter(Qt.Orientation.Vertical, (self.map_panel, 1), (self.tabs, 0))
        self.split = splitter(Qt.Orientation.Horizontal, (self.left, 0), (self.picture, 1))
        self.split.setObjectName("explore-split")
        holder = QWidget()
        inner = QVBoxLayout(holder)
        inner.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        inner.addWidget(self.split)
        self.stack = QStackedLayout(self)
        self.stack.addWidget(self.empty)
        self.stack.addWidget(holder)
        splitters: dict[str, QSplitter] = {PICTURES: self.split, MAP: self.left}
        tabs: dict[str, QTabWidget] = {"explore": self.tabs}
        self.layout_memory = LayoutMemory(self.memory, splitters, tabs, self)

    def _connect(self) -> None:
        gestures = self.control.gestures
        self.empty.asked.connect(self.train_asked)
        self.map.picked.connect(gestures.pick)
        self.map.lassoed.connect(gestures.select)
        self.map.handle_moved.connect(lambda x, y: gestures.drag(x, y, False))
        self.map.handle_released.connect(lambda x, y: gestures.drag(x, y, True))
        self.choice.chosen.connect(gestures.set_plane)
        self.tabs.gallery.picked.connect(gestures.pick)
        self.tabs.plate.wells_picked.connect(gestures.select)
        self.tabs.mix.moved.connect(lambda shares: gestures.mix(shares, False))
        self.tabs.mix.let_go.connect(lambda shares: gestures.mix(shares, True))
        self.tabs.gallery.needed.connect(self.thumbnails.request)
        self.map_panel.thumbnail_needed.connect(lambda record: self.thumbnails.request([record]))
        self.thumbnails.ready.connect(self._on_thumbnail)
        self.picture.panel_asked.connect(self.panel_asked)
        self.picture.shape_changed.connect(self.balance)
        self.split.resized.connect(self.balance)
        self.left.resized.connect(self._balance_map)
        self.state.model_changed.connect(self._on_model)
        self.state.project_changed.connect(self._on_project)
        self.control.busy_changed.connect(lambda _: self._show_difference())
        self.state.view_changed.connect(self._show_difference)
        self.state.answer_changed.connect(self._show_difference)
        self.control.path_changed.connect(self._show_difference)

    def fill(self) -> None:
        """Show what is open; to build the page and to fill it are two turns."""
        if not self._filled:
            self._on_model()

    def balance(self) -> None:
        """Room for the pictures first; the map and what is selected get the rest.

        A splitter that the user moved stays where it is.
        """
        if PICTURES not in self.layout_memory.moved:
            width = self.split.width() - HANDLE
            share = MAP_SHARE if len(self.state.display) > 1 else MAP_SHARE_OF_ONE
            least = max(round(width * share), LEAST_MAP)
            wanted = max(self.picture.width_for(self.split.height()), LEAST_PICTURES)
            pictures = min(wanted, width - least)
            self.split.setSizes([width - pictures, pictures])

    def _balance_map(self) -> None:
        """A map about as high as it is wide."""
        if MAP not in self.layout_memory.moved:
            height = self.left.height() - HANDLE
            least = self.tabs.minimumSizeHint().height()
            high = min(round(self.left.width() * MAP_HEIGHT), height - least)
            self.left.setSizes([high, height - high])

    def remember_layout(self) -> None:
        """Keep what the user moved for the next start."""
        self.kept.write()
        self.layout_memory.write()

    def _on_model(self) -> None:
        """Another model or map: everything is shown again."""
        self._shown, self._filled = None, True
        ready = self.state.ready_to_explore
        self.stack.setCurrentIndex(1 if ready else 0)
        if not ready:
            self._say_what_is_missing()
            return
        opened = self.state.opened
        assert opened is not None and opened.card is not None
        self._card = opened.card
        self.picture.open(opened)
        self._show_project()
        self._show_difference()
        self.balance()

    def _on_project(self) -> None:
        """Other names, colours or roles; an opened project is shown with its model."""
        opened = self.state.opened
        same_model = opened is not None and opened.card is self._card
        if self._shown is not None and same_model and self.state.ready_to_explore:
            self._shown = None
            self._show_project()
            self._show_difference()

    def _show_project(self) -> None:
        conditions = self.state.conditions()
        self.picture.set_conditions(conditions, shapes(len(conditions)))
        self.tabs.show_project()

    def _show_difference(self) -> None:
        """Every part paints what differs from the moment that it shows."""
        if not self._filled or not self.state.ready_to_explore:
            return
        old, self._shown = self._shown, now_shown(self.control)
        for part in (self.map_panel, self.tabs, self.picture):
            part.apply(old, self._shown)
        self.truth.dim(self._shown.waits)

    def _say_what_is_missing(self) -> None:
        opened = self.state.opened
        if opened is None:
            self.empty.text.setText("Open a folder of images or the demo on the Start page.")
        elif opened.card is not None:
            self.empty.text.setText(
                "There is a model, but not its map. Compute the map on the Train page."
            )
        else:
            self.empty.text.setText(
                "Train a model on these images; the map appears by itself afterwards."
            )

    def _on_thumbnail(self, record_id: str, pixmap: QPixmap) -> None:
        self.tabs.show_thumbnail(record_id, pixmap)
        self.map_panel.show_thumbnail(record_id, pixmap)
