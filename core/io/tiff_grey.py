"""What the grey values of a TIFF mean: kind of picture, names of channels, size of a pixel."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from core.domain import AnyArray
from core.errors import BadImage
from core.io.one_colour import RGB_HINT, several_colours
from core.io.tiff_header import UNITS_UM

MAX_PRINTED_UM = 10.0  # 2,540 dots per inch; below it, a resolution is that of the microscope


def check_photometric(page: Any, path: Path) -> None:
    """Raises BadImage for masks, palettes of colour, and colours other than RGB."""
    if page.bitspersample == 1 or page.dtype == np.bool_:
        raise BadImage(
            f"{path.name} is a mask (1 bit per pixel), not an image.", "Leave it out.", "mask"
        )
    kind = int(page.photometric)
    if kind == 3 and not linear_palette(page.colormap):
        raise BadImage(
            f"{path.name} is a palette picture: its numbers are colours, not intensities.", RGB_HINT
        )
    if kind not in (0, 1, 2, 3):
        raise several_colours(path.name)


def linear_palette(colormap: AnyArray | None) -> bool:
    """Whether every colour is absent or a straight ramp, so that the index is the intensity."""
    if colormap is None or colormap.ndim != 2:
        return False
    table = colormap.astype(np.float64) / 65535
    ramp = np.linspace(0, 1, table.shape[1])
    straight = [bool(np.abs(row - ramp).max() < 0.02) for row in table]
    absent = [bool(row.max() < 0.02) for row in table]
    return any(straight) and all(s or a for s, a in zip(straight, absent, strict=True))


def has_alpha(page: Any) -> bool:
    """Whether the samples hold transparency."""
    return any(int(kind) in (1, 2) for kind in page.extrasamples)


def is_colour(page: Any) -> bool:
    """Whether the samples are called red, green and blue."""
    return int(page.photometric) == 2


def is_rendered(page: Any) -> bool:
    """Whether these are colours of a display, not stains: side by side, in 8 bits or with alpha."""
    planes = int(page.planarconfig) == 2
    return is_colour(page) and not planes and (page.bitspersample <= 8 or has_alpha(page))


def brightest(page: Any) -> Any:
    """The grey value that stands for black in MinIsWhite images."""
    if page.dtype.kind == "u":
        return page.dtype.type(2**page.bitspersample - 1)
    raise BadImage(
        "The image is stored inverted (white is zero) with signed values.",
        "Export it as plain grey TIFF.",
    )


def imagej_labels(tiff: tifffile.TiffFile, channels: int) -> tuple[str, ...]:
    labels = (tiff.imagej_metadata or {}).get("Labels") if tiff.is_imagej else None
    labels = [labels] if isinstance(labels, str) else labels
    if not isinstance(labels, list) or len(labels) != channels:
        return ()
    return tuple(str(label) for label in labels)


def plain_pixel_size(tiff: tifffile.TiffFile) -> float | None:
    """Pixel size in µm from ImageJ, MetaMorph or a fine resolution."""
    page = tiff.pages.first
    if tiff.is_imagej:
        unit = str((tiff.imagej_metadata or {}).get("unit", "")).replace("\\u00B5", "µ")
        resolution = page.tags.get("XResolution")
        if unit not in UNITS_UM or resolution is None or not resolution.value[0]:
            return None
        return float(resolution.value[1] / resolution.value[0] * UNITS_UM[unit])
    plane = (tiff.metaseries_metadata or {}).get("PlaneInfo", {}) if tiff.is_metaseries else {}
    size = plane.get("spatial-calibration-x")
    if str(plane.get("spatial-calibration-units", "")).lower() in ("um", "µm", "microns") and size:
        return float(size)
    return printed_pixel_size(tiff)


def printed_pixel_size(tiff: tifffile.TiffFile) -> float | None:
    """Pixel size in µm from a resolution that is too fine for printing."""
    unit = {2: 25400.0, 3: 10_000.0}.get(int(getattr(tiff.pages.first, "resolutionunit", 1)))
    width = resolution(tiff, "X")
    size = width * unit if unit and width else None
    return size if size is not None and 0 < size < MAX_PRINTED_UM else None


def resolution(tiff: tifffile.TiffFile, axis: str) -> float | None:
    """Width or height of a pixel, in the unit of the file."""
    tag = tiff.pages.first.tags.get(f"{axis}Resolution")
    return float(tag.value[1] / tag.value[0]) if tag is not None and tag.value[0] else None
