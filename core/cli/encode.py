"""The verb `leigh encode`: write latents and logits of all records."""

import argparse

from core.cli.arguments import Result, add_project, path_option
from core.progress import Report

HELP = "Write latents and logits of all records."


def add_options(p: argparse.ArgumentParser) -> None:
    """Options of this verb."""
    add_project(p, device=True)
    text = "also write latents, records, map and well scores for scanpy"
    p.add_argument("--h5ad", type=path_option, metavar="FILE", help=text)


def run(a: argparse.Namespace, report: Report) -> Result:
    """Write latents."""
    from core.io.project import latents_path, open_project
    from core.workflows.encode import encode
    from core.workflows.scanpy_export import latents_for_scanpy

    project = open_project(a.project)
    latents = encode(project, device=a.device, report=report)
    path = latents_path(project)
    count, size = latents.features.shape
    text = f"{count} latents are in {path}"
    result: Result = {"records": count, "features": size, "file": str(path), "text": text}
    if a.h5ad is not None:
        latents_for_scanpy(project, latents, a.h5ad)
        result |= {"h5ad": str(a.h5ad), "text": f"{text} and in {a.h5ad}"}
    return result
