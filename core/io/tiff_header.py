"""Check a TIFF before its pixels are read: page list, data blocks and OME references.

tifffile reads incomplete files without an error and fills missing planes with zeros. These checks
refuse such files first.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np

from core.errors import BadImage

MAX_BYTES = 1_000_000_000
MAX_PAGES = 512
CUT_HINT = "Copy the file again from the microscope PC, or leave it out."
DAMAGED_HINT = "Export or copy the file again, or leave it out."
UNITS_UM = {
    "µm": 1.0,
    "μm": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "\\u00B5m": 1.0,
    "inch": 25400.0,
    "in": 25400.0,
    "nm": 1e-3,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
    "Å": 1e-4,
}


@dataclass(frozen=True)
class OmeHeader:
    """The parts of an OME-XML text that this program needs."""

    channel_names: tuple[str, ...] = ()
    pixel_size_um: float | None = None
    members: tuple[str, ...] = ()  # names of the other files of the set
    description: str = ""
    warning: str = ""
    pixel_height_um: float | None = None
    usable: bool = True  # False: open as a plain TIFF


def count_pages(path: Path) -> int:
    """Number of pages, counted without tifffile.

    Raises BadImage when the page list is damaged or too long.
    """
    with path.open("rb") as stream:
        head = stream.read(16)
        if len(head) < 8:
            raise BadImage(
                f"{path.name} is cut short: it ends within its header.", CUT_HINT, "cut-short"
            )
        order = "<" if head[:2] == b"II" else ">"
        big = struct.unpack(order + "H", head[2:4])[0] == 43
        if big and len(head) < 16:
            raise BadImage(
                f"{path.name} is cut short: it ends within its header.", CUT_HINT, "cut-short"
            )
        pages = _PageList(order, *(BIG_PAGES if big else CLASSIC_PAGES))
        offset = struct.unpack(order + pages.link, head[8:16] if big else head[4:8])[0]
        seen: set[int] = set()
        while offset:
            if offset in seen:
                raise BadImage(
                    f"{path.name} has a damaged page list: it runs in a circle.",
                    DAMAGED_HINT,
                    "damaged",
                )
            seen.add(offset)
            if len(seen) > MAX_PAGES:
                raise BadImage(
                    f"{path.name} has more than {MAX_PAGES} pages.",
                    "Export one file per field of view.",
                )
            offset = _next_page(stream, pages, offset, path, len(seen))
    if not seen:
        raise BadImage(f"{path.name} holds no image.", DAMAGED_HINT)
    return len(seen)


class _PageList(NamedTuple):
    """How the pages of a file are linked: byte order and formats of numbers."""

    order: str
    entries: str  # format of the number of entries of a page
    entry_bytes: int
    link: str  # format of the offset of the next page


CLASSIC_PAGES = ("H", 12, "I")
BIG_PAGES = ("Q", 20, "Q")


def _next_page(stream: Any, pages: _PageList, offset: int, path: Path, number: int) -> int:
    """Offset of the page after the page at `offset`; 0 after the last page."""
    width, tail = struct.calcsize(pages.entries), struct.calcsize(pages.link)
    size = path.stat().st_size
    cut = BadImage(
        f"{path.name} is cut short: page {number} lies beyond its end.", CUT_HINT, "cut-short"
    )
    if offset + width > size:
        raise cut
    stream.seek(offset)
    entries = struct.unpack(pages.order + pages.entries, stream.read(width))[0]
    end = offset + width + entries * pages.entry_bytes
    if end + tail > size:
        raise cut
    stream.seek(end)
    return int(struct.unpack(pages.order + pages.link, stream.read(tail))[0])


def read_ome(text: str, path: Path, pages: int = 1) -> OmeHeader:
    """Channel names, pixel size and member files of an OME-XML text.

    A file of one page that is described in a companion next to it is read as a plain TIFF; the
    scan reads the companion. Raises BadImage for sizes that are too large, and for members outside
    of the folder.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return OmeHeader(
            warning="The OME text holds entity definitions; channel names were not read.",
            usable=False,
        )
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, RecursionError):
        return OmeHeader(
            warning="The OME text is damaged; channel names were not read.", usable=False
        )
    companion = next((e for e in root.iter() if _local(e.tag) == "BinaryOnly"), None)
    if companion is not None:
        name = companion.get("MetadataFile", "another file")
        simple = "/" not in name and "\\" not in name and name.lower().endswith(".companion.ome")
        if simple and pages == 1 and (path.parent / name).is_file():
            return OmeHeader(usable=False)
        raise BadImage(
            f"{path.name} is one part of a set that is described in {name!r}, which is not read.",
            "Export the images as OME-TIFF with their own description, one file per field.",
            "missing-part",
        )
    pixels = next((e for e in root.iter() if _local(e.tag) == "Pixels"), None)
    if pixels is None:
        return OmeHeader(
            warning="The OME text describes no image; channel names were not read.", usable=False
        )
    _check_declared(pixels, path)
    names = tuple(e.get("Name", "") for e in pixels if _local(e.tag) == "Channel")
    uuids = [e for e in pixels.iter() if _local(e.tag) == "UUID"]
    members = tuple(dict.fromkeys(e.get("FileName") or "" for e in uuids))
    description = next((e.text for e in root.iter() if _local(e.tag) == "Description"), "") or ""
    return OmeHeader(
        names if all(names) else (),
        _ome_pixel_size(pixels, "X"),
        _check_members(members, path),
        description,
        pixel_height_um=_ome_pixel_size(pixels, "Y"),
    )


