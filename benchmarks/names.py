"""`leigh bench names`: how long 100,000 names of one folder take to be grouped and asked about."""

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from core.domain import ScanOptions
from core.progress import Progress, Report, silent
from core.scanning.answers import Answers
from core.scanning.file_names import compile_pattern
from core.scanning.read_names import choose_planes, read_names
from core.scanning.run_labels import Context

FILES = 100_000
STAINS = ("DAPI", "GFP", "TMRM", "WGA")


def imagexpress(count: int) -> list[str]:
    """Names of a known maker: plates, wells, sites and wavelengths."""
    wells = [f"{row}{column:02}" for row in "ABCDEFGHIJKLMNOP" for column in range(1, 25)]
    return [
        f"P{n // 24576 + 1}_{wells[n // 64 % 384]}_s{n // 4 % 16 + 1}_w{n % 4 + 1}.tif"
        for n in range(count)
    ]


def with_stacks(count: int) -> list[str]:
    """Names that no maker explains: condition folders, fields, times, planes and stains."""
    return [
        f"{('WT', 'DS')[n // 24 % 2]}/img{n // 48:05}_t{n // 12 % 2}_z{n // 4 % 3:02}"
        f"_{STAINS[n % 4]}.tif"
        for n in range(count)
    ]


def free_words(count: int) -> list[str]:
    """Names of different length, with words of the lab."""
    days, who = ("day 3", "day7 fixed", "d10"), ("ctrl", "siRNA A", "patient 12")
    return [f"exp {n // 1000}/{who[n % 3]} {days[n // 3 % 3]} {n // 9}.tif" for n in range(count)]


KINDS: dict[str, Callable[[int], list[str]]] = {
    "imagexpress": imagexpress,
    "with stacks": with_stacks,
    "free words": free_words,
}


def bench_names(files: int = FILES, report: Report = silent) -> dict[str, Any]:
    """Seconds and memory for each kind of names, on one core, without reading images."""
    found: dict[str, Any] = {"files": files}
    for number, (kind, make) in enumerate(KINDS.items()):
        report(Progress(number, len(KINDS), kind))
        names = make(files)
        began = time.perf_counter()
        _read(names)
        seconds = time.perf_counter() - began
        tracemalloc.start()
        asked = _read(names[: files // 10])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        bytes_each = peak / max(1, files // 10)
        found[kind] = {"seconds": round(seconds, 2), "bytes_each": round(bytes_each), **asked}
    return found


def _read(names: list[str]) -> dict[str, Any]:
    """Read the names as a scan does."""
    read = read_names(names, compile_pattern(None), Context(single=frozenset(names)))
    kept = choose_planes(read, ScanOptions(), Answers())
    kinds = sorted({str(question.kind) for question in read.questions})
    return {"read": len(kept), "questions": kinds}
