"""Check where a TIFF keeps its pixels: every block is there, at its place, and of its size."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from core.domain import AnyArray
from core.errors import BadImage
from core.io.tiff_header import CUT_HINT, DAMAGED_HINT

UNCOMPRESSED, LZW = 1, 5
PROBE = b"\x55\xaa\x55"
MIN_TAIL = 64  # pixels
MAX_ZEROS = 0.01  # share of zeros elsewhere
LOSSLESS = frozenset({5, 8, 32773, 32946, 34925, 50000})  # LZW, Deflate, PackBits, LZMA, Zstd


def check_blocks(page: Any, path: Path, number: int) -> None:
    """Raises BadImage where strips or tiles of a page are missing or incomplete."""
    offsets, counts = page.dataoffsets, page.databytecounts
    size = page.parent.filehandle.size
    missing = sum(1 for o, c in zip(offsets, counts, strict=False) if o == 0 or c == 0)
    beyond = sum(1 for o, c in zip(offsets, counts, strict=False) if o + c > size)
    if not offsets or len(offsets) != len(counts):
        raise BadImage(
            f"{path.name} has a damaged header: page {number} does not say where its data is.",
            DAMAGED_HINT,
            "damaged",
        )
    if missing or beyond:
        share = f"{missing + beyond} of {len(offsets)} blocks of page {number}"
        raise BadImage(f"{path.name} is cut short: {share} are missing.", CUT_HINT, "cut-short")
    key = page.keyframe
    whole_bytes = key.bitspersample in (8, 16, 32, 64) and not key.is_tiled
    if key.compression == UNCOMPRESSED and whole_bytes and sum(counts) < key.nbytes:
        raise BadImage(
            f"{path.name} is cut short: {sum(counts)} of {key.nbytes} bytes on page {number}.",
            CUT_HINT,
            "cut-short",
        )


def check_layout(pages: Sequence[Any], path: Path) -> None:
    """Raises BadImage where blocks are too few or too many, overlap, or lie in the header."""
    taken: dict[str, list[tuple[int, int]]] = {}  # of each file of a set
    for number, page in enumerate(pages, start=1):
        needed = int(np.prod(page.keyframe.chunked))
        tag = getattr(page, "tags", {}).get(324 if page.keyframe.is_tiled else 273)
        stored = tag.count if tag is not None else len(page.dataoffsets)
        if stored != needed:
            raise BadImage(
                f"{path.name} has a damaged header: page {number} holds {stored} blocks and needs"
                f" {needed}.",
                DAMAGED_HINT,
                "damaged",
            )
        places = taken.setdefault(page.parent.filehandle.path, [(0, 8)])
        if tag is not None:
            entry = 20 if page.parent.is_bigtiff else 12
            places.append((page.offset, page.offset + entry * len(page.tags)))
        places += [
            (o, o + c) for o, c in zip(page.dataoffsets, page.databytecounts, strict=False) if c
        ]
        _check_sizes(page, path, number)
    if any(begin < end for p in taken.values() for (_, end), (begin, _) in pairwise(sorted(p))):
        raise BadImage(
            f"{path.name} has a damaged header: blocks of pixels overlap or lie in the header.",
            DAMAGED_HINT,
            "damaged",
        )


def _check_sizes(page: Any, path: Path, number: int) -> None:
    """Raises BadImage where blocks hold more or fewer bytes than rows, columns and bits need."""
    key, counts = page.keyframe, page.databytecounts
    if key.compression == UNCOMPRESSED:
        stored = dict(enumerate(counts))
    elif key.compression in LOSSLESS and key is page:
        stored = {n: _unpacked(page, n) for n in {0, len(counts) - 1, *_before_gaps(page)}}
    else:
        return
    for index, count in stored.items():
        needed = _block_bytes(key, index)
        if count != needed:
            found = "more" if count > needed else count
            raise BadImage(
                f"{path.name} declares {key.bitspersample} bits per pixel: {needed} bytes in a"
                f" block of page {number}, and {found} are stored.",
                DAMAGED_HINT,
                "damaged",
            )


def _block_bytes(key: Any, index: int) -> int:
    """Bytes of an unpacked block; the last one holds the rows that are left."""
    samples = key.samplesperpixel if key.planarconfig == 1 else 1
    if key.is_tiled:
        return int(key.tilelength * -(-key.tilewidth * samples * key.bitspersample // 8))
    row = -(-key.imagewidth * samples * key.bitspersample // 8)
    rows = min(key.rowsperstrip, key.imagelength)
    left = key.imagelength - index % -(-key.imagelength // rows) * rows
    return int(row * min(rows, left))


def _before_gaps(page: Any) -> list[int]:
    """Blocks that do not end where the next one begins: their byte counts may be wrong."""
    places = sorted(zip(page.dataoffsets, page.databytecounts, range(len(page.dataoffsets))))
    return [n for (o, c, n), (start, _, _) in pairwise(places) if o + c != start]


def _unpacked(page: Any, index: int) -> int:
    """Bytes of an unpacked block, or one more than it needs."""
    key, data = page.keyframe, page.parent.filehandle
    data.seek(page.dataoffsets[index])
    packed = data.read(page.databytecounts[index])
    if key.compression == LZW:
        packed += PROBE  # what follows the end mark is not read; without the mark it is
    most = _block_bytes(key, index) + 1
    try:
        return len(tifffile.TIFF.DECOMPRESSORS[key.compression](packed, out=most))
    except RuntimeError:  # of a codec whose output is full, or whose input is damaged
        return most


def zero_tail(series: Any, image: AnyArray) -> tuple[tuple[str, str], ...]:
    """A note where the file ends in zeros that its pixels do not have elsewhere: a cut copy."""
    key, pages = series.keyframe, [page for page in series._pages if page is not None]
    one_file = len({page.parent.filehandle.path for page in pages}) == 1
    if key.compression != UNCOMPRESSED or not one_file:
        return ()
    pixels = _zeros_at_the_end(series, pages) // key.dtype.itemsize
    zeros = image.size - int(np.count_nonzero(image))
    elsewhere = zeros - pixels
    few = elsewhere <= 0 or (pixels > MIN_TAIL and elsewhere < MAX_ZEROS * image.size)
    if not pixels or not few or zeros == image.size:
        return ()
    return (("zero-tail", f"The last {pixels} pixels are zeros: was its copy interrupted?"),)


def _zeros_at_the_end(series: Any, pages: Sequence[Any]) -> int:
    """Bytes that are zero at the end of the last blocks in the file."""
    blocks = sorted(
        place for p in pages for place in zip(p.dataoffsets, p.databytecounts, strict=False)
    )
    if series.dataoffset is not None:
        blocks = [(series.dataoffset, series.nbytes)]
    tail, data = 0, series.keyframe.parent.filehandle
    for offset, count in reversed(blocks):
        data.seek(offset)
        filled = np.flatnonzero(np.frombuffer(data.read(count), np.uint8))
        tail += count - 1 - int(filled[-1]) if len(filled) else count
        if len(filled):
            break
    return tail
