"""The verb `leigh copy`: save a copy of a project at another place."""

import argparse

from core.cli.arguments import Result, add_project, path_option
from core.progress import Report

HELP = "Save a copy of a project at another place; images outside of it stay where they are."


def add_options(p: argparse.ArgumentParser) -> None:
    """Options of this verb."""
    p.add_argument("folder", type=path_option, help="a new folder for the copy")
    add_project(p)


def run(a: argparse.Namespace, report: Report) -> Result:
    """Copy the project."""
    from core.io.project import open_project
    from core.io.project_copy import save_copy

    copy = save_copy(open_project(a.project), a.folder)
    return {"project": str(copy.folder), "text": f"The copy is in {copy.folder}."}
