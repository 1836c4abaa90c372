"""The three large pictures of Explore: original, counterfactual, and the change of one stain."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from leigh_gui.widgets.common.elided_label import ElidedLabel
from leigh_gui.widgets.common.hover_button import HoverButton
from leigh_gui.widgets.counterfactual.difference_view import DifferenceView
from leigh_gui.widgets.counterfactual.light import Light
from leigh_gui.widgets.image.image_view import ImagePane, Viewpoint
from leigh_gui.widgets.image.picture_column import PictureColumn

PANELS = (("counterfactual", "This counterfactual"), ("path", "Its path"), ("map", "The map"),
          ("confusion", "The confusion table"))  # fmt: skip
GAP, LEAST_PANE = 8, 120  # pixels between the pictures, and of the smallest one
HINT = "Point at a picture for its grey values"


class Stage(QWidget):
    """Columns of one width under one viewpoint."""

    def __init__(self, viewpoint: Viewpoint, ask_panel: Callable[[str], None]) -> None:
        super().__init__()
        self.viewpoint, self._ask_panel = viewpoint, ask_panel
        self.setMinimumWidth(3 * LEAST_PANE)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        self.differences = DifferenceView(viewpoint)
        for column in (self._build_original(), self._build_counterfactual(), self.differences):
            column.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
            row.addWidget(column, 1)

    def _build_original(self) -> QWidget:
        self.original = ImagePane(self.viewpoint)
        self.original.setObjectName("original")
        self.original.set_hint("Click a point on the map to see its image.")
        column = PictureColumn(self.original)
        self.original_title, self.values = ElidedLabel("Original"), ElidedLabel(HINT, "small")
        self.values.setObjectName("values")
        column.head.addWidget(self.original_title)
        column.foot.addWidget(self.values)
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
        self.blink, self.single = HoverButton("Blink"), QToolButton()
        self.blink.setObjectName("blink-button")
        self.blink.setToolTip("Original and counterfactual in turn (hold B, or point here)")
        self.single.setObjectName("one-stain")
        self.single.setText("In grey")
        self.single.setCheckable(True)
        self.single.setToolTip("Show the stain of the change alone and in grey, in both (G)")
        for button in (self.blink, self.single):
            button.setProperty("kind", "flat")
            column.foot.addWidget(button)
        column.foot.addStretch(1)
        return column

    def _build_add(self) -> QToolButton:
        self.add = QToolButton()
        self.add.setObjectName("add-to-figure")
        self.add.setText("Add to figure ▾")
        self.add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.add)
        for kind, text in PANELS:
            menu.addAction(text).triggered.connect(lambda _=False, k=kind: self._ask_panel(k))
        self.add.setMenu(menu)
        return self.add
