"""The verb `leigh explain`: write attribution maps."""

import argparse

from core.cli.arguments import SPLITS, Result, add_project, path_option
from core.domain import METHODS
from core.errors import LeighError
from core.progress import Report

HELP = "Write attribution maps, which show where a network looks."


def add_options(p: argparse.ArgumentParser) -> None:
    """Options of this verb."""
    add_project(p, device=True)
    p.add_argument("--method", choices=METHODS, required=True)
    p.add_argument("--record", nargs="+", metavar="ID")
    p.add_argument("--from", dest="source", metavar="CONDITION")
    p.add_argument(
        "--to",
        metavar="CONDITION",
        help="explain against the own condition; default: the own condition against all others",
    )
    p.add_argument("--split", choices=SPLITS)
    p.add_argument("--limit", type=int, metavar="N", help="explain at most N images")
    p.add_argument(
        "--model", metavar="NAME", help="network to explain; default: the invertible network"
    )
    window = p.add_mutually_exclusive_group()
    window.add_argument(
        "--window-um", type=float, metavar="UM", help="occlusion: side of the window; default 8"
    )
    window.add_argument("--window-px", type=int, metavar="N", help="the same in pixels of the file")
    p.add_argument("--out", type=path_option, required=True, metavar="DIR")


def run(a: argparse.Namespace, report: Report) -> Result:
    """Write attribution maps, and print how far they can be trusted."""
    from statistics import median

    from core.io.project import open_project
    from core.workflows.explain import ExplainOptions, explain
    from core.workflows.records import RecordChoice

    if not a.record and a.source is None:
        raise LeighError(
            "No images to explain are given.", "Give --record ID, or --from CONDITION."
        )
    options = ExplainOptions(
        method=a.method,
        records=RecordChoice(a.source, a.record or (), a.split, a.limit),
        to=a.to or "",
        model=a.model or "",
        window_um=a.window_um,
        window_px=a.window_px,
        device=a.device,
    )
    rows = explain(open_project(a.project), a.out, options, report=report)
    valid = [r for r in rows if r["valid"]]
    keys = ("share_outside_cells", "area_outside_cells", "deletion_auc", "insertion_auc", "seconds")
    medians = {key: float(median(r[key] for r in valid)) for key in keys}
    text = (
        f"{len(valid)} of {len(rows)} images explained by {a.method};"
        f" {medians['seconds']:.1f} s each.\n"
        f"{medians['share_outside_cells']:.0%} of the attribution and"
        f" {medians['area_outside_cells']:.0%} of the area lie outside of cells (medians).\n"
        f"Maps and attribution.csv are in {a.out}"
    )
    return {
        "records": len(rows),
        "valid": len(valid),
        **medians,
        "out": str(a.out),
        "rows": rows,
        "text": text,
    }
