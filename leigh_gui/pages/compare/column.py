"""One column of the Compare page: an image or an attribution, channel by channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.domain import AUTOENCODER, UNSIGNED
from leigh_gui.widgets.common.elided_label import ElidedLabel
from leigh_gui.widgets.common.look import keep_place, tip
from leigh_gui.widgets.counterfactual.change import largest_change
from leigh_gui.widgets.counterfactual.colour_bar import ColourBar
from leigh_gui.widgets.counterfactual.difference_pane import DifferencePane, symmetric_limit
from leigh_gui.widgets.image.image_view import ImagePane, Viewpoint

if TYPE_CHECKING:
    from core.domain import FloatArray

TITLES = {
    "original": "Original",
    "counterfactual": "Counterfactual",
    "autoencoder": "Autoencoder",
    "saliency": "Saliency",
    "integrated-gradients": "Integrated gradients",
    "occlusion": "Occlusion",
    "gradcam": "Grad-CAM",
}
TIPS = {
    "original": "The image as it is.",
    "counterfactual": "What the invertible network changes to reach the target, in grey values.",
    "autoencoder": ("What an autoencoder changes to reach the target, its blur included."),
    "saliency": "Size of the slope of the score at every pixel (Simonyan et al. 2014).",
    "integrated-gradients": (
        "Slopes summed from an empty field to the image (Sundararajan et al. 2017)."
    ),
    "occlusion": (
        "How the score changes where a window is covered with background (Zeiler and Fergus 2014)."
    ),
    "gradcam": (
        "Where the last convolutional stage answers; one map for all stains (Selvaraju et al."
        " 2017)."
    ),
}
CHANGES = ("counterfactual", AUTOENCODER)  # of the image itself
OWN_SCALE = "From the weakest to the strongest value of this column; their unit says nothing."
ENDS = {True: ("against", "for"), False: ("nothing", "most")}  # of a scale with a sign


class Column(QWidget):
    """One explanation: its name, what is known of it, and a pane per stain."""

    def __init__(self, kind: str, viewpoint: Viewpoint) -> None:
        super().__init__()
        self.kind, self.viewpoint = kind, viewpoint
        self.panes: list[DifferencePane | ImagePane] = []
        self.title, self.note = ElidedLabel(TITLES[kind]), ElidedLabel(kind="muted")
        self.setToolTip(TIPS[kind])
        self._grid = QVBoxLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(4)
        self.bar = ColourBar(signed=kind not in UNSIGNED)
        keep_place(self.bar)  # the panes of all columns stay in line
        self.bar.setMinimumWidth(0)
        self.bar.hide()
        for widget in (self.title, self.note, self.bar):
            self._grid.addWidget(widget)

    def set_stains(self, count: int) -> None:
        """As many panes as stains."""
        while len(self.panes) > count:
            self.panes.pop().deleteLater()
        while len(self.panes) < count:
            signed = self.kind not in UNSIGNED
            original = self.kind == "original"
            pane = (
                ImagePane(self.viewpoint)
                if original
                else DifferencePane(self.viewpoint, signed=signed)
            )
            self.panes.append(pane)
            self._grid.addWidget(pane, 1)

    def wait(self, hint: str) -> None:
        """Nothing to show yet, and why."""
        self.say("")
        self.bar.hide()
        for pane in self.panes:
            pane.set_hint(hint)
            if isinstance(pane, DifferencePane):
                pane.set_note("")
                pane.set_difference(None, 1.0, 1.0)
            else:
                pane.set_image(None)

    def say(self, note: str, hint: str = "") -> None:
        """What is known of it, in short and on hovering."""
        self.note.setText(note)
        self.setToolTip(tip(f"{TIPS[self.kind]}\n{hint}".strip()))

    def show_values(
        self, values: FloatArray, spans: tuple[float, ...], note: str, hint: str = ""
    ) -> None:
        """Values C Y X on one scale for all stains; a single map (1 Y X) fills the first pane."""
        spans = spans[: len(values)]
        limit = symmetric_limit(values, spans)
        for pane, plane, span in zip(self.panes, values, spans, strict=False):
            assert isinstance(pane, DifferencePane)
            pane.set_hint("No change" if self.kind in CHANGES else "Zero everywhere")
            pane.set_difference(plane, span, limit)
            largest = float(np.abs(plane).max()) / max(span, 1e-12)
            is_change = self.kind in CHANGES and largest > 0
            pane.set_note(largest_change(largest) if is_change else "")
        self._show_scale(limit)
        for pane in self.panes[len(values) :]:
            pane.set_hint("One map for all stains")
            assert isinstance(pane, DifferencePane)
            pane.set_difference(None, 1.0, 1.0)
        self.say(note, hint)

    def _show_scale(self, limit: float) -> None:
        """The colours of the panes: grey values of a change, or words where a unit says nothing."""
        if self.kind in CHANGES:
            self.bar.set_limit(limit)
        else:
            self.bar.set_ends(*ENDS[self.bar.signed])
            self.bar.setToolTip(OWN_SCALE)
        self.bar.show()
