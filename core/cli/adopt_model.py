"""Use a model that was trained elsewhere."""

import argparse

from core.cli.arguments import Result, add_project, path_option
from core.progress import Report

HELP = "Copy a model that was trained elsewhere into a project and use it."


def add_options(p: argparse.ArgumentParser) -> None:
    """Options of this verb."""
    p.add_argument("model", type=path_option, help="folder with model.json and model.safetensors")
    add_project(p)


def run(a: argparse.Namespace, report: Report) -> Result:
    """Adopt a model."""
    from core.io.project import open_project
    from core.workflows.adopt_model import adopt_model

    project = adopt_model(open_project(a.project), a.model)
    text = f"{a.project} now uses the model {project.model}. Encode the images and make the map."
    return {"project": str(a.project), "model": project.model, "text": text}
