"""Read the CZI files of ZEN: scenes, mosaics, channel names and pixel size."""

import re
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import imagecodecs
import numpy as np

from core.domain import AnyArray
from core.errors import BadImage, BadTable
from core.io.fields import Field, missing_part, refuse_axes, require, safe_xml, usable_fields
from core.io.one_colour import RGB_HINT
from core.io.tiff_header import DAMAGED_HINT, check_bytes
from core.io.well_names import normalise_well

MAX_BLOCKS = 1_000_000
TYPES = {"u1": "uint8", "u2": "uint16", "f4": "float32"}

Place = tuple[int, int, int]  # T Z C


@contextmanager
def open_czi(path: Path) -> Iterator["_Czi"]:
    """A CZI file. Raises BadImage for a file of several parts and for colour pictures."""
    require("czifile", path)
    from czifile import CziFile

    with CziFile(path, multifile=False) as stored:
        if stored.header.file_part or stored.header.primary_file_guid not in (
            stored.header.file_guid,
            uuid.UUID(int=0),
        ):
            raise missing_part(path, "it is one part of a set of several CZI files")
        if stored.header.update_pending:
            raise BadImage(
                f"{path.name} was not closed: its list of images is old.",
                "Open and save it in ZEN.",
                "damaged",
            )
        yield _Czi(stored, path)


