"""Healthy TIFF and PNG files of many kinds, and the ways in which they are damaged."""

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

SIDE, CHANNELS = 48, 2
Image = NDArray[np.uint16]
ROWS = 16
GREY: dict[str, Any] = {"photometric": "minisblack", "rowsperstrip": ROWS}
WRITERS: dict[str, dict[str, Any]] = {
    "plain": GREY,
    "imagej": {"imagej": True, "metadata": {"axes": "CYX"}},
    "ome": {**GREY, "ome": True, "metadata": {"axes": "CYX"}},
    "deflate": {**GREY, "compression": "zlib"},
    "lzw": {**GREY, "compression": "lzw"},
    "zstd": {**GREY, "compression": "zstd", "predictor": True},
    "packbits": {**GREY, "compression": "packbits"},
    "tiled": {"photometric": "minisblack", "tile": (16, 16)},
    "tiled deflate": {"photometric": "minisblack", "tile": (16, 16), "compression": "zlib"},
    "big": {**GREY, "bigtiff": True},
    "big endian": {**GREY, "byteorder": ">"},
}
PNG = "png"


@dataclass(frozen=True)
class Healthy:
    """A file as it should be: its kind, its bytes and its pixels (C, Y, X)."""

    kind: str
    data: bytes
    pixels: Image

    @property
    def compressed(self) -> bool:
        """Whether its pixels are packed."""
        return "compression" in WRITERS.get(self.kind, {}) or self.kind == PNG


def healthy(kind: str, seed: int) -> Healthy:
    """A file of noise and a bright spot; another for every seed."""
    rng = np.random.default_rng(seed)
    channels = 1 if kind == PNG else CHANNELS
    pixels = rng.integers(100, 900, (channels, SIDE, SIDE)).astype(np.uint16)
    pixels[:, 10:20, 10:20] += 2000
    stream = BytesIO()
    if kind == PNG:
        return Healthy(kind, bytes(imagecodecs.png_encode(pixels[0])), pixels)
    tifffile.imwrite(stream, pixels, **WRITERS[kind])
    return Healthy(kind, stream.getvalue(), pixels)


def damaged(file: Healthy, flavour: str, chance: random.Random) -> bytes:
    """The bytes of the file with this damage; other bytes than before."""
    data = bytearray(file.data)
    FLAVOURS[flavour](data, file, chance)
    return bytes(data)


def flavours_of(kind: str) -> tuple[str, ...]:
    """The damage that this kind of file can have."""
    if kind == PNG:
        return ("cut", "empty", "text", "zero tail", "header", "data", "png sizes")
    packed = kind in ("deflate", "lzw", "zstd", "packbits", "tiled deflate")
    several = kind not in ("imagej",)
    return tuple(
        flavour
        for flavour in FLAVOURS
        if flavour != "png sizes"
        and (flavour != "pixels" or not packed)
        and (flavour != "data" or packed)
        and (several or flavour not in ("overlap", "last block"))
    )


def _flip(data: bytearray, start: int, end: int, chance: random.Random) -> None:
    """One to four other bits between two places."""
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(start, max(start + 1, min(end, len(data))))
        data[place] ^= 1 << chance.randrange(8)


def _tags(data: bytearray) -> dict[str, Any]:
    """The tags of a page of an undamaged file."""
    with tifffile.TiffFile(BytesIO(bytes(data))) as tiff:
        return {tag.name: tag for tag in tiff.pages.first.tags}


def _blocks(data: bytearray) -> list[tuple[int, int]]:
    """Begin and length of all blocks of pixels."""
    with tifffile.TiffFile(BytesIO(bytes(data))) as tiff:
        pages = list(tiff.pages)
        return [
            (int(o), int(c))
            for page in pages
            for o, c in zip(page.dataoffsets, page.databytecounts, strict=True)
        ]


def _set(data: bytearray, tag: Any, value: int, index: int = 0) -> None:
    """Write a number into a tag."""
    order = ">" if data[:2] == b"MM" else "<"
    form = {1: "B", 3: "H", 4: "I", 16: "Q"}[int(tag.dtype)]
    value &= 256 ** struct.calcsize(form) - 1
    struct.pack_into(order + form, data, tag.valueoffset + index * struct.calcsize(form), value)


def _of_blocks(data: bytearray, what: str) -> Any:
    tags = _tags(data)
    return tags.get(f"Strip{what}") or tags[f"Tile{what}"]


def _cut(data: bytearray, file: Healthy, chance: random.Random) -> None:
    del data[chance.randrange(1, len(data)) :]


def _empty(data: bytearray, file: Healthy, chance: random.Random) -> None:
    data.clear()


def _text(data: bytearray, file: Healthy, chance: random.Random) -> None:
    data[:] = b"well,condition\n" * chance.randint(1, 50)


