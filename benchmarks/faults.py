"""`leigh bench faults`: kill, refuse and damage at every position; nothing may be lost.

Every verb runs in a forked process on a copy of a small project with a trained model. At the k-th
file operation within the project the process is killed, or the operation fails as on a full, broken
or protected disk. Afterwards everything that could be read before must be readable still, the
project must open, and nothing may hold its lock. Linux only.
"""

import errno
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.fault_verbs import LONGER, VERBS, Verb, digest_of, make_project
from benchmarks.mutations import mutate_all
from core.cli.bench import FAULTS
from core.errors import LeighError
from core.io.atomic import TEMPORARY
from core.io.lock import ProjectLock
from core.io.project import sweep_project
from core.progress import Progress, Report, silent
from core.workflows.check import IN_USE, State, check

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)
DONE, REFUSED, FAULT = 0, 2, 3  # exit codes of a process
OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link")
CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
READS = 20  # of a verb, that fail
NAMED = 20  # faults that the result names
RACERS = 4
SLOW = ("train", "baseline", "evaluate", "screen", "counterfactual")  # seconds each


@dataclass(frozen=True)
class Settings:
    """How much is tried; the small form is for the tests."""

    kills: int = 2000
    failures: int = 3000  # at most; every k-th position of every verb with every error
    mutations: int = 5000
    races: int = 200
    stops: int = 50  # of one training
    verbs: tuple[str, ...] = ()  # all


WHOLE = Settings()
SMALL = Settings(
    kills=9, failures=24, mutations=60, races=3, stops=1, verbs=("save", "map", "figure")
)


@dataclass
class Tally:
    """What was tried and what went wrong."""

    tried: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, what: str, fault: str) -> None:
        """One trial; `fault` is "" where everything was right."""
        self.tried[what] += 1
        if fault:
            self.wrong.append(f"{what}: {fault}")


def only(settings: Settings, parts: Sequence[str]) -> Settings:
    """The settings with nothing tried of other parts; all parts where none is named."""
    chosen = {part: getattr(settings, part) for part in FAULTS if not parts or part in parts}
    return Settings(**{part: chosen.get(part, 0) for part in FAULTS}, verbs=settings.verbs)


def bench_faults(settings: Settings, report: Report = silent) -> dict[str, Any]:
    """Counts of trials and of faults, by kind; see Settings."""
    if not hasattr(os, "fork"):
        raise LeighError("This benchmark forks processes.", "Run it on Linux.")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="leigh-faults-") as name:
        home = Path(name)
        project = make_project(home / "made")
        verbs = [v for v in VERBS if not settings.verbs or v.name in settings.verbs]
        counted = verbs if settings.kills or settings.failures else []
        operations = {verb.name: operations_of(verb, project, home) for verb in counted}
        before = readable(_copy(project, home))  # every attempt starts from the same copy
        kills, failures, races = Tally(), Tally(), Tally()
        for trial, kill in enumerate(_kills(verbs, operations, settings.kills)):
            report(Progress(trial, settings.kills, "Killing"))
            kills.add(kill[0].name, attempt(*kill, 0, project, home, before))
        for trial, failure in enumerate(_failures(verbs, operations, settings.failures)):
            report(Progress(trial, settings.failures, "Failing operations"))
            failures.add(failure[0].name, attempt(*failure, project, home, before))
        for trial in range(settings.races):
            report(Progress(trial, settings.races, "Racing"))
            races.add("lock", race(project, home))
        trained = stopped_training(project, home, settings.stops, report) if settings.stops else {}
        mutated = mutate_all(project, home, settings.mutations, report)
    return {
        "changes": {name: kinds.count("w") for name, kinds in operations.items()},
        "reads": {name: kinds.count("r") for name, kinds in operations.items()},
        "kills": dict(kills.tried),
        "kills_total": kills.tried.total(),
        "work_lost_by_kills": len(kills.wrong),
        "failures": dict(failures.tried),
        "failures_total": failures.tried.total(),
        "wrong_after_failures": len(failures.wrong),
        "races": races.tried.total(),
        "wrong_races": len(races.wrong),
        **trained,
        **mutated,
        "named": [*kills.wrong[:NAMED], *failures.wrong[:NAMED], *races.wrong[:NAMED]],
        "minutes": (time.monotonic() - began) / 60,
        "cores": os.cpu_count(),
    }


