"""Inspect every file once: its header, its fingerprints, and whether its pixels can be used."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from core.domain import AnyArray
from core.errors import BadImage
from core.io.digest import digest_file, digest_pixels
from core.io.disk_errors import unreadable
from core.io.fields import Container, Field
from core.io.read_field import PlainFile, header_of, open_fields, read_image_of
from core.io.stacks import (
    MAX_STAINS,
    MAXIMUM,
    PLANES,
    PROJECTION,
    STAINS,
    chosen_planes,
    stack_error,
)
from core.io.tiff import ImageInfo
from core.progress import Progress, Report, silent
from core.scanning.name_runs import path_text

MAX_SATURATED = 0.01
MIN_TAIL_ROWS = 2
MAX_ZEROS = 0.01  # share of zeros above a tail of zeros
FEWEST_IN_LABELS = 0.02  # share of neighbours inside the areas of a label image
MOST_IN_LABELS = 0.95  # share of these that are equal; in pictures, noise makes most differ
FULL_SCALES = {255, 1023, 4095, 16383, 65535, 4294967295, 127, 32767, 2147483647}
SIGN_OFFSET = 32768
READERS = 4
MOST_ASKED = 5  # planes or times of one channel are asked whether they are stains
TELL_EVERY = 16


@dataclass(frozen=True)
class StackChoice:
    """How stacks inside files are read: `z` and `slices` are answers to these questions."""

    z: str = ""
    slices: str = ""


@dataclass(frozen=True)
class FileInspection:
    """One image of a file, or an `error`; `pixels` is a fingerprint of the grey values.

    `file` is the path, with the name of the field where a file holds several and the time point
    where a field has several; `sources` are the files on the disk.
    """

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
    sources: tuple[str, ...] = ()
    scene: str = ""
    z: str = ""
    t: str = ""
    base: str = ""  # `file` without the time point
    depth: int = 1  # files for each plane: a stack in files of its own
    digests: tuple[str, ...] = ()  # of the files of such a stack
    tells: Mapping[str, str] = field(default_factory=dict)  # what the file says of its place
    may_be_stains: int = 0  # planes or times that may be stains
    unnamed: int = 0  # pages without metadata


def inspect_files(
    root: Path,
    files: Sequence[str],
    report: Report = silent,
    choice: StackChoice = StackChoice(),
) -> list[FileInspection]:
    """Inspect all files; a bad file gives an entry with `error`, not an exception."""
    facts: list[FileInspection] = []
    pool = ThreadPoolExecutor(READERS)
    try:
        for done, found in enumerate(_bounded_map(pool, root, files, choice), start=1):
            facts += found
            if done % TELL_EVERY == 0 or done == len(files):
                report(Progress(done, len(files), "Reading images"))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return _distinct(facts)


def _distinct(facts: list[FileInspection]) -> list[FileInspection]:
    """Every image has a name of its own, also where a.lif and a.czi lie in one folder."""
    counts = Counter(fact.file for fact in facts)
    if len(counts) == len(facts):
        return facts
    named: Counter[str] = Counter()
    found = []
    for fact in facts:
        if counts[fact.file] > 1 and fact.sources:
            inner = fact.file.removeprefix(path_text(fact.sources[0]) + "/")
            file = f"{fact.sources[0]}/{inner}"
            named[file] += 1
            file += f" {named[file]}" if named[file] > 1 else ""
            fact = replace(fact, file=file, base=file if fact.base == fact.file else fact.base)
        found.append(fact)
    return found


def _bounded_map(
    pool: ThreadPoolExecutor, root: Path, files: Sequence[str], choice: StackChoice
) -> Iterator[list[FileInspection]]:
    """Results in order, with few files at once, so that stopping is quick and memory stays low."""
    ahead = 4 * READERS
    for start in range(0, len(files), ahead):
        batch = files[start : start + ahead]
        yield from pool.map(lambda file: read_facts(root, file, choice), batch)


def read_fact(root: Path, file: str) -> FileInspection:
    """Inspect a file of one image."""
    return read_facts(root, file, StackChoice())[0]


def read_facts(root: Path, file: str, choice: StackChoice) -> list[FileInspection]:
    """Inspect all images of one file."""
    path = root / file
    try:
        with open_fields(path, pages_are_planes=choice.slices == PLANES) as container:
            several = len(container.fields) + len(container.refused) > 1
            facts = [
                FileInspection(f"{path_text(file)}/{name}", error=error, sources=(file,))
                for name, error in container.refused
            ]
            for field in container.fields:
                name = (
                    f"{path_text(file)}/{_one_level(field.name)}" if several else ZARR.sub("", file)
                )
                facts += _field_facts(container, field, path, replace(_BLANK, file=name), choice)
            return _with_file_digest(facts, path, file)
    except BadImage as error:
        return [FileInspection(file, error=error, sources=(file,))]
    except OSError as error:
        refusal = BadImage(*unreadable(path.name, error))
        return [FileInspection(file, error=refusal, sources=(file,))]
    except MemoryError:
        refusal = BadImage(f"{path.name} needs more memory than is free.", "Close other programs.")
        return [FileInspection(file, error=refusal, sources=(file,))]


_BLANK = FileInspection("")
ZARR = re.compile(r"(?i)(?:\.ome)?\.zarr(?=/)")  # of a folder: its name may be a condition


def _one_level(name: str) -> str:
    """The name of a field as a path without empty or special parts."""
    parts = [part.strip() for part in name.replace("\\", "/").split("/")]
    return "/".join(part for part in parts if part not in ("", ".", "..")) or "field"


def _with_file_digest(
    facts: Sequence[FileInspection], path: Path, file: str
) -> list[FileInspection]:
    """Images that are the only one of their file have the fingerprint of the file."""
    alone = any(f.error is None and not f.scene and not f.t for f in facts)
    digest = digest_file(path) if alone else ""
    return [
        replace(f, sources=(file,), digest=f.digest or ("" if f.error else digest)) for f in facts
    ]


def _field_facts(
    container: Container, field: Field, path: Path, blank: FileInspection, choice: StackChoice
) -> Iterator[FileInspection]:
    """One inspection for each time point of a field."""
    blank = replace(blank, scene=field.scene, base=blank.file, tells=_told(field))
    depth, times = int(field.sizes.get("Z", 1)), int(field.sizes.get("T", 1))
    single = int(field.sizes.get("C", 1)) == 1
    alone = single and min(depth, times) == 1 < depth * times
    stains = alone and depth * times <= MAX_STAINS and choice.slices == STAINS
    if stains or (alone and depth * times <= MOST_ASKED):
        blank = replace(blank, may_be_stains=depth * times)
    if isinstance(container, PlainFile):
        blank = replace(blank, unnamed=container.info.unnamed)
    z = STAINS if stains and depth > 1 else _planes(choice.z, depth) if depth > 1 else ""
    if depth > 1 and choice.z == PROJECTION and not stains:
        yield replace(blank, error=stack_error(path.name, depth, times))
        return
    every = [STAINS] if stains and times > 1 else [str(t + 1) for t in range(times)]
    for t in every if times > 1 else [""]:
        name = f"{path_text(blank.file)} t{t}" if t.isdecimal() else blank.file
        here = replace(blank, file=name, z=z, t=t)
        try:
            yield _fact(container, field, path, here)
        except BadImage as error:
            yield replace(here, error=error)


def _planes(z: str, depth: int) -> str:
    """The answer if it means planes of this stack; else the maximum."""
    try:
        chosen_planes(depth, z or MAXIMUM, "")
    except BadImage:
        return MAXIMUM
    return z or MAXIMUM


def _told(field: Field) -> dict[str, str]:
    told = {"well": field.well, "plate": field.plate, "site": field.site}
    return {key: text for key, text in told.items() if text}


def _fact(container: Container, field: Field, path: Path, here: FileInspection) -> FileInspection:
    """The inspection of one time point. Raises BadImage."""
    info = header_of(container, field, path, here.z, here.t)
    if info.made_here:
        raise BadImage("made by this program, not a microscope image")
    image = read_image_of(container, field, path, here.z, here.t)
    return replace(
        here,
        info=info,
        digest=digest_pixels(image) if here.scene or here.t else "",
        pixels=digest_pixels(image),
        saturated=tuple(_saturated(c) for c in image),
        unusable=tuple(_why_unusable(c) for c in image),
        zero_tail=any(map(_has_zero_tail, image)),
        level=max(float(c.mean(dtype=np.float64)) for c in image),
        floors=tuple(_floor(c) for c in image),
        mask=_is_mask(image[0]) or _is_label_image(image[0]),
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


def _is_label_image(channel: AnyArray) -> bool:
    """Whether the channel (Y, X) holds 0 and areas of one whole number each."""
    if channel.dtype.kind not in "iu" or channel.min() != 0:
        return False
    inside = (channel[:, 1:] != 0) & (channel[:, :-1] != 0)
    pairs = np.count_nonzero(inside)
    if pairs < FEWEST_IN_LABELS * channel.size or pairs > (1 - FEWEST_IN_LABELS) * channel.size:
        return False
    same = np.count_nonzero(inside & (channel[:, 1:] == channel[:, :-1]))
    return bool(same >= MOST_IN_LABELS * pairs)


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
