"""`leigh bench screen`: compare ranked treatments with the truth of synthetic screens.

Simulated: twenty screens at the level of wells (benchmarks.simulated_screen) give coverage and
false hits. Rendered: whole screens of images (`leigh synth --screen`) are scanned, trained on the
controls only, and ranked in both spaces. Confounded: each screen has one nuisance, of which the
audit must warn. Clean: the audit must not warn.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from benchmarks.simulated_screen import simulate
from core.domain.screen import Ranked, Screen
from core.progress import Progress, Report, silent
from core.scanning.scan import ScanOptions
from core.screening.ranking import Rules, rank
from core.screening.score_wells import placed
from core.synthetic.screen import ScreenPlanOptions, plan_screen, write_screen

SIMULATED = 20
NUISANCES: dict[str, dict[str, Any]] = {
    "clean": {},
    "edge": {"edge_effect": 0.3},
    "plate": {"batch_effect": 0.3},
    "background": {"background_effect": 30.0},
    "column": {"columns": True},
}


@dataclass(frozen=True)
class Planted:
    """The truth of one treatment."""

    rescue: float
    kind: str  # "rescuing" | "null" | "toxic" | "side effect"


def bench_screen(
    work: Path, seeds: Sequence[int] = (0, 1), preset: str = "quick", report: Report = silent
) -> dict[str, Any]:
    """Figures of simulated, rendered and confounded screens; images and projects stay in `work`."""
    simulated = _simulated(report)
    rendered = [_rendered(work, seed, preset, report) for seed in seeds]
    warned = {name: _warned(work, name, report) for name in NUISANCES}
    result = {**simulated, "rendered": rendered, "warned": warned, "seconds_100000_wells": _large()}
    return {**result, "preset": preset}


def _simulated(report: Report) -> dict[str, Any]:
    """Figures over all simulated screens."""
    rows: list[dict[str, Any]] = []
    for seed in range(SIMULATED):
        table, conditions, truth = simulate(seed)
        wells = placed(table, conditions, "median", Rules())
        ranked = rank(wells.estimates, wells.space, table, wells.design, Rules())
        planted = {n: Planted(truth.rescue[n], truth.kind[n]) for n in truth.rescue}
        rows.append(compare([r for r in ranked if r.tie], planted))
        report(Progress(seed + 1, SIMULATED, "Ranking simulated screens"))
    correlation = [r["spearman"] for r in rows]
    return {
        "spearman": float(np.median(correlation)),
        "spearman_worst": float(min(correlation)),
        "coverage": float(np.mean([r["coverage"] for r in rows])),
        "flags_missed": sum(r["flags_missed"] for r in rows),
        "flags_wrong": sum(r["flags_wrong"] for r in rows),
        "screens": SIMULATED,
        "screens_with_null_hit": sum(r["null_hits"] > 0 for r in rows),
    }


def compare(rows: Sequence[Ranked], truth: dict[str, Planted]) -> dict[str, Any]:
    """Compare ranked treatments with the truth."""
    true = [truth[r.condition].rescue for r in rows]
    covered = [
        r.rescue_low <= t <= r.rescue_high
        for r, t in zip(rows, true)
        if r.rescue_low is not None and r.rescue_high is not None
    ]
    missed = wrong = nulls = hits = 0
    for row in rows:
        kind = truth[row.condition].kind
        wanted = {"toxic": {"loses cells", "side effect"}, "side effect": {"side effect"}}
        expected = wanted.get(kind, set())
        missed += len(expected - set(row.flags))
        wrong += len(set(row.flags) - expected)
        nulls += row.hit and kind == "null"
        hits += row.hit
    correlation = float(spearmanr([r.rescue for r in rows], true)[0])
    return {
        "spearman": correlation,
        "coverage": float(np.mean(covered)),
        "flags_missed": missed,
        "flags_wrong": wrong,
        "null_hits": nulls,
        "hits": hits,
        "treatments": len(rows),
    }


def _rendered(work: Path, seed: int, preset: str, report: Report) -> dict[str, Any]:
    """Scan one screen of images, train on the controls, and rank in both spaces."""
    from core import screen, train
    from core.domain import Role
    from core.io.project import open_project

    project, truth = _screen(work, f"screen-{seed}", seed, {"fields": 2}, report)
    opened = open_project(project)
    if not opened.model:
        assert opened.dataset is not None
        controls = [
            c.name for c in opened.dataset.conditions if c.role in (Role.HEALTHY, Role.DISEASED)
        ]
        train(project, preset=preset, seed=seed, conditions=controls, progress=report)
    figures: dict[str, Any] = {"seed": seed}
    for space in ("latents", "readouts"):
        result = screen(project, space=space, progress=report)
        curves = {d.compound: d.ec50_um for d in result.doses}
        quality = {k: result.quality[0][k] for k in ("z_prime", "robust_z_prime", "ssmd")}
        compared = compare([r for r in result.ranked if r.tie], truth)
        figures[space] = {**compared, **quality, "ec50_um": curves}
    return figures


def _warned(work: Path, name: str, report: Report) -> list[str]:
    """Warnings of the audit on a screen with this nuisance, ranked by readouts."""
    from core import screen

    options = {"fields": 1, "size": 96, **NUISANCES[name]}
    project, _ = _screen(work, f"nuisance-{name}", 100, options, report)
    result: Screen = screen(project, space="readouts", explain=False, progress=report)
    return [f.what for f in result.audit if f.warning]


def _screen(
    work: Path, name: str, seed: int, options: dict[str, Any], report: Report
) -> tuple[Path, dict[str, Planted]]:
    """The project of a synthetic screen, made once, and the truth of its treatments."""
    from core.workflows.scan import scan

    folder, plan = work / name, plan_screen(ScreenPlanOptions(seed=seed, **options))
    project = folder / "project"
    if not (project / "project.json").exists():
        write_screen(folder / "plates", plan, report)
        table = folder / "plates" / "plate_map.csv"
        scan(
            folder / "plates" / "images",
            project,
            ScanOptions(plate_map=table, condition_from="plate-map"),
            report=report,
        )
    truth = {t.condition: Planted(t.rescue, t.kind) for t in plan.treatments}
    return project, truth


def _large() -> float:
    """Seconds for the statistics of a hundred thousand wells."""
    table, conditions, _ = simulate(0, plates=1050)
    began = time.perf_counter()
    wells = placed(table, conditions, "median", Rules())
    rank(wells.estimates, wells.space, table, wells.design, Rules())
    return time.perf_counter() - began
