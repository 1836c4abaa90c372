"""Files made to hurt: they are refused before they take memory, and nothing waits for ever."""

import os
import struct
import threading
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from core.errors import BadImage
from core.io.tiff import read_image
from core.scanning.scan import scan_folder

MOST_BYTES = 50_000_000
IMAGE = np.random.default_rng(0).integers(10, 4000, (64, 64)).astype(np.uint16)
OME = (
    '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
    '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16"'
    ' SizeX="{x}" SizeY="64" SizeC="{c}" SizeT="{t}" SizeZ="1">'
    '<TiffData FirstC="0" IFD="0" PlaneCount="1"/></Pixels></Image></OME>'
)


def peak_bytes(read: Callable[[], object], match: str) -> int:
    """The memory that a refusal took."""
    tracemalloc.start()
    try:
        with pytest.raises(BadImage, match=match) as caught:
            read()
        assert caught.value.hint
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def patched(path: Path, **tags: int) -> Path:
    """The file with other values of tags of its first page."""
    with tifffile.TiffFile(path) as tiff:
        places = {name: tiff.pages.first.tags[name] for name in tags}
        formats = {name: "<I" if int(tag.dtype) == 4 else "<H" for name, tag in places.items()}
    data = bytearray(path.read_bytes())
    for name, value in tags.items():
        struct.pack_into(formats[name], data, places[name].valueoffset, value)
    path.write_bytes(data)
    return path


def few_bytes(path: Path) -> Path:
    """65535 x 65535 pixels of 16 bits in a file of 8 kB."""
    tifffile.imwrite(path, IMAGE, metadata=None)
    return patched(path, ImageWidth=65535, ImageLength=65535, RowsPerStrip=65535)


def black(path: Path, dtype: type, across: int) -> Path:
    """A square of whole tiles that are all black, and so very small on the disk."""
    tiles = (np.zeros((8192, 8192), dtype) for _ in range(across**2))
    side = 8192 * across
    tifffile.imwrite(
        path, tiles, shape=(side, side), dtype=dtype, tile=(8192, 8192), compression="zlib",
        metadata=None, bigtiff=True,
    )  # fmt: skip
    return path


def zip_bomb(path: Path) -> Path:
    """1.2 GB that are deflated to about 1 MB."""
    return black(path, np.uint16, 3)


def stitched(path: Path) -> Path:
    """A well of more than 2^31 pixels."""
    return black(path, np.uint8, 6)


def ome(x: int, c: int, t: int) -> Callable[[Path], Path]:
    def made(path: Path) -> Path:
        text = OME.format(x=x, c=c, t=t)
        tifffile.imwrite(path, IMAGE, description=text, metadata=None)
        return path

    return made


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (few_bytes, r"declares 8\.6 GB of pixels; the limit is 1 GB"),
        (zip_bomb, r"declares 1\.2 GB of pixels"),
        (stitched, r"declares 2\.4 GB of pixels"),
        (ome(64, 1_000_000, 10_000), "declares 10000000000 planes; the limit is 512"),
        (ome(100_000_000, 1, 1), r"declares 12\.8 GB of pixels"),
    ],
    ids=["few bytes", "zip bomb", "stitched", "OME planes", "OME size"],
)
def test_too_much_that_is_declared_is_refused_before_memory_is_taken(
    tmp_path: Path, make: Callable[[Path], Path], match: str
) -> None:
    path = make(tmp_path / "a.tif")
    assert path.stat().st_size < 10_000_000
    assert peak_bytes(lambda: read_image(path), match) < MOST_BYTES


def test_a_strip_that_inflates_beyond_its_image_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    packer = zlib.compressobj()
    block = bytes(2**20)
    bomb = b"".join(packer.compress(block) for _ in range(256)) + packer.flush()
    tifffile.imwrite(path, np.zeros((64, 64), np.uint8), compression="zlib", metadata=None)
    with tifffile.TiffFile(path) as tiff:
        end = path.stat().st_size
        names = {tag.name for tag in tiff.pages.first.tags}
        assert {"StripOffsets", "StripByteCounts"} <= names
    path.write_bytes(path.read_bytes() + bomb)
    patched(path, StripOffsets=end, StripByteCounts=len(bomb))
    assert peak_bytes(lambda: read_image(path), r"a\.tif") < MOST_BYTES


def test_a_page_list_that_runs_in_a_circle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, IMAGE, metadata=None)
    data = bytearray(path.read_bytes())
    first = struct.unpack_from("<I", data, 4)[0]
    entries = struct.unpack_from("<H", data, first)[0]
    struct.pack_into("<I", data, first + 2 + 12 * entries, first)
    path.write_bytes(data)
    with pytest.raises(BadImage, match="damaged page list: it runs in a circle"):
        read_image(path)


def test_a_tag_that_claims_gigabytes_is_reported(tmp_path: Path) -> None:
    for name in ("a_A01.tif", "b_A02.tif"):
        private = [(65000, "s", 20, "x" * 19, True)]
        image = IMAGE + np.uint16(name == "a_A01.tif")
        tifffile.imwrite(tmp_path / name, image, metadata=None, extratags=private)
    path = tmp_path / "a_A01.tif"
    with tifffile.TiffFile(path) as tiff:
        place = tiff.pages.first.tags[65000].offset
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, place + 4, 0xFFFFFFF0)
    path.write_bytes(data)
    tracemalloc.start()
    assert np.array_equal(read_image(path)[0], IMAGE + np.uint16(1))
    assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    tracemalloc.stop()
    problems = scan_folder(tmp_path).problems
    assert any("partly damaged" in p.reason and "a_A01" in p.item for p in problems), problems


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    tifffile.imwrite(tmp_path / "whole.tif", IMAGE)
    problems: list[str] = []
    scan = threading.Thread(
        target=lambda: problems.extend(p.reason for p in scan_folder(tmp_path).problems),
        daemon=True,
    )
    scan.start()
    scan.join(30)
    assert not scan.is_alive()
    assert any("pipe.tif is a device, not an image" in reason for reason in problems)
