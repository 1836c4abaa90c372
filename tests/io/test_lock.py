"""One program has a project: dead, silent and unreadable locks; programs that race."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.errors import BadProject
from core.io import lock
from core.io.lock import LOCK_FILE, TOKEN, ProjectLock, ProjectOpen, owner_of

HOLD = """
import sys, time
from pathlib import Path
from core.io.lock import ProjectLock
held = ProjectLock(Path(sys.argv[1]))
held.acquire()
print("held", flush=True)
time.sleep(100)
"""
RACE = """
import sys, time
from pathlib import Path
from core.errors import BadProject
from core.io.lock import ProjectLock
folder, start = Path(sys.argv[1]), float(sys.argv[2])
time.sleep(max(0.0, start - time.time()))
try:
    with ProjectLock(folder):
        inside = folder / f"inside-{sys.argv[3]}"
        inside.touch()
        others = [p.name for p in folder.glob("inside-*")]
        time.sleep(0.6)
        print(len(others) + len([p for p in folder.glob("inside-*") if p != inside]), flush=True)
        inside.unlink()
except BadProject:
    print("refused", flush=True)
"""


def holder(folder: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_a_second_program_is_told_who_has_the_project(tmp_path: Path) -> None:
    with ProjectLock(tmp_path), pytest.raises(BadProject, match="is open"), ProjectLock(tmp_path):
        pass
    with ProjectLock(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_the_owner_is_named_with_user_and_computer(tmp_path: Path) -> None:
    process = holder(tmp_path)
    try:
        with pytest.raises(ProjectOpen) as raised, ProjectLock(tmp_path):
            pass
        owner = raised.value.owner
        assert owner.user == lock._user() and owner.host and owner.since <= owner.seen
        assert owner.user in str(raised.value) and owner.host in str(raised.value)
    finally:
        process.kill()
        process.wait()


def test_the_lock_of_a_killed_program_is_taken_over_at_once(tmp_path: Path) -> None:
    process = holder(tmp_path)
    process.kill()
    process.wait()
    began = time.monotonic()
    with ProjectLock(tmp_path) as held:
        assert held.held
    assert time.monotonic() - began < 5
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [b"", b"?", b"\xff\xfe", json.dumps({"user": "a", "host": "b", "pid": 1}).encode()],
    ids=["empty", "cut", "damaged", "version 0.1"],
)
def test_an_unreadable_lock_is_nobodys(tmp_path: Path, content: bytes) -> None:
    (tmp_path / LOCK_FILE).write_bytes(content)
    with ProjectLock(tmp_path) as held:
        assert held.held and owner_of(tmp_path).user == lock._user()


def test_a_used_process_number_does_not_hold_for_ever(tmp_path: Path) -> None:
    """The number of a dead program may belong to another program now: here to this one."""
    process = holder(tmp_path)
    process.kill()
    process.wait()
    text = (tmp_path / LOCK_FILE).read_text().replace(f"pid={process.pid}", f"pid={os.getpid()}")
    (tmp_path / LOCK_FILE).write_text(text)
    with ProjectLock(tmp_path) as held:
        assert held.held


def test_a_computer_that_died_loses_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "LEASE_SECONDS", 2.0)
    process = holder(tmp_path)
    process.kill()
    process.wait()
    text = (tmp_path / LOCK_FILE).read_text().replace("duration=120.0", "duration=2.0")
    lines = ["host=elsewhere" if x.startswith("host=") else x for x in text.splitlines()]
    (tmp_path / LOCK_FILE).write_text("\n".join(lines) + "\n")
    with pytest.raises(ProjectOpen, match="elsewhere"):
        ProjectLock(tmp_path).acquire()
    waiting = ProjectLock(tmp_path)
    waiting.acquire(timeout=4)
    assert waiting.held
    waiting.release()


def test_the_jobs_of_the_owner_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    with ProjectLock(tmp_path) as window:
        monkeypatch.setenv(TOKEN, "")  # so that the variable is gone after the test
        window.share()
        job = [sys.executable, "-c", HOLD.replace("time.sleep(100)", "held.release()")]
        done = subprocess.run([*job, str(tmp_path)], capture_output=True, text=True, check=True)
        assert done.stdout == "held\n" and window.held
        assert owner_of(tmp_path).user == lock._user()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_of_programs_that_race_one_has_the_project(tmp_path: Path) -> None:
    for round_ in range(4):
        (tmp_path / LOCK_FILE).unlink(missing_ok=True)
        if round_ % 2:
            process = holder(tmp_path)
            process.kill()
            process.wait()
        start = str(time.time() + 2.0)
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", RACE, str(tmp_path), start, str(k)],
                stdout=subprocess.PIPE,
                text=True,
            )
            for k in range(4)
        ]
        said = [racer.communicate(timeout=60)[0].strip() for racer in racers]
        alone = [words for words in said if words != "refused"]
        assert alone and set(alone) == {"1"}, said
