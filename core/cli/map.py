"""The verb `leigh map`: make or extend the map."""

import argparse

from core.cli.arguments import Result, add_project
from core.progress import Report

HELP = "Make the map: UMAP, regions and map fidelity."


def add_options(p: argparse.ArgumentParser) -> None:
    """Options of this verb."""
    add_project(p)
    p.add_argument("--seed", type=int, help="of the fit; default: that of the present map, or 0")
    text = "fit the map again; default: add new images to the present map"
    p.add_argument("--refit", action="store_true", help=text)


def run(a: argparse.Namespace, report: Report) -> Result:
    """Make or extend the map."""
    from core.io.project import open_project
    from core.workflows.make_map import make_map

    project = open_project(a.project)
    projection, decision, kept = make_map(project, seed=a.seed, refit=a.refit, report=report)
    new = len(projection.record_ids) - kept
    how = "It was fitted again."
    if kept:
        how = f"Its positions were kept; {new} new images were added."
    which = "held-out" if decision.held_out else "training (no image is held out)"
    agrees = (
        f"agrees with the model on {decision.fidelity:.1%} of {decision.fidelity_points} {which}"
    )
    return {
        "method": projection.method,
        "fidelity": decision.fidelity,
        "fidelity_points": decision.fidelity_points,
        "held_out": decision.held_out,
        "places": "kept" if kept else "fitted",
        "new_images": new if kept else 0,
        "text": f"The map ({projection.method}) {agrees} images. {how}",
    }
