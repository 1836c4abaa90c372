"""The verb `leigh relink`: tell a project where its images are now."""

import argparse

from core.cli.arguments import Result, add_project, path_option
from core.progress import Report

HELP = "Tell a project where its images are now; they are compared with those of the scan."


def add_options(p: argparse.ArgumentParser) -> None:
    """Options of this verb."""
    p.add_argument("folder", type=path_option, help="the folder that holds the images now")
    add_project(p)


def run(a: argparse.Namespace, report: Report) -> Result:
    """Relink the images and save the project."""
    from core.io.lock import ProjectLock
    from core.io.network import Network
    from core.io.project import open_project, relink, save_project

    with ProjectLock(a.project):
        project = save_project(relink(open_project(a.project, Network.LEAVE), a.folder))
    assert project.dataset is not None
    text = f"{a.project} now reads its images from {project.dataset.root}."
    return {"project": str(a.project), "images": str(project.dataset.root), "text": text}
