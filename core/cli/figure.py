"""The verb `leigh figure`: write a figure."""

import argparse

from core.cli.arguments import Result, add_project, path_option
from core.domain import PANELS
from core.progress import Report

HELP = "Write figure panels for a paper."


def add_options(p: argparse.ArgumentParser) -> None:
    """Options of this verb."""
    add_project(p, device=True)
    p.add_argument("--panel", choices=PANELS)
    p.add_argument("--record", metavar="ID")
    p.add_argument("--to", metavar="CONDITION")
    p.add_argument("--strength", type=float, default=1.0)
    p.add_argument(
        "--plane",
        nargs=3,
        default=(),
        metavar="CONDITION",
        help="map: the ternary plane of three conditions",
    )
    text = "file with several panels, saved by the window"
    p.add_argument("--specs", type=path_option, metavar="JSON", help=text)
    p.add_argument("--out", type=path_option, required=True, metavar="FILE")


def run(a: argparse.Namespace, report: Report) -> Result:
    """Write a figure."""
    from core.io.project import open_project
    from core.workflows.figure import figure, panel_specs

    specs = panel_specs(a.specs, a.panel, a.record, a.to, a.strength, a.plane)
    path = figure(open_project(a.project), specs, a.out, device=a.device, report=report)
    return {"file": str(path), "panels": len(specs), "text": f"Figure is in {path}"}
