import sys
import textwrap

import pytest

from leigh_gui.services.jobs import Job, JobRunner

PROGRAM = """
import json, sys
verb = sys.argv[1]
step = {"done": 1, "total": 3, "what": verb, "seconds_left": 2, "values": {}}
print(json.dumps({"progress": step}), file=sys.stderr, flush=True)
if verb == "wait":
    sys.exit(130 if sys.stdin.readline().strip() == "stop" else 1)
if verb == "bad":
    error = {"kind": "BadTable", "message": "Plate map has no column well.", "hint": "Add one."}
    print("Plate map has no column well. Add one.", file=sys.stderr)
    print(json.dumps({"error": error})); sys.exit(2)
if verb == "crash":
    raise RuntimeError("boom")
print("hello"); print(json.dumps({"out": "x.pdf"}))
"""


@pytest.fixture
def runner(tmp_path, qtbot):
    file = tmp_path / "program.py"
    file.write_text(textwrap.dedent(PROGRAM))
    return JobRunner(program=(sys.executable, str(file)))


def test_job_reports_progress_and_result_and_what_follows(runner, qtbot):
    seen, results = [], []
    runner.progress.connect(seen.append)
    runner.step_finished.connect(lambda verb, result: results.append((verb, result)))
    with qtbot.waitSignal(runner.finished, timeout=10_000) as finished:
        runner.start(Job("One", ("one",), (Job("Two", ("two",)),)))
        assert not runner.start(Job("Another", ("three",)))
    assert [p["what"] for p in seen] == ["one", "two"] and finished.args == ["two"]
    assert results == [("one", {"out": "x.pdf"}), ("two", {"out": "x.pdf"})]


def test_stop_ends_the_job_and_what_would_follow(runner, qtbot):
    with qtbot.waitSignal(runner.progress, timeout=10_000):
        runner.start(Job("Wait", ("wait",), (Job("Two", ("two",)),)))
    with qtbot.waitSignal(runner.stopped, timeout=10_000):
        runner.stop()
    assert not runner.running()


def test_fault_of_the_user_is_told_in_its_own_words(runner, qtbot):
    with qtbot.waitSignal(runner.failed, timeout=10_000) as failed:
        runner.start(Job("Bad", ("bad",)))
    assert failed.args[:2] == ["Plate map has no column well.", "Add one."]


def test_our_fault_keeps_its_traceback_for_the_details(runner, qtbot):
    with qtbot.waitSignal(runner.failed, timeout=10_000) as failed:
        runner.start(Job("Reading", ("crash",)))
    assert failed.args[0].startswith("Reading stopped unexpectedly") and "boom" in failed.args[2]
