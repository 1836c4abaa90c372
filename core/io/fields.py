"""A field of view in a file that may hold many: what the file declares of it, and its pixels."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree

import numpy as np

from core.domain import AnyArray
from core.errors import BadImage
from core.io.memory import READERS
from core.io.one_colour import ONE_COLOUR, one_value, several_colours
from core.io.stacks import STAINS, chosen_planes, chosen_time, project, stack_error
from core.io.tiff import ImageInfo, check_finite, checked
from core.io.tiff_header import DAMAGED_HINT, check_bytes, squareness

MISSING_HINT = "Copy the file again from the microscope PC, or leave it out."
INSTALL = "Install the readers: leigh-explorer[formats]. Or export the images as OME-TIFF."


@dataclass(frozen=True)
class Field:
    """One field of a file: `scene` finds it there, `name` shows it and may hold folders.

    `sizes` are those of the axes T, Z, C, Y and X. `well`, `plate` and `site` are "" where the file
    does not name them.
    """

    scene: str
    name: str
    sizes: Mapping[str, int]
    dtype: str
    channel_names: tuple[str, ...] = ()
    pixel_size_um: float | None = None
    pixel_height_um: float | None = None
    well: str = ""
    plate: str = ""
    site: str = ""
    colour: bool = False  # RGB samples; read where they are one value in one colour


class Container(Protocol):
    """An open file of one or more fields; `refused` are names and errors of the others."""

    fields: Sequence[Field]
    refused: Sequence[tuple[str, BadImage]]

    def plane(self, field: Field, t: int, z: int, c: int) -> AnyArray:
        """(Y, X) grey values, or (3, Y, X) of a colour field.

        Raises an error where the plane is not stored.
        """


class Opener(Protocol):
    """Opens a file of one format."""

    def __call__(self, path: Path, /) -> AbstractContextManager[Container]:
        """The open file."""


def require(library: str, path: Path) -> None:
    """Raises BadImage where the library for a format is not installed."""
    if find_spec(library) is None:
        raise BadImage(
            f"{path.name} is a file of a format whose reader is not installed.",
            INSTALL,
            "maker-format",
        )


def refuse_axes(axes: str, where: str) -> None:
    """Raises BadImage if there are `axes` that are neither T, Z, C, Y nor X."""
    if axes:
        raise BadImage(
            f"{where} has images along {axes}, which is not read.",
            "Export one OME-TIFF for each field.",
            "maker-format",
        )


def info_of(field: Field, path: Path, z: str = "", t: str = "") -> ImageInfo:
    """Header of a field; C counts planes or times that are stains. Raises BadImage."""
    sizes = {axis: int(field.sizes.get(axis, 1)) for axis in "TZCYX"}
    if min(sizes.values()) < 1:
        raise BadImage(f"{path.name} declares an image of {sizes}.", DAMAGED_HINT, "damaged")
    channels = sizes["C"]
    channels *= sizes["Z"] if z == STAINS else sizes["T"] if t == STAINS else 1
    dtype = np.dtype(field.dtype)
    # A projection takes one plane after the other, so that only the result and a sum are held.
    check_bytes(channels * sizes["Y"] * sizes["X"] * dtype.itemsize, path)
    names = field.channel_names if len(field.channel_names) == channels else ()
    info = ImageInfo(
        shape=(channels, sizes["Y"], sizes["X"]),
        dtype=str(dtype.newbyteorder("=")),
        channel_names=names if all(names) else (),
        pixel_size_um=field.pixel_size_um,
        notes=(
            *squareness(field.pixel_size_um, field.pixel_height_um),
            *([ONE_COLOUR] if field.colour else ()),
        ),
        depth=sizes["Z"],
        times=sizes["T"],
    )
    return checked(info, path)


def read_planes(
    container: Container, field: Field, path: Path, z: str = "", t: str = ""
) -> AnyArray:
    """(C, Y, X) grey values of one time point. Raises BadImage where a plane is not as declared."""
    info = info_of(field, path, z, t)
    where = f"{path.name} ({field.name})" if field.name else path.name
    open_depth, open_times = (1 if z else info.depth), (1 if t else info.times)
    if open_depth > 1 or open_times > 1:
        raise stack_error(where, open_depth, open_times)
    planes = chosen_planes(info.depth, z, where)
    times = range(info.times) if t == STAINS else [chosen_time(info.times, t, where)]
    stacks = [[(time, plane)] for time in times for plane in planes]
    if z != STAINS and t != STAINS:
        stacks = [[(times[0], plane) for plane in planes]]
    channels = int(field.sizes.get("C", 1))

    expected = (3, *info.shape[1:]) if field.colour else info.shape[1:]

    def plane(time: int, depth: int, channel: int) -> AnyArray:
        pixels = container.plane(field, time, depth, channel)
        if pixels.shape != expected or pixels.dtype.newbyteorder("=") != info.dtype:
            raise BadImage(
                f"{where} holds {pixels.dtype} planes of {pixels.shape} and declares"
                f" {info.dtype} of {expected}.",
                DAMAGED_HINT,
                "damaged",
            )
        return pixels.astype(info.dtype, copy=False)

    with READERS.reading(int(np.prod(info.shape)) * np.dtype(info.dtype).itemsize):
        each = [(channel, stack) for channel in range(channels) for stack in stacks]
        image = np.stack([project((plane(*at, c) for at in stack), z) for c, stack in each])
    if field.colour:
        value = one_value(image)
        if value is None:
            raise several_colours(where)
        image = np.ascontiguousarray(value[..., 0, :, :])
    check_finite(image, path)
    return image


def usable_fields(
    makers: Iterable[tuple[str, Callable[[], Field]]],
) -> tuple[list[Field], list[tuple[str, BadImage]]]:
    """The fields that can be read, and the names and errors of the others.

    Raises the BadImage of the first field where none can be read.
    """
    fields: list[Field] = []
    refused: list[tuple[str, BadImage]] = []
    for name, make in makers:
        try:
            fields.append(make())
        except BadImage as error:
            refused.append((name, error))
    if refused and not fields:
        raise refused[0][1]
    return fields, refused


def missing_part(path: Path, what: str) -> BadImage:
    """The refusal of a file of which a part is not there."""
    return BadImage(f"{path.name}: {what}.", MISSING_HINT, "missing-part")


def safe_xml(text: str | bytes, path: Path) -> ElementTree.Element:
    """The root of an XML text of a maker. Raises BadImage for entities and for damaged texts."""
    head = text if isinstance(text, str) else text.replace(b"\0", b"").decode("latin-1")
    if "<!DOCTYPE" in head or "<!ENTITY" in head:
        raise BadImage(f"{path.name} holds entity definitions.", "It is not read.", "damaged")
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise BadImage(
            f"{path.name} has a damaged description ({error}).", DAMAGED_HINT, "damaged"
        ) from error