def operations_of(verb: Verb, project: Path, home: Path) -> str:
    """The file operations of a verb within the project: "r" reads, "w" changes something."""
    copy, notes = _copy(project, home), home / "count"
    code = _in_child(lambda: _record(verb, copy, notes))
    if code != DONE:
        raise RuntimeError(f"{verb.name} fails without a fault (exit code {code})")
    return notes.read_text()


def attempt(
    verb: Verb, position: int, error: int, project: Path, home: Path, before: set[str]
) -> str:
    """Run a verb with a fault at one operation (error 0: killed); returns what is wrong then.

    `before` is what `readable` says of the project.
    """
    copy = _copy(project, home)
    code = _in_child(lambda: _run(verb, copy, position, error))
    where = f"{'killed' if not error else errno.errorcode[error]} at operation {position}"
    if code == FAULT:
        return f"{where}: an error without words"
    lost = before - readable(copy)
    if lost:
        return f"{where}: lost {', '.join(sorted(lost))}"
    try:
        with ProjectLock(copy):
            pass
    except LeighError as fault:
        return f"{where}: the lock is left ({fault.message})"
    return f"{where}: left {left}" if error and (left := _left_over(copy)) else ""


def _left_over(copy: Path) -> str:
    """A temporary file or half a demo that stays, though the project is opened hours later.

    Where the removal of a temporary file is what failed, it is deleted then.
    """
    for path in copy.rglob(f"{TEMPORARY}*"):
        os.utime(path, (0, 0))
    sweep_project(copy)
    left = (p for kind in (f"{TEMPORARY}*", "*.partial") for p in copy.parent.rglob(kind))
    return next((path.name for path in left), "")


def readable(project: Path) -> set[str]:
    """The parts of a project that can be read and belong together.

    A former model still counts when another one is in use.
    """
    good = (f.part for f in check(project) if f.state == State.GOOD)
    return {part.removesuffix(IN_USE) for part in good}


