"""Microscope images as arrays: channel first, raw grey values, or a sentence saying why not.

Whatever tifffile raises becomes one BadImage; zeros never stand in for missing pixels.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from core.domain import ImageRecord
from core.errors import BadImage
from core.io.atomic import replacing
from core.io.png import RGB_HINT, SIGNATURE, read_png, read_png_header
from core.io.tiff_header import (
    CUT_HINT,
    DAMAGED_HINT,
    UNITS_UM,
    OmeHeader,
    check_blocks,
    check_bytes,
    count_pages,
    read_ome,
)

AnyArray = NDArray[Any]
MIN_SIDE = 16
MAX_GUESSED_CHANNELS = 8  # pages or samples without metadata: beyond this they are no channels
AXIS_WORDS = {"Z": "z-stack", "T": "time series", "R": "series", "A": "angle series", "H": "lifetime series"}
KNOWN_OTHERS = {
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"BM": "a BMP picture",
    b"\xd0\xcf\x11\xe0": "an Office or thumbnail file",
    b"PK\x03\x04": "a ZIP or Excel file",
    b"\x00\x05\x16\x07": "a side-file of macOS",
    b"%PDF": "a PDF",
}

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # its warnings are told as ours


@dataclass(frozen=True)
class ImageInfo:
    """What a file holds, from its header."""

    shape: tuple[int, int, int]  # C Y X
    dtype: str
    channel_names: tuple[str, ...] = ()
    pixel_size_um: float | None = None
    warnings: tuple[str, ...] = ()
    members: tuple[str, ...] = ()  # other files of a multi-file OME set, beside this one


@dataclass(frozen=True)
class _Opened:
    series: Any
    axes: str  # one letter per axis of the series; C Y X remain after squeezing
    info: ImageInfo
    invert: bool  # MinIsWhite


def inspect_image(path: Path) -> ImageInfo:
    """Shape, type, channel names and pixel size without reading pixels. Raises BadImage."""
    path = Path(path)
    with _guard(path):
        if _sniff(path) == "png":
            header = read_png_header(path)
            return _checked(ImageInfo((1, header.height, header.width), header.dtype), path)
        with _open_tiff(path) as opened:
            return opened.info


def read_image(path: Path) -> AnyArray:
    """(C, Y, X) raw grey values in the file's own type. Raises BadImage naming the file."""
    return read_with_info(path)[0]


def read_with_info(path: Path) -> tuple[AnyArray, ImageInfo]:
    """Pixels and header in one opening of the file."""
    path = Path(path)
    with _guard(path):
        if _sniff(path) == "png":
            header = read_png_header(path)
            info = _checked(ImageInfo((1, header.height, header.width), header.dtype), path)
            return read_png(path)[None], info
        with _open_tiff(path) as opened:
            image = _channel_first(opened.series.asarray(maxworkers=1), opened.axes)
            if opened.invert:
                image = np.asarray(_brightest(opened.series.keyframe) - image, dtype=image.dtype)
            info = opened.info
    if image.shape != info.shape:
        raise BadImage(f"{path.name} holds {image.shape} pixels and declares {info.shape}.", DAMAGED_HINT)
    _check_finite(image, path)
    return np.ascontiguousarray(image.astype(image.dtype.newbyteorder("="), copy=False)), info


def read_record(root: Path, record: ImageRecord) -> AnyArray:
    """(C, Y, X) raw grey values of one record, channels in the dataset's order. Raises BadImage."""
    held: dict[str, AnyArray] = {}
    files = record.files if len(record.files) > 1 else record.files * len(record.planes)
    planes = []
    for file, plane in zip(files, record.planes, strict=True):
        if file not in held:
            held[file] = read_image(Path(root) / file)
        if plane >= len(held[file]):
            raise _changed(record, file, f"{len(held[file])} channels, channel {plane + 1} is gone")
        planes.append(held[file][plane])
    if len({p.shape for p in planes}) > 1:
        raise _changed(record, record.files[0], "channels of different size")
    image = np.stack(planes)
    if any(record.shape) and image.shape != record.shape:
        raise _changed(record, record.files[0], f"shape {image.shape} instead of {record.shape}")
    return image


