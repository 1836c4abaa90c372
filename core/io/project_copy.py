"""Save a project at another place, or go on with it where it was moved to."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

from core.domain import Project
from core.errors import BadProject
from core.io.atomic import TEMPORARY
from core.io.network import Network
from core.io.project import create_project, open_project, save_project


def save_copy(project: Project, folder: Path) -> Project:
    """Copy a project to a new folder, with this version of project.json; returns the copy.

    Without the folder of the project, only project.json is written. Images inside the project go
    along, all others stay where they are. Raises BadProject where the copy cannot be written; then
    nothing is left of it.
    """
    folder = Path(folder).absolute()
    if folder.is_relative_to(project.folder) or project.folder.is_relative_to(folder):
        raise BadProject(f"{folder} overlaps the project itself.", "Choose a folder outside of it.")
    if folder.exists() and any(folder.iterdir()):
        raise BadProject(f"{folder} is not empty.", "Choose a new folder for the copy.")
    staging = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    try:
        _fill(staging, project)
        if folder.exists():
            folder.rmdir()  # empty, as seen above
        staging.rename(folder)
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        raise BadProject(
            f"The project could not be copied to {folder}: {reason}.",
            "Free space there, or choose another place.",
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return _with_images(replace(project, folder=folder), project)


def moved_to(project: Project, folder: Path) -> Project:
    """This version of a project, at the folder that the project was moved to; nothing is saved.

    Raises BadProject where the folder holds no project, or another one.
    """
    there = open_project(folder, Network.LEAVE)
    if there.created != project.created:
        raise BadProject(
            f"{there.folder} holds another project ({there.name}).",
            f"Choose the folder that {project.name} was moved to.",
        )
    moved = _with_images(replace(project, folder=there.folder), project)
    if moved.dataset is None or there.dataset is None or there.untouched.images:
        return moved
    if moved.dataset.root.is_dir():
        return moved
    return replace(moved, dataset=replace(moved.dataset, root=there.dataset.root))


def _fill(staging: Path, project: Project) -> None:
    if project.folder.is_dir():
        skipped = shutil.ignore_patterns(f"{TEMPORARY}*", "*.lock")
        shutil.copytree(project.folder, staging, ignore=skipped)
    copy = _with_images(replace(project, folder=staging), project)
    if not (staging / "project.json").exists():
        create_project(staging, project.dataset, project.name)
        copy = replace(copy, read=None)  # nothing of the new file is worth merging
    save_project(copy)


def _with_images(project: Project, before: Project) -> Project:
    """With the images that lie inside the project, which moved or were copied with it."""
    dataset = before.dataset
    if dataset is None or not dataset.root.is_relative_to(before.folder):
        return project
    root = project.folder / dataset.root.relative_to(before.folder)
    return replace(project, dataset=replace(dataset, root=root))
