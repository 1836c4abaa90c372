"""Images are read as they were measured, or refused with a reason."""

import csv
import struct
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile

from core.domain import ImageRecord
from core.errors import BadImage
from core.io import tiff_header
from core.io.read_field import read_record
from core.io.tiff import read_image, read_with_info, write_tiff

SHARED = Path(__file__).parents[2].parent / "shared"
REFUSED = {
    "imagej_tzcyx.tif": "z-stack of 4",
    "ome_tzcyx.ome.tif": "time series of 2 and a z-stack of 4",
    "ome_zcyx_stack.ome.tif": "z-stack of 4: project it first",
    "ome_czyx_order.ome.tif": "z-stack of 4",
    "ome_t_only.ome.tif": "time series of 2",
    "cyx_float32_nan_inf.tif": "pixels are not numbers",
    "rgb_uint8.tif": "RGB picture, not raw data",
    "rgba_uint8.tif": "RGB picture, not raw data",
    "rgb_jpeg_ycbcr.tif": "RGB picture, not raw data",
    "mask_1bit.tif": "a mask",
    "tiny_8x8.tif": "8 x 8 pixels",
}
SHAPES = {  # where the manifest's words are not the shape itself
    "plain_multipage_no_metadata.tif": (3, 192, 256),
    "palette_8bit.tif": (1, 192, 256),
    "gray_with_green_lut_palette.tif": (1, 192, 256),
    "multi_series_different_shapes.tif": (3, 192, 256),
    "pyramid_tiled.ome.tif": (3, 896, 1216),
    "ome_multifile/*.ome.tif": (3, 192, 256),
}


def manifest(part: str) -> list[tuple[str, str]]:
    table = SHARED / "formats" / "MANIFEST_derived.csv"
    if not table.is_file():
        return []
    rows = list(csv.DictReader(table.open(encoding="utf-8-sig")))
    return [
        (r["file"].split("/", 1)[1], r["expected"])
        for r in rows
        if r["file"].startswith(part + "/")
    ]


def expected_shape(name: str, words: str) -> tuple[int, ...]:
    if name in SHAPES:
        return SHAPES[name]
    sizes = tuple(
        int(part)
        for part in words[words.index("(") + 1 : words.index(")")].split(",")
        if part.strip()
    )
    if len(sizes) == 2:
        return (1, *sizes)
    return (sizes[2], sizes[0], sizes[1]) if sizes[2] in (3, 4) else sizes


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(10, 4000, (3, 32, 40)).astype(np.uint16)


@pytest.mark.parametrize(
    ("name", "words"), [r for r in manifest("derived") if r[0] != "per_channel_naming/"]
)
def test_every_way_of_writing_an_image_gives_channels_first_or_a_reason(
    shared: Path, name: str, words: str
) -> None:
    for path in sorted((shared / "formats" / "derived").glob(name)):
        if path.name in REFUSED:
            with pytest.raises(BadImage, match=REFUSED[path.name]):
                read_image(path)
            continue
        pixels, info = read_with_info(path)

        assert pixels.shape == info.shape == expected_shape(name, words)
        assert str(pixels.dtype) == info.dtype
        if words.endswith(("8", "16", "32")):
            assert info.dtype == words.split()[-1]


@pytest.mark.parametrize("name", [name for name, _ in manifest("broken")])
def test_every_broken_file_is_refused_by_name_or_read_with_a_warning(
    shared: Path, name: str
) -> None:
    place = shared / "formats" / "broken" / name.rstrip("/")
    for path in sorted(place.glob("*.tif")) if name.startswith("ome_multifile") else [place]:
        if path.name == "ome_xml_broken.ome.tif":
            assert any("damaged" in text for text in read_with_info(path)[1].warnings)
            assert read_image(path).shape == (3, 192, 256)
            continue
        with pytest.raises(BadImage) as caught:
            read_image(path)
        assert path.name in caught.value.message
        assert caught.value.hint


def test_damaged_headers_of_a_foreign_collection_raise_nothing_but_bad_image(shared: Path) -> None:
    files = [
        p
        for p in (shared / "formats" / "real").rglob("*")
        if p.suffix.lower() in (".tif", ".tiff", ".png")
    ]
    read = 0
    for path in files:
        try:
            read_image(path)
            read += 1
        except BadImage as error:
            assert path.name in error.message
    assert read > 100


def test_all_layouts_of_one_picture_give_the_same_pixels(shared: Path) -> None:
    folder = shared / "formats" / "derived"
    wanted = read_image(folder / "ome_cyx_uint16.ome.tif")

    for name in (
        "imagej_cyx", "plain_yxc_contig_uint16", "plain_planar_separate_uint16",
        "cyx_bigendian_uint16",
        "cyx_lzw_uint16", "bigtiff_cyx", "ome_yxc_samples_uint16.ome",
        "plain_multipage_no_metadata",
    ):  # fmt: skip
        assert np.array_equal(read_image(folder / f"{name}.tif"), wanted), name
    assert np.array_equal(read_image(folder / "ome_multifile" / "multi_C1.ome.tif"), wanted)


