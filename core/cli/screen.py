"""Rank the treatments; write tables and report."""

import argparse
from pathlib import Path

from core.cli.arguments import Result, add_project
from core.domain.screen import Ranked
from core.progress import Report

HELP = "Rank the treatments by how they heal."


def add_options(p: argparse.ArgumentParser) -> None:
    """Options of this verb."""
    add_project(p, device=True)
    p.add_argument("--out", type=Path, required=True, metavar="DIR")
    p.add_argument(
        "--space",
        choices=("auto", "latents", "readouts"),
        default="auto",
        help=(
            "where rescue is measured; auto: latents of a network that learned from the controls"
            " only, else readouts"
        ),
    )
    p.add_argument(
        "--normalise",
        choices=("auto", "none", "median", "median-mad"),
        default="auto",
        help="every plate against its diseased wells; auto: median where there are several plates",
    )
    p.add_argument(
        "--b-score",
        action="store_true",
        help="take rows and columns off; not with controls in whole columns",
    )
    p.add_argument("--level", type=float, default=0.9, help="of the intervals")
    p.add_argument(
        "--no-explanation", action="store_true", help="do not look for what is not repaired"
    )
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
    found = write_screen(open_project(a.project), a.out, options, report=report)
    treatments = [r for r in found.ranked if r.tie]
    hits = [r.condition for r in treatments if r.hit]
    warnings = [f.warning for f in found.audit if f.warning]
    text = "\n".join(
        [*(_ranked_line(r) for r in treatments), *warnings, *found.notes, f"All is in {a.out}"]
    )
    return {
        "out": str(a.out),
        "treatments": len(treatments),
        "wells": len(found.wells),
        "hits": hits,
        "flagged": {r.condition: list(r.flags) for r in treatments if r.flags},
        "warnings": warnings,
        "notes": list(found.notes),
        "text": text,
    }


def _ranked_line(row: Ranked) -> str:
    """One treatment in words."""
    interval = "" if row.rescue_low is None else f" [{row.rescue_low:.2f} to {row.rescue_high:.2f}]"
    cells = "" if row.cell_count is None else f", nuclei {row.cell_count:.0%}"
    marks = ("hit", *row.flags) if row.hit else row.flags
    words = f": {', '.join(marks)}" if marks else ""
    return (
        f"{row.tie}. {row.condition}: rescue {row.rescue:.2f}{interval}, off-axis"
        f" {row.off_axis:.1f}{cells}{words}"
    )
