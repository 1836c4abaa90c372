"""No change is lost: what cannot be saved is kept, shown, tried again and asked about."""

import resource
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from gui_stand_in import make_project
from PySide6.QtWidgets import QApplication, QMessageBox

from core.domain import PanelSpec, Project
from core.errors import BadProject, FolderMissing
from core.io.project import open_project, save_project
from core.io.project_copy import moved_to, save_copy
from leigh_gui.close_dialog import Choice

FULL_BYTES = 1000


class Disk:
    """A real small file system; where none can be mounted, a limit on the size of files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        words = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
        self.mounted = subprocess.run(words, capture_output=True).returncode == 0
        self._limit = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self) -> None:
        if not self.mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (FULL_BYTES, self._limit[1]))
            return
        with pytest.raises(OSError), (self.folder / "full").open("wb", buffering=0) as stream:
            while True:
                stream.write(b"x" * 4096)

    def free(self) -> None:
        (self.folder / "full").unlink(missing_ok=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limit)

    def close(self) -> None:
        self.free()
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk")
    yield made
    made.close()


@pytest.fixture
def on_disk(disk: Disk, tmp_path: Path) -> Project:
    """A project on the small disk; its images are elsewhere."""
    project = make_project(tmp_path / "small", with_model=False, wells=1, fields=1, size=32)
    shutil.copytree(project.folder, disk.folder / "project")
    moved = replace(project, folder=disk.folder / "project")
    save_project(moved)
    return moved


@pytest.fixture
def opened(window, on_disk, qtbot):
    window.commands.open(on_disk.folder)
    qtbot.waitUntil(lambda: window.state.project is not None, timeout=10_000)
    return window


def rename(window, name):
    window.state.edit_project(replace(window.state.project, name=name), "Rename")


def name_on_disk(project):
    return open_project(project.folder).name


def answer(monkeypatch, *choices):
    """Answer the dialogs that come, one after the other; returns their texts."""
    waiting, texts = list(choices), []

    def run(box):
        texts.append(box.informativeText())
        wanted = waiting.pop(0)
        next(b for b in box.buttons() if b.text() == wanted.value).click()

    monkeypatch.setattr(QMessageBox, "exec", run)
    return texts


def test_a_full_disk_is_shown_and_saved_to_once_it_has_space(opened, on_disk, disk, qtbot):
    disk.fill()
    rename(opened, "Renamed")
    qtbot.waitUntil(opened.error_bar.isVisible, timeout=10_000)
    assert "cannot be written" in opened.error_bar.message.text()
    assert "othing was lost" not in opened.error_bar.message.text() + opened.error_bar.hint.text()
    assert opened.strip.unsaved.isVisible() and opened.isWindowModified()
    assert name_on_disk(on_disk) == "Plate 1"
    disk.free()
    qtbot.waitUntil(lambda: not opened.strip.unsaved.isVisible(), timeout=10_000)
    assert name_on_disk(on_disk) == "Renamed" and not opened.isWindowModified()


def test_the_next_change_saves_those_before_it(opened, on_disk, disk, qtbot):
    disk.fill()
    rename(opened, "First")
    qtbot.waitUntil(opened.strip.unsaved.isVisible, timeout=10_000)
    opened.backstage.saver._retry.stop()
    disk.free()
    rename(opened, "Second")
    qtbot.waitUntil(lambda: not opened.strip.unsaved.isVisible(), timeout=10_000)
    assert name_on_disk(on_disk) == "Second"


def test_changed_and_closed_at_once_the_window_stays_and_asks(opened, on_disk, disk, monkeypatch):
    disk.fill()
    texts = answer(monkeypatch, Choice.STAY)
    rename(opened, "Renamed")
    assert not opened.close() and opened.isVisible()
    assert len(texts) == 1 and "cannot be written" in texts[0]
    disk.free()
    assert opened.close() and name_on_disk(on_disk) == "Renamed"


def test_closing_retries_until_it_is_saved_or_given_up(opened, on_disk, disk, monkeypatch):
    disk.fill()
    texts = answer(monkeypatch, Choice.RETRY, Choice.DISCARD)
    rename(opened, "Renamed")
    assert opened.close() and len(texts) == 2
    disk.free()
    assert name_on_disk(on_disk) == "Plate 1"


def test_what_cannot_be_saved_here_is_saved_elsewhere(
    opened, on_disk, disk, tmp_path, monkeypatch, qtbot
):
    disk.fill()
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "other.txt").write_text("of another project")
    monkeypatch.setattr(opened.unsaved, "_choose", lambda words: str(tmp_path / "stick"))
    answer(monkeypatch, Choice.ELSEWHERE)
    rename(opened, "Renamed")
    assert opened.close()
    copy = open_project(tmp_path / "stick" / "Renamed")
    assert copy.name == "Renamed" and copy.dataset.root == on_disk.dataset.root
    assert opened.backstage.settings.recent()[0] == copy.folder


def test_elsewhere_goes_what_was_saved_before_and_what_was_not(opened, disk, qtbot, tmp_path):
    opened.collector.add("confusion")
    assert opened.backstage.saver.flush()
    opened.collector.add("map")
    assert opened.backstage.saver.flush()
    disk.fill()
    rename(opened, "Later")
    assert not opened.backstage.saver.flush()
    opened.unsaved.save_elsewhere(tmp_path / "elsewhere")
    found = open_project(tmp_path / "elsewhere")
    assert found.name == "Later" and [p.kind for p in found.panels] == ["confusion", "map"]


def test_a_copy_of_a_project_that_is_gone_keeps_model_and_panels(project, tmp_path):
    read = open_project(project.folder)
    mine = replace(read, panels=(PanelSpec("map"),))
    shutil.rmtree(project.folder)
    found = save_copy(mine, tmp_path / "copy")
    assert open_project(tmp_path / "copy").panels == found.panels == mine.panels
    assert open_project(tmp_path / "copy").model == read.model != ""


def test_no_job_starts_and_nothing_is_opened_over_unsaved_changes(
    opened, on_disk, disk, project, qtbot
):
    disk.fill()
    rename(opened, "Renamed")
    opened.backstage.jobs.map()
    assert not opened.backstage.runner.running()
    assert "not started: the project is not saved" in opened.error_bar.message.text()
    opened.commands.open(project.folder)
    assert "has changes that are not saved" in opened.error_bar.message.text()
    opened.backstage.loader.reopen("data")  # as after a job
    assert not opened.backstage.loader.busy() and opened.state.project.name == "Renamed"
    disk.free()
    with qtbot.waitSignal(opened.backstage.loader.opened, timeout=10_000):
        pass  # once it is saved, what the job wrote is read
    assert opened.state.project.name == "Renamed" == name_on_disk(on_disk)


def test_a_project_moved_away_gets_no_ghost_and_is_found_again(opened, on_disk, monkeypatch, qtbot):
    moved = on_disk.folder.with_name("moved")
    on_disk.folder.rename(moved)
    rename(opened, "Renamed")
    qtbot.waitUntil(opened.error_bar.isVisible, timeout=10_000)
    assert not on_disk.folder.exists() and "is not there" in opened.error_bar.message.text()
    assert opened.error_bar.offer.text() == "Locate the folder…"
    monkeypatch.setattr(opened.unsaved, "_choose", lambda words: str(moved))
    opened.error_bar.offer.click()
    qtbot.waitUntil(lambda: opened.state.project.folder == moved, timeout=10_000)
    assert open_project(moved).name == "Renamed" == opened.state.project.name
    assert not opened.strip.unsaved.isVisible() and not on_disk.folder.exists()


def test_no_export_makes_a_ghost_of_a_project_that_was_moved(opened, on_disk):
    on_disk.folder.rename(on_disk.folder.with_name("moved"))
    page = opened.navigation.page("figure")
    opened.state.opened = replace(
        opened.state.opened, project=replace(on_disk, panels=(PanelSpec("confusion"),))
    )
    for export in (page.ask_export, lambda: page.export_to(on_disk.folder / "exports" / "a.pdf")):
        with pytest.raises(FolderMissing, match="is not there"):
            export()
    assert not on_disk.folder.exists()


def test_a_job_that_ends_while_the_window_is_hidden_brings_it_back_to_ask(
    opened, disk, monkeypatch, qtbot
):
    opened._quit_after_job = True
    opened.hide()
    disk.fill()
    answer(monkeypatch, Choice.STAY)
    rename(opened, "Renamed")
    opened.backstage.jobs.ended.emit()
    assert opened.isVisible() and QApplication.quitOnLastWindowClosed()
    opened.backstage.saver.discard()


def test_a_copy_has_everything_but_locks_and_temporary_files(project, tmp_path):
    for name in ("project.lock", ".tmp-p1-x-latents.npz"):
        (project.folder / name).write_text("")
    copy = save_copy(replace(project, name="Newer"), tmp_path / "copy")
    files = {p.relative_to(copy.folder) for p in copy.folder.rglob("*") if p.is_file()}
    before = {p.relative_to(project.folder) for p in project.folder.rglob("*") if p.is_file()}
    assert before - files == {Path("project.lock"), Path(".tmp-p1-x-latents.npz")}
    assert open_project(copy.folder) == copy and copy.name == "Newer"
    assert copy.dataset.root == project.dataset.root
    with pytest.raises(BadProject, match="is not empty"):
        save_copy(project, tmp_path / "copy")
    with pytest.raises(BadProject, match="overlaps"):
        save_copy(project, project.folder / "exports" / "copy")


def test_a_copy_that_finds_no_space_leaves_nothing(project, disk):
    disk.fill()
    with pytest.raises(BadProject, match="could not be copied"):
        save_copy(project, disk.folder / "copy")
    assert {p.name for p in disk.folder.iterdir()} <= {"full"}


def test_another_project_is_not_taken_for_the_one_that_was_moved(project, tmp_path):
    other = make_project(tmp_path / "other", with_model=False, wells=1, fields=1, size=32)
    save_project(replace(other, created="2001-01-01T00:00:00+00:00"))
    with pytest.raises(BadProject, match="holds another project"):
        moved_to(project, other.folder)