def write_tiff(
    path: Path,
    image_cyx: AnyArray,
    *,
    channel_names: Sequence[str],
    pixel_size_um: float | None = None,
    description: str = "",
) -> None:
    """Write channels as grey pages: OME-TIFF when named .ome.tif, else a TIFF that ImageJ reads with its channels."""
    path, image = Path(path), np.ascontiguousarray(image_cyx)
    if image.ndim != 3 or len(channel_names) != len(image):
        raise ValueError(f"expected (C, Y, X) and C names, found {image.shape} and {len(channel_names)} names")
    ome = path.name.lower().endswith((".ome.tif", ".ome.tiff"))
    imagej = not ome and image.dtype in (np.uint8, np.uint16, np.float32)
    metadata: dict[str, Any] = {"axes": "CYX"}
    options: dict[str, Any] = {}
    if ome:
        image = image.astype(np.float32) if image.dtype == np.float16 else image  # OME knows no half floats
        metadata["Channel"] = {"Name": list(channel_names)}
        if description:
            metadata["Description"] = description
        if pixel_size_um:
            metadata |= {"PhysicalSizeX": pixel_size_um, "PhysicalSizeXUnit": "µm"}
            metadata |= {"PhysicalSizeY": pixel_size_um, "PhysicalSizeYUnit": "µm"}
    else:
        metadata["Labels"] = list(channel_names)
        if description:
            metadata["Info"] = description
        if pixel_size_um:
            options["resolution"] = (1 / pixel_size_um, 1 / pixel_size_um)
            metadata["unit"] = "um"
    if not imagej:
        options["compression"] = "zlib"
    with replacing(path) as temporary:
        tifffile.imwrite(
            temporary, image, ome=ome, imagej=imagej, photometric="minisblack", metadata=metadata, **options
        )


@contextmanager
def _guard(path: Path) -> Iterator[None]:
    """tifffile and its codecs raise a dozen kinds of error (ZeroDivisionError and KeyError among them)."""
    try:
        yield
    except BadImage:
        raise
    except FileNotFoundError as error:
        raise BadImage(f"{path.name} is missing from {path.parent}.", "Put it back or scan again.") from error
    except MemoryError as error:
        raise BadImage(f"{path.name} needs more memory than is free.", "Close other programs.") from error
    except OSError as error:
        raise BadImage(f"{path.name} cannot be read: {error.strerror or error}.", "Check disk and rights.") from error
    except Exception as error:
        raise BadImage(f"{path.name} is damaged ({type(error).__name__}: {error}).", DAMAGED_HINT) from error


