"""What the user does on the Explore page, as changes of the view."""

from __future__ import annotations

from dataclasses import replace

from core.domain import MapPosition, Mix, Move, Precision, Role
from core.domain.limits import LARGEST_DRAGGED_STRENGTH
from leigh_gui.state import AppState
from leigh_gui.view import View, with_plane


class Gestures:
    """Turns clicks, keys and drags into the move that is wanted. One step of undo per gesture."""

    def __init__(self, state: AppState) -> None:
        self.state = state

    def start_anywhere(self) -> None:
        """When a project opens with nothing selected: a diseased held-out image."""
        opened = self.state.opened
        if self.state.view.current or opened is None or opened.latents is None:
            return
        diseased = {c.name for c in self.state.conditions() if c.role == Role.DISEASED}
        table = opened.latents
        names = [table.conditions[k] for k in table.truth]
        rows = zip(table.record_ids, names, table.split, strict=True)
        known = [row for row in rows if self.state.record(row[0]) is not None]
        known.sort(key=lambda row: (row[1] not in diseased, row[2] != "test"))
        if known:
            first = known[0][0]
            view = replace(self.state.view, selection=(first,), move=self._moved(first))
            self.state.show(self._followed(view))

    def pick(self, record_id: str) -> None:
        """Look at one image, keeping the target; a click outside the selection ends it."""
        selection = self.state.view.selection
        if record_id not in selection:
            selection = (record_id,)
        self._look_at(record_id, selection, "Select an image")

    def select(self, record_ids: tuple[str, ...]) -> None:
        """Select several images and look at the first."""
        if record_ids:
            self._look_at(record_ids[0], record_ids, "Select images")

    def step(self, by: int) -> None:
        """The next or previous image: of the selection, or of the condition if one is selected."""
        view = self.state.view
        ids = view.selection
        record = self.state.record(view.current)
        dataset = self.state.project.dataset if self.state.project else None
        if len(ids) < 2 and record is not None and dataset is not None:
            ids = tuple(r.id for r in dataset.records if r.condition == record.condition)
        if view.current in ids:
            there = ids[(ids.index(view.current) + by) % len(ids)]
            selection = view.selection if there in view.selection else (there,)
            self._look_at(there, selection, "Step through images", merge=True)

    def move_to(self, name: str) -> None:
        """Strength 1 toward a condition; its own condition means back to the original."""
        record = self.state.record(self.state.view.current)
        if record is not None and record.condition == name:
            self._change("Back to the original", replace(self.state.mix, strength=0.0))
        elif record is not None:
            self._change(f"Move to {name}", Mix({name: 1.0}))

    def change_strength(self, by: float) -> None:
        """A little weaker or stronger."""
        if self.state.view.current:
            mix = self.state.mix
            strength = round(min(max(mix.strength + by, 0.0), LARGEST_DRAGGED_STRENGTH), 3)
            self._change("Strength", replace(mix, strength=strength), merge=True)

    def slide(self, strength: float, released: bool) -> None:
        """The strength slider moves, or is released."""
        self._slide(replace(self.state.mix, strength=strength), "Strength", released)

    def mix(self, shares: dict[str, float], released: bool) -> None:
        """The sliders of the mix move, or are released: how far toward each condition.

        Without any share it is the original.
        """
        strength = sum(shares.values())
        mix = replace(self.state.mix, strength=0.0)
        if strength:
            weights = {name: share / strength for name, share in shares.items()}
            mix = Mix(weights, min(strength, LARGEST_DRAGGED_STRENGTH))
        self._slide(mix, "Mix", released)

    def drag(self, x: float, y: float, released: bool) -> None:
        """The handle moves, or is released."""
        view = self.state.view
        if view.current:
            move = self._wanted(MapPosition((x, y), view.plane))
            if released:
                self.state.release(move, "Drag")
            else:
                self.state.drag(replace(move, precision=Precision.PREVIEW))

    def set_plane(self, plane: tuple[str, ...]) -> None:
        """Look at the ternary plane of three conditions, or () at all of them.

        The plane of the treatment in hand follows from now on; any other map stays.
        """
        opened, view = self.state.opened, self.state.view
        if opened is not None:
            chosen = replace(view, plane=plane, by_hand=True, move=self._wanted(self.state.mix))
            chosen = with_plane(chosen, opened, self.state.record(view.current))
            self.state.change_view("Choose the map", **vars(chosen))

    def set_locked(self, locked: tuple[str, ...] | None) -> None:
        """Which channels must not change; None leaves it to the program."""
        move = replace(self.state.view.move, locked=locked)
        self.state.change_view("Lock channels", move=move)

    def _look_at(
        self, record_id: str, selection: tuple[str, ...], text: str, merge: bool = False
    ) -> None:
        view = replace(self.state.view, selection=selection, move=self._moved(record_id))
        self.state.change_view(text, merge, **vars(self._followed(view)))

    def _moved(self, record_id: str) -> Move:
        """Another image, moved like the current one."""
        view: View = self.state.view
        goal = view.move.goal if view.position is None else self.state.mix
        return replace(view.move, record_id=record_id, goal=goal)

    def _wanted(self, goal: Mix | MapPosition) -> Move:
        return replace(self.state.view.move, goal=goal, precision=Precision.EXACT)

    def _change(self, text: str, mix: Mix, merge: bool = False) -> None:
        view = replace(self.state.view, move=self._wanted(mix))
        self.state.change_view(text, merge, **vars(self._followed(view)))

    def _followed(self, view: View) -> View:
        """On the plane of the treatment in hand, unless the user chose another map."""
        opened = self.state.opened
        if opened is None or not opened.ready_to_explore:
            return view
        return with_plane(view, opened, self.state.record(view.current))

    def _slide(self, mix: Mix, text: str, released: bool) -> None:
        """By a key or a click a slider moves and is released at once: such steps merge."""
        if not self.state.view.current:
            return
        at_once = not self.state.view.dragging
        move = self._wanted(mix)
        if released:
            self.state.release(move, text, merge=at_once)
        else:
            self.state.drag(replace(move, precision=Precision.PREVIEW))
