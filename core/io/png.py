"""Read grey PNG images, and colour PNG pictures of one stain; others are refused."""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np

from core.domain import AnyArray
from core.errors import BadImage
from core.io.one_colour import ALPHA, ONE_COLOUR, RGB_HINT, one_value, several_colours
from core.io.tiff_header import CUT_HINT, DAMAGED_HINT, check_bytes

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # kind of colour -> values for each pixel
PALETTE = 3


@dataclass(frozen=True)
class PngHeader:
    """Size and depth of a PNG, and how many values are stored for each pixel."""

    height: int
    width: int
    dtype: str
    samples: int


def read_png_header(path: Path) -> PngHeader:
    """The header of a PNG. Raises BadImage unless it is a complete PNG of 8 or 16 bits."""
    with path.open("rb") as stream:
        head = stream.read(33)
        if len(head) < 33 or head[12:16] != b"IHDR":
            raise BadImage(f"{path.name} is cut short: it ends within its header.", CUT_HINT)
        _check_chunks(stream, path)
    width, height, depth, colour = struct.unpack(">IIBB", head[16:26])
    if depth == 1 and colour != PALETTE:
        raise BadImage(f"{path.name} is a mask (1 bit per pixel), not an image.", "Leave it out.")
    if depth not in (8, 16) or colour not in SAMPLES:
        raise BadImage(f"{path.name} has {depth} bits per pixel; 8 or 16 are needed.", RGB_HINT)
    decoded = 4 if colour == PALETTE else SAMPLES[colour]
    check_bytes(width * height * decoded * depth // 8, path)
    return PngHeader(height, width, "uint8" if depth == 8 else "uint16", SAMPLES[colour])


def _check_chunks(stream: Any, path: Path) -> None:
    """Raises BadImage for a PNG without end mark: decoders may fill missing pixels with zeros."""
    size, position = path.stat().st_size, 8
    while position + 12 <= size:
        stream.seek(position)
        length, kind = struct.unpack(">I4s", stream.read(8))
        position += 12 + length
        if kind == b"IEND" and position <= size:
            return
    raise BadImage(f"{path.name} is cut short: the end of the picture is missing.", CUT_HINT)


def read_png(path: Path) -> tuple[AnyArray, tuple[tuple[str, str], ...]]:
    """(1, Y, X) grey values of a PNG, and warnings with their kind.

    Raises BadImage for a file that cannot be used, and for pictures of several colours.
    """
    header = read_png_header(path)
    data = path.read_bytes()
    _check_rows(data, header, path)
    pixels = np.asarray(imagecodecs.png_decode(data))
    if pixels.shape[:2] != (header.height, header.width):
        raise BadImage(
            f"{path.name} is damaged: its pixels do not fill its declared size.", DAMAGED_HINT
        )
    image = pixels.reshape(header.height, header.width, -1).transpose(2, 0, 1)
    notes: tuple[tuple[str, str], ...] = ()
    if len(image) in (2, 4):
        image, notes = image[:-1], (ALPHA,)
    if len(image) > 1:
        value = one_value(image)
        if value is None:
            raise several_colours(path.name)
        image, notes = value, (*notes, ONE_COLOUR)
    return np.ascontiguousarray(image), notes


def _check_rows(data: bytes, header: PngHeader, path: Path) -> None:
    """Raises BadImage where more or fewer rows are packed than declared; decoders stay silent."""
    if data[28]:  # interlaced: rows come in seven passes
        return
    packed, position = [], 8
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"IDAT":
            packed.append(data[position + 8 : position + 8 + length])
        position += 12 + length
    row = header.width * header.samples * np.dtype(header.dtype).itemsize
    needed = header.height * (1 + row)
    stored = len(zlib.decompressobj().decompress(b"".join(packed), needed + 1))
    if stored != needed:
        raise BadImage(
            f"{path.name} declares {header.width} x {header.height} pixels ({needed} bytes), and"
            f" {'more' if stored > needed else stored} are stored.",
            DAMAGED_HINT,
            "damaged",
        )
