"""The files of a screen are replaced together, or none of them."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.domain import Project
from core.errors import FolderMissing
from core.io.atomic import atomic_write_text, replacing_together, sweep_temporaries
from core.io.screens import SCREEN_FOLDER
from core.workflows.check import State, check
from core.workflows.screen import ScreenOptions, write_screen

ONE, OTHER = ScreenOptions(level=0.9), ScreenOptions(level=0.8)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small plate, one image a well."""
    from core.scanning.scan import ScanOptions
    from core.synthetic import screen as synthetic
    from core.workflows.scan import scan

    folder = tmp_path_factory.mktemp("screen")
    options = synthetic.ScreenPlanOptions(plates=1, treatments=4, fields=1, size=64, seed=3)
    synthetic.write_screen(folder / "plates", synthetic.plan_screen(options))
    table = folder / "plates" / "plate_map.csv"
    how = ScanOptions(plate_map=table, condition_from="plate-map")
    return scan(folder / "plates" / "images", folder / "project", how)


def content(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


@contextmanager
def files_up_to(most: int) -> Iterator[None]:
    """The disk takes no larger files, as if it were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_screen_that_cannot_be_written_leaves_all_old_files(
    project: Project, tmp_path: Path
) -> None:
    out, stored = tmp_path / "out", project.folder / SCREEN_FOLDER
    write_screen(project, out, ONE)
    before, before_stored = content(out), content(stored)
    assert len(before) == 11 and len(before_stored) == 1
    sizes = sorted(len(data) for data in before.values())
    for most in (sizes[0] // 2, sizes[4], sizes[-1] // 2):
        with files_up_to(most), pytest.raises(OSError) as caught:
            write_screen(project, out, OTHER)
        assert str(out) in str(caught.value) and ".tmp-" not in str(caught.value)
        assert content(out) == before and content(stored) == before_stored
    (out / "report.pdf").unlink()
    (out / "report.pdf").mkdir()  # the last but one to be replaced
    del before["report.pdf"]
    with pytest.raises(OSError, match=r"report\.pdf"):
        write_screen(project, out, OTHER)
    assert content(out) == before and content(stored) == before_stored
    assert not list(out.glob(".tmp-*")) and not list(stored.glob(".tmp-*"))
    (out / "report.pdf").rmdir()
    (stored / "screen.json").unlink()
    (stored / "screen.json").mkdir()  # the last file of all
    with pytest.raises(OSError, match=r"screen\.json"):
        write_screen(project, out, OTHER)
    assert content(out) == before
    (stored / "screen.json").rmdir()
    assert write_screen(project, out, OTHER).level == 0.8
    assert len(content(out)) == 11 and content(out)["ranking.csv"] != before["ranking.csv"]


@pytest.mark.skipif(os.name == "nt", reason="Windows renames no file that is open")
@pytest.mark.parametrize("failing", [0, 1])
def test_files_of_several_folders_are_replaced_together(tmp_path: Path, failing: int) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        (folder / "a").write_text("old")
        (folder / "z").write_text("a file in the place of the folder")
    with (
        pytest.raises(OSError, match=folders[failing].name),
        replacing_together(*folders, last="z") as staged,
    ):
        for folder in staged:
            for name in "ab":
                (folder / name).write_text("new")
        (staged[failing] / "z").mkdir()
    old = {"a": b"old", "z": b"a file in the place of the folder"}
    assert [content(folder) for folder in folders] == [old, old]
    assert not list(tmp_path.rglob(".tmp-*"))


@pytest.mark.skipif(os.name == "nt", reason="Windows renames no file that is open")
def test_files_that_were_replaced_before_one_that_cannot_be_are_restored(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text("old")
    with pytest.raises(OSError), replacing_together(tmp_path, last="a") as (staged,):
        for name in "abn":
            (staged / name).write_text("new")
        (staged / "z").mkdir()
        (tmp_path / "z").write_text("a file in the place of the folder")
    assert content(tmp_path) == {
        "a": b"old", "b": b"old", "z": b"a file in the place of the folder",
    }  # fmt: skip
    assert not list(tmp_path.glob(".tmp-*"))


def test_a_folder_that_is_moved_while_its_files_are_written_gets_no_ghost(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    with pytest.raises(FolderMissing, match="here is not there"):  # noqa: SIM117
        with replacing_together(folder, last="a") as (staged,):
            folder.rename(tmp_path / "moved")
            atomic_write_text(staged / "a", "new")
    assert not folder.exists()
    with pytest.raises(FolderMissing), replacing_together(folder, last="a"):
        pass


def test_what_a_killed_screen_left_is_swept_and_repaired(project: Project) -> None:
    stored = project.folder / SCREEN_FOLDER
    code = """
import sys, time; from pathlib import Path
from core.io.atomic import replacing_together
with replacing_together(Path(sys.argv[1]), last="screen.json") as (staged,):
    (staged / "a").write_text("half"); print(staged, flush=True); time.sleep(60)
"""
    stored.mkdir(parents=True, exist_ok=True)
    for way in ("swept", "repaired"):
        killed = subprocess.Popen(
            [sys.executable, "-c", code, str(stored)], stdout=subprocess.PIPE, text=True
        )
        assert killed.stdout is not None
        left = Path(killed.stdout.readline().strip())
        killed.kill()
        killed.wait()
        assert (left / "a").exists()
        if way == "swept":
            os.utime(left, (1e9, 1e9))
            assert sweep_temporaries(stored) == 1
        else:
            findings = check(project.folder, repair=True)
            assert not [f for f in findings if f.state == State.DAMAGED]
        assert not left.exists(), way
