"""The command line `leigh`: parse, call, print.

A cluster has no screen; the window starts the same verbs.
"""

import argparse
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from core import __version__
from core.cli import verbs
from core.domain import METHODS
from core.errors import LeighError
from core.progress import Cancelled, Progress, Report

PANELS = ("counterfactual", "comparison", "map", "path", "confusion", "ranking", "residual")
DONE, OUR_FAULT, USER_FAULT, STOPPED = 0, 1, 2, 130


def main(argv: list[str] | None = None) -> int:
    """Run one verb. Exit 0 done, 2 the user's input is at fault, 1 our fault, 130 stopped."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    arguments = _parser().parse_args(argv)
    try:
        result = arguments.run(arguments, _report(arguments.progress))
    except Cancelled:
        _say("Stopped. Everything done so far is kept; a training goes on with --resume.")
        return STOPPED
    except LeighError as fault:
        _say(str(fault).replace("\n", " "))
        return USER_FAULT
    except KeyboardInterrupt:
        _say("Stopped.")
        return STOPPED
    except OSError as fault:
        if fault.errno not in _DISK_FAULTS:
            return _our_fault()
        _say(
            f"{fault.strerror}: {fault.filename or ''}. Free some space or choose another folder;"
            " nothing was lost."
        )
        return USER_FAULT
    except Exception:
        return _our_fault()
    text = result.pop("text", "")
    if text and not arguments.json:
        print(text)
    if arguments.json:
        print(json.dumps(result, allow_nan=False))
    return DONE


# no permission, file for folder and the reverse, too large, no space, read-only, name too long,
# quota
_DISK_FAULTS = {13, 17, 20, 21, 27, 28, 30, 36, 122}


def _our_fault() -> int:
    from platformdirs import user_log_path

    path = user_log_path("leigh-explorer", ensure_exists=True) / "leigh.log"
    with path.open("a", encoding="utf-8") as log:
        print(
            time.strftime("%Y-%m-%d %H:%M:%S"),
            f"version {__version__}, arguments {sys.argv[1:]}",
            file=log,
        )
        print(traceback.format_exc(), file=log)
    _say(f"The program failed; this is our fault. Details are in {path}")
    return OUR_FAULT


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _report(kind: str) -> Report:
    """`bar` for people at a terminal, `json` lines for the window, `none` for scripts."""
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, lambda *_: _stop_or_quit(stop))
    if kind == "json":
        threading.Thread(target=_listen, args=(stop,), daemon=True).start()
    last_time, last_what = 0.0, ""
    interactive = sys.stderr.isatty()

    def report(progress: Progress) -> None:
        nonlocal last_time, last_what
        if stop.is_set():
            raise Cancelled
        now = time.monotonic()
        news = progress.what != last_what or progress.done >= progress.total
        wait = 0.1 if kind == "json" else 1.0 if interactive else 15.0
        if kind == "none" or (not news and now - last_time < wait):
            return
        last_time, last_what = now, progress.what
        if kind == "json":
            _say(json.dumps({"progress": progress.__dict__}))
            return
        values = "  ".join(f"{k} {v:.3f}" for k, v in progress.values.items())
        left = f"  {progress.seconds_left:.0f} s left" if progress.seconds_left else ""
        line = f"{progress.what}: {progress.done}/{progress.total}{left}  {values}"
        if interactive:
            print(
                f"\r{line:<100}",
                end="\n" if progress.done >= progress.total else "",
                file=sys.stderr,
                flush=True,
            )
        else:
            _say(line)

    return report


def _stop_or_quit(stop: threading.Event) -> None:
    """Ctrl-C stops at the next step, with everything saved; a second one at once."""
    if stop.is_set():
        raise KeyboardInterrupt
    stop.set()


def _listen(stop: threading.Event) -> None:
    """The window asks for a stop by a line on standard input."""
    for line in sys.stdin:
        if line.strip() == "stop":
            stop.set()


class _Parser(argparse.ArgumentParser):
    """One line on stderr for a wrong word, as for every other fault."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2."""
        self.exit(USER_FAULT, f"{message[:1].upper()}{message[1:]}. See {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="leigh", description="Leigh Explorer: what a network sees in cell cultures."
    )
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(required=True, metavar="verb")

    def verb(
        name: str, run: Callable[[argparse.Namespace, Report], verbs.Result], text: str
    ) -> argparse.ArgumentParser:
        p = subparsers.add_parser(name, help=text, description=text)
        p.set_defaults(run=run)
        p.add_argument("--json", action="store_true", help="print one JSON object as the last line")
        p.add_argument(
            "--progress", choices=("bar", "json", "none"), default="bar", help=argparse.SUPPRESS
        )
        return p

    def with_project(p: argparse.ArgumentParser, device: bool = False) -> argparse.ArgumentParser:
        p.add_argument("--project", type=Path, required=True, metavar="DIR")
        if device:
            p.add_argument("--device", default="auto", help="auto, cpu, cuda")
        return p

    with_project(
        verb(
            "demo",
            verbs.demo,
            "Copy the embedded demo (images, trained model, map) into a project.",
        )
    )
    _add_synth(verb("synth", verbs.synth, "Write a plate of synthetic cultures with its truth."))
    _add_scan(with_project(verb("scan", verbs.scan, "Read a folder of images into a project.")))
    _add_train(
        with_project(
            verb("train", verbs.train, "Train the invertible network, or another beside it."),
            device=True,
        )
    )
    with_project(
        verb("evaluate", verbs.evaluate, "Report on held-out wells; measure the inverse."),
        device=True,
    )
    p = with_project(
        verb("encode", verbs.encode, "Write latents and logits of all records."), device=True
    )
    p.add_argument(
        "--h5ad",
        type=Path,
        metavar="FILE",
        help="also for scanpy: latents, records, map, well scores",
    )
    p = with_project(verb("map", verbs.map, "UMAP, decision regions and their fidelity."))
    p.add_argument("--seed", type=int, help="of the fit; else that of the map there is, or 0")
    p.add_argument(
        "--refit",
        action="store_true",
        help="fit anew; else new images are placed on the map there is",
    )
    _add_counterfactual(
        with_project(
            verb("counterfactual", verbs.counterfactual, "Move images toward a condition."),
            device=True,
        )
    )
    _add_explain(
        with_project(
            verb("explain", verbs.explain, "Where a network looks: attribution maps."), device=True
        )
    )
    _add_screen(
        with_project(
            verb("screen", verbs.screen, "Rank the treatments by how they heal."), device=True
        )
    )
    _add_figure(
        with_project(verb("figure", verbs.figure, "Figure panels for the paper."), device=True)
    )
    p = verb("bench", verbs.bench, "Measure the program, each figure beside its yardstick.")
    p.add_argument(
        "name", choices=("drag", "explanations", "inverse", "map", "screen", "startup", "truth")
    )
    p.add_argument(
        "--project",
        type=Path,
        metavar="DIR",
        help="map, explanations: of this project instead of the demo",
    )
    p.add_argument(
        "--work",
        type=Path,
        default=Path("bench"),
        metavar="DIR",
        help="truth, screen: keeps plates and models",
    )
    p.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        default=[0, 1, 2],
        help="truth, screen: of plate and training",
    )
    p.add_argument(
        "--preset",
        choices=("quick", "standard", "lab"),
        default="standard",
        help="truth: how to train",
    )
    p.add_argument(
        "--cultures",
        type=int,
        default=12,
        help="truth, explanations: fresh cultures per pair of conditions",
    )
    return parser


