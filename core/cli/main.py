"""The command line `leigh`: parse the options, run one verb, print its result.

The window starts long work through the same verbs.
"""

import argparse
import json
import logging
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import chdir
from typing import NoReturn

from core.cli import (
    adopt_model,
    bench,
    check,
    copy,
    counterfactual,
    demo,
    encode,
    evaluate,
    explain,
    figure,
    map,
    relink,
    scan,
    screen,
    synth,
    train,
)
from core.errors import LeighError
from core.io.disk_errors import disk_error
from core.isolation import neutral_folder
from core.progress import Cancelled, Progress, Report
from core.version import __version__

VERBS = (
    demo,
    synth,
    scan,
    train,
    evaluate,
    encode,
    map,
    counterfactual,
    explain,
    screen,
    figure,
    adopt_model,
    check,
    relink,
    copy,
    bench,
)
LAST_STEP_S = 15  # what a job has left to come to its end after its window is gone
DONE, OUR_FAULT, USER_FAULT, STOPPED = 0, 1, 2, 130


def main(argv: list[str] | None = None) -> int:
    """Run one verb and return its exit code: 0 done, 1 program fault, 2 bad input, 130 stopped."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    arguments = _parser().parse_args(argv)
    try:
        report = _report(arguments.progress, arguments.end_with_window)
        with chdir(neutral_folder()):  # libraries read settings from the working folder
            _allow_network(arguments)
            result = arguments.run(arguments, report)
    except Cancelled:
        _say("Stopped. Everything done so far is kept; continue a training with --resume.")
        return STOPPED
    except LeighError as fault:
        _say(str(fault).replace("\n", " "))
        _say_error(arguments.json, type(fault).__name__, fault.message, fault.hint)
        return USER_FAULT
    except KeyboardInterrupt:
        _say("Stopped.")
        return STOPPED
    except OSError as fault:
        words = disk_error(fault)
        if words is None:
            return _our_fault(arguments.json)
        _say(str(words))
        _say_error(arguments.json, "DiskError", words.message, words.hint)
        return USER_FAULT
    except Exception:
        return _our_fault(arguments.json)
    text, code = result.pop("text", ""), int(result.pop("exit", DONE))
    if code != DONE:
        _say(text)
    elif text and not arguments.json:
        print(text)
    if arguments.json:
        print(json.dumps(result, allow_nan=False))
    return code


def _allow_network(arguments: argparse.Namespace) -> None:
    """Remember that a project may read its images from another computer."""
    if getattr(arguments, "allow_network", False) and arguments.project.exists():
        from core.io.network import Network
        from core.io.project import open_project

        open_project(arguments.project, Network.ALLOW)


def _our_fault(as_json: bool) -> int:
    from platformdirs import user_log_path

    path = user_log_path("leigh-explorer", appauthor=False) / "leigh.log"
    what = f"version {__version__}, arguments {sys.argv[1:]}\n{traceback.format_exc()}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as log:
            print(time.strftime("%Y-%m-%d %H:%M:%S"), what, file=log)
    except OSError:  # the disk of the log is full, too
        _say(what)
    _say(f"The program failed; this is our fault. Details are in {path}")
    _say_error(as_json, "Bug", "The program failed; this is our fault.", f"Details are in {path}")
    return OUR_FAULT


def _say_error(as_json: bool, kind: str, message: str, hint: str) -> None:
    """With --json, the error as an object on stdout, in place of a result."""
    if as_json:
        print(json.dumps({"error": {"kind": kind, "message": message, "hint": hint}}))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _report(kind: str, end_with_window: bool) -> Report:
    """Report progress: `bar` for a terminal, `json` lines for the window, `none` for scripts."""
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, lambda *_: _stop_or_quit(stop))
    if kind == "json":
        logging.getLogger("core").addHandler(_Warnings(logging.WARNING))
        threading.Thread(target=_listen, args=(stop, end_with_window), daemon=True).start()
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


class _Warnings(logging.Handler):
    """Tells the window what the core warns of."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the warning as a JSON line, like progress."""
        _say(json.dumps({"warning": record.getMessage()}))


def _stop_or_quit(stop: threading.Event) -> None:
    """Ctrl-C stops at the next step and saves everything; a second Ctrl-C stops at once."""
    if stop.is_set():
        raise KeyboardInterrupt
    stop.set()


def _listen(stop: threading.Event, end_with_window: bool) -> None:
    """Stop when the window writes `stop` to standard input, or when the window is gone.

    A step that does not end by itself is then ended: nobody waits for it.
    """
    for line in sys.stdin:
        if line.strip() == "stop":
            stop.set()
    if end_with_window:
        stop.set()
        time.sleep(LAST_STEP_S)
        os._exit(STOPPED)


class _Parser(argparse.ArgumentParser):
    """Prints one line on stderr for a wrong option, as for every other fault."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with code 2."""
        self.exit(USER_FAULT, f"{message[:1].upper()}{message[1:]}. See {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="leigh", description="Leigh Explorer: what a network sees in cell cultures."
    )
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(required=True, metavar="verb")
    for verb in VERBS:
        name = verb.__name__.rpartition(".")[2].replace("_", "-")
        p = subparsers.add_parser(name, help=verb.HELP, description=verb.HELP)
        p.set_defaults(run=verb.run)
        p.add_argument("--json", action="store_true", help="print one JSON object as the last line")
        p.add_argument(
            "--progress", choices=("bar", "json", "none"), default="bar", help=argparse.SUPPRESS
        )
        text = argparse.SUPPRESS  # the window holds standard input open as long as it lives
        p.add_argument("--end-with-window", action="store_true", help=text)
        verb.add_options(p)
    return parser


def run_process() -> NoReturn:
    """Run one verb as a process; threads that listen to a window do not keep the process alive."""
    code = main()
    sys.stdout.flush()
    if threading.active_count() > 1:
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    run_process()
