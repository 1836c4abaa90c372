"""The one way to read images: any format, any field, plane and time point of a file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from core.domain import AnyArray, ImageRecord
from core.errors import BadImage
from core.io.czi import open_czi
from core.io.fields import Container, Field, Opener, info_of, read_planes
from core.io.lif import open_lif
from core.io.nd2_file import open_nd2
from core.io.oif import open_oif
from core.io.ome_zarr import is_zarr, open_zarr
from core.io.stacks import STAINS, project
from core.io.tiff import ImageInfo, guard, read_stack

FORMATS: dict[str, tuple[str, Opener]] = {  # suffix -> library, and how a file is opened
    ".czi": ("czifile", open_czi),
    ".lif": ("liffile", open_lif),
    ".lof": ("liffile", open_lif),
    ".nd2": ("nd2", open_nd2),
    ".oif": ("oiffile", open_oif),
    ".oib": ("oiffile", open_oif),
}
ZARR = "zarr"


@cache
def readable_suffixes() -> frozenset[str]:
    """Suffixes of makers' files that can be read, because the library is installed."""
    return frozenset(s for s, (library, _) in FORMATS.items() if find_spec(library) is not None)


def open_field(path: Path, scene: str = "", z: str = "", t: str = "") -> AnyArray:
    """(C, Y, X) raw grey values of one field in the type of the file.

    Parameters
    ----------
    path
        A TIFF or PNG file, an image folder of OME-Zarr, or a file of a maker.
    scene
        Names the field; "" for the only one.
    z
        `max`, `mean`, the number of a plane from 1, or `stains`. A stack needs a choice.
    t
        The number of a time point from 1, or `stains`. A time series needs a choice.

    Raises
    ------
    BadImage
        Where the file cannot be used, a part of it is missing, or the field is not in it.
    """
    with open_fields(path, pages_are_planes=z not in ("", STAINS)) as container:
        field = next((f for f in container.fields if f.scene == scene), None)
        if field is None:
            raise BadImage(f"{path.name} has no field {scene!r}.", "Scan the folder again.")
        return read_image_of(container, field, path, z, t)


def read_image_of(
    container: Container, field: Field, path: Path, z: str = "", t: str = ""
) -> AnyArray:
    """As `open_field`, of a file that is open."""
    if isinstance(container, PlainFile) and container.is_one_image:
        return container.image
    return read_planes(container, field, path, z, t)


@contextmanager
def open_fields(path: Path, *, pages_are_planes: bool = False) -> Iterator[Container]:
    """A file of any format, and the fields that it holds. Raises BadImage.

    `pages_are_planes`: pages of a TIFF without metadata are planes of a stack, not channels.
    """
    path = Path(path)
    known = FORMATS.get(path.suffix.lower())
    with guard(path):
        if path.is_dir() and is_zarr(path):
            with open_zarr(path) as container:
                yield container
        elif known is not None:
            with known[1](path) as container:
                yield container
        else:
            yield PlainFile(path, "Z" if pages_are_planes else "C")


class PlainFile:
    """A TIFF or PNG: one field, whose pixels are read once."""

    def __init__(self, path: Path, pages: str = "C") -> None:
        self._pixels, self.info = read_stack(path, pages=pages)
        channels, height, width = self.info.shape
        sizes = {"T": self.info.times, "Z": self.info.depth, "C": channels}
        sizes |= {"Y": height, "X": width}
        names, size = self.info.channel_names, self.info.pixel_size_um
        self.fields: Sequence[Field] = [Field("", "", sizes, self.info.dtype, names, size)]
        self.refused: Sequence[tuple[str, BadImage]] = ()

    @property
    def is_one_image(self) -> bool:
        """Whether the file holds neither planes nor times."""
        return self.info.depth == self.info.times == 1

    @property
    def image(self) -> AnyArray:
        """(C, Y, X) grey values of the only image; a stack is read plane by plane."""
        image: AnyArray = self._pixels[0, 0]
        return image

    def plane(self, field: Field, t: int, z: int, c: int) -> AnyArray:
        """(Y, X) grey values."""
        plane: AnyArray = self._pixels[t, z, c]
        return plane


def header_of(
    container: Container, field: Field, path: Path, z: str = "", t: str = ""
) -> ImageInfo:
    """The header of a field as it is read with these choices. Raises BadImage."""
    info = info_of(field, path, z, t)
    if not isinstance(container, PlainFile):
        return info
    own = container.info
    return ImageInfo(
        info.shape,
        info.dtype,
        info.channel_names,
        info.pixel_size_um,
        own.warnings,
        own.members,
        own.notes,
        own.made_here,
        own.depth,
        own.times,
        own.unnamed,
    )


def read_record(root: Path, record: ImageRecord) -> AnyArray:
    """(C, Y, X) raw grey values of a record, channels in the dataset's order. Raises BadImage."""
    files = [record.files[n : n + record.depth] for n in range(0, len(record.files), record.depth)]
    files = files if len(files) > 1 else files * len(record.planes)
    images: dict[tuple[str, ...], AnyArray] = {}
    planes = []
    for stack, plane in zip(files, record.planes, strict=True):
        if stack not in images:
            images[stack] = _read_stack(Path(root), stack, record)
        count = len(images[stack])
        if plane >= count:
            raise _changed(record, stack[0], f"{count} channels, channel {plane + 1} is gone")
        planes.append(images[stack][plane])
    if len({p.shape for p in planes}) > 1:
        raise _changed(record, record.files[0], "channels of different size")
    image = np.stack(planes)
    if any(record.shape) and image.shape != record.shape:
        raise _changed(record, record.files[0], f"shape {image.shape} instead of {record.shape}")
    return image


def _read_stack(root: Path, stack: Sequence[str], record: ImageRecord) -> AnyArray:
    """(C, Y, X) of one file, or of the planes of a stack in files of their own."""
    if len(stack) == 1:
        return open_field(root / stack[0], record.scene, record.z, record.t)
    return project((open_field(root / file) for file in stack), record.z)


def _changed(record: ImageRecord, file: str, what: str) -> BadImage:
    return BadImage(
        f"{file} (record {record.id}) has changed since import: {what}.", "Scan the folder again."
    )