def _add_synth(p: argparse.ArgumentParser) -> None:
    p.add_argument("--out", type=Path, required=True, metavar="DIR")
    p.add_argument(
        "--conditions",
        nargs="+",
        metavar="NAME",
        help="default WT DS TT 'Drug A' 'Drug B' 'Drug C'",
    )
    p.add_argument("--wells", type=int, metavar="N", help="per condition; default 8")
    p.add_argument("--fields", type=int, default=4, help="per well")
    p.add_argument("--size", type=int, default=128, help="pixels")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument(
        "--screen",
        action="store_true",
        help="a drug screen on whole plates, of which the truth is known",
    )
    screen = p.add_argument_group("with --screen")
    screen.add_argument("--plates", type=int, metavar="N", help="default 3")
    screen.add_argument(
        "--treatments", type=int, metavar="N", help="a compound counts once per dose; default 24"
    )
    screen.add_argument("--plate-wells", type=int, choices=(24, 96, 384, 1536), help="default 96")
    screen.add_argument(
        "--variation", type=float, metavar="V", help="between wells of one treatment; default 1"
    )
    screen.add_argument(
        "--edge-effect", type=float, metavar="E", help="share by which perimeter wells are poorer"
    )
    screen.add_argument(
        "--batch-effect", type=float, metavar="B", help="spread of the plates' gain, as a logarithm"
    )
    screen.add_argument(
        "--background-effect",
        type=float,
        metavar="G",
        help="up to so many grey values by condition",
    )
    screen.add_argument(
        "--columns", action="store_true", default=None, help="treatments in blocks of columns"
    )
    screen.add_argument(
        "--perimeter-free",
        action="store_true",
        default=None,
        help="leave the outermost wells empty",
    )
    screen.add_argument(
        "--without-cells", type=int, metavar="N", help="wells per plate whose images hold no cells"
    )
    screen.add_argument(
        "--without-images", type=int, metavar="N", help="wells per plate that were not imaged"
    )