@pytest.mark.parametrize("name", ["a.ome.tif", "a.tif"])
def test_a_written_image_comes_back_with_channels_and_pixel_size(
    tmp_path: Path, name: str, image: np.ndarray
) -> None:
    write_tiff(
        tmp_path / name,
        image,
        channel_names=["DAPI", "GFP", "TMRM"],
        pixel_size_um=0.31,
        description="x",
    )

    info = read_with_info(tmp_path / name)[1]
    assert np.array_equal(read_image(tmp_path / name), image)
    assert info.channel_names == ("DAPI", "GFP", "TMRM")
    assert info.pixel_size_um == pytest.approx(0.31, rel=1e-4)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_float_differences_are_written_without_loss(tmp_path: Path) -> None:
    change = np.random.default_rng(0).normal(size=(2, 20, 30)).astype(np.float32)
    write_tiff(tmp_path / "d.ome.tif", change, channel_names=["a", "b"], pixel_size_um=None)
    assert np.array_equal(read_image(tmp_path / "d.ome.tif"), change)


@pytest.mark.parametrize("kind", ["uncompressed", "zlib", "imagej", "ome", "tiled"])
def test_no_truncation_is_ever_read_as_a_whole_image(
    tmp_path: Path, kind: str, image: np.ndarray
) -> None:
    options = {
        "uncompressed": {"photometric": "minisblack"},
        "zlib": {"photometric": "minisblack", "compression": "zlib"},
        "imagej": {"imagej": True, "metadata": {"axes": "CYX"}},
        "ome": {"ome": True, "photometric": "minisblack", "metadata": {"axes": "CYX"}},
        "tiled": {"photometric": "minisblack", "tile": (16, 16)},
    }[kind]
    whole = tmp_path / "whole.tif"
    tifffile.imwrite(whole, image, **options)
    data = whole.read_bytes()
    cut = tmp_path / "cut.tif"
    for length in np.linspace(0, len(data) - 200, 60).astype(int):
        cut.write_bytes(data[:length])
        try:
            found = read_image(cut)
        except BadImage:
            continue
        assert np.array_equal(found, image), (
            f"{length} of {len(data)} bytes were read as {found.shape}"
        )


def test_flipped_header_bytes_never_raise_anything_but_bad_image(
    tmp_path: Path, image: np.ndarray
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image, photometric="minisblack", compression="zlib")
    data = bytearray(path.read_bytes())
    for place in range(0, 400, 3):
        broken = bytearray(data)
        broken[place] ^= 0xFF
        path.write_bytes(broken)
        try:
            found = read_image(path)
        except BadImage:
            continue
        assert found.ndim == 3 and found.dtype.kind in "uif"


def test_a_huge_declared_size_is_refused_before_memory_is_taken(
    tmp_path: Path, monkeypatch
) -> None:
    path = tmp_path / "big.tif"
    tifffile.imwrite(path, np.zeros((64, 64), np.uint16))
    monkeypatch.setattr(tiff_header, "MAX_BYTES", 5000)
    with pytest.raises(BadImage, match=r"declares .* GB of pixels"):
        read_image(path)


def test_too_many_pages_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "many.tif"
    with tifffile.TiffWriter(path) as writer:
        for _ in range(520):
            writer.write(np.zeros((16, 16), np.uint8), contiguous=False, metadata=None)
    with pytest.raises(BadImage, match="more than 512 pages"):
        read_image(path)


@pytest.mark.parametrize(
    "name", ["../x.ome.tif", "/dev/zero", "\\\\\\\\host\\\\share\\\\x.tif", "C:x.tif"]
)
def test_ome_references_outside_the_folder_are_refused(
    tmp_path: Path, name: str, image: np.ndarray
) -> None:
    name = name.replace("\\\\", "\\")
    tifffile.imwrite(tmp_path / "x.ome.tif", image[0])
    folder = tmp_path / "in"
    folder.mkdir()
    xml = (
        '<?xml version="1.0"?><OME'
        ' xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels'
        ' ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" SizeX="40" SizeY="32"'
        ' SizeC="2"><TiffData FirstC="0" IFD="0" PlaneCount="1"><UUID'
        ' FileName="a.ome.tif">urn:uuid:1</UUID></TiffData><TiffData FirstC="1" IFD="0"'
        ' PlaneCount="1"><UUID'
        f' FileName="{name}">urn:uuid:2</UUID></TiffData></Pixels></Image></OME>'
    )
    tifffile.imwrite(folder / "a.ome.tif", image[0], description=xml, metadata=None)
    with pytest.raises(BadImage, match="outside its folder"):
        read_image(folder / "a.ome.tif")


