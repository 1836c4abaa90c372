"""Everything that can be done from the keyboard, in one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QVBoxLayout, QWidget

from leigh_gui.widgets.common.look import plain


@dataclass(frozen=True)
class ActionSpec:
    """One thing the user can do. `where` is everywhere or the page it belongs to."""

    name: str
    text: str
    keys: tuple[str, ...] = ()
    where: str = "everywhere"


ACTIONS = (
    ActionSpec("open", "Open a folder or project…", ("Ctrl+O",)),
    ActionSpec("demo", "Open the demo"),
    ActionSpec("undo", "Undo", ("Ctrl+Z",)),
    ActionSpec("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y")),
    ActionSpec("export", "Export the figure…", ("Ctrl+E",)),
    ActionSpec("theme", "Light or dark", ("Ctrl+T",)),
    ActionSpec("check", "Check the project…"),
    ActionSpec("copy", "Save a copy as…", ("Ctrl+Shift+S",)),
    ActionSpec("relink", "Locate images…"),
    ActionSpec("replace", "Replace images…"),
    ActionSpec("log", "Show the log"),
    ActionSpec("shortcuts", "All shortcuts", ("?", "F1")),
    ActionSpec("quit", "Quit", ("Ctrl+Q",)),
    ActionSpec("page-start", "Go to Start", ("Alt+1",)),
    ActionSpec("page-data", "Go to Data", ("Alt+2",)),
    ActionSpec("page-train", "Go to Train", ("Alt+3",)),
    ActionSpec("page-explore", "Go to Explore", ("Alt+4",)),
    ActionSpec("page-compare", "Go to Compare", ("Alt+5",)),
    ActionSpec("page-screen", "Go to Screen", ("Alt+6",)),
    ActionSpec("page-figure", "Go to Figure", ("Alt+7",)),
    ActionSpec("next-treatment", "Next treatment of the ranking", ("Down",), "screen"),
    ActionSpec("previous-treatment", "Previous treatment of the ranking", ("Up",), "screen"),
    ActionSpec("add-ranking", "Add the ranking to the figure", ("F",), "screen"),
    ActionSpec("next", "Next image of the selection", ("Right", "Down"), "explore"),
    ActionSpec("previous", "Previous image of the selection", ("Left", "Up"), "explore"),
    *(
        ActionSpec(f"move-{n}", f"Move toward condition {n}", (str(n),), "explore")
        for n in range(1, 10)
    ),
    ActionSpec("weaker", "Weaker", ("[",), "explore"),
    ActionSpec("stronger", "Stronger", ("]",), "explore"),
    ActionSpec("play", "Play the path", ("Space",), "explore"),
    ActionSpec("blink", "Blink original and counterfactual (hold)", ("B",), "explore"),
    ActionSpec("next-stain", "Change of the next stain", ("C",), "explore"),
    ActionSpec("one-stain", "One stain in grey, or all in colour", ("G",), "explore"),
    ActionSpec("overlay", "Lay the change over the counterfactual", ("O",), "explore"),
    ActionSpec("add-panel", "Add to figure", ("F",), "explore"),
)


def build(parent: QWidget, slots: dict[str, Callable[[], object]]) -> dict[str, QAction]:
    """Make the actions of the table, each connected to its slot, and give them to `parent`."""
    made = {}
    for spec in ACTIONS:
        action = QAction(spec.text, parent)
        action.setObjectName(spec.name)
        action.setShortcuts([QKeySequence(key) for key in spec.keys])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.triggered.connect(lambda _=False, slot=slots[spec.name]: slot())
        parent.addAction(action)
        made[spec.name] = action
    return made


class ShortcutSheet(QDialog):
    """All shortcuts on one sheet, and what the mouse does on the map and the pictures."""

    MOUSE = (
        ("Click a point", "look at that image"),
        ("Drag the handle", "change the image"),
        ("Shift + drag", "lasso images"),
        ("Point at a picture", "grey values before and after"),
        ("Click a frame of the film", "go to that strength"),
        ("Wheel", "zoom at the pointer"),
        ("Double-click", "whole view again"),
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("All shortcuts")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 16)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(4)
        rows = [
            (keys_text(s), s.text) for s in ACTIONS if s.keys and not s.name.startswith("move-")
        ]
        weaker = next(k for k, (_, text) in enumerate(rows) if text == "Weaker")
        rows.insert(weaker, ("1 – 9", "Move toward condition 1 – 9"))
        rows += list(self.MOUSE)
        half = -(-len(rows) // 2)
        for index, (keys, text) in enumerate(rows):
            grid.addWidget(plain(keys, "strong"), index % half, index // half * 2)
            grid.addWidget(plain(text), index % half, index // half * 2 + 1)
        column.addLayout(grid)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column.addSpacing(8)
        column.addWidget(buttons)


def keys_text(spec: ActionSpec) -> str:
    """'Ctrl+Z' or '→ or ↓'."""
    signs = {"Right": "→", "Left": "←", "Up": "↑", "Down": "↓"}
    return " or ".join(signs.get(key, key) for key in spec.keys)
