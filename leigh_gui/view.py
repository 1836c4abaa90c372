"""What is looked at: the selected images, what is wanted of the current one, and the map."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.domain import ORIGINAL, MapPosition, Move, Precision

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


def still_there(view: View, opened: Opened, records: Container[str]) -> View:
    """The view without images, channels and conditions that the project does not have now."""
    move = replace(view.move, precision=Precision.EXACT)
    if move.record_id not in records:
        move = replace(move, record_id="")
    channels = {c.name for c in opened.card.channels} if opened.card else set()
    if not set(move.locked or ()) < channels:
        move = replace(move, locked=None)
    names = {c.name for c in opened.conditions()}
    plane = view.plane if names.issuperset(view.plane) else ()
    if opened.ready_to_explore and opened.projection is None and not plane:
        from core.latent_map.ternary_choices import first_planes

        plane = first_planes(opened.shown_conditions())[0]
    return View(tuple(i for i in view.selection if i in records), move, plane)
