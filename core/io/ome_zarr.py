"""Read OME-Zarr 0.4 and 0.5: single images, series and plates; a missing chunk is never zeros."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from math import ceil, prod
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from core.domain import AnyArray
from core.errors import BadImage, BadTable
from core.io.fields import Field, missing_part, require
from core.io.strict_json import read_object
from core.io.tiff_header import DAMAGED_HINT, UNITS_UM
from core.io.well_names import normalise_well

METADATA = ("zarr.json", ".zattrs", ".zgroup")
MAX_IMAGES = 100_000
# Codecs that only unpack numbers; others could run what a file says.
CODECS = frozenset(
    {"blosc", "zstd", "zlib", "gzip", "lz4", "lzma", "bz2", "shuffle", "bitshuffle", "delta"}
    | {"bitround", "fixedscaleoffset", "bytes", "transpose", "sharding_indexed"}
    | {"crc32c", "crc32", "adler32", "fletcher32"}
)
NO_CHUNK = 2**64 - 1  # in the index of a shard
LENGTHS_UM = {
    "micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3, "centimeter": 1e4, "meter": 1e6,
    "angstrom": 1e-4, "inch": 25400.0,
}  # fmt: skip


@dataclass(frozen=True)
class ZarrImages:
    """Folders of the images below a Zarr folder, and what it declares but does not hold."""

    images: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def is_zarr(folder: Path) -> bool:
    """Whether a folder is one of Zarr, by its name or its files."""
    return folder.name.lower().endswith(".zarr") or any((folder / n).is_file() for n in METADATA)


def zarr_images(folder: Path) -> ZarrImages:
    """All images of a plate, a series or a single image. Raises BadImage for damaged metadata."""
    found, attributes = ZarrImages(), _attributes(folder)
    if "plate" in attributes:
        for well in _dicts(attributes["plate"], "wells"):
            of_well = _inside(folder, well.get("path"))
            for image in _dicts(_attributes(of_well).get("well", {}), "images"):
                _add(found, folder, _inside(of_well, image.get("path")))
            if not any(image.is_relative_to(of_well) for image in found.images):
                found.missing.append(of_well.relative_to(folder).as_posix())
    elif "bioformats2raw.layout" in attributes:
        named = _attributes(folder / "OME").get("series")
        series = named if isinstance(named, list) else _numbered(folder)
        for path in series:
            _add(found, folder, _inside(folder, path))
    elif "multiscales" in attributes:
        found.images.append(folder)
    return found


def _add(found: ZarrImages, folder: Path, image: Path) -> None:
    if "multiscales" in _attributes(image):
        found.images.append(image)
    else:
        found.missing.append(image.relative_to(folder).as_posix())
    if len(found.images) > MAX_IMAGES:
        raise BadImage(f"{folder.name} holds more than {MAX_IMAGES} images.", "Divide the plate.")


def _numbered(folder: Path) -> list[str]:
    return sorted((p.name for p in folder.iterdir() if p.name.isdecimal()), key=int)


def _dicts(parent: Any, key: str) -> list[dict[str, Any]]:
    items = parent.get(key) if isinstance(parent, dict) else None
    return [item for item in items or [] if isinstance(item, dict)]


def _inside(folder: Path, path: object) -> Path:
    """A folder that metadata names. Raises BadImage unless it lies below `folder`."""
    parts = PurePosixPath(str(path))
    inside = folder / parts
    outside = parts.is_absolute() or ".." in parts.parts or "\\" in str(path) or ":" in str(path)
    if outside or not str(path) or not inside.resolve().is_relative_to(folder.resolve()):
        raise BadImage(
            f"{folder.name} refers to a folder outside of it ({path!r}).",
            "It is not read.",
            "outside-folder",
        )
    return inside


def _json(path: Path) -> dict[str, Any]:
    """The content of a file of metadata; {} without the file."""
    try:
        return read_object(path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValueError as error:
        where = f"{path.parent.name}/{path.name}"
        raise BadImage(f"{where} is damaged ({error}).", DAMAGED_HINT, "damaged") from error


def _attributes(folder: Path) -> dict[str, Any]:
    """What OME says of a group, in version 0.5 or 0.4."""
    node = _json(folder / "zarr.json")
    attributes = node.get("attributes", {}) if node else _json(folder / ".zattrs")
    inner = attributes.get("ome") if isinstance(attributes, dict) else None
    return inner if isinstance(inner, dict) else attributes


@contextmanager
def open_zarr(path: Path) -> Iterator["_ZarrImage"]:
    """An image folder of OME-Zarr, as a file of one field."""
    require("zarr", path)
    yield _ZarrImage(path)


class _ZarrImage:
    """The largest resolution of one image."""

    def __init__(self, path: Path) -> None:
        attributes = _attributes(path)
        scales = _dicts(attributes, "multiscales")
        levels = _dicts(scales[0], "datasets") if scales else []
        if not levels:
            raise BadImage(f"{path.name} holds no image.", DAMAGED_HINT, "damaged")
        self._path = path
        self._folder = _inside(path, levels[0].get("path"))
        self._stored = _Stored.of(self._folder, path.name)
        axes = [a.get("name", "") if isinstance(a, dict) else a for a in scales[0].get("axes", [])]
        self._axes = "".join(str(axis) for axis in axes or "tczyx").upper()
        shape = self._stored.shape
        if len(self._axes) != len(shape) or set(self._axes) - set("TCZYX"):
            raise BadImage(
                f"{path.name} has the axes {axes} for {shape} pixels.", DAMAGED_HINT, "damaged"
            )
        width, height = (_pixel_size(scales[0], levels[0], axes, axis) for axis in "xy")
        names = tuple(str(c.get("label", "")) for c in _dicts(attributes.get("omero"), "channels"))
        sizes = dict(zip(self._axes, shape, strict=True))
        place = _place(path)
        self.refused: Sequence[tuple[str, BadImage]] = ()
        self.fields: Sequence[Field] = [
            Field(
                "",
                "",
                sizes,
                self._stored.dtype,
                names,
                width,
                height,
                well=place[0],
                plate=place[1],
                site=place[2],
            )
        ]
        self._array: Any = None

    def plane(self, field: Field, t: int, z: int, c: int) -> AnyArray:
        """(Y, X) grey values, if all chunks of the plane are there."""
        if self._array is None:
            import zarr

            self._array = zarr.open_array(self._folder, mode="r")
        at = {"T": t, "Z": z, "C": c}
        index = tuple(at.get(axis, slice(None)) for axis in self._axes)
        missing, needed = self._stored.missing(index)
        if missing:
            what = f"{missing} of {needed} chunks of the plane are missing; they would be zeros"
            raise missing_part(self._path, what)
        plane = np.asarray(self._array[index])
        return plane.T if self._axes.index("Y") > self._axes.index("X") else plane


@dataclass(frozen=True)
class _Stored:
    """How an array lies on the disk."""

    folder: Path
    shape: tuple[int, ...]
    dtype: str
    chunks: tuple[int, ...]  # of files
    prefix: tuple[str, ...]
    separator: str
    inner: tuple[int, ...] = ()  # chunks in a file of several (shard)
    index_at_end: bool = True

    @classmethod
    def of(cls, folder: Path, name: str) -> "_Stored":
        """Read from the metadata of the array. Raises BadImage where it cannot be read safely."""
        try:
            if node := _json(folder / "zarr.json"):
                return cls._of_v3(folder, node)
            if node := _json(folder / ".zarray"):
                return cls._of_v2(folder, node)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadImage(
                f"{name} has damaged metadata ({error}).", DAMAGED_HINT, "damaged"
            ) from error
        raise missing_part(folder.parent, f"the array {folder.name} is missing")

    @classmethod
    def _of_v2(cls, folder: Path, node: Mapping[str, Any]) -> "_Stored":
        codecs = [node.get("compressor"), *(node.get("filters") or [])]
        _check_codecs([codec["id"] for codec in codecs if codec], folder)
        dtype = str(np.dtype(str(node["dtype"])))
        separator = node.get("dimension_separator", ".")
        return cls(folder, _ints(node["shape"]), dtype, _ints(node["chunks"]), (), separator)

    @classmethod
    def _of_v3(cls, folder: Path, node: Mapping[str, Any]) -> "_Stored":
        codecs = list(node["codecs"])
        shard = next((c for c in codecs if c["name"] == "sharding_indexed"), None)
        inner: tuple[int, ...] = ()
        at_end = True
        if shard is not None:
            settings = shard["configuration"]
            inner = _ints(settings["chunk_shape"])
            at_end = settings.get("index_location", "end") == "end"
            codecs += settings["codecs"]
            if [c["name"] for c in settings["index_codecs"]] != ["bytes", "crc32c"]:
                raise ValueError("an unusual index of shards")
        _check_codecs([codec["name"] for codec in codecs], folder)
        grid = _ints(node["chunk_grid"]["configuration"]["chunk_shape"])
        keys = node.get("chunk_key_encoding", {"name": "default"})
        default = keys["name"] == "default"
        separator = keys.get("configuration", {}).get("separator", "/" if default else ".")
        prefix = ("c",) if default else ()
        dtype = str(np.dtype(str(node["data_type"])))
        return cls(folder, _ints(node["shape"]), dtype, grid, prefix, separator, inner, at_end)

    def missing(self, index: Sequence[int | slice]) -> tuple[int, int]:
        """How many chunks of a plane are not on the disk, and how many it needs."""
        ranges = [
            range(ceil(size / chunk)) if isinstance(at, slice) else [at // chunk]
            for at, size, chunk in zip(index, self.shape, self.chunks, strict=True)
        ]
        absent = needed = 0
        for key in product(*ranges):
            needed += 1
            name = self.separator.join([*self.prefix, *map(str, key)])
            file = self.folder / name
            if not file.is_file() or (self.inner and self._gaps(file, key, index)):
                absent += 1
        return absent, needed

    def _gaps(self, file: Path, key: Sequence[int], index: Sequence[int | slice]) -> bool:
        """Whether a shard lacks an inner chunk that a plane needs."""
        grid = [c // i for c, i in zip(self.chunks, self.inner, strict=True)]
        nbytes = 16 * prod(grid)
        with file.open("rb") as stream:
            stream.seek(-nbytes - 4 if self.index_at_end else 0, 2 if self.index_at_end else 0)
            table = np.frombuffer(stream.read(nbytes), "<u8").reshape(*grid, 2)
        wanted = []
        axes = zip(index, key, self.shape, self.chunks, self.inner, strict=True)
        for at, number, size, chunk, inner in axes:
            if isinstance(at, slice):
                wanted.append(slice(0, ceil(min(chunk, size - number * chunk) / inner)))
            else:
                wanted.append(slice(at % chunk // inner, at % chunk // inner + 1))
        return bool((table[tuple(wanted)][..., 0] == NO_CHUNK).any())


def _ints(values: Any) -> tuple[int, ...]:
    numbers = tuple(int(value) for value in values)
    if not numbers or min(numbers) < 1:
        raise ValueError(f"sizes {values}")
    return numbers


def _check_codecs(names: Sequence[str], folder: Path) -> None:
    unknown = [name for name in names if str(name).removeprefix("numcodecs.") not in CODECS]
    if unknown:
        raise BadImage(
            f"{folder.parent.name} is packed with {json.dumps(unknown[0])}, which is not unpacked.",
            "Save it with blosc, zstd or gzip.",
            "maker-format",
        )


def _pixel_size(
    scale: Mapping[str, Any], level: Mapping[str, Any], axes: Sequence[Any], axis: str
) -> float | None:
    """Size of a pixel along an axis in µm; None where unit or scale is not given."""
    unit = next((a.get("unit") for a in _dicts(scale, "axes") if a.get("name") == axis), None)
    factor = LENGTHS_UM.get(str(unit), UNITS_UM.get(str(unit)))
    names = [a.get("name", "") if isinstance(a, dict) else a for a in scale.get("axes", [])]
    if factor is None or axis not in names:
        return None
    size = 1.0
    for where in (scale, level):
        for transform in _dicts(where, "coordinateTransformations"):
            values = transform.get("scale")
            if transform.get("type") == "scale" and isinstance(values, list):
                size *= float(values[names.index(axis)])
    return size * factor if np.isfinite(size) and size > 0 else None


def _place(path: Path) -> tuple[str, str, str]:
    """Well, plate and site of an image in a plate; "" for other images."""
    if len(path.parents) < 4:
        return "", "", ""
    plate_folder = path.parents[2]
    plate = _attributes(plate_folder).get("plate")
    if not isinstance(plate, dict):
        return "", "", ""
    where = path.parent.relative_to(plate_folder).parts
    try:
        well = normalise_well("".join(where))
    except BadTable:
        well = "-".join(where)
    name = str(plate.get("name") or plate_folder.name.removesuffix(".zarr").removesuffix(".ome"))
    return well, name, path.name