def _sniff(path: Path) -> str:
    """ "tiff" or "png", judged by content; everything else is refused by its true kind."""
    if path.is_dir():
        raise BadImage(f"{path.name} is a folder, not an image.", "Rename the folder.")
    if not path.is_file() and path.exists():
        raise BadImage(f"{path.name} is a device, not an image.", "Leave it out.")
    with path.open("rb") as stream:
        head = stream.read(8)
    if not head:
        raise BadImage(f"{path.name} is empty (0 bytes).", CUT_HINT)
    if head[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return "tiff"
    if head == SIGNATURE and path.suffix.lower() == ".png":
        return "png"
    kinds = {SIGNATURE: "a PNG picture", **KNOWN_OTHERS}
    kind = next((name for mark, name in kinds.items() if head.startswith(mark)), "no TIFF or PNG file")
    raise BadImage(f"{path.name} is {kind}, not raw data.", RGB_HINT)


@contextmanager
def _open_tiff(path: Path) -> Iterator[_Opened]:
    pages = count_pages(path)
    with _heard() as complaints, tifffile.TiffFile(path, mode="r") as tiff:
        ome = _ome_header(tiff, path)
        if not ome.usable:
            tiff.close()
            with tifffile.TiffFile(path, mode="r", is_ome=False) as plain:
                yield _examine(plain, path, ome, pages, complaints)
        else:
            yield _examine(tiff, path, ome, pages, complaints)


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What tifffile logs as errors while this thread reads."""
    heard: list[str] = []
    thread = threading.get_ident()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == thread and record.levelno >= logging.ERROR:
                heard.append(record.getMessage().split("> ", 1)[-1][:200])

    listener, logger = Listener(), logging.getLogger("tifffile")
    logger.addHandler(listener)
    try:
        yield heard
    finally:
        logger.removeHandler(listener)


def _ome_header(tiff: tifffile.TiffFile, path: Path) -> OmeHeader:
    """Read before `tiff.series` is touched, because that opens whatever files the text names."""
    text = tiff.pages.first.description
    if "<OME" not in text[:4000]:
        return OmeHeader()
    return read_ome(text, path)


def _examine(tiff: tifffile.TiffFile, path: Path, ome: OmeHeader, pages: int, complaints: list[str]) -> _Opened:
    if len(tiff.pages) != pages:
        raise BadImage(f"{path.name} has a damaged page list: {len(tiff.pages)} of {pages} pages.", DAMAGED_HINT)
    first = tiff.pages.first
    check_bytes(int(first.size) * first.dtype.itemsize if first.dtype else 0, path)
    warnings = [ome.warning] if ome.warning else []
    series, other = tiff.series[0], tiff.series[1:]
    check_bytes(int(series.size) * series.dtype.itemsize, path)
    if any(s.size >= series.size for s in other):
        raise BadImage(f"{path.name} holds {1 + len(other)} images.", "Save one field of view per file.")
    if other:
        warnings.append(f"The file holds {1 + len(other)} images of different size; the first one is used.")
    _check_photometric(series.keyframe, path)
    _check_planes(tiff, series, path)
    axes = _channel_axis(series, path, warnings)
    _check_data(series, path)
    invert = series.keyframe.photometric == 0
    if invert:
        warnings.append("Stored inverted (white is zero); turned so that bright is signal.")
    warnings += [f"The header is partly damaged: {text}" for text in dict.fromkeys(complaints)]
    shape = _cyx_shape(series.shape, axes)
    names = ome.channel_names or _imagej_labels(tiff, shape[0])
    info = ImageInfo(
        shape=shape,
        dtype=str(series.dtype.newbyteorder("=")),
        channel_names=names if len(names) == shape[0] else (),
        pixel_size_um=ome.pixel_size_um or _plain_pixel_size(tiff),
        warnings=tuple(warnings),
        members=ome.members,
    )
    return _Opened(series, axes, _checked(info, path), invert)


def _checked(info: ImageInfo, path: Path) -> ImageInfo:
    _, height, width = info.shape
    if min(height, width) < MIN_SIDE:
        raise BadImage(f"{path.name} is {width} x {height} pixels; at least {MIN_SIDE} are needed.", "Leave it out.")
    if np.dtype(info.dtype).kind not in "uif":
        raise BadImage(f"{path.name} has values of type {info.dtype}, not grey values.", DAMAGED_HINT)
    return info


def _check_photometric(page: Any, path: Path) -> None:
    if page.bitspersample == 1 or page.dtype == np.bool_:
        raise BadImage(f"{path.name} is a mask (1 bit per pixel), not an image.", "Leave it out.")
    kind, alpha = int(page.photometric), any(int(e) in (1, 2) for e in page.extrasamples)
    if kind == 3 and not _linear_palette(page.colormap):
        raise BadImage(f"{path.name} is a palette picture: its numbers are colours, not intensities.", RGB_HINT)
    rendered = kind == 2 and (page.bitspersample <= 8 or alpha)
    if rendered or kind not in (0, 1, 2, 3):
        raise BadImage(f"{path.name} is an RGB picture, not raw data: intensities are not comparable.", RGB_HINT)


def _linear_palette(colormap: AnyArray | None) -> bool:
    """Is every colour either absent or a straight ramp, so that the stored index is the intensity?"""
    if colormap is None or colormap.ndim != 2:
        return False
    table = colormap.astype(np.float64) / 65535
    ramp = np.linspace(0, 1, table.shape[1])
    straight = [bool(np.abs(row - ramp).max() < 0.02) for row in table]
    absent = [bool(row.max() < 0.02) for row in table]
    return any(straight) and all(s or a for s, a in zip(straight, absent, strict=True))


def _check_planes(tiff: tifffile.TiffFile, series: Any, path: Path) -> None:
    """Planes the metadata promises must be there; tifffile would fill them with zeros."""
    missing = [i for i, page in enumerate(series._pages) if page is None]
    if missing:
        count, total = len(missing), len(series._pages)
        places = ", ".join(str(i + 1) for i in missing[:8])
        raise BadImage(f"{path.name}: {count} of {total} declared planes are missing (plane {places}).", CUT_HINT)
    declared = int(np.prod(series.shape, dtype=np.int64))
    metadata = tiff.imagej_metadata if tiff.is_imagej else None
    frame = series.keyframe.imagelength * series.keyframe.imagewidth * series.keyframe.samplesperpixel
    if metadata and int(metadata.get("images", 1)) * frame != declared:
        found = declared // frame
        raise BadImage(f"{path.name} is cut short: {found} of {metadata['images']} planes.", CUT_HINT)
    shaped = tiff.shaped_metadata[0].get("shape") if tiff.is_shaped and tiff.shaped_metadata else None
    if shaped and int(np.prod(shaped, dtype=np.int64)) != declared:
        raise BadImage(f"{path.name} is cut short: {series.shape} of the declared {tuple(shaped)}.", CUT_HINT)


def _check_data(series: Any, path: Path) -> None:
    keyframe = series.keyframe
    if series.dataoffset is not None:
        size = keyframe.parent.filehandle.size
        if series.dataoffset + series.nbytes > size:
            raise BadImage(f"{path.name} is cut short: {size} bytes, {series.nbytes} declared.", CUT_HINT)
        return
    for number, page in enumerate(series._pages, start=1):
        check_blocks(page, path, number)
        if page.keyframe.shape != keyframe.shape:
            raise BadImage(f"{path.name} has a damaged header: pages of different size.", DAMAGED_HINT)


def _channel_axis(series: Any, path: Path, warnings: list[str]) -> str:
    """The axes with the channel axis called C. Stacks and time series are refused by name."""
    axes = str(series.axes)
    long = {axis: size for axis, size in zip(axes, series.shape, strict=True) if size > 1 and axis not in "YX"}
    stacks = [f"{AXIS_WORDS.get(a, 'stack')} of {n}" for a, n in long.items() if a not in "CSQI"]
    if stacks:
        hint = "Keep one plane per channel. Are these channels? Then store them as channels."
        raise BadImage(f"{path.name} is a {' and a '.join(stacks)}: project it first.", hint)
    if len(long) > 1:
        raise BadImage(f"{path.name} has axes {axes} of {series.shape}: which are channels is not clear.", RGB_HINT)
    if not long:
        return axes
    (axis, size), *_ = long.items()
    if axis == "C":
        return axes
    if size > MAX_GUESSED_CHANNELS:
        raise BadImage(f"{path.name} is a stack of {size} without metadata, not channels.", "Export it as OME-TIFF.")
    if axis in "QI" and series.kind != "ome":
        warnings.append(f"{size} pages without metadata were read as {size} channels.")
    elif int(series.keyframe.photometric) == 2 and series.kind != "ome":
        warnings.append(f"A {series.keyframe.bitspersample}-bit RGB file was read as {size} raw channels.")
    return axes.replace(axis, "C")


def _cyx_shape(shape: tuple[int, ...], axes: str) -> tuple[int, int, int]:
    sizes = dict(zip(axes, shape, strict=True))
    return (int(sizes.get("C", 1)), int(sizes["Y"]), int(sizes["X"]))


def _channel_first(image: AnyArray, axes: str) -> AnyArray:
    keep = [i for i, axis in enumerate(axes) if axis in "CYX"]
    image = image.reshape([image.shape[i] for i in keep])
    kept = "".join(axes[i] for i in keep)
    if "C" not in kept:
        image, kept = image[None], "C" + kept
    return image.transpose([kept.index(axis) for axis in "CYX"])  # C Y X


def _brightest(page: Any) -> Any:
    """The grey value that MinIsWhite calls black."""
    if page.dtype.kind == "u":
        return page.dtype.type(2**page.bitspersample - 1)
    raise BadImage("The image is stored inverted (white is zero) with signed values.", "Export it as plain grey TIFF.")


def _imagej_labels(tiff: tifffile.TiffFile, channels: int) -> tuple[str, ...]:
    labels = (tiff.imagej_metadata or {}).get("Labels") if tiff.is_imagej else None
    labels = [labels] if isinstance(labels, str) else labels
    if not isinstance(labels, list) or len(labels) != channels:
        return ()
    return tuple(str(label) for label in labels)


def _plain_pixel_size(tiff: tifffile.TiffFile) -> float | None:
    """Pixel size in um from ImageJ or MetaMorph; a bare TIFF resolution is a printing size and is not believed."""
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
    return None


def _check_finite(image: AnyArray, path: Path) -> None:
    if image.dtype.kind != "f":
        return
    bad = int(image.size - np.count_nonzero(np.isfinite(image)))
    if bad:
        raise BadImage(f"{path.name}: {bad} pixels are not numbers (NaN or infinite).", "Export it again as integers.")


def _changed(record: ImageRecord, file: str, what: str) -> BadImage:
    return BadImage(f"{file} (record {record.id}) has changed since import: {what}.", "Scan the folder again.")
