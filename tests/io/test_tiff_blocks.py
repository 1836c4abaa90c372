"""Blocks of pixels that are not where or what the header says are never read."""

import struct
import threading
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile

from benchmarks.damage import WRITERS, healthy
from core.errors import BadImage
from core.io.memory import Budget
from core.io.tiff import read_image, read_with_info

IMAGE = np.random.default_rng(0).integers(10, 4000, (64, 64)).astype(np.uint16)


def patched(path: Path, tag: str, value: int, index: int = 0) -> Path:
    """The file with another value of a tag of its first page."""
    with tifffile.TiffFile(path) as tiff:
        found = tiff.pages.first.tags[tag]
        form = "<I" if int(found.dtype) == 4 else "<H"
        place = found.valueoffset + index * struct.calcsize(form)
    data = bytearray(path.read_bytes())
    struct.pack_into(form, data, place, value)
    path.write_bytes(data)
    return path


def refused(path: Path, match: str) -> None:
    with pytest.raises(BadImage, match=match) as caught:
        read_image(path)
    assert path.name in caught.value.message and caught.value.hint


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "zstd", "packbits"])
def test_bits_that_the_blocks_do_not_hold_are_refused(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, IMAGE, rowsperstrip=16, compression=compression)
    refused(patched(path, "BitsPerSample", 8), "declares 8 bits per pixel: 1024 bytes in a block")


def test_rows_that_the_blocks_do_not_hold_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, IMAGE, rowsperstrip=16, compression="zlib")
    refused(patched(path, "ImageLength", 63), "1920 bytes in a block of page 1, and more")


def test_a_block_of_lzw_that_ends_before_its_end_mark_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, IMAGE, rowsperstrip=16, compression="lzw")
    with tifffile.TiffFile(path) as tiff:
        count = tiff.pages.first.databytecounts[1]
    refused(patched(path, "StripByteCounts", count - 2, 1), "bytes in a block|damaged")


def test_a_header_without_the_meaning_of_bright_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, IMAGE)
    with tifffile.TiffFile(path) as tiff:
        place = tiff.pages.first.tags["PhotometricInterpretation"].offset
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, place, 263)
    path.write_bytes(data)
    refused(path, "does not say whether bright pixels are signal")


@pytest.mark.parametrize(("tag", "code"), [("Predictor", 381), ("Predictor", 316)])
def test_entries_that_no_writer_makes_are_a_warning(tmp_path: Path, tag: str, code: int) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, IMAGE, compression="zlib", predictor=True)
    assert not any("partly damaged" in text for text in read_with_info(path)[1].warnings)
    with tifffile.TiffFile(path) as tiff:
        place = tiff.pages.first.tags[tag].offset
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, place, code)
    path.write_bytes(data)
    assert any("partly damaged" in text for text in read_with_info(path)[1].warnings)


@pytest.mark.parametrize("kind", ["plain", "imagej", "ome", "tiled", "big", "big endian"])
def test_a_file_that_ends_in_zeros_is_noted(tmp_path: Path, kind: str) -> None:
    file = healthy(kind, 3)
    path = tmp_path / "a.tif"
    path.write_bytes(file.data)
    assert "zero-tail" not in dict(read_with_info(path)[1].notes)
    with tifffile.TiffFile(path) as tiff:
        ends = [
            o + c
            for page in tiff.pages
            for o, c in zip(page.dataoffsets, page.databytecounts, strict=True)
        ]
    data = bytearray(file.data)
    data[max(ends) - 20 : max(ends)] = bytes(20)
    path.write_bytes(data)
    assert "10 pixels are zeros" in dict(read_with_info(path)[1].notes)["zero-tail"]


@pytest.mark.parametrize("kind", WRITERS)
def test_healthy_files_of_every_kind_are_read_without_a_note(tmp_path: Path, kind: str) -> None:
    file = healthy(kind, 5)
    path = tmp_path / "a.tif"
    path.write_bytes(file.data)
    image, info = read_with_info(path)
    assert np.array_equal(image, file.pixels) and info.notes == ()


def test_a_png_with_more_rows_than_it_declares_is_refused(tmp_path: Path) -> None:
    data = bytearray(imagecodecs.png_encode(IMAGE))
    struct.pack_into(">I", data, 20, 60)
    struct.pack_into(">I", data, 29, zlib.crc32(bytes(data[12:29])))
    (tmp_path / "a.png").write_bytes(data)
    refused(tmp_path / "a.png", "declares 64 x 60 pixels")


def test_readers_share_the_memory_and_a_large_image_waits_for_the_others() -> None:
    budget, order = Budget(total=90), []
    inside, leave = threading.Event(), threading.Event()

    def first() -> None:
        with budget.reading(20):
            inside.set()
            leave.wait(10)
            order.append("first")

    def second() -> None:
        with budget.reading(1000):  # more than there is: alone, it is read nevertheless
            order.append("second")

    one = threading.Thread(target=first)
    one.start()
    assert inside.wait(10)
    with budget.reading(10):
        order.append("small")
    two = threading.Thread(target=second)
    two.start()
    two.join(0.2)
    assert order == ["small"]
    leave.set()
    one.join(10)
    two.join(10)
    assert order == ["small", "first", "second"]
