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
        _check_sizes(page, len(pages), path, number)
    if any(begin < end for p in taken.values() for (_, end), (begin, _) in pairwise(sorted(p))):
        raise BadImage(
            f"{path.name} has a damaged header: blocks of pixels overlap or lie in the header.",
            DAMAGED_HINT,
            "damaged",
        )


def _check_sizes(page: Any, pages: int, path: Path, number: int) -> None:
    """Raises BadImage where blocks hold more or fewer bytes than rows, columns and bits need."""
    key, counts = page.keyframe, page.databytecounts
    if key.compression == UNCOMPRESSED:
        stored = dict(enumerate(counts))
        if len(counts) == 1 and counts[0] == pages * key.nbytes:
            return  # one block for all pages
    elif key.compression in LOSSLESS and key is page:
        stored = {n: _unpacked(page, n) for n in {0, len(counts) - 1, *_before_gaps(page)}}
    else:
        return
    for index, count in stored.items():
        needed, padded = _block_bytes(key, index)
        if count not in (needed, padded):
            raise BadImage(
                f"{path.name} declares {needed} bytes for a block of page {number}"
                f" ({key.bitspersample} bits per pixel), and {count} are stored.",
                DAMAGED_HINT,
                "damaged",
            )


def _block_bytes(key: Any, index: int) -> tuple[int, int]:
    """Bytes of a block: with the rows that are left, and with all rows of a block."""
    samples = key.samplesperpixel if key.planarconfig == 1 else 1
    if key.is_tiled:
        size = key.tilelength * -(-key.tilewidth * samples * key.bitspersample // 8)
        return size, size
    row = -(-key.imagewidth * samples * key.bitspersample // 8)
    rows = min(key.rowsperstrip, key.imagelength)
    left = key.imagelength - index % -(-key.imagelength // rows) * rows
    return row * min(rows, left), row * rows


def _before_gaps(page: Any) -> list[int]:
    """Blocks that do not end where the next one begins: their byte counts may be wrong."""
    places = sorted(zip(page.dataoffsets, page.databytecounts, range(len(page.dataoffsets))))
    return [n for (o, c, n), (start, _, _) in pairwise(places) if o + c != start]


def _unpacked(page: Any, index: int) -> int:
    """Bytes of an unpacked block, or one more than a whole block has."""
    key, data = page.keyframe, page.parent.filehandle
    data.seek(page.dataoffsets[index])
    packed = data.read(page.databytecounts[index])
    if key.compression == LZW:
        packed += PROBE  # what follows the end mark is not read; without the mark it is
    most = _block_bytes(key, index)[1] + 1
    return len(tifffile.TIFF.DECOMPRESSORS[key.compression](packed, out=most))


def zero_tail(pages: Sequence[Any], image: AnyArray) -> tuple[tuple[str, str], ...]:
    """A note where the file ends in zeros that its pixels do not have elsewhere: a cut copy."""
    key = pages[0].keyframe
    if key.compression != UNCOMPRESSED or image.size == 0:
        return ()
    blocks = sorted(
        (o, c)
        for page in pages
        for o, c in zip(page.dataoffsets, page.databytecounts, strict=False)
        if c
    )
    tail, data = 0, pages[0].parent.filehandle
    if len({page.parent.filehandle.path for page in pages}) > 1:
        return ()
    for offset, count in reversed(blocks):
        data.seek(offset)
        block = np.frombuffer(data.read(count), np.uint8)
        filled = np.flatnonzero(block)
        tail += count if not len(filled) else count - 1 - int(filled[-1])
        if len(filled):
            break
    pixels = tail // key.dtype.itemsize
    zeros = image.size - int(np.count_nonzero(image))
    elsewhere = zeros - pixels
    few = elsewhere <= 0 or (pixels > MIN_TAIL and elsewhere < MAX_ZEROS * image.size)
    if not pixels or not few or zeros == image.size:
        return ()
    return (("zero-tail", f"The last {pixels} pixels are zeros: was its copy interrupted?"),)
