"""What happens on the Explore page: which image is asked of the model, and what to do with its
answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from core.domain import Counterfactual, CounterfactualPath, ImageRecord, PanelSpec, Role
from leigh_gui.services.background import Background
from leigh_gui.services.inference_client import Hold, InferenceWorker
from leigh_gui.services.thumbnails import read_image
from leigh_gui.state import AppState, View

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

PATH_FRAMES = 11
END = 1.5
REST_MS = 50  # without a move the hand rests; drafts are to be replaced within 300 ms


class ExploreControl(QObject):
    """Turns clicks and drags into requests, and answers into the state. One per window."""

    path_changed = Signal()
    original_changed = Signal()
    busy_changed = Signal(bool)

    def __init__(
        self, state: AppState, worker: InferenceWorker, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.state, self.worker = state, worker
        self.original: np.ndarray | None = None
        self.path: CounterfactualPath | None = None
        self._path_of: tuple[object, ...] = ()  # the mix it leads to, and what is held along it
        self._background = Background(self)
        self._selected = ""
        self._asked: tuple[object, ...] = ()
        self._before: View | None = None  # the view before the hand took the handle or a slider
        self._on_handle = False  # it is the handle
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._ask_again: Callable[[], None] = lambda: None  # for the same place, but no draft
        self._ready = False
        self._connect()

    def _connect(self) -> None:
        self.state.view_changed.connect(self._on_view)
        self.state.model_changed.connect(self._on_model)
        self.worker.opened.connect(self._on_opened)
        self.worker.answered.connect(self._on_answered)
        self.worker.busy_changed.connect(self.busy_changed)
        self._rest.timeout.connect(self._on_rest)

    def ready(self) -> bool:
        """Whether the model process has the project open."""
        return self._ready

    def start_anywhere(self) -> None:
        """When a project opens with nothing selected: look at one diseased image that the model
        never saw.
        """
        opened = self.state.opened
        if self.state.view.current or opened is None or opened.latents is None:
            return
        diseased = {c.name for c in self.state.conditions() if c.role == Role.DISEASED}
        table = opened.latents
        known = [(r, table.conditions[t], s) for r, t, s in zip(table.record_ids, table.truth, table.split, strict=True)
                 if self.state.record(r) is not None]  # fmt: skip
        order = sorted(known, key=lambda row: (row[1] not in diseased, row[2] != "test"))
        if order:
            self.state.preview(selection=(order[0][0],), current=order[0][0])

    def pick(self, record_id: str) -> None:
        """Look at one image, keeping the target; a click outside the selection ends it."""
        selection = self.state.view.selection
        if record_id not in selection:
            selection = (record_id,)
        self.state.change_view(
            "Select an image", selection=selection, current=record_id, place=None
        )

    def select(self, record_ids: tuple[str, ...]) -> None:
        """Select several images and look at the first."""
        if record_ids:
            self.state.change_view(
                "Select images", selection=record_ids, current=record_ids[0], place=None
            )

    def step(self, by: int) -> None:
        """The next or previous image of the selection; of the same condition when only one is
        selected.
        """
        view = self.state.view
        ids = view.selection
        record = self.state.record(view.current)
        dataset = self.state.project.dataset if self.state.project else None
        if len(ids) < 2 and record is not None and dataset is not None:
            ids = tuple(r.id for r in dataset.records if r.condition == record.condition)
        if view.current in ids:
            there = ids[(ids.index(view.current) + by) % len(ids)]
            selection = view.selection if there in view.selection else (there,)
            self.state.change_view(
                "Step through images", True, selection=selection, current=there, place=None
            )

    def move_to(self, name: str) -> None:
        """All the way to a condition; to its own, the image goes home."""
        record = self.state.record(self.state.view.current)
        if record is not None and record.condition == name:
            self.state.change_view("Back to the original", strength=0.0, place=None)
        elif record is not None:
            self.state.change_view(f"Move to {name}", weights={name: 1.0}, strength=1.0, place=None)

    def change_strength(self, by: float) -> None:
        """A little weaker or stronger."""
        view = self.state.view
        if view.current:
            strength = round(min(max(view.strength + by, 0.0), END), 3)
            self.state.change_view(
                "Strength", True, weights=self.weights(), strength=strength, place=None
            )

    def slide(self, strength: float, let_go: bool) -> None:
        """The strength slider moves, or is let go."""
        self._slide(self.weights(), strength, "Strength" if let_go else "")

    def mix(self, shares: dict[str, float], let_go: bool) -> None:
        """The sliders of the mix move, or are let go: how far toward each condition.

        None at all is the original.
        """
        strength = sum(shares.values())
        weights = (
            {name: share / strength for name, share in shares.items()}
            if strength
            else self.weights()
        )
        self._slide(weights, min(strength, END), "Mix" if let_go else "")

    def _slide(self, weights: dict[str, float], strength: float, let_go: str) -> None:
        """A slider moves; `let_go` is what undo calls it, "" while it is held."""
        if not self.state.view.current:
            return
        at_once = not self.dragging()  # by a key or a click, not by a hand that holds on
        self._take_hand()
        self.state.preview(weights=weights, strength=strength, place=None)
        self._ask_move(self.state.view, exact=bool(let_go), draft=not let_go)
        self._wait_for_rest(lambda: self._ask_move(self.state.view, exact=False))
        if let_go:
            self._let_go(let_go, merge=at_once)

    def drag(self, x: float, y: float, let_go: bool) -> None:
        """The handle moves, or is let go."""
        view = self.state.view
        if not view.current:
            return
        self._take_hand(handle=True)
        if self.path is not None and not let_go:
            self.path = None
            self.path_changed.emit()
        where = (view.current, x, y)
        self.worker.drag(*where, let_go, view.hold, draft=not let_go, plane=view.plane)
        self._wait_for_rest(lambda: self.worker.drag(*where, False, view.hold, plane=view.plane))
        if let_go:
            self.state.view = replace(self.state.view, place=(x, y))
            self._asked = self._key(self.state.view)
            self._let_go("Drag")

    def set_plane(self, plane: tuple[str, ...]) -> None:
        """Look at the exact plane of three conditions, or () at all of them."""
        self.state.change_view("Choose the map", plane=plane, place=None)

    def set_hold(self, hold: Hold) -> None:
        """Which stains must not change; None leaves it to the program."""
        self.state.change_view("Hold still", hold=hold)

    def weights(self) -> dict[str, float]:
        """The target as it is, or the healthy condition when none was chosen."""
        if self.state.view.weights:
            return self.state.view.weights
        name = self.default_target()
        return {name: 1.0} if name else {}

    def default_target(self) -> str:
        """The healthy condition, or the first that is not the image's own."""
        conditions = self.state.conditions()
        record = self.state.record(self.state.view.current)
        own = record.condition if record else ""
        healthy = [c.name for c in conditions if c.role == Role.HEALTHY and c.name != own]
        return (healthy or [c.name for c in conditions if c.name != own] or [""])[0]

    def panel(self, kind: str = "counterfactual") -> PanelSpec | None:
        """What is on show as a figure panel."""
        view, cf = self.state.view, self.state.counterfactual
        if kind == "confusion":
            return PanelSpec(kind, title="Confusion table")
        record = self.state.record(view.current)
        still = record is None or set(self.weights()) == {
            record.condition
        }  # no way leads from what it is
        if kind == "map":
            title = f"Exact plane of {', '.join(view.plane)}" if view.plane else "Decision map"
            plain = PanelSpec(kind, title=title, plane=view.plane)
            if record is None or still or view.strength == 0 or cf is None or not cf.valid:
                return plain
            shown = {"weights": self.weights(), "strength": view.strength, "hold": view.hold}
            title += f", {record.id} → {_largest(self.weights())} {view.strength:.0%}"
            return replace(plain, record_id=record.id, title=title, **shown)
        if record is None or still or (kind == "counterfactual" and (cf is None or not cf.valid)):
            return None
        weights, strength = self.weights(), view.strength
        title = (
            f"{record.condition} → {_largest(weights) if weights else ''},"
            f" {record.well or record.id}"
        )
        return PanelSpec(kind, record.id, weights, strength, title, view.hold)

    def _on_model(self) -> None:
        self._ready = False
        self._rest.stop()
        self._before, self._on_handle = None, False
        self._selected, self._asked, self.path, self.original = "", (), None, None
        if self.state.ready_to_explore and self.state.project is not None:
            self.worker.open(self.state.project.folder)

    def _on_opened(self) -> None:
        self._ready = True
        self._selected, self._asked = "", ()
        self._on_view()

    def _on_view(self) -> None:
        view = self.state.view
        record = self.state.record(view.current)
        if record is None:
            self._selected = ""
            return
        if view.current != self._selected:
            self._rest.stop()
            self._selected, self._asked, self.path, self.original = view.current, (), None, None
            self.state.set_counterfactual(None)
            self.path_changed.emit()
            self._read_original(record)
            if self._ready:
                self.worker.select(view.current, view.hold)
        elif self._ready and self._key(view) != self._asked and not self.dragging():
            self._ask_exactly(view)

    def _ask_exactly(self, view: View) -> None:
        """What the view says, or, where a drag was never answered, what its place asks for."""
        if view.place is not None and view.strength == 0:
            self._asked = self._key(view)
            self.worker.drag(view.current, *view.place, True, view.hold, plane=view.plane)
        else:
            self._ask_move(view, exact=True)

    def _ask_move(self, view: View, exact: bool, draft: bool = False) -> None:
        self._asked = self._key(view)
        weights = view.weights or self.weights()
        if weights and self._ready:
            if self.path is not None and not self._has_path(weights):
                self.path = None
                self.path_changed.emit()
            self.worker.move(view.current, weights, view.strength, exact, view.hold, draft)

    def _on_answered(self, verb: str, result: object, arguments: dict[str, object]) -> None:
        view = self.state.view
        if (
            getattr(result, "record_id", view.current) != view.current
            or arguments.get("hold") != view.hold
        ):
            return  # of another image, or asked before the choice of what is held changed
        if isinstance(result, CounterfactualPath):
            self.path, self._path_of = result, (_mix_of(arguments["weights"]), view.hold)
            self.path_changed.emit()
            return
        if not isinstance(result, Counterfactual):
            return
        if verb == "drag" and not self._on_handle and not self._is_for(view, arguments):
            if arguments.get("exact"):
                self._take_late(result, arguments)
            return
        if verb == "drag" and result.weights:
            weights = view.weights if result.strength == 0 and view.weights else result.weights
            self._asked = self._key(replace(view, weights=weights, strength=result.strength))
            self.state.preview(weights=weights, strength=result.strength)
            if arguments.get("exact"):
                self.state.amend("Drag", self.state.view)
        self.state.set_counterfactual(result)
        if verb == "select" and (view.place is not None or (view.strength > 0 and view.weights)):
            self._ask_exactly(view)  # moved or dragged before the model had the image
        elif verb == "select":
            self._asked = self._key(view)
        elif (
            arguments.get("exact")
            and result.valid
            and not self.dragging()
            and not self._has_path(result.weights)
        ):
            self.worker.path(view.current, dict(result.weights), PATH_FRAMES, view.hold)

    def _has_path(self, weights: dict[str, float]) -> bool:
        """Whether the path that is there leads to this mix, with what is held now."""
        return self.path is not None and self._path_of == (_mix_of(weights), self.state.view.hold)

    def _take_late(self, result: Counterfactual, arguments: dict[str, object]) -> None:
        """The answer to a drag that was let go comes when a slider is held already, or after it was
        undone.
        """
        if not self.dragging():
            self._ask_exactly(self.state.view)
        elif self._before is not None and self._is_for(self._before, arguments):
            self._before = replace(self._before, weights=result.weights, strength=result.strength)
            self.state.amend("Drag", self._before)

    def _read_original(self, record: ImageRecord) -> None:
        dataset = self.state.project.dataset if self.state.project else None
        if dataset is None:
            return

        def done(image: np.ndarray) -> None:
            if self.state.view.current == record.id:
                self.original = image
                self.original_changed.emit()

        self._background.run(lambda: read_image(dataset, record), done, self._on_unreadable)

    def _on_unreadable(self, error: Exception) -> None:
        raise error  # to the error bar, with its own words

    def _take_hand(self, handle: bool = False) -> None:
        if self._before is None:
            self._before = self.state.view
        self._on_handle = handle

    def _wait_for_rest(self, ask_again: Callable[[], None]) -> None:
        self._ask_again = ask_again
        self._rest.start()

    def _on_rest(self) -> None:
        """The hand still holds on, but rests: a draft is replaced."""
        cf = self.state.counterfactual
        if self.dragging() and (self.worker.busy() or (cf is not None and cf.draft)):
            self._ask_again()

    def _let_go(self, text: str, merge: bool = False) -> None:
        self._rest.stop()
        before, self._before, self._on_handle = self._before, None, False
        if before is not None:
            self.state.commit(before, text, merge)

    def dragging(self) -> bool:
        """Whether the hand is on the handle or a slider."""
        return self._before is not None

    def on_handle(self) -> bool:
        """Whether it is on the handle of the map."""
        return self._on_handle

    def waits(self) -> bool:
        """Whether the picture on show is not yet of the view, though nothing is held any more."""
        cf, view = self.state.counterfactual, self.state.view
        if cf is None or self.dragging() or cf.record_id != view.current:
            return False
        far = abs(cf.strength - view.strength) > 5e-4
        return far or (view.strength > 0 and _mix_of(cf.weights) != _mix_of(self.weights()))

    @staticmethod
    def _is_for(view: View, arguments: dict[str, object]) -> bool:
        return ((arguments.get("x"), arguments.get("y")), arguments.get("plane")) == (
            view.place,
            view.plane,
        )

    @staticmethod
    def _key(view: View) -> tuple[object, ...]:
        return (
            view.current,
            tuple(sorted(view.weights.items())),
            round(view.strength, 3),
            view.hold,
        )


def _mix_of(weights: dict[str, float]) -> tuple[tuple[str, float], ...]:
    """The same for weights that are the same but for rounding and for what counts nothing."""
    return tuple(sorted((name, round(w, 4)) for name, w in weights.items() if w))


def _largest(weights: dict[str, float]) -> str:
    return max(weights, key=lambda name: weights[name])
