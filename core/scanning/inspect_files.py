"""Inspect every file once: its header, its fingerprints, and whether its pixels can be used."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import BadImage
from core.io.digest import digest_bytes, digest_file
from core.io.disk_errors import unreadable
from core.io.tiff import AnyArray, ImageInfo, read_with_info
from core.progress import Progress, Report, silent

MAX_SATURATED = 0.01
MIN_TAIL_ROWS = 2
MAX_ZEROS = 0.01  # share of zeros above a tail of zeros
FULL_SCALES = {255, 1023, 4095, 16383, 65535, 4294967295, 127, 32767, 2147483647}
SIGN_OFFSET = 32768
READERS = 4
TELL_EVERY = 16


@dataclass(frozen=True)
class FileInspection:
    """The content of a file, or an `error`; `pixels` is a fingerprint of the grey values."""

    file: str
    info: ImageInfo | None = None
    digest: str = ""
    pixels: str = ""
    saturated: tuple[float, ...] = ()  # share per channel
    unusable: tuple[str, ...] = ()  # per channel, "" where usable: "is empty"
    zero_tail: bool = False  # the last rows of a channel are zeros, and no other pixels are
    level: float = 0.0  # mean grey value of the brightest channel
    floors: tuple[float, ...] = ()  # background per channel: the 1st percentile
    mask: bool = False  # the first channel holds two values only, one of them 0
    error: BadImage | None = None


def inspect_files(
    root: Path, files: Sequence[str], report: Report = silent
) -> list[FileInspection]:
    """Inspect all files; a bad file gives an entry with `error`, not an exception."""
    facts: list[FileInspection] = []
    pool = ThreadPoolExecutor(READERS)
    try:
        for fact in _bounded_map(pool, root, files):
            facts.append(fact)
            if len(facts) % TELL_EVERY == 0 or len(facts) == len(files):
                report(Progress(len(facts), len(files), "Reading images"))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return facts


def _bounded_map(
    pool: ThreadPoolExecutor, root: Path, files: Sequence[str]
) -> Iterator[FileInspection]:
    """Results in order, with few files at once, so that stopping is quick and memory stays low."""
    ahead = 4 * READERS
    for start in range(0, len(files), ahead):
        yield from pool.map(lambda file: read_fact(root, file), files[start : start + ahead])


def read_fact(root: Path, file: str) -> FileInspection:
    """Inspect one file."""
    path = root / file
    try:
        image, info = read_with_info(path)
        if info.made_here:
            raise BadImage("made by this program, not a microscope image")
        digest = digest_file(path)
    except BadImage as error:
        return FileInspection(file, error=error)
    except OSError as error:
        return FileInspection(file, error=BadImage(*unreadable(path.name, error)))
    pixels = digest_bytes(repr(image.shape).encode() + image.tobytes())
    return FileInspection(
        file,
        info,
        digest,
        pixels,
        tuple(_saturated(c) for c in image),
        tuple(_why_unusable(c) for c in image),
        zero_tail=any(map(_has_zero_tail, image)),
        level=max(float(c.mean(dtype=np.float64)) for c in image),
        floors=tuple(_floor(c) for c in image),
        mask=_is_mask(image[0]),
    )


def _floor(channel: AnyArray) -> float:
    """1st percentile of every 16th pixel of a channel (Y, X)."""
    sample = channel[::4, ::4].ravel()
    return float(np.partition(sample, len(sample) // 100)[len(sample) // 100])


def _saturated(channel: AnyArray) -> float:
    """Share of pixels at the camera's full scale (8 to 16 bits); 0 if it is not reached."""
    top = float(channel.max())
    if channel.dtype == np.uint16 and channel.min() >= SIGN_OFFSET:
        top -= SIGN_OFFSET  # signed values that were stored unsigned
    shifted = {top / 4, top / 16} if top > 60_000 else set()  # 14 or 12 bits in the high bits
    if not FULL_SCALES & {top, *shifted} and not (channel.dtype.kind == "f" and top == 1.0):
        return 0.0
    return float(np.count_nonzero(channel == channel.max())) / channel.size


def _why_unusable(channel: AnyArray) -> str:
    low, high = channel.min(), channel.max()
    if low == high:
        return "is empty" if high == 0 else f"has the same value everywhere ({high})"
    return f"is a mask (only the values 0 and {high})" if _is_mask(channel) else ""


def _is_mask(channel: AnyArray) -> bool:
    """Whether the channel (Y, X) holds 0 and one other value, nothing else."""
    high = channel.max()
    if channel.min() != 0 or high == 0:
        return False
    return bool(np.count_nonzero((channel == high) | (channel == 0)) == channel.size)


def _has_zero_tail(channel: AnyArray) -> bool:
    """Whether the last rows are all zero although zeros are rare above them: an incomplete copy."""
    filled = np.flatnonzero(channel.any(axis=1))
    end = int(filled[-1]) + 1 if len(filled) else 0
    if not end or len(channel) - end < MIN_TAIL_ROWS:
        return False
    above = channel[: end - 1]  # the row before the tail may end in zeros
    return bool(np.count_nonzero(above == 0) < MAX_ZEROS * above.size)
