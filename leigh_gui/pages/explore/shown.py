"""What the Explore page shows at one moment, so that only the difference is painted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from core.domain import ORIGINAL, Answer, CounterfactualPath, Mix, Move
from leigh_gui.view import View

if TYPE_CHECKING:
    from leigh_gui.pages.explore.controller import ExploreControl

MOVE = "move"  # property of the parts of the page that show a move


@dataclass(frozen=True)
class Shown:
    """One moment; images are compared by identity."""

    view: View
    mix: Mix = ORIGINAL
    waits: bool = False  # the image on show is not the wanted one
    answer: Answer | None = field(default=None, compare=False)
    path: CounterfactualPath | None = field(default=None, compare=False)

    @property
    def answered(self) -> Mix:
        """How far the picture on show is moved; that of the view without a picture."""
        if self.answer is None:
            return self.mix
        result = self.answer.result
        if result.strength == 0:  # an image that is not moved keeps its target
            return Mix(self.mix.weights, 0.0)
        return Mix(result.weights, result.strength)

    def differs(self, other: Shown | None, *names: str) -> bool:
        """Whether one of these fields, or of the view's, is another one; all are, without other."""
        return other is None or any(_value(self, n) != _value(other, n) for n in names)


def _value(shown: Shown, name: str) -> object:
    if name in ("answer", "path"):
        return id(getattr(shown, name))
    return getattr(shown, name) if hasattr(shown, name) else getattr(shown.view, name)


def carry(answer: Answer | None, *parts: QWidget) -> None:
    """Note on each part which move it shows; None without an answer."""
    for part in parts:
        part.setProperty(MOVE, None if answer is None else answer.move)


def carried(part: QWidget) -> Move | None:
    """The move that a part shows."""
    move: Move | None = part.property(MOVE)
    return move


def now_shown(control: ExploreControl) -> Shown:
    """The moment as the state has it."""
    state = control.state
    return Shown(state.view, state.mix, control.waits(), state.answer, control.path)