def _zero_tail(data: bytearray, file: Healthy, chance: random.Random) -> None:
    count = chance.randrange(8, len(data) // 2)
    data[-count:] = bytes(count)


def _header(data: bytearray, file: Healthy, chance: random.Random) -> None:
    _flip(data, 0, 33 if file.kind == PNG else 16, chance)


def _directory(data: bytearray, file: Healthy, chance: random.Random) -> None:
    tags = list(_tags(data).values())
    start = min(tag.offset for tag in tags) - 2
    _flip(data, start, max(tag.offset for tag in tags) + 16, chance)


def _data(data: bytearray, file: Healthy, chance: random.Random) -> None:
    if file.kind == PNG:
        return _flip(data, 41, len(data) - 12, chance)
    start, count = chance.choice(_blocks(data))
    return _flip(data, start, start + count, chance)


def _offset_outside(data: bytearray, file: Healthy, chance: random.Random) -> None:
    tag = _of_blocks(data, "Offsets")
    value = chance.choice([0, 2, len(data) - 3, len(data) + 5, 2**31])
    _set(data, tag, value, chance.randrange(tag.count))


def _overlap(data: bytearray, file: Healthy, chance: random.Random) -> None:
    """A block that is read from the place of another one."""
    tag = _of_blocks(data, "Offsets")
    first, second = chance.sample(range(tag.count), 2)
    _set(data, tag, int(tag.value[first]) + chance.choice([0, 1, 7]), second)


def _byte_count(data: bytearray, file: Healthy, chance: random.Random) -> None:
    tag = _of_blocks(data, "ByteCounts")
    index = chance.randrange(tag.count)
    value = tag.value[index] if tag.count > 1 else tag.value[0]
    wrong = chance.choice([0, 1, int(value) // 2, int(value) - 1, int(value) * 2, 2**31])
    _set(data, tag, wrong, index)


def _bits(data: bytearray, file: Healthy, chance: random.Random) -> None:
    _set(data, _tags(data)["BitsPerSample"], chance.choice([1, 4, 8, 10, 12, 14, 24, 32, 64]))


def _last_block(data: bytearray, file: Healthy, chance: random.Random) -> None:
    """The last block of pixels was never written."""
    start, count = max(_blocks(data))
    data[start : start + count] = bytes(count)


def _sizes(data: bytearray, file: Healthy, chance: random.Random) -> None:
    tag = _tags(data)[chance.choice(["ImageWidth", "ImageLength"])]
    _set(data, tag, chance.choice([1, 15, 16, 24, 32, 40, 47, 49, 64, 96]))


def _huge(data: bytearray, file: Healthy, chance: random.Random) -> None:
    tag = _tags(data)[chance.choice(["ImageWidth", "ImageLength"])]
    _set(data, tag, chance.choice([60_000, 65_535, 2_000_000_000]))


def _byte_order(data: bytearray, file: Healthy, chance: random.Random) -> None:
    data[:2] = b"MM" if data[:2] == b"II" else b"II"


def _rows(data: bytearray, file: Healthy, chance: random.Random) -> None:
    tags = _tags(data)
    tag = tags.get("RowsPerStrip") or tags[chance.choice(["TileWidth", "TileLength"])]
    _set(data, tag, chance.choice([1, 8, 15, 17, 32, 64, 48, 2000]))


def _codec(data: bytearray, file: Healthy, chance: random.Random) -> None:
    _set(data, _tags(data)["Compression"], chance.choice([1, 5, 8, 32773, 50000, 7, 2]))


def _samples(data: bytearray, file: Healthy, chance: random.Random) -> None:
    _set(data, _tags(data)["SamplesPerPixel"], chance.choice([2, 3, 4]))


def _png_sizes(data: bytearray, file: Healthy, chance: random.Random) -> None:
    """Other sizes, with a right checksum."""
    place = chance.choice([16, 20])
    struct.pack_into(">I", data, place, chance.choice([1, 24, 47, 49, 96, 60_000]))
    struct.pack_into(">I", data, 29, imagecodecs.deflate_crc32(bytes(data[12:29])))


def _pixels(data: bytearray, file: Healthy, chance: random.Random) -> None:
    start, count = chance.choice(_blocks(data))
    _flip(data, start, start + count, chance)


FLAVOURS: dict[str, Callable[[bytearray, Healthy, random.Random], None]] = {
    "cut": _cut,
    "empty": _empty,
    "text": _text,
    "zero tail": _zero_tail,
    "header": _header,
    "directory": _directory,
    "data": _data,
    "offset outside": _offset_outside,
    "overlap": _overlap,
    "byte count": _byte_count,
    "bits": _bits,
    "last block": _last_block,
    "sizes": _sizes,
    "huge sizes": _huge,
    "byte order": _byte_order,
    "rows": _rows,
    "codec": _codec,
    "samples": _samples,
    "png sizes": _png_sizes,
    "pixels": _pixels,
}
