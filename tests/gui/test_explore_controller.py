"""The controller of the Explore page alone: no window, no process, answers by a script."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from gui_stand_in import NAMES, make_latents, make_map
from PySide6.QtCore import QObject

from core.domain import (
    ORIGINAL,
    Counterfactual,
    CounterfactualPath,
    Dataset,
    ImageRecord,
    MapPosition,
    Mix,
    ModelCard,
    Move,
    PathRequest,
    Precision,
    Preprocessing,
    Project,
)
from core.synthetic.cells import CHANNELS, demo_conditions
from leigh_gui.opened import Opened
from leigh_gui.pages.explore import controller
from leigh_gui.pages.explore.controller import ExploreControl, next_move
from leigh_gui.services.inference_client import InferenceClient
from leigh_gui.services.requests import Requests
from leigh_gui.state import AppState

PREPROCESSING = Preprocessing(
    (0.0,) * 3, (1.0,) * 3, (0.0,) * 3, (1.0,) * 3, (0.0,) * 3, (1.0,) * 3
)
PIXELS = np.zeros((3, 2, 2), np.float32)
FIRST, SECOND = "DS_0", "DS_1"
PLANE = ("WT", "DS", "TT")  # that of the treatment in hand


class ManyAtOnce(Requests):
    """Sends everything at once, so that answers can come in any order."""

    def _may_send(self, lane: str) -> bool:
        return True


class ScriptedClient(InferenceClient):
    """The real client without a process: the test decides which answer comes when."""

    def __init__(self, parent: QObject, requests: Requests) -> None:
        super().__init__(parent)
        self.sent = []
        self._requests = requests
        self._connection = object()

    def start(self) -> None:
        """Without a process."""
        self._connection = object()

    def _transmit(self, request) -> None:
        self.sent.append(request)

    def open(self, folder, device="auto") -> None:
        """The model is there at once."""
        super().open(folder, device)
        self._on_arrived(0, ("done", self.sent[-1].number, ("cpu", "")))

    def moves(self) -> list[Move]:
        """All moves that were sent."""
        return [request.question for request in self.sent if request.lane == "move"]

    def paths(self) -> list[PathRequest]:
        """All paths that were asked for."""
        return [request.question for request in self.sent if request.lane == "path"]

    def answer(self, request, result: Counterfactual | None = None) -> None:
        """The answer to one request comes."""
        result = result or answer_to(request.question)
        self._on_arrived(0, ("picture", request.number, result))

    def answer_last(self) -> None:
        """The answer to the newest move comes."""
        self.answer(next(r for r in reversed(self.sent) if r.lane == "move"))

    def lose(self) -> None:
        """The process ends with everything it was asked."""
        self._on_arrived(0, ("ended", 0, None))
        opening = next(r for r in reversed(self.sent) if r.lane == "open")
        self._on_arrived(0, ("done", opening.number, ("cpu", "")))


def answer_to(move: Move) -> Counterfactual:
    """A drag to (x, y) lands at strength x toward WT; a mix lands where it should."""
    goal = move.goal
    mix = Mix({"WT": 1.0}, goal.xy[0]) if isinstance(goal, MapPosition) else goal
    probabilities = np.full(len(NAMES), 1 / len(NAMES), np.float32)
    return Counterfactual(
        move.record_id,
        "DS",
        dict(mix.weights) or {"WT": 1.0},
        mix.strength,
        PIXELS,
        PIXELS,
        PIXELS,
        probabilities,
        probabilities[1:],
        0.0,
        xy=(0.0, 0.0),
        precision=move.precision,
    )


def opened(tmp_path) -> Opened:
    """Two images of every condition; there are no files."""
    conditions = demo_conditions(NAMES)
    records = tuple(
        ImageRecord(f"{c.name}_{i}", (f"{c.name}_{i}.tif",), (0, 1, 2), c.name, f"g{i}")
        for c in conditions
        for i in range(2)
    )
    dataset = Dataset(tmp_path, CHANNELS, conditions, records)
    split = {"g0": "test", "g1": "train"}
    card = ModelCard(
        "iresnet",
        "iresnet",
        CHANNELS,
        conditions,
        PREPROCESSING,
        {},
        "quick",
        0,
        "d",
        split,
        {},
        {},
    )
    projection, decision = make_map(dataset, dataset.condition_names)
    latents = make_latents(dataset, split)
    return Opened(Project(tmp_path, "p", dataset, "iresnet"), card, latents, projection, decision)


@pytest.fixture
def start(qtbot, tmp_path, monkeypatch):
    """State, controller and client with one image on show."""
    monkeypatch.setattr(ExploreControl, "_read_original", lambda control, record: None)

    def started(requests: Requests | None = None):
        state = AppState()
        client = ScriptedClient(state, requests or ManyAtOnce())
        control = ExploreControl(state, client, state)
        state.open(opened(tmp_path))
        control.gestures.pick(FIRST)
        client.answer_last()
        state.undo.clear()
        client.sent.clear()
        return state, control, client

    return started


def requests_of(client):
    return [request for request in client.sent if request.lane == "move"]


def test_a_new_image_comes_first_as_it_is(start):
    state, control, client = start()
    control.gestures.move_to("WT")
    client.answer_last()
    control.gestures.pick(SECOND)
    assert client.moves()[-1] == Move(SECOND, ORIGINAL, precision=Precision.DISPLAY)
    client.answer_last()
    assert client.moves()[-1] == Move(SECOND, Mix({"WT": 1.0}))  # the target stays
    client.answer_last()
    assert state.answer.move == state.view.move and not control.waits()


@pytest.mark.parametrize("order", permutations(range(3)))
def test_of_three_images_of_one_drag_the_released_one_stays(start, order):
    state, control, client = start()
    shown = []
    state.answer_changed.connect(lambda: shown.append(state.answer.move))
    control.gestures.drag(0.2, 0.0, False)
    control.gestures.drag(0.4, 0.0, False)
    control.gestures.drag(0.6, 0.0, True)
    requests = requests_of(client)
    assert len(requests) == 3
    for k in order:
        client.answer(requests[k])
    assert state.answer.move == state.view.move == Move(FIRST, MapPosition((0.6, 0.0), PLANE))
    assert shown == sorted(shown, key=lambda move: move.goal.xy)  # never back to an older one
    assert len(shown) + client.late_dropped == 3
    assert state.mix == Mix({"WT": 1.0}, 0.6) and state.undo.count() == 1
    assert not control.waits() and not client.busy()


@pytest.mark.parametrize("order", permutations(range(3)))
def test_of_three_gestures_only_the_last_is_shown(start, order):
    state, control, client = start()
    shown = []
    state.answer_changed.connect(lambda: shown.append(state.answer.move))
    control.gestures.drag(0.6, 0.0, True)
    control.gestures.slide(0.3, True)
    control.gestures.move_to("TT")
    requests = requests_of(client)
    for k in order:
        client.answer(requests[k])
    assert shown == [Move(FIRST, Mix({"TT": 1.0}))] and client.late_dropped == 2
    assert state.mix == Mix({"TT": 1.0}) and state.undo.count() == 3


@pytest.mark.parametrize("order", permutations(range(3)))
def test_of_three_images_only_the_selected_one_is_shown(start, order):
    state, control, client = start()
    for record_id in (SECOND, "WT_0", "TT_1"):
        control.gestures.pick(record_id)
    requests = requests_of(client)
    for k in order:
        client.answer(requests[k])
    assert state.answer.move.record_id == "TT_1" and client.late_dropped == 2


def test_a_late_answer_leaves_a_slider_alone_and_comes_when_its_drag_is_wanted_again(start):
    state, control, client = start()
    control.gestures.drag(0.6, 0.0, True)
    late = client.sent[-1]
    control.gestures.mix({"TT": 0.3}, False)
    client.answer(late)
    assert state.mix == Mix({"TT": 1.0}, 0.3) and client.late_dropped == 1
    control.gestures.mix({"TT": 0.3}, True)
    client.answer_last()
    state.undo.undo()
    assert state.view.position == (0.6, 0.0) and client.moves()[-1] == state.view.move
    client.answer_last()
    assert state.mix == Mix({"WT": 1.0}, 0.6)


def test_an_overtaken_move_is_never_sent(start):
    state, control, client = start(Requests())
    for x in (0.1, 0.2, 0.3, 0.4):
        control.gestures.drag(x, 0.0, False)
    client.answer_last()
    assert [move.goal.xy[0] for move in client.moves()] == [0.1, 0.4]
    client.answer_last()
    assert state.mix.strength == 0.4


def test_images_of_a_drag_are_shown_while_it_goes_on(start):
    state, control, client = start(Requests())
    control.gestures.drag(0.1, 0.0, False)
    control.gestures.drag(0.2, 0.0, False)
    client.answer_last()
    assert state.answer.move.goal.xy == (0.1, 0.0) and state.mix.strength == 0.1
    assert state.view.dragging and not control.waits()


def test_a_lost_move_is_asked_again_when_the_process_is_back(start):
    state, control, client = start()
    control.gestures.drag(0.6, 0.0, True)
    client.lose()
    assert client.restarts == 1 and client.moves()[-1] == state.view.move
    assert state.answer.move.goal == ORIGINAL and control.waits()  # the picture stays meanwhile
    client.answer_last()
    assert state.mix == Mix({"WT": 1.0}, 0.6) and not control.waits()


def test_a_process_that_ends_in_a_drag_is_asked_for_the_move_that_was_wanted_last(start):
    state, control, client = start(Requests())
    control.gestures.drag(0.2, 0.0, False)
    client.answer_last()
    shown = state.answer
    control.gestures.drag(0.4, 0.0, False)
    client._on_arrived(0, ("ended", 0, None))
    control.gestures.drag(0.6, 0.0, False)  # while it starts again
    assert state.answer is shown and control.waits() and not client.ready
    control.gestures.drag(0.8, 0.0, True)
    opening = next(r for r in reversed(client.sent) if r.lane == "open")
    client._on_arrived(0, ("done", opening.number, ("cpu", "")))
    client.answer_last()
    assert state.answer.move == state.view.move and state.mix.strength == 0.8
    assert not control.waits() and not control.is_pending()


def test_after_a_restart_even_an_answered_move_is_asked_again(start):
    state, control, client = start()
    control.gestures.move_to("WT")
    client.answer_last()
    client.sent.clear()
    client.lose()
    assert client.moves() == [state.view.move] and not control.waits()


def test_undo_before_the_answer_shows_nothing_else(start):
    state, control, client = start()
    control.gestures.drag(0.6, 0.0, True)
    client.answer_last()
    control.gestures.drag(0.9, 0.0, True)
    late = client.sent[-1]
    state.undo.undo()
    asked = len(client.moves())
    client.answer(late)
    assert state.answer.move.goal.xy == (0.6, 0.0) and state.mix.strength == 0.6
    assert len(client.moves()) == asked and client.late_dropped == 1  # it is on show already
    state.undo.redo()
    client.answer_last()
    assert state.mix.strength == 0.9


def test_undo_and_redo_of_an_answered_drag_know_its_mix_at_once(start):
    state, control, client = start()
    control.gestures.drag(0.6, 0.0, True)
    client.answer_last()
    state.undo.undo()
    assert state.mix.strength == 0
    state.undo.redo()
    assert state.mix == Mix({"WT": 1.0}, 0.6)


def test_a_drag_home_keeps_the_target(start):
    state, control, client = start()
    control.gestures.move_to("TT")
    client.answer_last()
    control.gestures.drag(0.0, 0.0, True)
    client.answer(client.sent[-1], replace(answer_to(client.sent[-1].question), strength=0.0))
    assert state.mix == Mix({"TT": 1.0}, 0.0)


def test_a_pointer_that_rests_gets_a_better_image(start, qtbot):
    state, control, client = start()
    control.gestures.drag(0.6, 0.0, False)
    client.answer_last()
    assert state.counterfactual.precision == Precision.PREVIEW
    qtbot.waitUntil(lambda: client.moves()[-1].precision == Precision.DISPLAY, timeout=2000)
    client.answer_last()
    assert state.counterfactual.precision == Precision.DISPLAY and state.undo.count() == 0
    control.gestures.drag(0.7, 0.0, False)
    client.answer(client.sent[-1], replace(answer_to(client.moves()[-1]), precision=1))
    asked = len(client.moves())
    qtbot.wait(150)
    assert len(client.moves()) == asked  # good enough: pictures are quick here


def test_a_rest_does_not_disturb_the_image_selected_meanwhile(start, qtbot):
    state, control, client = start()
    control.gestures.drag(0.6, 0.0, False)
    control.gestures.pick(SECOND)
    client.answer_last()
    asked = len(client.moves())
    qtbot.wait(150)
    assert {move.record_id for move in client.moves()[asked:]} <= {SECOND}
    assert not state.view.dragging and state.answer.move.record_id == SECOND


def test_a_move_that_fails_is_not_asked_again_by_itself(start):
    state, control, client = start()
    failed = []
    client.failed.connect(lambda *words: failed.append(words))
    control.gestures.move_to("WT")
    asked = client.sent[-1]
    client._on_arrived(0, ("failed", asked.number, ("No.", "Try another.", "")))
    state.display_changed.emit()
    state.view_changed.emit()
    assert failed and len(client.moves()) == 1 and control.waits()
    control.gestures.move_to("TT")
    client.answer_last()
    assert state.mix == Mix({"TT": 1.0}) and not control.waits()


def test_other_locked_channels_ask_again(start):
    state, control, client = start()
    control.gestures.move_to("WT")
    late = client.sent[-1]
    control.gestures.set_locked(("Nuclei",))
    client.answer(late)
    assert client.late_dropped == 1 and client.moves()[-1].locked == ("Nuclei",)
    client.answer_last()
    assert state.answer.move == state.view.move


def test_a_path_belongs_to_a_mix_and_is_asked_for_once(start):
    _, control, client = start()
    for strength in (1.0, 0.7):
        control.gestures.slide(strength, True)
        client.answer_last()
        if control.path is None:
            request = client.sent[-1]
            path = CounterfactualPath(FIRST, "WT", (), None)
            client._on_arrived(0, ("done", request.number, path))
        assert control.path is not None
    assert [request.mix for request in client.paths()] == [Mix({"WT": 1.0})]
    control.gestures.drag(0.5, 0.0, False)
    assert control.path is None  # while the handle moves, the target is open


def test_the_frames_of_a_path_come_first_and_then_its_crossings(start):
    _, control, client = start()
    control.gestures.move_to("WT")
    client.answer_last()
    frames = client.sent[-1]
    assert frames.lane == "path" and not frames.question.exact
    rough = CounterfactualPath(FIRST, "WT", (), 0.4, exact=False)
    client._on_arrived(0, ("done", frames.number, rough))
    assert control.path is rough and not rough.changes
    exact = client.sent[-1]
    assert exact.question == replace(frames.question, exact=True)
    client._on_arrived(0, ("cancelled", exact.number, None))  # another move came between
    control.gestures.slide(0.7, True)
    client.answer_last()
    again = client.sent[-1]
    assert again.question == exact.question and control.path is rough
    client._on_arrived(0, ("done", again.number, CounterfactualPath(FIRST, "WT", (), 0.37)))
    assert control.path.exact and control.path.crossing == 0.37


def test_a_late_path_is_dropped(start):
    _, control, client = start()
    control.gestures.move_to("WT")
    client.answer_last()
    late = client.sent[-1]
    control.gestures.move_to("TT")
    client._on_arrived(0, ("done", late.number, CounterfactualPath(FIRST, "WT", (), None)))
    assert control.path is None


def test_an_image_that_stays_needs_no_second_answer():
    original = Move(FIRST, ORIGINAL, precision=Precision.DISPLAY)
    answer = controller.Answer(original, answer_to(original))
    assert next_move(Move(FIRST, Mix({"WT": 1.0}, 0.0)), answer) is None
    moved = Move(FIRST, Mix({"WT": 1.0}, 0.5))
    assert next_move(moved, answer) == moved
    assert next_move(moved, None) == original
    assert next_move(replace(moved, record_id=SECOND), answer).goal == ORIGINAL
