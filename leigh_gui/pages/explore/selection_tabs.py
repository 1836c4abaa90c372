"""Under the map: the selected images, the plate, and the mix of conditions."""

from __future__ import annotations

from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QTabWidget, QWidget

from leigh_gui.pages.explore.sentences import short_caption
from leigh_gui.pages.explore.shown import Shown
from leigh_gui.state import AppState
from leigh_gui.widgets.counterfactual.mix_board import MixBoard
from leigh_gui.widgets.image.gallery import Gallery, GalleryItem
from leigh_gui.widgets.image.plate_view import PlateView
from leigh_gui.widgets.map.scatter_view import shapes

MANY = 400  # thumbnails in the gallery


class SelectionTabs(QTabWidget):
    """Three ways to choose an image and its target."""

    def __init__(self, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self._build()
        state.display_changed.connect(self.gallery.forget_thumbnails)

    def _build(self) -> None:
        self.setDocumentMode(True)
        self.tabBar().setDrawBase(False)
        self.gallery = Gallery()
        self.gallery.setObjectName("gallery")
        self.plate = PlateView()
        self.mix = MixBoard()
        self.mix.setObjectName("mix")
        self.addTab(self.gallery, "Selection")
        self.addTab(self.plate, "Plate")
        self.addTab(self.mix, "Mix")
        self.setTabToolTip(2, "Move the image toward several conditions at once")

    def show_project(self) -> None:
        """Conditions, and the first plate."""
        dataset = self.state.project.dataset if self.state.project else None
        if dataset is None:
            return
        conditions = self.state.conditions()
        self.mix.set_conditions(conditions, shapes(len(conditions)))
        plates = list(dict.fromkeys(r.plate for r in dataset.records))
        first = [r for r in dataset.records if r.plate == plates[0]] if plates else []
        self.plate.set_plate(first, dataset.conditions, dataset.plate_shape)

    def apply(self, old: Shown | None, new: Shown) -> None:
        """Paint what is different; without `old`, everything."""
        if new.differs(old, "selection"):
            self._show_selection(new.view.selection)
        if new.differs(old, "selection", "current"):
            self.gallery.set_current(new.view.current)
        if new.differs(old, "mix", "current"):
            record = self.state.record(new.view.current)
            source = record.condition if record is not None else ""
            self.mix.set_mix(source, dict(new.mix.weights), new.mix.strength)

    def show_thumbnail(self, record_id: str, pixmap: QPixmap) -> None:
        """The picture of one image of the gallery."""
        self.gallery.set_thumbnail(record_id, pixmap)

    def _show_selection(self, selection: tuple[str, ...]) -> None:
        colours = {c.name: c.colour for c in self.state.conditions()}
        records = [self.state.record(i) for i in selection[:MANY]]
        items = [
            GalleryItem(r.id, short_caption(r), colours.get(r.condition, "#999999"), r.digest)
            for r in records
            if r is not None
        ]
        self.gallery.set_items(items)
        self.setTabText(0, f"Selection ({len(selection)})" if selection else "Selection")
        self.plate.set_selected(selection)
