"""The view of a project in words of JSON, and back: a part that fits no longer is left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from core.domain import ORIGINAL, MapPosition, Mix, Move
from core.domain.limits import LARGEST_DRAGGED_STRENGTH
from leigh_gui.view import View, still_there

if TYPE_CHECKING:
    from core.domain import ModelCard
    from leigh_gui.opened import Opened

MOST_SELECTED = 1000  # ids of images that are remembered


@dataclass(frozen=True)
class LeftView:
    """A view, and the mix that its position on the map stood for."""

    view: View
    mix: Mix


def left_view(left: LeftView, card: ModelCard | None) -> dict[str, Any]:
    """What is remembered of a view."""
    view, move = left.view, left.view.move
    return {
        "image": move.record_id,
        "selection": list(view.selection[:MOST_SELECTED]),
        "weights": dict(left.mix.weights),
        "strength": left.mix.strength,
        "position": list(view.position) if view.position is not None else None,
        "locked": list(move.locked) if move.locked is not None else None,
        "plane": list(view.plane),
        "chosen": view.by_hand,
        "model": card.digest if card is not None else "",  # a position is of this model's map
    }


def view_as_left(kept: dict[str, Any], opened: Opened) -> LeftView | None:
    """The view that was kept, of what the project has now; None where nothing was kept."""
    if not kept or opened.card is None or opened.project.dataset is None:
        return None
    records = {record.id: record for record in opened.project.dataset.records}
    image = str(kept.get("image"))
    own = records[image].condition if image in records else ""
    mix = _mix(kept, set(opened.card.condition_names) - {own})
    locked = _names(kept.get("locked"))
    plane = _names(kept.get("plane")) or ()
    view = View(
        tuple(_names(kept.get("selection")) or ()),
        Move(image, mix, locked),
        plane if len(plane) in (0, 3) else (),
        kept.get("chosen") is True,
    )
    view = still_there(view, opened, records)
    position = _position(kept.get("position"))
    same_map = kept.get("model") == opened.card.digest and view.plane == plane
    if view.current and position is not None and same_map:
        view = replace(view, move=replace(view.move, goal=MapPosition(position, plane)))
    return LeftView(view, mix)


def _mix(kept: dict[str, Any], targets: set[str]) -> Mix:
    """The mix, if all its conditions are still targets; otherwise the original."""
    stored, strength = kept.get("weights"), number(kept.get("strength"))
    if not isinstance(stored, dict) or not set(stored) <= targets or strength is None:
        return ORIGINAL
    weights = {name: number(weight) for name, weight in stored.items()}
    shares = {name: weight for name, weight in weights.items() if weight is not None}
    if shares != weights or min(shares.values(), default=-1) < 0 or not any(shares.values()):
        return ORIGINAL
    return Mix(shares, min(max(strength, 0.0), LARGEST_DRAGGED_STRENGTH))


def _position(value: Any) -> tuple[float, float] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    x, y = map(number, value)
    return None if x is None or y is None else (x, y)


def _names(value: Any) -> tuple[str, ...] | None:
    """The names in a list; None for anything else."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return None
    return tuple(value)


def number(value: Any) -> float | None:
    """A finite number of the settings; None for anything else."""
    is_one = isinstance(value, int | float) and abs(value) < 1e300
    return float(value) if is_one else None
