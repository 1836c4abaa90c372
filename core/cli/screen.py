"""The verb `leigh screen`: rank the treatments and write tables and a report."""

import argparse

from core.cli.arguments import Result, add_project, path_option
from core.domain.screen import Ranked
from core.progress import Report

HELP = "Rank the treatments by their rescue."


def add_options(p: argparse.ArgumentParser) -> None:
    """Options of this verb."""
    add_project(p, device=True)
    p.add_argument("--out", type=path_option, required=True, metavar="DIR")
    p.add_argument(
        "--space",
        choices=("auto", "latents", "readouts"),
        default="auto",
        help=(
            "space in which rescue is measured; auto: latents if the network was trained only on"
            " the controls, else readouts"
        ),
    )
    p.add_argument(
        "--normalise",
        choices=("auto", "none", "median", "median-mad"),
        default="auto",
        help="compare every plate with its diseased wells; auto: median for several plates",
    )
    p.add_argument(
        "--b-score",
        action="store_true",
        help="remove row and column effects; not with controls in whole columns",
    )
    p.add_argument("--level", type=float, default=0.9, help="of the intervals")
    p.add_argument("--no-explanation", action="store_true", help="do not measure the residual")
    p.add_argument("--seed", type=int, default=0)


def run(a: argparse.Namespace, report: Report) -> Result:
    """Rank the treatments and write the tables and the report."""
    from core.io.project import open_project
    from core.workflows.screen import write_screen
    from core.workflows.screen_scored import ScreenOptions

    options = ScreenOptions(
        space=a.space,
        normalise=a.normalise,
        b_score=a.b_score,
        level=a.level,
        explain=not a.no_explanation,
        seed=a.seed,
        device=a.device,
    )
    screen = write_screen(open_project(a.project), a.out, options, report=report)
    treatments = [r for r in screen.ranked if r.tie]
    hits = [r.condition for r in treatments if r.hit]
    warnings = [f.warning for f in screen.audit if f.warning]
    lines = [_ranked_line(r) for r in treatments]
    text = "\n".join([*lines, *warnings, *screen.notes, f"All is in {a.out}"])
    return {
        "out": str(a.out),
        "treatments": len(treatments),
        "wells": len(screen.wells),
        "hits": hits,
        "flagged": {r.condition: list(r.flags) for r in treatments if r.flags},
        "warnings": warnings,
        "notes": list(screen.notes),
        "text": text,
    }


def _ranked_line(row: Ranked) -> str:
    """One treatment as a line of text."""
    interval = "" if row.rescue_low is None else f" [{row.rescue_low:.2f} to {row.rescue_high:.2f}]"
    cells = "" if row.cell_count is None else f", nuclei {row.cell_count:.0%}"
    marks = ("hit", *row.flags) if row.hit else row.flags
    words = f": {', '.join(marks)}" if marks else ""
    return (
        f"{row.tie}. {row.condition}: rescue {row.rescue:.2f}{interval}, off-axis"
        f" {row.off_axis:.1f}{cells}{words}"
    )