def _add_scan(p: argparse.ArgumentParser) -> None:
    p.add_argument("folder", type=Path)
    p.add_argument(
        "--plate-map", type=Path, metavar="CSV", help="plate map or table of files (CSV, TSV, XLSX)"
    )
    p.add_argument(
        "--preview", action="store_true", help="only check the plate map and show it; read no image"
    )
    p.add_argument("--pattern", help="built-in name or regular expression with named groups")
    p.add_argument("--condition-from", choices=("folder", "plate-map"), default="folder")
    p.add_argument(
        "--group-by", default="well", help="well, plate, or a column of the plate map: never split"
    )
    p.add_argument(
        "--exclude", nargs="+", default=[], metavar="CONDITION", help="conditions to leave out"
    )
    p.add_argument(
        "--pixel-size-um", type=float, default=None, help="where the files do not say it"
    )


def _add_train(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--model",
        choices=("iresnet", "resnext50", "resnext-small", "autoencoder", "variational-autoencoder"),
        default="iresnet",
        help=(
            "the invertible network (default), or one to hold beside it; resnext-small is for"
            " computers without a GPU"
        ),
    )
    p.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="resnext50: start from these torchvision weights",
    )
    p.add_argument("--preset", choices=("quick", "standard", "lab"), default="quick")
    p.add_argument(
        "--test-groups",
        default="",
        metavar="G1,G2,..",
        help="groups to hold out; default: a quarter",
    )
    p.add_argument(
        "--conditions",
        nargs="+",
        default=[],
        metavar="NAME",
        help="learn from these only: the controls, for a screen",
    )
    p.add_argument("--resume", action="store_true", help="go on with a stopped training")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument(
        "--permute-labels",
        action="store_true",
        help=(
            "negative control: shuffle conditions between wells and train in"
            " exports/permuted-labels"
        ),
    )


def _add_counterfactual(p: argparse.ArgumentParser) -> None:
    p.add_argument("--to", metavar="CONDITION", help="needed, unless --plant is given")
    p.add_argument(
        "--model",
        choices=("iresnet", "autoencoder", "variational-autoencoder"),
        help="default: the invertible network",
    )
    p.add_argument("--from", dest="source", metavar="CONDITION")
    p.add_argument("--record", nargs="+", metavar="ID")
    p.add_argument("--split", choices=("train", "validation", "test"))
    p.add_argument(
        "--limit",
        type=int,
        metavar="N",
        help="move so many of these images only, evenly over the wells",
    )
    p.add_argument("--strength", type=float, help="0 is the original, 1 (default) the target")
    p.add_argument(
        "--hold",
        nargs="+",
        metavar="CHANNEL",
        help=(
            "channels that must not move; 'none'; default 'auto': those in which no readout differs"
        ),
    )
    p.add_argument(
        "--plant",
        action="append",
        metavar="channel=NAME,factor=F",
        help=(
            "positive control: plant this change (or channel=NAME,blur=PIXELS) in copies of the"
            " images of one condition, train, and report how much is recovered; may be repeated"
        ),
    )
    p.add_argument(
        "--preset", choices=("quick", "standard", "lab"), help="of the training for --plant"
    )
    p.add_argument("--seed", type=int, help="of the training for --plant")
    p.add_argument("--out", type=Path, required=True, metavar="DIR")


def _add_explain(p: argparse.ArgumentParser) -> None:
    p.add_argument("--method", choices=METHODS, required=True)
    p.add_argument("--record", nargs="+", metavar="ID")
    p.add_argument("--from", dest="source", metavar="CONDITION")
    p.add_argument(
        "--to",
        metavar="CONDITION",
        help="against the own condition; else the own against all others",
    )
    p.add_argument("--split", choices=("train", "validation", "test"))
    p.add_argument("--limit", type=int, metavar="N", help="at most so many images")
    p.add_argument(
        "--model", metavar="NAME", help="whose decision; default: the invertible network"
    )
    window = p.add_mutually_exclusive_group()
    window.add_argument(
        "--window-um", type=float, metavar="UM", help="occlusion: side of the window; default 8"
    )
    window.add_argument("--window-px", type=int, metavar="N", help="the same in pixels of the file")
    p.add_argument("--out", type=Path, required=True, metavar="DIR")


def _add_screen(p: argparse.ArgumentParser) -> None:
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


def _add_figure(p: argparse.ArgumentParser) -> None:
    p.add_argument("--panel", choices=PANELS)
    p.add_argument("--record", metavar="ID")
    p.add_argument("--to", metavar="CONDITION")
    p.add_argument("--strength", type=float, default=1.0)
    p.add_argument(
        "--plane",
        nargs=3,
        default=(),
        metavar="CONDITION",
        help="map: the exact plane of three conditions",
    )
    p.add_argument(
        "--specs", type=Path, metavar="JSON", help="several panels, as the window saves them"
    )
    p.add_argument("--out", type=Path, required=True, metavar="FILE")


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code) if threading.active_count() > 1 else sys.exit(code)
