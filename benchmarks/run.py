"""Run a benchmark by its name, for `leigh bench NAME` and `python -m benchmarks NAME`."""

import argparse
from typing import Any

from core.progress import Report


def run_benchmark(a: argparse.Namespace, report: Report) -> dict[str, Any]:
    """Run the benchmark `a.name` and return its figures; options as in core.cli.bench."""
    if a.name == "startup":
        from benchmarks.startup import bench_startup

        return bench_startup()
    if a.name == "drag":
        from benchmarks.drag import bench_drag

        return bench_drag()
    if a.name == "faults":
        from benchmarks.faults import SMALL, WHOLE, bench_faults, only

        return bench_faults(only(SMALL if a.small else WHOLE, a.parts), report)
    if a.name == "fuzz":
        from benchmarks import fuzz

        return fuzz.bench_fuzz(fuzz.SMALL if a.small else fuzz.WHOLE, report)
    if a.name == "inverse":
        from benchmarks.inverse import bench_inverse

        return bench_inverse(report=report)
    if a.name == "explanations":
        from benchmarks.explanations import bench_explanations

        return bench_explanations(a.project, a.cultures, report)
    if a.name == "screen":
        from benchmarks.screen import bench_screen

        return bench_screen(a.work, a.seeds[:2], report=report)
    if a.name == "names":
        from benchmarks.names import bench_names

        return bench_names(2_000 if a.small else 100_000, report)
    if a.name == "real":
        from benchmarks.real import bench_real

        return bench_real(a.work, a.seeds, preset=a.preset, report=report)
    if a.name == "crossings":
        from benchmarks.map_crossings import bench_crossings

        return bench_crossings(a.project, report)
    if a.name == "map":
        from benchmarks.map import bench_map

        return bench_map(a.project, report)
    from benchmarks.truth import Settings, bench_truth

    return bench_truth(a.work, a.seeds, Settings(a.preset, a.cultures), report)
