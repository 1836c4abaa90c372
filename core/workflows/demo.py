"""Copy the embedded demo into a project of the user: images, trained model, latents and map."""

import os
import shutil
from contextlib import suppress
from glob import escape
from pathlib import Path

import psutil

from core.domain import Project
from core.errors import LeighError
from core.io.project import open_project
from core.io.resources import resource


def demo_name() -> str:
    """Folder name of the embedded demo; the name changes with the demo, so old copies stay."""
    stamp = "".join(c for c in open_project(resource("demo")).created if c.isdigit())
    return f"demo-{stamp[:12]}"


def copy_demo(folder: Path) -> Project:
    """Copy the demo (images, trained model, latents, map) into `folder` and open it.

    An earlier copy of the demo is opened as it is. Raises LeighError when the folder holds
    something else.
    """
    demo = resource("demo")
    if not (demo / "project.json").exists():
        raise LeighError(
            "The demo is missing from this installation.", "Install the program again."
        )
    if (folder / "project.json").exists():
        project = open_project(folder)
        if project.created != open_project(demo).created:
            raise LeighError(
                f"{folder} holds another project.", "Choose a new folder for the demo."
            )
        return project
    if folder.exists() and any(folder.iterdir()):
        raise LeighError(f"{folder} is not empty.", "Choose a new folder for the demo.")
    _copy_whole(demo, folder)
    return open_project(folder)


def _copy_whole(source: Path, folder: Path) -> None:
    """Copy a folder completely or not at all; also removes what a killed copy left behind."""
    new = [path for path in folder.parents if not path.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob(f"{escape(folder.name)}.*.partial"):
            number = left.name.split(".")[-2]
            if number.isdigit() and not psutil.pid_exists(int(number)):
                shutil.rmtree(left, ignore_errors=True)
        staging = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
        try:
            staging.mkdir()
            for path in sorted(source.rglob("*")):
                copy = staging / path.relative_to(source)
                copy.mkdir() if path.is_dir() else shutil.copyfile(path, copy)
            if folder.exists():
                folder.rmdir()  # empty, as seen above
            staging.rename(folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except BaseException as error:
        for path in new:
            with suppress(OSError):  # not created, or no longer empty
                path.rmdir()
        if isinstance(error, OSError):
            error.filename, error.filename2 = str(folder), None
        raise
