"""Read the OIF and OIB files of FluoView (Olympus, Evident)."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from core.domain import AnyArray
from core.errors import BadImage
from core.io.fields import Field, missing_part, refuse_axes, require
from core.io.tiff_blocks import check_blocks, check_layout
from core.io.tiff_header import DAMAGED_HINT, UNITS_UM, check_bytes

READ = frozenset("TZCYX")


@contextmanager
def open_oif(path: Path) -> Iterator["_Oif"]:
    """An OIF file with its folder, or an OIB file."""
    require("oiffile", path)
    from oiffile import OifFile

    with OifFile(path) as stored:
        yield _Oif(stored, path)


class _Oif:
    """The planes of an open file, each a small TIFF."""

    def __init__(self, stored: Any, path: Path) -> None:
        self._stored, self._path = stored, path
        sizes = {a: int(n) for a, n in zip(stored.axes, stored.shape, strict=True) if n > 1}
        refuse_axes("".join(set(sizes) - READ), path.name)
        self.refused: Sequence[tuple[str, BadImage]] = ()
        self._files: dict[tuple[int, int, int], str] = {}
        for name in stored.glob("*.tif"):
            self._files[_place(name)] = name
        wanted = [
            (t, z, c)
            for t in range(sizes.get("T", 1))
            for z in range(sizes.get("Z", 1))
            for c in range(sizes.get("C", 1))
        ]
        missing = [place for place in wanted if place not in self._files]
        if missing:
            raise missing_part(path, f"{len(missing)} of {len(wanted)} planes are missing")
        self.fields: Sequence[Field] = [
            Field(
                "",
                "",
                sizes,
                str(stored.dtype),
                self._channel_names(sizes.get("C", 1)),
                self._pixel_size("X"),
                self._pixel_size("Y"),
            )
        ]

    def plane(self, field: Field, t: int, z: int, c: int) -> AnyArray:
        """(Y, X) grey values of one TIFF, whose blocks are checked as those of any TIFF."""
        name = self._files[t, z, c]
        with self._stored.open_file(name) as stream, tifffile.TiffFile(stream, name=name) as tiff:
            page = tiff.pages.first
            check_bytes(int(page.size) * page.dtype.itemsize if page.dtype else 0, self._path)
            check_blocks(page, self._path, 1)
            check_layout([page], self._path)
            plane = np.squeeze(page.asarray())
        if plane.ndim != 2:
            raise BadImage(f"{self._path.name}: {name} is not a plane.", DAMAGED_HINT, "damaged")
        return plane

    def _channel_names(self, channels: int) -> tuple[str, ...]:
        names = []
        for n in range(1, channels + 1):
            about = self._stored.mainfile.get(f"Channel {n} Parameters", {})
            names.append(str(about.get("DyeName") or about.get("CH Name") or "").strip())
        return tuple(names) if all(names) and len(set(names)) == len(names) else ()

    def _pixel_size(self, axis: str) -> float | None:
        """Size of a pixel in µm."""
        for n in range(8):
            about = self._stored.mainfile.get(f"Axis {n} Parameters Common", {})
            if about.get("AxisCode") == axis and int(about.get("MaxSize", 0)) > 1:
                span = abs(float(about["EndPosition"]) - float(about["StartPosition"]))
                factor = UNITS_UM.get(str(about.get("PixUnit") or about.get("UnitName", "")))
                return span * factor / int(about["MaxSize"]) if factor and span else None
        return None


def _place(name: str) -> tuple[int, int, int]:
    """Time, plane and channel (from 0) in a name such as s_C001Z002T003.tif."""
    at = {axis: int(n) - 1 for axis, n in re.findall(r"([CZT])(\d+)", Path(name).stem)}
    return at.get("T", 0), at.get("Z", 0), at.get("C", 0)
