"""The model process: a real process with a stand-in session, so that the protocol is tested without
a network.
"""

import os
import signal

import numpy as np
import pytest

from core.domain import (
    ORIGINAL,
    AttributionRequest,
    MapPosition,
    Mix,
    Move,
    PathRequest,
    Precision,
)
from leigh_gui.services.inference_client import InferenceClient


@pytest.fixture
def worker(qtbot, project, monkeypatch):
    monkeypatch.setenv("LEIGH_STAND_IN_SECONDS", "0.05")
    made = InferenceClient(engine="gui_stand_in:StandInEngine")
    with qtbot.waitSignal(made.opened, timeout=20_000):
        made.open(project.folder)
    yield made
    made.close()


@pytest.fixture
def answers(worker):
    found = []
    worker.answered.connect(lambda answer: found.append(("move", answer.result)))
    worker.path_found.connect(lambda request, path: found.append(("path", path)))
    worker.explained.connect(lambda request, result: found.append(("explain", result)))
    return found


def to_wt(record_id, strength, *, locked=None, precision=Precision.DISPLAY, target="WT"):
    return Move(record_id, Mix({target: 1.0}, strength), locked, precision)


def original(record_id):
    return Move(record_id, ORIGINAL, precision=Precision.DISPLAY)


def test_pictures_come_through_shared_memory_unchanged(worker, answers, qtbot, project):
    from core.io.tiff import read_record

    worker.want(original("DS_C02_s1"))
    qtbot.waitUntil(lambda: len(answers) == 1, timeout=5000)
    worker.want(to_wt("DS_C02_s1", 0.5))
    qtbot.waitUntil(lambda: len(answers) == 2, timeout=5000)
    result = answers[1][1]
    real = read_record(project.dataset.root, project.dataset.record("DS_C02_s1")).astype(np.float32)
    assert np.array_equal(result.original, real)
    assert np.array_equal(result.image, result.original + result.difference)


def test_the_evidence_and_what_is_held_reach_the_session_and_come_back(worker, answers, qtbot):
    assert worker.no_evidence == ""
    worker.want(to_wt("DS_C02_s1", 1.0, locked=("Cytoskeleton",), precision=Precision.EXACT))
    qtbot.waitUntil(lambda: len(answers) == 1, timeout=5000)
    worker.want(Move("DS_C02_s1", MapPosition((0.0, 0.0)), precision=Precision.DISPLAY))
    qtbot.waitUntil(lambda: len(answers) == 2, timeout=5000)
    worker.follow(PathRequest("DS_C02_s1", Mix({"WT": 1.0}), ("Cytoskeleton",), 3))
    qtbot.waitUntil(lambda: len(answers) == 3, timeout=5000)
    exact, rough = answers[0][1], answers[1][1]
    assert (
        exact.locked == ("Cytoskeleton",)
        and not exact.difference[1].any()
        and exact.evidence.light == "green"
    )
    assert rough.locked == ("Nuclei",) and rough.evidence is None


def test_latest_request_wins(worker, answers, qtbot):
    worker.want(original("DS_C02_s1"))
    qtbot.waitUntil(lambda: len(answers) == 1, timeout=5000)
    for step in range(1, 41):
        worker.want(to_wt("DS_C02_s1", step / 40))
    qtbot.waitUntil(lambda: not worker.busy(), timeout=5000)
    strengths = [result.strength for _, result in answers[1:]]
    assert strengths[-1] == 1.0
    assert len(strengths) <= 3


def test_answers_for_another_image_are_dropped(worker, answers, qtbot):
    worker.want(original("DS_C02_s1"))
    worker.want(original("WT_B02_s1"))
    qtbot.waitUntil(lambda: not worker.busy(), timeout=5000)
    assert [result.record_id for _, result in answers] == ["WT_B02_s1"]
    assert worker.late_dropped == 1


def test_a_picture_interrupts_an_explanation_which_is_begun_anew(worker, answers, qtbot):
    worker.explain(AttributionRequest("DS_C02_s1", "occlusion", "WT", "iresnet"))
    qtbot.wait(150)
    worker.want(to_wt("DS_C02_s1", 0.3))
    qtbot.waitUntil(lambda: len(answers) == 2, timeout=10_000)
    assert [verb for verb, _ in answers] == ["move", "explain"]


def test_an_explanation_that_was_given_up_does_not_come(worker, answers, qtbot):
    worker.explain(AttributionRequest("DS_C02_s1", "occlusion", "WT", "iresnet"))
    qtbot.wait(150)
    worker.stop_explaining()
    worker.want(to_wt("DS_C02_s1", 0.3))
    qtbot.waitUntil(lambda: len(answers) == 1 and not worker.busy(), timeout=10_000)
    qtbot.wait(300)
    assert [verb for verb, _ in answers] == ["move"]


def test_giving_up_an_explanation_leaves_the_path_alone(worker, answers, qtbot):
    worker.follow(PathRequest("DS_C02_s1", Mix({"WT": 1.0}), frames=10))
    worker.explain(AttributionRequest("DS_C02_s1", "saliency", "WT", "iresnet"))
    worker.stop_explaining()
    qtbot.waitUntil(lambda: len(answers) == 1, timeout=10_000)
    assert [verb for verb, _ in answers] == ["path"]


def test_an_explanation_that_fails_says_whose_it_was(worker, qtbot):
    with qtbot.waitSignal(worker.not_explained, timeout=10_000) as reported:
        worker.explain(AttributionRequest("DS_C02_s1", "saliency", "WT", "broken"))
    request, words = reported.args
    assert (request.method, request.network) == (
        "saliency",
        "broken",
    ) and "cannot be explained" in words


def test_a_picture_interrupts_the_path(worker, answers, qtbot):
    worker.follow(PathRequest("DS_C02_s1", Mix({"WT": 1.0}), frames=100))
    qtbot.wait(150)
    worker.want(to_wt("DS_C02_s1", 0.3))
    qtbot.waitUntil(lambda: not worker.busy(), timeout=3000)
    assert [verb for verb, _ in answers] == ["move"]


def test_killed_process_is_started_again_and_answers(worker, answers, qtbot):
    first = worker.pid()
    worker.want(to_wt("DS_C02_s1", 0.5))
    with qtbot.waitSignal(worker.restarted, timeout=10_000):
        os.kill(first, signal.SIGKILL)
    qtbot.waitUntil(lambda: len(answers) == 1, timeout=20_000)
    assert worker.pid() != first and answers[0][1].strength == 0.5


def test_errors_keep_their_own_words(worker, qtbot):
    with qtbot.waitSignal(worker.failed, timeout=5000) as failed:
        worker.want(to_wt("DS_C02_s1", 0.5, target="refuse"))
    assert failed.args[:2] == ["This image cannot be moved.", "Try another one."]


def test_a_request_that_always_crashes_does_not_loop_forever(worker, qtbot):
    with qtbot.waitSignal(worker.failed, timeout=40_000) as failed:
        worker.want(to_wt("DS_C02_s1", 0.5, target="crash"))
    assert failed.args[0] == "The model process keeps stopping."
