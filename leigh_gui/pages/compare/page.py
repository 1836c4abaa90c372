"""Compare: the same image through every explanation, side by side, stain by stain."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from core.domain import AUTOENCODER, Attribution, Mix, PanelSpec
from leigh_gui.pages.compare.column import TITLES, Column
from leigh_gui.pages.compare.controller import CompareControl, Stage
from leigh_gui.widgets.common.elided_label import ElidedLabel
from leigh_gui.widgets.common.empty_state import EmptyState
from leigh_gui.widgets.common.look import duration, percent, plain
from leigh_gui.widgets.common.number_box import NumberBox
from leigh_gui.widgets.image.image_view import ImagePane, Viewpoint

LEGEND = (
    "Counterfactual and autoencoder: red is brighter, blue darker. Saliency: violet where a pixel"
    " matters. The others: red is evidence for the target, blue against it. Every column has its"
    " own scale. They show where a network looks; only the counterfactual shows what would have to"
    " be different."
)
ON_BACKGROUND = (
    "Share of the map that lies on background. In brackets: share of the image that is background."
)
PROGRESS_STEPS = 1000  # of the bar


class ComparePage(QWidget):
    """Asks for one explanation after the other in the background and shows what has come."""

    explore_asked = Signal()
    panel_asked = Signal(object)  # PanelSpec

    def __init__(self, compare: CompareControl) -> None:
        super().__init__()
        self.state, self.compare = compare.state, compare
        self.viewpoint = Viewpoint(self)
        self.columns = {kind: Column(kind, self.viewpoint) for kind in TITLES}
        self._build()
        self._connect()
        self._on_subject()

    def _build(self) -> None:
        hint = "Click an image on the Explore page to explain it here."
        self.empty = EmptyState("No image is chosen", hint, "Go to Explore")
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addLayout(self._build_head())
        column.addWidget(self._build_grid(), 1)
        column.addWidget(plain(LEGEND, "small", wrap=True))
        self.stack = QStackedLayout(self)
        self.stack.addWidget(self.empty)
        self.stack.addWidget(body)

    def _build_head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.title = ElidedLabel("")
        self.network = QComboBox()
        self.network.setObjectName("network")
        self.network.setToolTip(
            "Whose decision is explained by saliency, integrated gradients, occlusion and Grad-CAM."
        )
        self.window_side = NumberBox()
        self.window_side.setObjectName("window-side")
        self.window_side.setPrefix("Window ")
        self.window_side.setKeyboardTracking(False)  # not asked for after every digit
        self.window_side.setToolTip(
            "Side of what occlusion hides. A small window takes longer and sees finer detail."
        )
        self.window_side.setMinimumHeight(self.network.sizeHint().height())
        self.doing = plain("", "muted")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedSize(120, 8)
        self.stop = QPushButton("Stop")
        self.stop.setObjectName("stop-explaining")
        self.add = QPushButton("Add to figure")
        self.add.setObjectName("add-comparison")
        row.addWidget(self.title, 1)
        row.addWidget(self.network)
        row.addWidget(self.window_side)
        row.addWidget(self.doing)
        row.addWidget(self.progress)
        row.addWidget(self.stop)
        row.addWidget(self.add)
        return row

    def _build_grid(self) -> QScrollArea:
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(8)
        for place, column in enumerate(self.columns.values()):
            grid.addWidget(column, 0, place)
        self.grid = grid
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        area.setWidget(holder)
        self.area = area
        return area

    def _arrange(self) -> None:
        """Side by side; with a single stain in two rows, where its pictures are larger."""
        self.columns[AUTOENCODER].setVisible(bool(self.compare.autoencoder))
        shown = [
            c for kind, c in self.columns.items() if kind != AUTOENCODER or self.compare.autoencoder
        ]
        stains = len(self.state.display)
        across = len(shown) if stains > 1 else -(-len(shown) // 2)
        for place, column in enumerate(shown):
            self.grid.addWidget(column, place // across, place % across)
        for place in range(len(self.columns)):
            self.grid.setColumnStretch(place, int(place < across))

    def _connect(self) -> None:
        self.empty.asked.connect(self.explore_asked)
        self.compare.subject_changed.connect(self._on_subject)
        self.compare.window_changed.connect(self._on_window)
        self.window_side.valueChanged.connect(self.compare.set_window)
        self.compare.found.connect(self._on_found)
        self.compare.failed.connect(self._on_failed)
        self.compare.progressed.connect(self._on_progress)
        self.compare.networks_changed.connect(self._on_networks)
        self.state.answer_changed.connect(self._on_counterfactual)
        self.state.display_changed.connect(self._on_subject)
        self.network.activated.connect(
            lambda _: self.compare.set_network(self.network.currentText())
        )
        self.stop.clicked.connect(self._on_stop)
        self.add.clicked.connect(self._on_add)

    def picture(self) -> QPixmap:
        """The page as it is, for the figure's list."""
        return self.area.grab()

    def _on_subject(self) -> None:
        """Another image, target or network."""
        subject = self.compare.subject
        self.stack.setCurrentIndex(1 if subject else 0)
        if subject is None:
            return
        for column in self.columns.values():
            column.set_stains(len(self.state.display))
            column.wait("Waiting…")
        self.title.setText(f"{subject.record_id} · {subject.source} → {subject.target}")
        self._on_networks()
        self._show_window()
        self._on_counterfactual()
        self._arrange()
        for method in self.compare.methods:
            self._show_method(method)
        self._on_progress(self.compare.stage())

    def _show_method(self, method: str) -> None:
        """What is known of it, or why nothing is."""
        known = self.compare.known(method)
        if known is not None:
            self._on_found(known)
        else:
            self.columns[method].wait(self.compare.words_for(method))

    def _show_window(self) -> None:
        """The side of occlusion's window, in micrometres where the size of a pixel is known."""
        box, window = self.window_side, self.compare.window
        (least, most), in_um = window.limits, window.in_um
        box.blockSignals(True)
        box.setDecimals(1 if in_um else 0)
        box.setRange(least, most)
        box.setSuffix(" µm" if in_um else " px")
        box.setValue(window.side)
        box.blockSignals(False)

    def _on_window(self) -> None:
        self._show_window()
        self._show_method("occlusion")

    def _on_networks(self) -> None:
        self.network.clear()
        self.network.addItems(self.compare.networks)
        self.network.setCurrentText(self.compare.network)
        self.network.setVisible(len(self.compare.networks) > 1)

    def _on_counterfactual(self) -> None:
        subject, opened = self.compare.subject, self.state.opened
        if subject is None or opened is None or opened.card is None:
            return
        original, cf = self.state.original, self.state.counterfactual
        image = cf.original if cf is not None and cf.record_id == subject.record_id else original
        for place, (pane, display) in enumerate(
            zip(self.columns["original"].panes, self.state.display, strict=True)
        ):
            assert isinstance(pane, ImagePane)
            pane.set_channels([display])
            pane.set_mark(display.name)
            pane.set_pixel_size(
                opened.project.dataset.pixel_size_um if opened.project.dataset else None
            )
            pane.set_image(image[place : place + 1] if image is not None else None)
        column = self.columns["counterfactual"]
        if cf is None or cf.record_id != subject.record_id or cf.strength <= 0:
            column.wait("Move the image on the Explore page to see its change.")
        elif not cf.valid:
            column.wait(f"Not drawn: {cf.reason}")
        else:
            column.show_values(
                cf.difference,
                opened.card.preprocessing.span,
                f"to {cf.target}, strength {cf.strength:g}",
            )

    def _on_found(self, found: Attribution) -> None:
        """One explanation has come."""
        outside, area = (
            found.settings.get("share_outside_cells"),
            found.settings.get("area_outside_cells"),
        )
        note = duration(float(found.settings["seconds"])) if "seconds" in found.settings else ""
        if outside is not None and area is not None:
            note = f"{percent(outside)} on background ({percent(area)})"
        values = np.asarray(found.values, np.float32)
        largest = (
            float(np.abs(values).max()) or 1.0
        )  # their unit means nothing: every column has its own scale
        hint = ON_BACKGROUND if outside is not None and area is not None else ""
        self.columns[found.method].show_values(values / largest, (1.0,) * len(values), note, hint)

    def _on_failed(self, method: str, words: str) -> None:
        self.columns[method].wait(words)

    def _on_progress(self, stage: Stage) -> None:
        done, total = stage.done, stage.total
        busy = total > 0 and done < total
        self.progress.setRange(0, PROGRESS_STEPS)
        self.progress.setValue(round(PROGRESS_STEPS * done / max(total, 1)))
        self.doing.setText(stage.words)
        self.doing.setVisible(busy)
        self.progress.setVisible(busy)
        self.stop.setVisible(busy)

    def _on_stop(self) -> None:
        self.compare.stop()
        for method in self.compare.methods:
            if self.compare.known(method) is None:
                self.columns[method].wait(self.compare.words_for(method))

    def _on_add(self) -> None:
        subject = self.compare.subject
        if subject is not None:
            title = f"{subject.source} → {subject.target}, {subject.record_id}"
            mix, window = self.state.mix, self.compare.window
            mix = mix if mix.strength > 0 else Mix({subject.target: 1.0})
            spec = PanelSpec(
                "comparison",
                subject.record_id,
                dict(mix.weights),
                mix.strength,
                title,
                self.state.view.move.locked,
                network=self.compare.network,
                window_um=window.side_um,
                window_px=window.side_px,
            )
            self.panel_asked.emit(spec)
