"""What is looked at: the selected images, what is wanted of the current one, and the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.domain import ORIGINAL, MapPosition, Mix, Move, Precision

if TYPE_CHECKING:
    from core.domain import Condition, ImageRecord
    from leigh_gui.opened import Opened

NOTHING = Move("", ORIGINAL)  # no image is looked at


@dataclass(frozen=True)
class View:
    """Undo leads from one view to another."""

    selection: tuple[str, ...] = ()
    move: Move = NOTHING  # what is wanted
    plane: tuple[str, ...] = ()  # three conditions whose ternary plane is the map; (): all, by UMAP
    by_hand: bool = False  # the user chose the plane; otherwise it follows the treatment in hand

    @property
    def current(self) -> str:
        """Id of the image that is looked at; "" for none."""
        return self.move.record_id

    @property
    def position(self) -> tuple[float, float] | None:
        """Where the user put the handle; None where a mix was chosen."""
        return self.move.goal.xy if isinstance(self.move.goal, MapPosition) else None

    @property
    def dragging(self) -> bool:
        """Whether the handle or a slider is being dragged."""
        return self.move.precision < Precision.EXACT


def default_target(record: ImageRecord | None, conditions: Sequence[Condition]) -> str:
    """The healthy condition, or the first that is not the image's own; "" without any."""
    from core.domain import Role

    others = [c for c in conditions if record is None or c.name != record.condition]
    healthy = [c for c in others if c.role == Role.HEALTHY]
    return next((c.name for c in (*healthy, *others)), "")


def still_there(view: View, opened: Opened, records: Mapping[str, ImageRecord]) -> View:
    """The view without images, channels and conditions that the project does not have now."""
    move = replace(view.move, precision=Precision.EXACT)
    if move.record_id not in records:
        move = replace(move, record_id="")
    channels = {c.name for c in opened.card.channels} if opened.card else set()
    if not set(move.locked or ()) < channels:
        move = replace(move, locked=None)
    selection = tuple(i for i in view.selection if i in records)
    view = replace(view, selection=selection, move=move)
    if not opened.ready_to_explore:
        return replace(view, plane=(), by_hand=False)
    return with_plane(view, opened, records.get(move.record_id))


def with_plane(view: View, opened: Opened, record: ImageRecord | None) -> View:
    """The view with the map that the user chose, or else the plane of the treatment in hand.

    A choice that this project does not have, or that follows by itself, is none.
    """
    goal = view.move.goal
    target = goal.target if isinstance(goal, Mix) else ""
    own = record.condition if record is not None else ""
    follows = opened.default_plane(target, own, *view.plane)
    names = {c.name for c in opened.shown_conditions()}
    there = names.issuperset(view.plane) if view.plane else opened.projection is not None
    if view.by_hand and there and view.plane != follows:
        return view
    return replace(view, plane=follows, by_hand=False)
