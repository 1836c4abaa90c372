"""What the window knows: the open project, its model and map, what is selected, and how it is
shown. All undoable.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

if TYPE_CHECKING:
    from core.domain import (
        Condition,
        Counterfactual,
        DecisionMap,
        ImageRecord,
        LatentTable,
        ModelCard,
        PanelSpec,
        Project,
        Projection,
    )
    from leigh_gui.widgets.image.channel_display import ChannelDisplay


@dataclass(frozen=True)
class View:
    """What is looked at: the selected images, the current one, and where it is moved to."""

    selection: tuple[str, ...] = ()
    current: str = ""
    weights: dict[str, float] = field(default_factory=dict)
    strength: float = 0.0
    place: tuple[float, float] | None = None  # where the user put the handle
    hold: tuple[str, ...] | None = None  # stains that must not change; None: the program chooses
    plane: tuple[str, ...] = ()  # three conditions whose exact plane is the map; (): all, by UMAP


@dataclass(frozen=True)
class Opened:
    """Everything that is read when a project opens."""

    project: Project
    card: ModelCard | None = None
    latents: LatentTable | None = None
    projection: Projection | None = None
    decision: DecisionMap | None = None
    warnings: tuple[str, ...] = ()


class _Change(QUndoCommand):
    """One undoable change of a named field of the state."""

    def __init__(
        self, state: AppState, name: str, before: Any, after: Any, text: str, merge: int = -1
    ) -> None:
        super().__init__(text)
        self._state, self._name, self._before, self._after, self._merge = (
            state,
            name,
            before,
            after,
            merge,
        )

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

    def of_the_same_place(self, view: View) -> bool:
        """Whether this step put the handle of the same image to the same place."""
        after = self._after
        return isinstance(after, View) and (after.current, after.place) == (
            view.current,
            view.place,
        )

    def end(self, after: Any) -> None:
        """Redo leads here."""
        self._after = after

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
    counterfactual_changed = Signal()
    panels_changed = Signal()
    edited = Signal()  # the project must be saved

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo = QUndoStack(self)
        self.opened: Opened | None = None
        self.view = View()
        self.display: tuple[ChannelDisplay, ...] = ()
        self.locked = False
        self.counterfactual: Counterfactual | None = None
        self.device = ""
        self._records: dict[str, ImageRecord] = {}

    @property
    def project(self) -> Project | None:
        """The open project."""
        return self.opened.project if self.opened else None

    @property
    def ready_to_explore(self) -> bool:
        """Whether model and latents are there, and a map or three conditions for an exact plane."""
        o = self.opened
        return bool(
            o and o.card and o.latents and (o.projection or len(self.shown_conditions()) > 2)
        )

    def open(self, opened: Opened) -> None:
        """Another project, or the same one read again after a job: nothing to undo."""
        same = self.opened is not None and self.opened.project.folder == opened.project.folder
        self.undo.clear()
        self.opened = opened
        self._index()
        if not same:
            self.view, self.display, self.locked = View(), (), False
        known = tuple(i for i in self.view.selection if i in self._records)
        current = self.view.current if self.view.current in self._records else ""
        stains = {c.name for c in opened.card.channels} if opened.card else set()
        hold = self.view.hold if set(self.view.hold or ()) < stains else None
        plane = (
            self.view.plane
            if {c.name for c in self.conditions()}.issuperset(self.view.plane)
            else ()
        )
        if self.ready_to_explore and opened.projection is None and not plane:
            from core.latent_map.ternary_choices import first_planes

            plane = first_planes(self.shown_conditions())[0]
        place = self.view.place if plane == self.view.plane else None
        self.view = replace(
            self.view, selection=known, current=current, hold=hold, plane=plane, place=place
        )
        self.counterfactual = None
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

    def conditions(self) -> tuple[Condition, ...]:
        """The model's conditions in class order, in the project's current colours and roles; else
        the data's.
        """
        dataset = self.project.dataset if self.project else None
        own = {c.name: c for c in dataset.conditions} if dataset else {}
        if self.opened and self.opened.card:
            return tuple(own.get(c.name, c) for c in self.opened.card.conditions)
        return tuple(own.values())

    def shown_conditions(self) -> tuple[Condition, ...]:
        """Those of `conditions` of which there are images, as far as the model has read them."""
        latents = self.opened.latents if self.opened else None
        if latents is None:
            return ()
        return tuple(c for k, c in enumerate(self.conditions()) if (latents.truth == k).any())

    def edit_project(self, project: Project, text: str) -> None:
        """Replace the project; undoable."""
        if self.project is not None and project != self.project:
            self.undo.push(_Change(self, "project", self.project, project, text))

    def set_panels(self, panels: tuple[PanelSpec, ...], text: str) -> None:
        """Replace the collected figure panels; undoable."""
        if self.project is not None:
            self.edit_project(replace(self.project, panels=panels), text)

    def change_view(self, text: str, merge: bool = False, **changes: Any) -> None:
        """Select or move; undoable. Consecutive changes of the same text merge into one."""
        after = replace(self.view, **changes)
        if after != self.view:
            self.undo.push(_Change(self, "view", self.view, after, text, 1 if merge else -1))

    def preview(self, **changes: Any) -> None:
        """Move without an undo step, while the hand is still on the handle."""
        self._apply("view", replace(self.view, **changes))

    def commit(self, before: View, text: str, merge: bool = False) -> None:
        """One undo step from `before` to the view as it is now; `merge` as in `change_view`."""
        if before != self.view:
            self.undo.push(_Change(self, "view", before, self.view, text, 1 if merge else -1))

    def amend(self, text: str, view: View) -> None:
        """The last undo step of this text, to the place of `view`, ends there: its answer came
        later.
        """
        last = self.undo.command(self.undo.index() - 1)
        if isinstance(last, _Change) and last.text() == text and last.of_the_same_place(view):
            last.end(view)

    def set_display(self, display: tuple[ChannelDisplay, ...]) -> None:
        """Channels and contrast."""
        self.display = display
        self.display_changed.emit()

    def set_counterfactual(self, result: Counterfactual | None) -> None:
        """What the model made of the current view."""
        self.counterfactual = result
        self.counterfactual_changed.emit()

    def _apply(self, name: str, value: Any) -> None:
        if name == "view":
            self.view = value
            self.view_changed.emit()
            return
        assert self.opened is not None
        before = self.opened.project
        self.opened = replace(self.opened, project=value)
        self.edited.emit()
        if before.panels != value.panels:
            self.panels_changed.emit()
        if before.dataset != value.dataset or before.name != value.name:
            self._index()
            self.project_changed.emit()

    def _index(self) -> None:
        dataset = self.project.dataset if self.project else None
        self._records = {r.id: r for r in dataset.records} if dataset else {}
