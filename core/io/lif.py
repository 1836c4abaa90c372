"""Read the LIF and LOF files of Leica: one field for each image of the file."""

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from core.domain import AnyArray
from core.errors import BadImage
from core.io.fields import Field, refuse_axes, require, usable_fields
from core.io.one_colour import RGB_HINT
from core.io.tiff_header import CUT_HINT, DAMAGED_HINT, UNITS_UM

MAGIC = 0x70
READ = frozenset("TZCYX")
DESCRIPTION = "./Data/Image/ImageDescription"


@contextmanager
def open_lif(path: Path) -> Iterator["_Lif"]:
    """A LIF or LOF file. Raises BadImage for colour pictures and other kinds of images."""
    require("liffile", path)
    _check_header(path)
    from liffile import LifFile

    with LifFile(path, squeeze=False) as stored:
        yield _Lif(stored, path)


def _check_header(path: Path) -> None:
    """Raises BadImage for entities in the description, and for one that is cut off."""
    with path.open("rb") as stream:
        head = stream.read(13)
        if len(head) < 13 or struct.unpack("<I", head[:4])[0] != MAGIC:
            raise BadImage(f"{path.name} is not a file of Leica.", DAMAGED_HINT, "damaged")
        length = 2 * struct.unpack("<I", head[9:])[0]
        if length > path.stat().st_size:
            raise BadImage(f"{path.name} is cut short within its header.", CUT_HINT, "cut-short")
        text = stream.read(length)
        text += stream.read(1_000_000) if path.suffix.lower() == ".lof" else b""
    if any(word.encode("utf-16-le") in text for word in ("<!DOCTYPE", "<!ENTITY")):
        raise BadImage(f"{path.name} holds entity definitions.", "It is not read.", "damaged")


class _Lif:
    """The images of an open file."""

    fields: Sequence[Field]
    refused: Sequence[tuple[str, BadImage]]

    def __init__(self, stored: Any, path: Path) -> None:
        self._path = path
        _name_apart(stored.xml_element)
        self._images = list(stored.images)
        if not self._images:
            raise BadImage(f"{path.name} holds no image.", DAMAGED_HINT, "damaged")
        several = len(self._images) > 1
        self.fields, self.refused = usable_fields(
            (image.path, partial(self._field, n, image, several))
            for n, image in enumerate(self._images)
        )

    def _field(self, number: int, image: Any, several: bool) -> Field:
        sizes = {axis: int(size) for axis, size in image.sizes.items() if size > 1}
        where = f"{self._path.name} ({image.path})"
        if image.is_flim or sizes.get("S", 3) != 3:
            raise BadImage(f"{where} is not a grey image.", RGB_HINT, "rgb")
        colour = sizes.pop("S", 1) == 3
        refuse_axes("".join(set(sizes) - READ), where)
        block = image.memory_block
        needed = int(np.prod(image.shape)) * image.dtype.itemsize
        if block.offset + needed > self._path.stat().st_size:
            raise BadImage(f"{where} is cut short: pixels are missing.", CUT_HINT, "cut-short")
        if block.size < needed:
            raise BadImage(
                f"{where} declares {needed} bytes and holds {block.size}.", DAMAGED_HINT, "damaged"
            )
        return Field(
            str(number) if several else "",
            image.path if several else "",
            sizes,
            str(image.dtype),
            _channel_names(image),
            _pixel_size(image, 1),
            _pixel_size(image, 2),
            colour=colour,
        )

    def plane(self, field: Field, t: int, z: int, c: int) -> AnyArray:
        """(Y, X) grey values, or (3, Y, X) of a colour field."""
        image = self._images[int(field.scene or 0)]
        at = {"T": t, "Z": z, "C": c}
        indices = {axis: at[axis] for axis in image.sizes if axis in at}
        plane = np.squeeze(np.asarray(image.frame(**indices)))
        return np.moveaxis(plane, -1, 0) if field.colour else plane


def _name_apart(xml: ElementTree.Element) -> None:
    """Number images of one name; the library would keep only the last of them."""
    for parent in xml.iter():
        seen: Counter[str] = Counter()
        for element in parent.findall("Element"):
            name = element.get("Name", "")
            seen[name] += 1
            if seen[name] > 1:
                element.set("Name", f"{name} ({seen[name]})")


def _channel_names(image: Any) -> tuple[str, ...]:
    """The stains, or else the colours of the channels where they differ."""
    xml = image.xml_element
    dyes = [
        element.get("Value", "")
        for element in xml.iterfind(f"{DESCRIPTION}/Channels/ChannelDescription/ChannelProperty")
        if element.get("Key") == "DyeName"
    ]
    channels = xml.findall(f"{DESCRIPTION}/Channels/ChannelDescription")
    for names in (dyes, [channel.get("LUTName", "") for channel in channels]):
        if len(names) == len(channels) and all(names) and len(set(names)) == len(names):
            return tuple(names)
    return ()


def _pixel_size(image: Any, dimension: int) -> float | None:
    """Size of a pixel in µm along X (1) or Y (2): length over the steps between pixels."""
    for element in image.xml_element.iterfind(f"{DESCRIPTION}/Dimensions/DimensionDescription"):
        if element.get("DimID") == str(dimension):
            count = int(element.get("NumberOfElements", "1"))
            factor = UNITS_UM.get(element.get("Unit", ""))
            length = abs(float(element.get("Length", "0")))
            if factor and length and count > 1:
                return length * factor / (count - 1)
    return None
