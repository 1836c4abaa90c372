"""A project that was moved away gets no ghost at its old place; killed saves leave nothing."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.domain import Project
from core.errors import BadProject, FolderMissing
from core.io.atomic import atomic_write_bytes, make_folder
from core.io.lock import ProjectLock
from core.io.models import load_card, load_tensors, save_card, save_model
from core.io.project import (
    latents_path,
    maps_folder,
    model_folder,
    save_project,
    sweep_project,
)
from core.io.results import load_results
from core.io.screens import SCREEN_FOLDER
from core.io.tables import save_latents, save_map, write_csv
from core.workflows.adopt_model import adopt_model
from core.workflows.permuted_labels import negative_control
from core.workflows.screen import write_screen

FIXTURE = Path(__file__).parents[1] / "fixtures" / "version-0.1"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A whole project with images, model, latents and map."""
    import shutil

    from core.io.project import open_project

    shutil.copytree(FIXTURE, tmp_path / "lab")
    return open_project(tmp_path / "lab" / "project")


def writers(project: Project) -> dict[str, Callable[[], object]]:
    """Everything that writes into a project, with what it writes."""
    results = load_results(project)
    folder = model_folder(project, project.model)
    card, tensors = load_card(folder), load_tensors(folder)
    exports = project.folder / "exports"

    def lock() -> None:
        with ProjectLock(project.folder):
            pass

    return {
        "project.json": lambda: save_project(project),
        "latents": lambda: save_latents(latents_path(project), results.latents),
        "map": lambda: save_map(maps_folder(project), results.projection, results.decision),
        "model": lambda: save_model(folder, card, tensors),
        "card": lambda: save_card(folder, card),
        "new model": lambda: make_folder(model_folder(project, "new"), project.folder),
        "adopted model": lambda: adopt_model(project, FIXTURE / "project" / "models" / "iresnet"),
        "screen": lambda: write_screen(project, project.folder / SCREEN_FOLDER),
        "control": lambda: negative_control(project),
        "table": lambda: write_csv(exports / "rows.csv", [{"a": 1}]),
        "lock": lock,
    }


def test_no_writer_makes_a_ghost_of_a_project_that_was_moved(project: Project) -> None:
    todo = writers(project)
    project.folder.rename(project.folder.with_name("moved"))
    for name, write in todo.items():
        with pytest.raises(FolderMissing) as missing:
            write()
        assert "is not there" in missing.value.message, name
        assert "moved or renamed" in missing.value.hint, name
        assert not project.folder.exists(), name


def test_an_unmounted_drive_is_not_written_although_its_empty_folder_stays(
    project: Project,
) -> None:
    project.folder.rename(project.folder.with_name("moved"))
    project.folder.mkdir()
    with pytest.raises(BadProject, match="is not there"):
        save_project(project)
    assert not list(project.folder.iterdir())


def test_folders_outside_of_the_project_are_still_made(project: Project, tmp_path: Path) -> None:
    assert make_folder(tmp_path / "for" / "paper", project.folder).is_dir()


def test_what_a_killed_save_left_is_swept_and_what_is_being_written_stays(
    project: Project, tmp_path: Path
) -> None:
    code = f"""
import sys, time; from pathlib import Path
from core.io.atomic import replacing
with replacing(Path({str(latents_path(project))!r})) as temporary:
    temporary.write_bytes(b"half"); print(temporary, flush=True); time.sleep(60)
"""
    killed, living = (
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    left, written = (Path(p.stdout.readline().strip()) for p in (killed, living))
    killed.kill()
    killed.wait()
    try:
        sweep_project(project.folder)
        assert left.exists(), "younger than an hour"
        old = model_folder(project, "iresnet") / ".tmp-0123456789ab-model.json"
        old.write_text("of an earlier version")
        hours_ago = time.time() - 7300
        for path in (left, written, old):
            os.utime(path, (hours_ago, hours_ago))
        sweep_project(project.folder)
        assert not left.exists() and not old.exists() and written.exists()
    finally:
        living.kill()
        living.wait()
    assert np.load(latents_path(project)), "the complete file is as it was"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FolderMissing, match=r"gone.*is not there"):
        atomic_write_bytes(tmp_path / "gone" / "a.bin", b"")
