"""The state of the window: project, model, map, selection and display; undoable."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from core.domain import ORIGINAL, MapPosition, Mix, Move, Precision
from leigh_gui.opened import Opened
from leigh_gui.view import View, default_target, still_there

if TYPE_CHECKING:
    import numpy as np

    from core.domain import (
        Answer,
        Condition,
        Counterfactual,
        DecisionMap,
        ImageRecord,
        Project,
        Projection,
    )
    from leigh_gui.scan_request import OpenScan
    from leigh_gui.widgets.image.channel_display import ChannelDisplay


REMEMBERED = 64  # drags whose mix is known


class _Change(QUndoCommand):
    """One undoable change of a named field of the state."""

    def __init__(
        self, state: AppState, name: str, before: Any, after: Any, text: str, merge: int = -1
    ) -> None:
        super().__init__(text)
        self._state, self._name, self._merge = state, name, merge
        self._before, self._after = before, after

    def id(self) -> int:
        return self._merge

    def mergeWith(self, other: QUndoCommand) -> bool:
        if (
            not isinstance(other, _Change)
            or other._name != self._name
            or other.text() != self.text()
        ):
            return False
        self._after = other._after
        return True

    def undo(self) -> None:
        self._state._apply(self._name, self._before)

    def redo(self) -> None:
        self._state._apply(self._name, self._after)


class AppState(QObject):
    """The single truth of the window.

    Pages read it, change it through its methods and listen to its signals.
    """

    project_changed = Signal()  # another project, or its data or panels changed
    model_changed = Signal()  # card, latents, map
    view_changed = Signal()
    display_changed = Signal()
    answer_changed = Signal()
    original_changed = Signal()
    panels_changed = Signal()
    asked_changed = Signal()  # a scan asks something, or no longer
    edited = Signal()  # the project must be saved
    refused = Signal(str)  # nothing can be changed: why

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo = QUndoStack(self)
        self.opened: Opened | None = None
        self.asked: OpenScan | None = None  # a scan that waits for answers
        self.view = View()
        self.mix = ORIGINAL  # that of the view; of a drag, that of its last answer
        self.answer: Answer | None = None
        self.original: np.ndarray | None = None  # (C, Y, X) grey values of the current image
        self._settled = View()  # where a step of undo begins; the view while nothing is dragged
        self._mix_of_drag: dict[Move, Mix] = {}
        self.display: tuple[ChannelDisplay, ...] = ()
        self.locked = False
        self.device = ""
        self._records: dict[str, ImageRecord] = {}

    @property
    def project(self) -> Project | None:
        """The open project."""
        return self.opened.project if self.opened else None

    @property
    def counterfactual(self) -> Counterfactual | None:
        """The image on show."""
        return self.answer.result if self.answer else None

    @property
    def ready_to_explore(self) -> bool:
        """Whether the Explore page has something to show."""
        return self.opened is not None and self.opened.ready_to_explore

    def open(self, opened: Opened) -> None:
        """Another project, or the same one read again after a job: nothing to undo."""
        same = self.opened is not None and self.opened.project.folder == opened.project.folder
        before = self.opened.card.digest if self.opened and self.opened.card else ""
        self.undo.clear()
        self.opened = opened
        self._records = _records_of(opened.project)
        self._mix_of_drag.clear()
        if not same:
            self.view, self.mix, self.display, self.locked = View(), ORIGINAL, (), False
        known = still_there(self.view, opened, self._records)
        other_model = opened.card is not None and opened.card.digest != before
        if known.position is not None and (known.plane != self.view.plane or other_model):
            known = replace(known, move=replace(known.move, goal=self.mix))
        self.view = self._settled = known
        self.answer = self.original = None
        self.mix = self._mix_of_view()
        for signal in (
            self.project_changed,
            self.model_changed,
            self.panels_changed,
            self.view_changed,
        ):
            signal.emit()

    def set_map(self, projection: Projection, decision: DecisionMap) -> None:
        """Another map of the same latents; what can be undone stays."""
        if self.opened is not None:
            self.opened = replace(self.opened, projection=projection, decision=decision)
            self.model_changed.emit()
            self.view_changed.emit()

    def record(self, record_id: str) -> ImageRecord | None:
        """The record with this id."""
        return self._records.get(record_id)

    def ask(self, asked: OpenScan | None) -> None:
        """Show what a scan asks; None: nothing is open any longer."""
        self.asked = asked
        self.asked_changed.emit()

    def conditions(self) -> tuple[Condition, ...]:
        """See `Opened.conditions`; none without a project."""
        return self.opened.conditions() if self.opened is not None else ()

    def edit_project(self, project: Project, text: str) -> None:
        """Replace the project; undoable."""
        if self.opened is not None and self.opened.read_only:
            self.refused.emit(self.opened.read_only)
        elif self.project is not None and project != self.project:
            self.undo.push(_Change(self, "project", self.project, project, text))

    def change_view(self, text: str, merge: bool = False, **changes: Any) -> None:
        """Select or move; undoable. Consecutive changes of the same text merge into one."""
        self._settle(replace(self.view, **changes), text, merge)

    def show(self, view: View, mix: Mix | None = None) -> None:
        """A first view of a project: nothing to undo. `mix`: what a position on the map is."""
        self._settled = view
        self.mix = mix or self.mix
        self._set_view(view)

    def drag(self, move: Move) -> None:
        """Want another image while a handle is dragged; without an undo step."""
        self._set_view(replace(self.view, move=move))

    def release(self, move: Move, text: str, merge: bool = False) -> None:
        """The handle is released: one undo step for the whole drag; `merge` as in `change_view`."""
        self._settle(replace(self.view, move=move), text, merge)

    def set_answer(self, answer: Answer | None) -> None:
        """What the model made of the current view."""
        self.answer = answer
        if answer is not None and isinstance(answer.move.goal, MapPosition):
            result = answer.result  # at strength 0 an image keeps its target
            weights = result.weights if result.strength > 0 else self.mix.weights
            self.mix = Mix(weights, result.strength)
            if answer.move.precision == Precision.EXACT:
                self._mix_of_drag[answer.move] = self.mix
                while len(self._mix_of_drag) > REMEMBERED:
                    del self._mix_of_drag[next(iter(self._mix_of_drag))]
        self.answer_changed.emit()

    def set_original(self, image: np.ndarray | None) -> None:
        """The current image as it is on disk."""
        self.original = image
        self.original_changed.emit()

    def set_display(self, display: tuple[ChannelDisplay, ...]) -> None:
        """Channels and contrast."""
        self.display = display
        self.display_changed.emit()

    def _settle(self, view: View, text: str, merge: bool = False) -> None:
        view = replace(view, move=replace(view.move, precision=Precision.EXACT))
        if view != self._settled:
            step = _Change(self, "view", self._settled, view, text, 1 if merge else -1)
            self.undo.push(step)
        else:
            self._set_view(view)

    def _set_view(self, view: View) -> None:
        if view != self.view:
            self.view = view
            self.mix = self._mix_of_view()
            self.view_changed.emit()

    def _mix_of_view(self) -> Mix:
        """The mix that the view stands for; for a new drag, the old mix until the answer comes."""
        move = replace(self.view.move, precision=Precision.EXACT)
        if isinstance(move.goal, MapPosition):
            return self._mix_of_drag.get(move, self.mix)
        target = default_target(self.record(move.record_id), self.conditions())
        return move.goal if move.goal.weights or not target else Mix({target: 1.0}, 0.0)

    def _apply(self, name: str, value: Any) -> None:
        if name == "view":
            self._settled = value
            self._set_view(value)
            return
        assert self.opened is not None
        before = self.opened.project
        self.opened = replace(self.opened, project=value)
        self.edited.emit()
        if before.panels != value.panels:
            self.panels_changed.emit()
        if before.dataset != value.dataset or before.name != value.name:
            self._records = _records_of(value)
            self.project_changed.emit()


def _records_of(project: Project) -> dict[str, ImageRecord]:
    return {r.id: r for r in project.dataset.records} if project.dataset else {}
