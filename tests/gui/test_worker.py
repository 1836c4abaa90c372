"""The model process: a real process with a stand-in session, so that the protocol is tested without
a network.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
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
from leigh_gui.services import inference_client
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
    from core.io.read_field import read_record

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


def test_a_model_that_dies_while_loading_is_given_up_however_long_it_loads(
    qtbot, project, monkeypatch
):
    monkeypatch.setattr(inference_client, "DEATHS_WITHIN_S", 0.0)  # all deaths are long ago
    monkeypatch.setenv("LEIGH_STAND_IN_DIES_LOADING", "1")
    client = InferenceClient(engine="gui_stand_in:StandInEngine")
    with qtbot.waitSignal(client.gave_up, timeout=60_000):
        client.open(project.folder)
    assert client.restarts == inference_client.DEATHS and client.pid() is None
    monkeypatch.delenv("LEIGH_STAND_IN_DIES_LOADING")
    with qtbot.waitSignal(client.opened, timeout=20_000):  # “Try again”
        client.open(project.folder)
    client.close()


def test_a_path_that_was_being_computed_is_asked_again_after_a_crash(worker, answers, qtbot):
    worker.follow(PathRequest("DS_C02_s1", Mix({"WT": 1.0}), frames=20))
    qtbot.wait(150)
    os.kill(worker.pid(), signal.SIGKILL)
    qtbot.waitUntil(lambda: len(answers) == 1, timeout=20_000)
    assert answers[0][0] == "path"


def test_an_attribution_that_only_waited_is_asked_again_after_a_crash(worker, answers, qtbot):
    worker.follow(PathRequest("DS_C02_s1", Mix({"WT": 1.0}), frames=40))
    worker.explain(AttributionRequest("DS_C02_s1", "saliency", "WT", "iresnet"))
    qtbot.wait(150)
    os.kill(worker.pid(), signal.SIGKILL)
    qtbot.waitUntil(lambda: len(answers) == 2, timeout=30_000)
    assert [verb for verb, _ in answers] == ["path", "explain"]


def test_after_a_crash_the_page_can_ask_for_the_same_image(worker, qtbot):
    with qtbot.waitSignal(worker.failed, timeout=5000):
        worker.want(to_wt("DS_C02_s1", 0.5, target="refuse"))
    with qtbot.waitSignal(worker.opened, timeout=20_000):
        os.kill(worker.pid(), signal.SIGKILL)
    assert worker.wanted is None  # else the page would think that it is asked for already


def test_closing_ends_a_process_that_is_frozen(worker):
    pid = worker.pid()
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    worker.close()
    assert time.monotonic() - began < 5 and not psutil.pid_exists(pid)


WINDOW = """
import os, sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QTimer
from core.domain import Mix, Move, Precision
from leigh_gui.services import inference_client
from leigh_gui.services.inference_client import InferenceClient
from leigh_gui.services.jobs import Job, JobRunner

if __name__ == "__main__":
    app = QCoreApplication([])
    client = InferenceClient(engine="gui_stand_in:StandInEngine")
    runner = JobRunner(program=(sys.executable, sys.argv[2]))
    runner.start(Job("Sleeping", ("demo", "--project", "x")))
    client.opened.connect(lambda _: client.want(
        Move("DS_C02_s1", Mix({"WT": 1.0}, 1.0), None, Precision.DISPLAY)))
    client.opened.connect(lambda _: QTimer.singleShot(1500, lambda: print(
        client.pid(), runner._process.processId(), flush=True)))
    client.open(Path(sys.argv[1]))
    app.exec()
"""
SLEEPER = """
import time
from core.cli import demo, main
demo.run = lambda arguments, report: time.sleep(100)
main.LAST_STEP_S = 0.5
main.run_process()
"""


def test_model_and_jobs_of_a_killed_window_end(project, tmp_path):
    (tmp_path / "window.py").write_text(WINDOW)
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    root = Path(__file__).parents[2]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(root), str(Path(__file__).parent)]),
        "LEIGH_STAND_IN_SECONDS": "100",
    }
    window = subprocess.Popen(
        [sys.executable, tmp_path / "window.py", project.folder, tmp_path / "sleeper.py"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    patience = threading.Timer(60, window.kill)
    patience.start()
    children = [psutil.Process(int(pid)) for pid in window.stdout.readline().split()]
    assert len(children) == 2 and all(child.is_running() for child in children)
    patience.cancel()
    window.kill()
    window.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    for child in alive:
        child.kill()
    assert not alive