def _local(tag: object) -> str:
    return str(tag).rsplit("}", 1)[-1]


def _check_declared(pixels: ElementTree.Element, path: Path) -> None:
    try:
        sizes = {axis: int(pixels.get(f"Size{axis}", "1")) for axis in "XYCZT"}
    except ValueError as error:
        raise BadImage(f"{path.name} has damaged OME sizes: {error}.", DAMAGED_HINT) from error
    planes = sizes["C"] * sizes["Z"] * sizes["T"]
    if planes > MAX_PAGES or min(sizes.values()) < 1:
        raise BadImage(
            f"{path.name} declares {planes} planes; the limit is {MAX_PAGES}.",
            DAMAGED_HINT,
            "damaged",
        )
    bytes_of = {"uint8": 1, "int8": 1, "uint16": 2, "int16": 2, "double": 8}
    itemsize = bytes_of.get(pixels.get("Type", ""), 4)
    check_bytes(planes * sizes["X"] * sizes["Y"] * itemsize, path)


def check_bytes(nbytes: int, path: Path) -> None:
    """Raises BadImage for an image that is too large, before memory is allocated."""
    if nbytes > MAX_BYTES:
        raise BadImage(
            f"{path.name} declares {nbytes / 1e9:.1f} GB of pixels; the limit is"
            f" {MAX_BYTES / 1e9:.0f} GB.",
            "Cut it into fields of view, or leave it out.",
        )


def squareness(width: float | None, height: float | None) -> tuple[tuple[str, str], ...]:
    """A note where width and height of a pixel differ."""
    if not width or not height or abs(width / height - 1) <= 0.01:
        return ()
    text = f"A pixel is {width:g} wide and {height:g} high; {width:g} is used."
    return (("pixel-not-square", text),)


def _ome_pixel_size(pixels: ElementTree.Element, axis: str) -> float | None:
    try:
        size = float(pixels.get(f"PhysicalSize{axis}", ""))
    except ValueError:
        return None
    factor = UNITS_UM.get(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
    if factor is None or not np.isfinite(size) or size <= 0:
        return None
    return size * factor


def _check_members(members: tuple[str, ...], path: Path) -> tuple[str, ...]:
    """The other files of a set. Raises BadImage unless they lie in the same folder."""
    others = tuple(m for m in members if m and m != path.name)
    for name in others:
        if "/" in name or "\\" in name or ":" in name or name in (".", ".."):
            raise BadImage(
                f"{path.name} refers to a file outside its folder ({name!r}).",
                "It is not read.",
                "outside-folder",
            )
        member = path.parent / name
        if member.is_symlink() and member.resolve().parent != path.parent.resolve():
            raise BadImage(
                f"{path.name} refers to a file outside its folder ({name!r}).",
                "It is not read.",
                "outside-folder",
            )
        if not member.is_file():
            raise BadImage(
                f"{path.name} is one part of a set and its part {name!r} is missing.",
                "Put the missing file next to it, or leave the set out.",
                "missing-part",
            )
    if others and path.name not in members:
        raise BadImage(
            f"{path.name} holds only metadata of other files ({', '.join(others[:3])}).",
            "Rename the files to the names in their metadata, or export them again.",
            "missing-part",
        )
    return others