def test_entity_definitions_in_ome_text_are_not_expanded(tmp_path: Path, image: np.ndarray) -> None:
    xml = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><OME>&b;</OME>'
    tifffile.imwrite(tmp_path / "a.ome.tif", image[0], description=xml, metadata=None)
    assert any("entity" in text for text in read_with_info(tmp_path / "a.ome.tif")[1].warnings)


def test_white_is_zero_is_turned_so_that_bright_is_signal(tmp_path: Path) -> None:
    stored = np.full((20, 20), 250, np.uint8)
    stored[5, 5] = 0
    tifffile.imwrite(tmp_path / "w.tif", stored, photometric="miniswhite")
    assert read_image(tmp_path / "w.tif")[0, 5, 5] == 255
    assert "inverted" in read_with_info(tmp_path / "w.tif")[1].warnings[0]


def test_a_coloured_palette_is_no_intensity(tmp_path: Path) -> None:
    table = np.random.default_rng(0).integers(0, 65535, (3, 256)).astype(np.uint16)
    tifffile.imwrite(
        tmp_path / "p.tif", np.zeros((20, 20), np.uint8), photometric="palette", colormap=table
    )
    with pytest.raises(BadImage, match="palette"):
        read_image(tmp_path / "p.tif")


def test_the_count_of_missing_numbers_is_told(tmp_path: Path) -> None:
    image = np.ones((20, 20), np.float32)
    image.flat[:37] = np.nan
    tifffile.imwrite(tmp_path / "n.tif", image)
    with pytest.raises(BadImage, match="37 pixels are not numbers"):
        read_image(tmp_path / "n.tif")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_grey_png_is_read_and_a_cut_one_refused(tmp_path: Path, dtype: type) -> None:
    grey = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (20, 24)).astype(dtype)
    (tmp_path / "g.png").write_bytes(imagecodecs.png_encode(grey))
    data = (tmp_path / "g.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])

    assert np.array_equal(read_image(tmp_path / "g.png")[0], grey)
    with pytest.raises(BadImage, match="cut short"):
        read_image(tmp_path / "cut.png")


def test_png_that_declares_gigabytes_is_refused(tmp_path: Path) -> None:
    data = bytearray(imagecodecs.png_encode(np.zeros((20, 20), np.uint8)))
    data[16:24] = struct.pack(">II", 60000, 60000)
    (tmp_path / "big.png").write_bytes(data)
    with pytest.raises(BadImage, match="GB of pixels"):
        read_image(tmp_path / "big.png")


def test_a_record_takes_its_planes_in_the_order_of_the_dataset(
    tmp_path: Path, image: np.ndarray
) -> None:
    write_tiff(tmp_path / "a.ome.tif", image, channel_names=["R", "G", "B"], pixel_size_um=None)
    for place, name in enumerate("xyz"):
        tifffile.imwrite(tmp_path / f"{name}.tif", image[place])
    record = ImageRecord("a", ("a.ome.tif",), (2, 1, 0), "WT", "g", shape=(3, 32, 40))
    apart = replace(record, files=("x.tif", "y.tif", "z.tif"), planes=(0, 0, 0))

    assert np.array_equal(read_record(tmp_path, record), image[::-1])
    assert np.array_equal(read_record(tmp_path, apart), image)


def test_a_record_that_changed_or_vanished_is_refused(tmp_path: Path, image: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="minisblack")
    record = ImageRecord("a", ("a.tif",), (0, 1, 2), "WT", "g", shape=(3, 32, 41))
    with pytest.raises(BadImage, match="changed since import"):
        read_record(tmp_path, record)
    with pytest.raises(BadImage, match=r"gone\.tif is missing"):
        read_record(tmp_path, replace(record, files=("gone.tif",)))


def test_blocks_that_were_never_written_are_not_read_as_zeros(tmp_path: Path) -> None:
    path = tmp_path / "sparse.tif"
    tifffile.imwrite(
        path,
        np.full((64, 64), 7, np.uint16),
        tile=(16, 16),
        compression="zlib",
        photometric="minisblack",
    )
    with tifffile.TiffFile(path) as tiff:
        place = tiff.pages.first.tags["TileOffsets"].valueoffset
    data = bytearray(path.read_bytes())
    data[place + 8 : place + 12] = bytes(4)  # the third tile
    path.write_bytes(data)

    with pytest.raises(BadImage, match="1 of 16 blocks of page 1 are missing"):
        read_image(path)


def test_missing_planes_are_counted_and_named(shared: Path) -> None:
    with pytest.raises(BadImage, match="2 of 5 declared planes are missing"):
        read_image(shared / "formats" / "broken" / "ome_xml_says_5_channels.ome.tif")
    with pytest.raises(BadImage, match=r"its part 'multi_C1\.ome\.tif' is missing"):
        read_image(
            shared / "formats" / "broken" / "ome_multifile_missing_part" / "multi_C0.ome.tif"
        )
