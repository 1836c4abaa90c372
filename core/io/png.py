"""Read grey PNG images; colour PNG files are pictures, not data, and are refused."""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from core.errors import BadImage
from core.io.tiff_header import CUT_HINT, DAMAGED_HINT, check_bytes

SIGNATURE = b"\x89PNG\r\n\x1a\n"
RGB_HINT = "Use the microscope's own grey TIFF files, one grey value per channel."


@dataclass(frozen=True)
class PngHeader:
    """Size and depth of a grey PNG."""

    height: int
    width: int
    dtype: str


def read_png_header(path: Path) -> PngHeader:
    """The header of a PNG. Raises BadImage unless it is a complete 8- or 16-bit grey PNG."""
    with path.open("rb") as stream:
        head = stream.read(33)
        if len(head) < 33 or head[12:16] != b"IHDR":
            raise BadImage(f"{path.name} is cut short: it ends within its header.", CUT_HINT)
        _check_chunks(stream, path)
    width, height, depth, colour = struct.unpack(">IIBB", head[16:26])
    if depth == 1:
        raise BadImage(f"{path.name} is a mask (1 bit per pixel), not an image.", "Leave it out.")
    if colour != 0:
        raise BadImage(
            f"{path.name} is an RGB picture, not raw data: intensities are not comparable.",
            RGB_HINT,
        )
    if depth not in (8, 16):
        raise BadImage(f"{path.name} has {depth} bits per pixel; 8 or 16 are needed.", RGB_HINT)
    check_bytes(width * height * depth // 8, path)
    return PngHeader(height, width, "uint8" if depth == 8 else "uint16")


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


def read_png(path: Path) -> NDArray[Any]:
    """(Y, X) grey values of a PNG. Raises BadImage for a file that cannot be used."""
    header = read_png_header(path)
    data = path.read_bytes()
    _check_rows(data, header, path)
    image = np.asarray(imagecodecs.png_decode(data))
    if image.shape != (header.height, header.width):
        raise BadImage(
            f"{path.name} is damaged: its pixels do not fill its declared size.", DAMAGED_HINT
        )
    return image


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
    needed = header.height * (1 + header.width * np.dtype(header.dtype).itemsize)
    stored = len(zlib.decompressobj().decompress(b"".join(packed), needed + 1))
    if stored != needed:
        raise BadImage(
            f"{path.name} declares {header.width} x {header.height} pixels ({needed} bytes), and"
            f" {'more' if stored > needed else stored} are stored.",
            DAMAGED_HINT,
            "damaged",
        )
