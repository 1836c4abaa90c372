"""The verb `leigh bench`: run a benchmark of the program."""

import argparse
import importlib

from core.cli.arguments import PRESETS, Result, path_option
from core.errors import LeighError
from core.progress import Report

HELP = "Measure the program, with a yardstick for every figure."

NAMES = (
    "crossings",
    "drag",
    "explanations",
    "faults",
    "fuzz",
    "inverse",
    "map",
    "names",
    "real",
    "screen",
    "startup",
    "truth",
)

FAULTS = ("kills", "failures", "mutations", "races", "stops")


def add_options(p: argparse.ArgumentParser) -> None:
    """Options of this verb."""
    p.add_argument("name", choices=NAMES)
    text = "crossings, map, explanations: use this project instead of the demo"
    p.add_argument("--project", type=path_option, metavar="DIR", help=text)
    text = "truth, real, screen: folder that keeps plates and models"
    p.add_argument("--work", type=path_option, default="bench", metavar="DIR", help=text)
    text = "truth, real, screen: seeds of plates and trainings"
    p.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help=text)
    text = "truth, real: how to train"
    p.add_argument("--preset", choices=PRESETS, default="standard", help=text)
    text = "faults: only kills, failures, mutations, races or stops"
    p.add_argument("--parts", nargs="+", choices=FAULTS, default=(), metavar="PART", help=text)
    p.add_argument("--small", action="store_true", help="faults, fuzz, names: few trials")
    text = "truth, explanations: new cultures per pair of conditions"
    p.add_argument("--cultures", type=int, default=12, help=text)


def run(a: argparse.Namespace, report: Report) -> Result:
    """Run a benchmark. Raises LeighError outside of a checkout of the source."""
    try:
        run_benchmark = importlib.import_module("benchmarks.run").run_benchmark
    except ModuleNotFoundError:
        raise LeighError(
            "The benchmarks are not part of the installed program.",
            "Run `python -m benchmarks NAME` in a checkout of the source.",
        ) from None
    result: Result = run_benchmark(a, report)
    text = "\n".join(f"{k}: {v}" for k, v in result.items() if k != "seeds")
    return {**result, "text": text}
