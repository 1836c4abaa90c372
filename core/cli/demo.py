"""The verb `leigh demo`: copy the embedded demo into a project."""

import argparse

from core.cli.arguments import Result, add_project
from core.progress import Report

HELP = "Copy the embedded demo (images, trained model, map) into a project."


def add_options(p: argparse.ArgumentParser) -> None:
    """Options of this verb."""
    add_project(p)


def run(a: argparse.Namespace, report: Report) -> Result:
    """Copy the embedded demo."""
    from core.workflows.demo import copy_demo

    project = copy_demo(a.project)
    assert project.dataset is not None
    records = len(project.dataset.records)
    return {
        "project": str(a.project),
        "records": records,
        "text": f"Demo with {records} images is in {a.project}",
    }
