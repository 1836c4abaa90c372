"""Read the ND2 files of NIS-Elements: one field for each stage position."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from core.domain import AnyArray
from core.errors import BadImage
from core.io.fields import Field, missing_part, refuse_axes, require
from core.io.one_colour import RGB_HINT
from core.io.tiff_header import DAMAGED_HINT

READ = frozenset("PTZCYX")
FRAME_HEADER = 24 + 4072  # bytes between the start of a frame and its pixels


@contextmanager
def open_nd2(path: Path) -> Iterator["_Nd2"]:
    """An ND2 file. Raises BadImage for colour pictures and loops that are not read."""
    require("nd2", path)
    import nd2

    with nd2.ND2File(path) as stored:
        yield _Nd2(stored, path)


class _Nd2:
    """The frames of an open file by position, time and plane."""

    def __init__(self, stored: Any, path: Path) -> None:
        self._stored, self._path = stored, path
        sizes = {axis: int(size) for axis, size in stored.sizes.items()}
        colour = sizes.pop("S", 1)
        if colour not in (1, 3):
            raise BadImage(f"{path.name} is an RGB picture, not raw data.", RGB_HINT, "rgb")
        refuse_axes("".join(set(sizes) - READ), path.name)
        loops = [{k: int(v) for k, v in at.items()} for at in stored.loop_indices] or [{}]
        self._frames = {
            (at.get("P", 0), at.get("T", 0), at.get("Z", 0)): n for n, at in enumerate(loops)
        }
        self.refused: Sequence[tuple[str, BadImage]] = ()
        self._check_frames(sizes)
        positions = sizes.pop("P", 1)
        width, height, _ = stored.voxel_size()
        names = tuple(c.channel.name for c in stored.metadata.channels or ())
        calibrated = any(c.volume.axesCalibrated[0] for c in stored.metadata.channels or ())
        size_um = (float(width), float(height)) if calibrated else (None, None)
        self.fields: Sequence[Field] = [
            Field(
                str(p) if positions > 1 else "",
                f"position {p + 1}" if positions > 1 else "",
                sizes,
                str(stored.dtype),
                names if all(names) else (),
                size_um[0],
                size_um[1],
                colour=colour == 3,
            )
            for p in range(positions)
        ]

    def _check_frames(self, sizes: dict[str, int]) -> None:
        """Raises BadImage for frames that are not stored; the library fills them with zeros."""
        wanted = sizes.get("P", 1) * sizes.get("T", 1) * sizes.get("Z", 1)
        places = self._stored._rdr.chunkmap  # where each frame lies; no public name has it
        about, end = self._stored.attributes, self._path.stat().st_size
        plain = about.compressionType is None
        frame = about.heightPx * (about.widthBytes or 0) if plain else 1
        missing = 0
        for n in self._frames.values():
            offset, _ = places.get(f"ImageDataSeq|{n}!".encode(), (end, 0))
            missing += offset + FRAME_HEADER + frame > end
        missing += wanted - len(self._frames)
        if missing:
            raise missing_part(self._path, f"{missing} of {wanted} frames are missing")

    def plane(self, field: Field, t: int, z: int, c: int) -> AnyArray:
        """(Y, X) grey values, or (3, Y, X) of a colour field."""
        frame = np.asarray(self._stored.read_frame(self._frames[int(field.scene or 0), t, z]))
        if field.colour:  # [C] Y X S
            frame = np.moveaxis(frame if frame.ndim == 3 else frame[c], -1, 0)
            return frame
        if frame.ndim == 2:
            return frame
        if frame.ndim == 3 and c < len(frame):
            plane: AnyArray = frame[c]
            return plane
        raise BadImage(f"{self._path.name} has frames of {frame.shape}.", DAMAGED_HINT, "damaged")