def race(project: Path, home: Path) -> str:
    """Programs that take one project at the same moment, its last owner killed: one gets it."""
    copy = _copy(project, home)
    _in_child(lambda: _hold_and_die(copy))
    start = time.time() + 0.05
    children = [_fork(partial(_enter, copy, start, k)) for k in range(RACERS)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    if FAULT in codes:
        return "two programs had the project at once"
    return "" if DONE in codes else f"no program got the project (exit codes {codes})"


def stopped_training(project: Path, home: Path, stops: int, report: Report) -> dict[str, Any]:
    """Kill one training again and again; resumed, it must end with the very same weights."""
    chance = random.Random(0)
    digests = []
    for killed in (False, True):
        copy, done = _copy(project, home), 0
        while killed and done < stops:
            report(Progress(done, stops, "Killing a training"))
            position = chance.randrange(1, 40)
            code = _in_child(partial(_run, LONGER, copy, position, 0))
            done += code == -signal.SIGKILL
            if code == DONE:  # complete before it could be killed: train once more
                _copy(project, home)
        code = _in_child(partial(_run, LONGER, copy, 0, 0))
        digests.append(digest_of(copy) if code == DONE else f"exit code {code}")
    return {"training_stops": stops, "training_resumed_identically": digests[0] == digests[1]}


def _kills(
    verbs: list[Verb], operations: dict[str, str], wanted: int
) -> Iterator[tuple[Verb, int]]:
    """Before every change of every verb; then again and again of all but SLOW, until enough."""
    every = [
        (verb, k)
        for verb in verbs
        for k, kind in enumerate(operations.get(verb.name, ""), start=1)
        if kind == "w"
    ]
    yield from every[:: max(1, len(every) // max(1, wanted))][:wanted]
    again = [change for change in every if change[0].name not in SLOW]
    for trial in range(wanted - len(every)):
        yield again[trial % len(again)]


def _failures(
    verbs: list[Verb], operations: dict[str, str], most: int
) -> Iterator[tuple[Verb, int, int]]:
    """Every change of every verb, and READS reads of each, with every error."""
    every = []
    for verb in verbs if most else ():
        kinds = list(enumerate(operations[verb.name], start=1))
        reads = [k for k, kind in kinds if kind == "r"]
        chosen = [k for k, kind in kinds if kind == "w"] + reads[:: max(1, len(reads) // READS)]
        every += [(verb, k, error) for k in sorted(chosen) for error in ERRORS]
    yield from every[:: max(1, -(-len(every) // max(1, most)))]


def _copy(project: Path, home: Path) -> Path:
    """A fresh copy of the project, always at the same place."""
    copy = home / "copy" / "project"
    shutil.rmtree(copy.parent, ignore_errors=True)
    shutil.copytree(project.parent, copy.parent)
    return copy


def _watch(root: Path, on_operation: Callable[[str, str], None]) -> None:
    """Call a function with path and kind of every file operation below `root`, from now on."""
    start = str(root)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in OPERATIONS and arguments and isinstance(arguments[0], str | os.PathLike):
            path = os.fspath(arguments[0])
            if isinstance(path, str) and path.startswith(start):
                on_operation(path, _kind(event, arguments))

    sys.addaudithook(hook)
    fsync = os.fsync

    def watched(fd: Any) -> None:
        on_operation(os.readlink(f"/proc/self/fd/{fd}"), "w")
        fsync(fd)

    os.fsync = watched


def _kind(event: str, arguments: tuple[Any, ...]) -> str:
    """Whether an audited event reads or changes something."""
    if event != "open":
        return "w"
    _, mode, flags = arguments
    changes = any(letter in mode for letter in "wax+") if mode else bool(flags & CHANGING)
    return "w" if changes else "r"


def _record(verb: Verb, copy: Path, notes: Path) -> int:
    kinds: list[str] = []
    _watch(copy.parent, lambda path, kind: kinds.append(kind))
    verb.run(copy)
    notes.write_text("".join(kinds))
    return DONE


def _run(verb: Verb, copy: Path, position: int, error: int) -> int:
    seen = 0

    def on_operation(path: str, kind: str) -> None:
        nonlocal seen
        seen += 1
        if seen != position:
            return
        if not error:
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(error, os.strerror(error), path)

    _watch(copy.parent, on_operation)
    try:
        verb.run(copy)
    except LeighError as fault:
        return REFUSED if fault.message else FAULT
    except OSError:  # the command line and the window put it into words
        return REFUSED
    return DONE


def _hold_and_die(copy: Path) -> int:
    lock = ProjectLock(copy)
    lock.acquire()
    os.kill(os.getpid(), signal.SIGKILL)
    return DONE


def _enter(copy: Path, start: float, number: int) -> int:
    time.sleep(max(0.0, start - time.time()))
    mark = copy / f"inside-{number}"
    try:
        with ProjectLock(copy):
            mark.touch()
            time.sleep(0.7)  # longer than the others wait
            alone = len(list(copy.glob("inside-*"))) == 1
            mark.unlink()
            return DONE if alone else FAULT
    except LeighError:
        return REFUSED


def _fork(work: Callable[[], int]) -> int:
    child = os.fork()
    if child:
        return child
    code = FAULT
    try:
        with open(os.devnull, "w", encoding="utf-8") as silence:
            os.dup2(silence.fileno(), 1)
            if "LEIGH_FAULTS_LOUD" not in os.environ:
                os.dup2(silence.fileno(), 2)
        code = work()
    except BaseException:
        import traceback

        traceback.print_exc()
    os._exit(code)


def _in_child(work: Callable[[], int]) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(_fork(work), 0)[1])
