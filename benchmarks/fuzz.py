"""`leigh bench fuzz`: damaged images among healthy ones; none may come in wrong without a word.

Each batch is a folder of healthy and damaged files that is scanned as a whole. A damaged file is
left out, or it is in with a warning, or it is in as it was before. All else is silently wrong. In
`pixels` and `data` single bits of the pixels are changed; without a checksum no byte tells.
"""

import random
import tempfile
import time
import tracemalloc
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.damage import PNG, WRITERS, Healthy, damaged, flavours_of, healthy
from core.errors import LeighError
from core.io.read_field import read_record
from core.progress import Progress, Report, silent
from core.scanning.inspect_files import FileInspection, inspect_files
from core.scanning.scan import read_folder

NO_CHECKSUM = {"plain", "imagej", "ome", "lzw", "packbits", "tiled", "big", "big endian", "zstd"}
UNTOLD = {"pixels", "data"}
NAMED = 20


@dataclass(frozen=True)
class Settings:
    """How many files are damaged; the small form is for the tests."""

    files: int = 12_000
    batch: int = 200
    siblings: int = 6  # healthy files of each condition in a batch


WHOLE = Settings()
SMALL = Settings(files=360, batch=180)


@dataclass
class Tally:
    """What became of the files of each flavour."""

    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    named: list[str] = field(default_factory=list)
    siblings_lost: int = 0
    errors: list[str] = field(default_factory=list)


def bench_fuzz(settings: Settings, report: Report = silent) -> dict[str, Any]:
    """Counts of damaged files by flavour and outcome, and the healthy files that were lost."""
    chance, tally = random.Random(0), Tally()
    pairs = [(k, f) for k in (*WRITERS, PNG) for f in flavours_of(k)]
    began, peak = time.monotonic(), 0
    for start in range(0, settings.files, settings.batch):
        report(Progress(start, settings.files, "Damaging images"))
        numbers = range(start, min(start + settings.batch, settings.files))
        chosen = [pairs[number % len(pairs)] for number in numbers]
        for png in (False, True):
            batch = [(n, *p) for n, p in zip(numbers, chosen, strict=True) if (p[0] == PNG) == png]
            if batch:
                peak = max(peak, _scan_batch(batch, settings, chance, tally))
    silent_wrong = {f: c["silently wrong"] for f, c in tally.counts.items() if f not in UNTOLD}
    return {
        "files": settings.files,
        "flavours": {name: dict(counts) for name, counts in tally.counts.items()},
        "silently_wrong": sum(silent_wrong.values()),
        "healthy_files_lost": tally.siblings_lost,
        "errors_without_words": len(tally.errors),
        "most_memory_mb": round(peak / 1e6),
        "named": [*tally.errors, *tally.named][:NAMED],
        "minutes": (time.monotonic() - began) / 60,
    }


def _scan_batch(
    batch: list[tuple[int, str, str]], settings: Settings, chance: random.Random, tally: Tally
) -> int:
    """Damage and scan one folder; returns the most memory in bytes."""
    with tempfile.TemporaryDirectory(prefix="leigh-fuzz-") as name:
        root = Path(name)
        made: dict[str, tuple[str, Healthy]] = {}
        for number, kind, flavour in batch:
            file = healthy(kind, number)
            path = f"DS/d{number:06}.{'png' if kind == PNG else 'tif'}"
            _write(root / path, damaged(file, flavour, chance))
            made[path] = (flavour, file)
        well = {}
        for n in range(2 * settings.siblings):
            kind = batch[n % len(batch)][1]
            file = healthy(kind, 10_000_000 + batch[0][0] + n)
            path = f"{('WT', 'DS')[n % 2]}/h{n:06}.{'png' if kind == PNG else 'tif'}"
            _write(root / path, file.data)
            well[path] = file
        tracemalloc.start()
        try:
            _judge(root, made, well, tally)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


def _judge(
    root: Path, made: dict[str, tuple[str, Healthy]], well: dict[str, Healthy], tally: Tally
) -> None:
    try:
        dataset = read_folder(root).dataset
        facts = {fact.file: fact for fact in inspect_files(root, sorted(made))}
    except LeighError as error:
        tally.errors.append(f"the scan ended: {error}")
        return
    except Exception as error:
        tally.errors.append(f"{type(error).__name__}: {error}")
        return
    records = {record.files[0]: record for record in dataset.records}
    tally.siblings_lost += sum(path not in records for path in well)
    for path, (flavour, file) in made.items():
        if path not in records:
            tally.counts[flavour]["excluded"] += 1
        elif _same(read_record(root, records[path]), file.pixels):
            tally.counts[flavour]["in and equal"] += 1
        elif path in facts and _warned(facts[path], file.kind):
            tally.counts[flavour]["warned"] += 1
        else:
            tally.counts[flavour]["silently wrong"] += 1
            if flavour not in UNTOLD:
                tally.named.append(f"{flavour} of {file.kind}, {path}")


def _same(found: Any, wanted: Any) -> bool:
    return found.shape == wanted.shape and np.array_equal(found, wanted)


def _warned(fact: FileInspection, kind: str) -> bool:
    """Whether something is said of a file that is not said of healthy files of its kind."""
    return bool(_said(fact) - _usual(kind))


def _said(fact: FileInspection) -> frozenset[str]:
    if fact.info is None:
        return frozenset()
    said = {*fact.info.warnings, *(text for _, text in fact.info.notes)}
    return frozenset(said | ({"zero tail"} if fact.zero_tail else set()))


@cache
def _usual(kind: str) -> frozenset[str]:
    with tempfile.TemporaryDirectory(prefix="leigh-fuzz-") as name:
        path = Path(name) / f"a.{'png' if kind == PNG else 'tif'}"
        path.write_bytes(healthy(kind, 1).data)
        return _said(inspect_files(path.parent, [path.name])[0])
