"""Two programs on one project: the second window only reads, sees changes, and takes over."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from core.io.lock import TOKEN
from core.io.project import open_project, save_project

OTHER = """
import sys
from dataclasses import replace
from pathlib import Path
from core.io.lock import ProjectLock
from core.io.project import open_project, save_project
folder = Path(sys.argv[1])
with ProjectLock(folder):
    print("held", flush=True)
    for line in sys.stdin:
        if line.strip() == "close":
            break
        save_project(replace(open_project(folder), name=line.strip()))
        print("saved", flush=True)
"""


@pytest.fixture
def other(project):
    """Another program that has the project."""
    environment = {k: v for k, v in os.environ.items() if k != TOKEN}
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(project.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def opened(window, project, qtbot):
    window.commands.open(project.folder)
    qtbot.waitUntil(
        lambda: window.state.project is not None and not window.backstage.loader.busy(),
        timeout=20_000,
    )


def told(process, words):
    process.stdin.write(words + "\n")
    process.stdin.flush()
    return process.stdout.readline()


def test_the_second_program_reads_and_is_told_who_has_the_project(window, project, other, qtbot):
    opened(window, project, qtbot)
    assert "(read only)" in window.windowTitle()
    assert "Another program may write it" in window.state.opened.read_only
    before = (project.folder / "project.json").read_bytes()
    window.collector.add("map")
    window.backstage.saver.flush()
    assert window.state.project.panels == () and window.error_bar.isVisible()
    assert (project.folder / "project.json").read_bytes() == before


def test_it_sees_what_the_owner_changes_and_may_write_when_the_owner_ends(
    window, project, other, qtbot
):
    opened(window, project, qtbot)
    owner = window.backstage.loader.owner
    told(other, "Renamed there")
    owner.look()
    qtbot.waitUntil(lambda: window.state.project.name == "Renamed there", timeout=10_000)
    other.kill()
    other.wait()
    qtbot.waitUntil(lambda: owner.look() or not window.state.opened.read_only, timeout=20_000)
    qtbot.waitUntil(lambda: "(read only)" not in window.windowTitle(), timeout=10_000)
    window.collector.add("map")
    assert window.backstage.saver.flush()
    found = open_project(project.folder)
    assert found.name == "Renamed there" and len(found.panels) == 1


def test_the_window_has_its_project_and_gives_it_back(window, project, qtbot):
    opened(window, project, qtbot)
    job = [sys.executable, "-m", "core.cli.main", "map", "--project", str(project.folder), "--json"]
    strangers = {k: v for k, v in os.environ.items() if k != TOKEN}
    done = subprocess.run(job, capture_output=True, text=True, env=strangers)
    assert done.returncode == 2 and "is open" in json.loads(done.stdout)["error"]["message"]
    window.backstage.close()
    assert not (project.folder / "project.lock").exists()


def test_an_edit_and_a_change_of_a_job_are_both_kept(window, project, qtbot):
    opened(window, project, qtbot)
    save_project(replace(open_project(project.folder), name="From a job"))
    window.collector.add("map")
    assert window.backstage.saver.flush()
    found = open_project(project.folder)
    assert found.name == "From a job" and len(found.panels) == 1


def test_a_damaged_project_opens_from_its_backup_and_stays_as_it_is(window, project, qtbot):
    save_project(replace(open_project(project.folder), name="Newest"))
    path = project.folder / "project.json"
    path.write_bytes(path.read_bytes()[:200])
    damaged = path.read_bytes()
    opened(window, project, qtbot)
    assert window.state.project.name == project.name
    assert "damaged" in window.state.opened.read_only and "(read only)" in window.windowTitle()
    window.collector.add("map")
    assert window.backstage.saver.flush() and path.read_bytes() == damaged


def test_a_newer_project_opens_for_reading(window, project, qtbot):
    path = project.folder / "project.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**stored, "format_version": 99, "galaxies": 3}), encoding="utf-8")
    opened(window, project, qtbot)
    assert "newer program" in window.state.opened.read_only
    assert window.state.project.dataset.records == project.dataset.records
