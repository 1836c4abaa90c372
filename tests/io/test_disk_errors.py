"""What a disk or a share refuses is told with file, cause and a remedy that fits."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from core.cli.main import main
from core.errors import BadModel, BadProject
from core.io.atomic import atomic_write_bytes, replacing
from core.io.disk_errors import (
    FILES,
    PLACE,
    READ_ONLY,
    RIGHTS,
    SHARE,
    SPACE,
    as_words,
    disk_error,
    naming,
    unreadable,
)
from core.io.models import load_card
from core.io.project import create_project

FAULTS = {
    "EIO": SHARE,
    "ESTALE": SHARE,
    "ETIMEDOUT": SHARE,
    "ENODEV": SHARE,
    "EMFILE": FILES,
    "ENOSPC": SPACE,
    "EDQUOT": SPACE,
    "EROFS": READ_ONLY,
    "EACCES": RIGHTS,
    "ENOTDIR": PLACE,
    "EISDIR": PLACE,
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_of_a_disk_has_its_file_its_cause_and_its_remedy(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    number = getattr(errno, name)
    fault = OSError(number, os.strerror(number), "/share/plate.tif")
    words = disk_error(fault)
    assert words is not None
    assert words.message == f"/share/plate.tif: {os.strerror(number)}."
    assert words.hint == FAULTS[name] and "lost" not in words.hint

    def fails(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr("core.workflows.demo.copy_demo", fails)
    assert main(["demo", "--project", str(tmp_path / "x"), "--progress", "none"]) == 2
    said = capsys.readouterr().err
    assert "our fault" not in said and "/share/plate.tif" in said and words.hint in said


def test_space_is_asked_for_only_where_space_is_missing() -> None:
    for name, remedy in FAULTS.items():
        assert ("space" in remedy) == (name in ("ENOSPC", "EDQUOT"))


def test_an_error_that_is_not_of_the_disk_stays_the_fault_of_the_program() -> None:
    assert disk_error(OSError(errno.EINVAL, "Invalid argument", "x")) is None
    fault = ValueError("x")
    assert as_words(fault) is fault


def test_a_write_that_fails_half_way_names_the_file_and_not_the_temporary_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "big.bin"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError) as caught:
            atomic_write_bytes(path, b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.filename == str(path) and disk_error(caught.value) is not None
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError) as caught, replacing(tmp_path / "file" / "x"):
        pass
    assert "file" in str(caught.value.filename) and ".tmp-" not in str(caught.value.filename)


def test_a_read_that_fails_half_way_names_the_file() -> None:
    with pytest.raises(OSError) as caught, naming("/share/a.tif"):
        raise OSError(errno.EIO, "Input/output error")
    assert caught.value.filename == "/share/a.tif"


def test_a_file_that_cannot_be_read_is_not_called_damaged(tmp_path: Path) -> None:
    assert "cannot be read" in unreadable("x", OSError(errno.EIO, "Input/output error"))[0]
    assert unreadable("x", ValueError("bad"), "Train.") == ("x is damaged (bad).", "Train.")
    (tmp_path / "model.json").mkdir()
    with pytest.raises(BadModel, match=r"model.json cannot be read: Is a directory") as model:
        load_card(tmp_path)
    assert model.value.hint == PLACE


def test_a_project_that_cannot_be_written_promises_nothing_and_asks_for_no_space(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadProject) as caught:
        create_project(tmp_path / "file" / "project", None)
    assert "Not a directory" in caught.value.message and "lost" not in caught.value.message
    assert caught.value.hint == PLACE


def test_a_demo_on_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    code = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from core.cli.main import main
sys.exit(main(["demo", "--project", sys.argv[1], "--progress", "none"]))
"""
    words = [sys.executable, "-c", code, str(tmp_path / "deep" / "demo")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "File too large" in done.stderr and str(tmp_path) in done.stderr
    assert not list(tmp_path.iterdir())


def test_what_a_killed_copy_of_the_demo_left_is_removed(tmp_path: Path) -> None:
    from core.workflows.demo import copy_demo

    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead, living = (tmp_path / f"demo.{pid}.partial" for pid in (ended.pid, os.getppid()))
    for folder in (dead, living):
        (folder / "images").mkdir(parents=True)
    copy_demo(tmp_path / "demo")
    assert not dead.exists() and living.exists()
