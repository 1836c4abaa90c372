"""The plates of a screen as heat maps, and the images of a well or treatment."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from core.domain.screen import Screen, WellScore
from leigh_gui.pages.screen.controller import ScreenControl
from leigh_gui.services.background import Background
from leigh_gui.services.thumbnails import Thumbnails, read_image
from leigh_gui.widgets.common.elided_label import ElidedLabel
from leigh_gui.widgets.common.look import count, plate_arrows, tip
from leigh_gui.widgets.image.channel_display import automatic, displays
from leigh_gui.widgets.image.gallery import Gallery, GalleryItem
from leigh_gui.widgets.screen.heat_view import HeatView, ScaleBar
from leigh_gui.widgets.screen.well_values import choices, layout_of, scale_of

MANY = 400  # thumbnails listed


class WellsPanel(QWidget):
    """Plates on the left, pictures on the right."""

    explain_asked = Signal(str, str)  # record id, target condition or ""
    selected = Signal(str)  # condition

    def __init__(
        self, control: ScreenControl, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.control, self.state, self.thumbnails = control, control.state, thumbnails
        self.listed: tuple[str, ...] = ()
        self.image = ""  # record id of the picture that was clicked
        self._screen: Screen | None = None
        self._plates: list[str] = []
        self._picked: WellScore | None = None
        self._background = Background(self, threads=1)
        self._build()
        self._connect()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(4)
        column.addLayout(self._build_head())
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(8)
        self.heat = HeatView()
        self.split.addWidget(self.heat)
        self.split.addWidget(self._build_images())
        self.split.setStretchFactor(0, 3)
        self.split.setStretchFactor(1, 2)
        self.split.setSizes([292, 252])
        column.addWidget(self.split, 1)

    def _build_head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        self.what = QComboBox()
        self.what.setObjectName("well-value")
        self.what.setToolTip("What the wells are coloured by; × marks wells out of distribution")
        self.plate = QComboBox()
        self.plate.setObjectName("plate-choice")
        self.plate.setToolTip("Which plate is shown")
        for box, most in ((self.what, 10), (self.plate, 5)):
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(most)
        self.before, self.after = plate_arrows()
        self.bar = ScaleBar()
        row.addWidget(self.what)
        row.addWidget(self.before)
        row.addWidget(self.plate)
        row.addWidget(self.after)
        row.addWidget(self.bar, 1)
        row.addStretch(0)
        return row

    def _build_images(self) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.title = ElidedLabel("")
        self.gallery = Gallery(hint="Click a well to see its images.")
        self.gallery.setMinimumWidth(128)
        self.explain = QPushButton("Explain this image")
        self.explain.setObjectName("explain-image")
        column.addWidget(self.title)
        column.addWidget(self.gallery, 1)
        column.addWidget(self.explain)
        return holder

    def _connect(self) -> None:
        self.what.currentIndexChanged.connect(self._show_plate)
        self.plate.currentIndexChanged.connect(self._show_plate)
        self.before.clicked.connect(lambda: self._turn(-1))
        self.after.clicked.connect(lambda: self._turn(1))
        self.heat.well_picked.connect(self.pick_well)
        self.gallery.picked.connect(self.pick_image)
        self.gallery.needed.connect(self._on_needed)
        self.gallery.viewport().installEventFilter(self)
        self.thumbnails.ready.connect(self.gallery.set_thumbnail)
        self.state.display_changed.connect(self.gallery.forget_thumbnails)
        self.state.model_changed.connect(self._say_explain)
        self.explain.clicked.connect(self._on_explain)

    def set_screen(self, screen: Screen | None) -> None:
        """Show the plates of this screen; keep the chosen plate and value where they exist."""
        plate, key = self.plate.currentData(), self.what.currentData()
        self._screen = screen
        self._plates = list(dict.fromkeys(w.plate for w in screen.wells)) if screen else []
        for box in (self.plate, self.what):
            box.blockSignals(True)
            box.clear()
        for name in self._plates:
            self.plate.addItem(name or "the plate", name)
        for value, words in choices(screen) if screen else ():
            self.what.addItem(words, value)
        self.plate.setCurrentIndex(max(self.plate.findData(plate), 0))
        self.what.setCurrentIndex(max(self.what.findData(key), 0))
        for box in (self.plate, self.what):
            box.blockSignals(False)
        for widget in (self.plate, self.before, self.after):
            widget.setVisible(len(self._plates) > 1)
        place = (
            (self._picked.plate, self._picked.well, self._picked.group) if self._picked else None
        )
        wells = screen.wells if screen else ()
        self._picked = next((w for w in wells if (w.plate, w.well, w.group) == place), None)
        self._show_plate()

    def set_current(self, condition: str) -> None:
        """Outline the wells of a treatment, turn to a plate that has some, and list its images."""
        self.heat.set_current(condition)
        wells = [w for w in self._screen.wells if w.condition == condition] if self._screen else []
        if self._picked is not None and self._picked.condition == condition:
            self._list((self._picked,), f"{self._picked.well or self._picked.group} · {condition}")
            return
        self._pick(None)
        if wells and self.plate.currentData() not in {w.plate for w in wells}:
            self.plate.setCurrentIndex(self._plates.index(wells[0].plate))
        self._list(tuple(wells), condition)

    def pick_well(self, well: WellScore) -> None:
        """List the images of one well and select its treatment."""
        self._pick(well)
        self._list((well,), f"{well.well or well.group} · {well.condition}")
        self.selected.emit(well.condition)

    def pick_image(self, record_id: str) -> None:
        """The picture that the button is about."""
        self.image = record_id
        self.gallery.set_current(record_id)
        self._say_explain()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A double-click on a picture explains it; its first click has made it the current one."""
        if event.type() == QEvent.Type.MouseButtonDblClick and isinstance(event, QMouseEvent):
            self.gallery.mousePressEvent(event)
            self._on_explain()
            return True
        return super().eventFilter(watched, event)

    def _pick(self, well: WellScore | None) -> None:
        self._picked = well
        self.heat.set_picked(well)

    def _list(self, wells: tuple[WellScore, ...], title: str) -> None:
        ids = tuple(dict.fromkeys(i for w in wells for i in w.record_ids))
        known = tuple(i for i in ids if self.state.record(i) is not None)
        self.listed = known[:MANY]
        colours = {c.name: c.colour for c in self.control.conditions()}
        named = {i: w.well or w.group for w in wells for i in w.record_ids}
        several = len(self._plates) > 1 and len({w.plate for w in wells}) > 1
        plates = {i: f"{w.plate} " if several else "" for w in wells for i in w.record_ids}
        items = []
        for record_id in self.listed:
            record = self.state.record(record_id)
            if record is not None:
                site = f" · {record.site}" if record.site else ""
                caption = f"{plates[record_id]}{named[record_id]}{site}"
                colour = colours.get(record.condition, "#999999")
                items.append(GalleryItem(record_id, caption, colour, record.digest))
        self.gallery.set_items(items)
        lost = (
            f", {len(ids) - len(known)} no longer in the project" if len(known) < len(ids) else ""
        )
        self.title.setText(
            f"{title} · {count(len(known), 'image')}{lost}" if title else "Click a well"
        )
        self.pick_image(
            self.image if self.image in self.listed else (self.listed[0] if self.listed else "")
        )

    def _show_plate(self) -> None:
        key, plate = self.what.currentData(), self.plate.currentData()
        if self._screen is None or key is None:
            return
        wells = [w for w in self._screen.wells if w.plate == plate]
        layout = layout_of(wells, self._screen.plate_shapes.get(plate))
        scale = scale_of(self._screen.wells, key)
        colours = {c.name: c.colour for c in self.control.conditions()}
        words = self.what.currentText()
        self.heat.set_plate(layout, key, words, scale, colours)
        self.heat.set_picked(self._picked)
        self.bar.setVisible(key != "condition")
        self.bar.set_scale(scale, words)
        index = self.plate.currentIndex()
        self.before.setEnabled(index > 0)
        self.after.setEnabled(index < len(self._plates) - 1)

    def _turn(self, by: int) -> None:
        self.plate.setCurrentIndex(
            min(max(self.plate.currentIndex() + by, 0), len(self._plates) - 1)
        )

    def _say_explain(self) -> None:
        why = self.control.why_not_explain(self.state.record(self.image))
        self.explain.setEnabled(not why)
        self.explain.setToolTip(
            tip(why or "Go to Explore with this image and move it to the healthy condition")
        )

    def _on_explain(self) -> None:
        record = self.state.record(self.image)
        if record is not None and not self.control.why_not_explain(record):
            self.explain_asked.emit(record.id, self.control.target(record))

    def _on_needed(self, record_ids: list[str]) -> None:
        """Pictures need a contrast: the model's, or without a model that of the first image."""
        dataset = self.state.project.dataset if self.state.project else None
        opened = self.state.opened
        if dataset is None or opened is None:
            return
        if len(self.state.display) == len(dataset.channels):
            self.thumbnails.request(record_ids)
            return
        if opened.card is not None and len(opened.card.channels) == len(dataset.channels):
            preprocessing = opened.card.preprocessing
            self.state.set_display(
                displays(opened.card.channels, preprocessing.low, preprocessing.high)
            )
            return
        record = self.state.record(record_ids[0])
        if record is not None:
            zeros, ones = (0.0,) * len(dataset.channels), (1.0,) * len(dataset.channels)
            made = displays(dataset.channels, zeros, ones)
            self._background.run(
                lambda: automatic(made, read_image(dataset, record)),
                self.state.set_display,
                lambda error: None,
            )
