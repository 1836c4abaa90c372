"""Files of OME-Zarr and of the makers give the right pixels, names and sizes, or a reason."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from made_containers import (
    pixels,
    write_czi,
    write_group,
    write_lif,
    write_nd2,
    write_oif,
    write_zarr_image,
)

from core.errors import BadImage
from core.io.fields import info_of, safe_xml
from core.io.read_field import open_field, open_fields

NAMES = ("DAPI", "GFP")
Maker = Callable[[Path, np.ndarray], Path]


def zarr_04(folder: Path, image: np.ndarray) -> Path:
    return write_zarr_image(folder / "a.ome.zarr", swapped(image), NAMES)


def zarr_05(folder: Path, image: np.ndarray) -> Path:
    return write_zarr_image(folder / "a.ome.zarr", swapped(image), NAMES, version="0.5")


def zarr_shards(folder: Path, image: np.ndarray) -> Path:
    path, shape = folder / "a.ome.zarr", swapped(image).shape
    return write_zarr_image(path, swapped(image), NAMES, version="0.5", shards=shape)


def swapped(image: np.ndarray) -> np.ndarray:
    """T C Z Y X of the first scene."""
    return image[0].swapaxes(1, 2)


FORMATS: dict[str, Maker] = {
    "zarr 0.4": zarr_04,
    "zarr 0.5": zarr_05,
    "zarr shards": zarr_shards,
    "czi": lambda folder, image: write_czi(folder / "a.czi", image, NAMES, 0.5),
    "lif": lambda folder, image: write_lif(folder / "a.lif", image, ("Pos1",), NAMES),
    "nd2": lambda folder, image: write_nd2(folder / "a.nd2", image, NAMES, 0.5),
    "oif": lambda folder, image: write_oif(folder / "a.oif", image, NAMES, 0.5),
}
every_format = pytest.mark.parametrize("make", FORMATS.values(), ids=FORMATS)


def missing(path: Path, *, match: str, z: str = "") -> None:
    with pytest.raises(BadImage, match=match) as caught:
        open_field(path, z=z)
    assert caught.value.kind in ("missing-part", "cut-short")
    assert caught.value.hint and path.name in caught.value.message


@every_format
def test_every_format_gives_its_pixels_names_and_sizes(tmp_path: Path, make: Maker) -> None:
    image = pixels(c=2)
    path = make(tmp_path, image)
    with open_fields(path) as container:
        [field] = container.fields
        info = info_of(field, path)
    assert info.shape == (2, 24, 32) and info.dtype == "uint16"
    assert info.channel_names == NAMES
    assert info.pixel_size_um == pytest.approx(0.5)
    found = open_field(path)
    assert np.array_equal(found, image[0, 0, 0]) and found.dtype == np.uint16


@every_format
def test_planes_become_one_and_times_are_apart(tmp_path: Path, make: Maker) -> None:
    image = pixels(c=2, z=3, t=2)
    path = make(tmp_path, image)
    of_time = image[0, 1]  # Z C Y X
    assert np.array_equal(open_field(path, z="max", t="2"), of_time.max(axis=0))
    mean = np.rint(of_time.mean(axis=0)).astype(np.uint16)
    assert np.array_equal(open_field(path, z="mean", t="2"), mean)
    assert np.array_equal(open_field(path, z="3", t="2"), of_time[2])
    with pytest.raises(BadImage, match="a time series of 2 and a z-stack of 3"):
        open_field(path)
    with pytest.raises(BadImage, match="3 planes; '4' is none of them"):
        open_field(path, z="4", t="1")


def test_planes_or_times_can_be_stains(tmp_path: Path) -> None:
    image = pixels(t=3)
    path = write_zarr_image(tmp_path / "a.ome.zarr", swapped(image))
    assert np.array_equal(open_field(path, t="stains"), image[0, :, 0, 0])
    tifffile.imwrite(tmp_path / "a.tif", image[0, :, 0, 0], imagej=True, metadata={"axes": "ZYX"})
    assert np.array_equal(open_field(tmp_path / "a.tif", z="stains"), image[0, :, 0, 0])


@pytest.mark.parametrize("name", ["czi", "nd2"])
def test_scenes_are_told_apart(tmp_path: Path, name: str) -> None:
    image = pixels(s=3, c=2)
    path = FORMATS[name](tmp_path, image)
    with open_fields(path) as container:
        scenes = [field.scene for field in container.fields]
    assert len(scenes) == 3
    for scene, wanted in zip(scenes, image, strict=True):
        assert np.array_equal(open_field(path, scene), wanted[0, 0])
    with pytest.raises(BadImage, match="has no field '9'"):
        open_field(path, "9")


def test_images_of_a_lif_file_keep_their_names(tmp_path: Path) -> None:
    image = pixels(s=2, c=2)
    path = write_lif(tmp_path / "a.lif", image, ("WT_1", "DS_1"), NAMES)
    with open_fields(path) as container:
        assert [(f.scene, f.name) for f in container.fields] == [("0", "WT_1"), ("1", "DS_1")]
    assert np.array_equal(open_field(path, "1"), image[1, 0, 0])


def test_a_czi_scene_names_its_well(tmp_path: Path) -> None:
    path = write_czi(tmp_path / "a.czi", pixels(s=2), ("DAPI",), wells=("B2", "B11"))
    with open_fields(path) as container:
        assert [field.well for field in container.fields] == ["B02", "B11"]


@pytest.mark.parametrize("make", [zarr_04, zarr_05], ids=["0.4", "0.5"])
def test_a_missing_chunk_is_never_zeros(tmp_path: Path, make: Maker) -> None:
    path = make(tmp_path, pixels(c=2))
    chunk = path.joinpath("0", *(["c"] if make is zarr_05 else []), "0", "1", "0", "1", "0")
    assert chunk.is_file()
    chunk.unlink()
    missing(path, match="1 of 2 chunks of the plane are missing")


def test_a_gap_in_a_shard_is_never_zeros(tmp_path: Path) -> None:
    path = zarr_shards(tmp_path, pixels(c=2))
    [shard] = [p for p in (path / "0" / "c").rglob("*") if p.is_file()]
    data = bytearray(shard.read_bytes())
    table = len(data) - 16 * 4 - 4
    struct.pack_into("<QQ", data, table + 16, 2**64 - 1, 2**64 - 1)
    shard.write_bytes(data)
    missing(path, match="chunks of the plane are missing")


def test_missing_planes_of_makers_files_are_counted(tmp_path: Path) -> None:
    image = pixels(c=2, z=2)
    missing(write_czi(tmp_path / "a.czi", image, leave_out=(1,)), match="1 of 4 planes", z="max")
    missing(
        write_nd2(tmp_path / "a.nd2", image, NAMES, leave_out=(1,)), match="1 of 2 frames", z="max"
    )
    missing(write_lif(tmp_path / "a.lif", image, ("p",), NAMES, cut=9), match="cut short", z="max")
    path = write_oif(tmp_path / "a.oif", image, NAMES)
    (tmp_path / "a.oif.files" / "s_C002Z001T001.tif").unlink()
    missing(path, match="1 of 4 planes are missing", z="max")


def test_a_cut_plane_of_an_oif_file_is_never_zeros(tmp_path: Path) -> None:
    path = write_oif(tmp_path / "a.oif", pixels(c=2), NAMES)
    plane = tmp_path / "a.oif.files" / "s_C002Z001T001.tif"
    plane.write_bytes(plane.read_bytes()[:-100])
    missing(path, match="cut short")


@pytest.mark.parametrize("name", ["czi", "nd2", "lif"])
def test_a_cut_file_of_a_maker_is_never_read(tmp_path: Path, name: str) -> None:
    image = pixels(c=2)
    path = FORMATS[name](tmp_path, image)
    data = path.read_bytes()
    for length in np.linspace(0, len(data) - 1, 25).astype(int):
        path.write_bytes(data[:length])
        try:
            found = open_field(path)
        except BadImage as error:
            assert path.name in error.message
            continue
        assert np.array_equal(found, image[0, 0, 0]), f"{length} of {len(data)} bytes"


def test_a_codec_that_could_run_code_is_refused(tmp_path: Path) -> None:
    path = zarr_04(tmp_path, pixels())
    about = path / "0" / ".zarray"
    stored = json.loads(about.read_text()) | {"compressor": {"id": "pickle"}}
    about.write_text(json.dumps(stored))
    with pytest.raises(BadImage, match='packed with "pickle"'):
        open_field(path)


def test_metadata_do_not_lead_out_of_a_zarr_folder(tmp_path: Path) -> None:
    path = zarr_04(tmp_path, pixels())
    said = json.loads((path / ".zattrs").read_text())
    said["multiscales"][0]["datasets"][0]["path"] = "../b"
    write_group(path, said)
    with pytest.raises(BadImage, match="outside of it"):
        open_field(path)


def test_a_huge_declared_array_takes_no_memory(tmp_path: Path) -> None:
    path = zarr_04(tmp_path, pixels())
    about = path / "0" / ".zarray"
    stored = json.loads(about.read_text()) | {"shape": [1, 1, 1, 200_000, 200_000]}
    about.write_text(json.dumps(stored))
    with pytest.raises(BadImage, match="GB of pixels"):
        open_field(path)


def test_entities_in_descriptions_are_refused(tmp_path: Path) -> None:
    text = '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'
    for given in (text, text.encode(), text.encode("utf-16")):
        with pytest.raises(BadImage, match="entity"):
            safe_xml(given, tmp_path / "a.czi")