class _Czi:
    """The blocks of an open file by scene, time, plane and channel; blocks of pyramids are left."""

    fields: Sequence[Field]
    refused: Sequence[tuple[str, BadImage]]

    def __init__(self, stored: Any, path: Path) -> None:
        self._path = path
        text = stored.metadata()
        self._about = safe_xml(text, path) if text else ElementTree.Element("none")
        self._blocks: dict[str, dict[Place, list[Any]]] = defaultdict(lambda: defaultdict(list))
        if len(stored.subblock_directory) > MAX_BLOCKS:
            raise BadImage(f"{path.name} has more than {MAX_BLOCKS} parts.", "Divide the file.")
        for block in stored.subblock_directory:
            if block.shape == block.stored_shape and block.pyramid_type == 0:
                scene, place = self._where(block)
                self._blocks[scene][place].append(block)
        if not self._blocks:
            raise BadImage(f"{path.name} holds no image.", DAMAGED_HINT, "damaged")
        scenes = sorted(self._blocks, key=int)
        several = len(scenes) > 1
        self.fields, self.refused = usable_fields(
            (self._scene(scene)[0], partial(self._field, scene, several)) for scene in scenes
        )

    def _where(self, block: Any) -> tuple[str, Place]:
        """Scene and place of a block. Raises BadImage for what is not a grey plane of a field."""
        starts = {d.dimension: d.start for d in block.dimension_entries}
        sizes = {d.dimension: d.size for d in block.dimension_entries}
        if (
            not isinstance(block.dtype, str)
            or block.dtype[-2:] not in TYPES
            or block.shape[-1] not in (1, 3)
        ):
            raise BadImage(f"{self._path.name} is a colour picture, not raw data.", RGB_HINT, "rgb")
        long = [a for a, n in sizes.items() if n > 1 and a not in "XYM"]
        other = [a for a, n in starts.items() if n > 0 and a not in "XYMSTZC"]
        refuse_axes(", ".join([*long, *other]), self._path.name)
        return str(starts.get("S", 0)), (
            starts.get("T", 0),
            starts.get("Z", 0),
            starts.get("C", 0),
        )

    def _field(self, scene: str, several: bool) -> Field:
        blocks = self._blocks[scene]
        places = [sorted({place[n] for place in blocks}) for n in range(3)]
        wanted = {(t, z, c) for t in places[0] for z in places[1] for c in places[2]}
        if missing := len(wanted - set(blocks)):
            raise missing_part(self._path, f"{missing} of {len(wanted)} planes are missing")
        _, _, height, width = _extent(self._all(scene))
        sizes = dict(zip("TZC", map(len, places), strict=True)) | {"Y": height, "X": width}
        dtypes = {block.dtype[-2:] for block in self._all(scene)}
        samples = {block.shape[-1] for block in self._all(scene)}
        if len(dtypes) > 1 or len(samples) > 1:
            raise BadImage(f"{self._path.name} mixes bit depths.", DAMAGED_HINT, "mixed-depth")
        names = self._channel_names()
        chosen = tuple(names.get(c, "") for c in places[2])
        name, well = self._scene(scene)
        return Field(
            scene if several else "",
            name if several else "",
            sizes,
            TYPES[dtypes.pop()],
            chosen if all(chosen) else (),
            self._distance("X"),
            self._distance("Y"),
            well=well,
            site=scene if well else "",
            colour=samples == {3},
        )

    def _all(self, scene: str) -> list[Any]:
        return [block for blocks in self._blocks[scene].values() for block in blocks]

    def _channel_names(self) -> dict[int, str]:
        channels = self._about.findall(".//Information/Image/Dimensions/Channels/Channel")
        names = {}
        for position, channel in enumerate(channels):
            number = re.fullmatch(r"Channel:(\d+)", channel.get("Id", ""))
            index = int(number.group(1)) if number else position
            names[index] = channel.get("Name") or ""
        return names

    def _distance(self, axis: str) -> float | None:
        """Size of a pixel in µm; the file states it in m."""
        found = self._about.find(f".//Scaling/Items/Distance[@Id='{axis}']/Value")
        try:
            size = float(found.text or "") * 1e6 if found is not None else 0.0
        except ValueError:
            return None
        return size if np.isfinite(size) and size > 0 else None

    def _scene(self, scene: str) -> tuple[str, str]:
        """Name and well of a scene."""
        for element in self._about.findall(".//Information/Image/Dimensions/S/Scenes/Scene"):
            if element.get("Index") != scene:
                continue
            name = element.get("Name") or f"scene {int(scene) + 1}"
            shape = element.find("Shape")
            array = element.findtext("ArrayName") or (
                shape.get("Name") if shape is not None else ""
            )
            try:
                return name, normalise_well(array or "")
            except BadTable:
                return name, ""
        return f"scene {int(scene) + 1}", ""

    def plane(self, field: Field, t: int, z: int, c: int) -> AnyArray:
        """(Y, X) grey values, or (3, Y, X) of a colour field; tiles of a mosaic at their places."""
        scene = field.scene or next(iter(self._blocks))
        blocks = self._blocks[scene]
        places = [sorted({place[n] for place in blocks}) for n in range(3)]
        place = (places[0][t], places[1][z], places[2][c])
        top, left, height, width = _extent(self._all(scene))
        samples = (3,) if field.colour else ()
        nbytes = height * width * int(np.prod(samples)) * np.dtype(field.dtype).itemsize
        check_bytes(nbytes, self._path)
        image = np.zeros((height, width, *samples), field.dtype)
        filled = np.zeros((height, width), np.bool_)
        for block in sorted(blocks[place], key=lambda b: b.mosaic_index or 0):
            starts = _starts(block)
            y, x = starts["Y"] - top, starts["X"] - left
            tile = _pixels(block, field.dtype, self._path)
            image[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
            filled[y : y + tile.shape[0], x : x + tile.shape[1]] = True
        if not filled.all():
            share = 100 - 100 * np.count_nonzero(filled) / filled.size
            what = f"its mosaic does not cover {share:.0f} % of the picture, which would be zeros"
            raise missing_part(self._path, what)
        return np.moveaxis(image, -1, 0) if samples else image


def _starts(block: Any) -> Mapping[str, int]:
    return {d.dimension: int(d.start) for d in block.dimension_entries}


def _extent(blocks: Sequence[Any]) -> tuple[int, int, int, int]:
    """Top, left, height and width of all blocks."""
    sizes = [{d.dimension: int(d.size) for d in b.dimension_entries} for b in blocks]
    starts = [_starts(block) for block in blocks]
    top, left = (min(s[axis] for s in starts) for axis in "YX")
    bottom, right = (
        max(start[axis] + size[axis] for start, size in zip(starts, sizes, strict=True))
        for axis in "YX"
    )
    return top, left, bottom - top, right - left


def _pixels(block: Any, dtype: str, path: Path) -> AnyArray:
    """(Y, X) grey values of one block, or (Y, X, 3) of a colour block.

    Raises BadImage where bytes are missing.
    """
    segment = block.data_segment()
    packed = segment.data(raw=True)
    shape = [d.size for d in block.dimension_entries if d.dimension in "YX"]
    shape += [3] if block.shape[-1] == 3 else []
    nbytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if len(packed) != segment.data_size:
        raise missing_part(path, f"{len(packed)} of {segment.data_size} bytes of a plane are there")
    data = _unpacked(packed, block.compression, nbytes, path)
    if isinstance(data, np.ndarray):
        return np.asarray(data).reshape(shape).astype(dtype, copy=False)
    if len(data) != nbytes:
        raise missing_part(path, f"{len(data)} of {nbytes} bytes of a plane are there")
    return np.frombuffer(data, np.dtype(dtype).newbyteorder("<")).reshape(shape).astype(dtype)


def _unpacked(packed: bytes, compression: int, nbytes: int, path: Path) -> Any:
    """Bytes, or the array of a codec for pictures."""
    match compression:
        case 0:
            return packed
        case 1:
            return imagecodecs.jpeg8_decode(packed)
        case 2:
            return imagecodecs.lzw_decode(packed, out=nbytes)
        case 4:
            return imagecodecs.jpegxr_decode(packed)
        case 5:
            return imagecodecs.zstd_decode(packed, out=nbytes)
        case 6:
            head, high_low = packed[0], packed[0] == 3 and bool(packed[2] & 1)
            data = imagecodecs.zstd_decode(packed[head:], out=nbytes)
            if not high_low:
                return data
            low, high = np.frombuffer(data, np.uint8).reshape(2, -1)
            return np.stack([low, high], axis=1).tobytes()
    raise BadImage(
        f"{path.name} is packed in a way ({compression}) that is not unpacked.",
        "Save it without compression.",
        "maker-format",
    )
