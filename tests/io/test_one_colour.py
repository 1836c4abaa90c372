"""RGB pictures in one colour are read as their one channel; pictures of several colours are not."""

from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from made_containers import write_czi, write_lif, write_nd2

from core.domain import ProblemKind
from core.errors import BadImage
from core.io.read_field import header_of, open_fields, read_image_of
from core.io.tiff import read_image, read_with_info
from core.scanning.scan import read_folder

COLOURS = {
    "blue": (0, 0, 1),
    "green": (0, 1, 0),
    "cyan": (0, 1, 1),
    "orange": (1, 0.647, 0),
    "grey": (1, 1, 1),
}


def one_stain(dtype: type, seed: int = 1) -> np.ndarray:
    """Noise (Y, X) from dark to bright."""
    top = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(3, top - 2, (24, 32)).astype(dtype)


def coloured(value: np.ndarray, colour: tuple[float, ...], rounded: bool = True) -> np.ndarray:
    """(Y, X, 3): what a look-up table makes of a stain."""
    parts = value[..., None] * np.array(colour)
    return (np.rint(parts) if rounded else parts).astype(value.dtype)


def write(path: Path, rgb: np.ndarray, planes: bool = False) -> Path:
    if path.suffix == ".png":
        path.write_bytes(imagecodecs.png_encode(rgb))
    else:
        pixels = np.moveaxis(rgb, -1, 0) if planes else rgb
        config = "separate" if planes else "contig"
        tifffile.imwrite(path, pixels, photometric="rgb", planarconfig=config)
    return path


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", ["side by side.tif", "planes.tif", "picture.png"])
def test_a_picture_in_one_colour_is_its_value(
    tmp_path: Path, name: str, dtype: type, colour: str
) -> None:
    value = one_stain(dtype)
    for rounded in (True, False):
        rgb = coloured(value, COLOURS[colour], rounded)
        path = write(tmp_path / name, rgb, planes=name == "planes.tif")
        image, info = read_with_info(path)
        assert np.array_equal(image, value[None]) and info.shape == image.shape
        assert [kind for kind, _ in info.notes] == ["rgb"] and not info.warnings


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_a_colour_with_transparency_is_read_without_it(tmp_path: Path, name: str) -> None:
    value, path = one_stain(np.uint8), tmp_path / name
    rgba = np.dstack([coloured(value, COLOURS["green"]), np.full_like(value, 255)])
    if name == "a.png":
        path.write_bytes(imagecodecs.png_encode(rgba))
    else:
        tifffile.imwrite(path, rgba, photometric="rgb", extrasamples=["unassalpha"])
    image, info = read_with_info(path)
    assert np.array_equal(image, value[None])
    assert [kind for kind, _ in info.notes] == ["alpha", "rgb"]


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
@pytest.mark.parametrize("second", ["another stain", "a scale bar", "a curved table"])
def test_a_picture_of_several_colours_is_refused(tmp_path: Path, name: str, second: str) -> None:
    value = one_stain(np.uint8)
    rgb = coloured(value, COLOURS["green"])
    if second == "another stain":
        rgb[..., 0] = one_stain(np.uint8, seed=2)
    elif second == "a scale bar":
        rgb[20:22, 4:12] = 255
    else:
        rgb[..., 0] = np.rint(255 * (value / 255.0) ** 2)
    with pytest.raises(BadImage, match="holds several colours") as caught:
        read_image(write(tmp_path / name, rgb))
    assert caught.value.kind == "rgb" and "scale bar" in caught.value.hint


@pytest.mark.parametrize(("planes", "dtype"), [(True, np.uint8), (False, np.uint16)])
def test_raw_stains_that_are_called_rgb_stay_stains(
    tmp_path: Path, planes: bool, dtype: type
) -> None:
    rgb = np.dstack([one_stain(dtype, seed) for seed in range(3)])
    image, info = read_with_info(write(tmp_path / "a.tif", rgb, planes))
    assert np.array_equal(image, np.moveaxis(rgb, -1, 0))
    assert [text for _, text in info.notes] == [
        f"An RGB file of {8 if dtype is np.uint8 else 16} bits, read as 3 stains."
    ]


@pytest.mark.parametrize("ending", [".tif", ".png"])
def test_three_exports_of_a_field_are_its_stains(tmp_path: Path, ending: str) -> None:
    seed = 0
    stains = {"DAPI": "blue", "GFP": "green", "TRITC": "orange"}
    for condition in ("WT", "DS"):
        (tmp_path / condition).mkdir()
        for field in range(1, 4):
            for stain, colour in stains.items():
                seed += 1
                rgb = coloured(one_stain(np.uint8, seed), COLOURS[colour])
                write(tmp_path / condition / f"XY{field:02d}_{stain}{ending}", rgb)
            both = np.dstack([one_stain(np.uint8, seed + n) for n in range(3)])
            write(tmp_path / condition / f"XY{field:02d}_Overlay{ending}", both)
    scan = read_folder(tmp_path)
    found = scan.dataset
    assert [c.name for c in found.channels] == list(stains)
    assert found.counts() == {"WT": 3, "DS": 3} and not [
        q for q in scan.questions if q.default is None
    ]
    named = [p for p in found.problems if p.kind is ProblemKind.RGB]
    warned = [p.item for p in named if p.severity == "warning"]
    assert len(warned) == 1 and "17 other files" in warned[0]
    left_out = {p.item for p in named if p.severity == "excluded"}
    assert left_out == {f"{c}/XY{n:02d}_Overlay{ending}" for c in ("WT", "DS") for n in (1, 2, 3)}


def stacks_in_colour(colour: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Grey values (S, T, Z, C, Y, X) of two fields, and what a look-up table makes of them."""
    grey = np.stack([one_stain(np.uint16, seed) for seed in (1, 2)])[:, None, None, None]
    return grey, np.stack([coloured(value, colour) for value in grey])


def czi(path: Path, image: np.ndarray) -> Path:
    return write_czi(path.with_suffix(".czi"), image, ("Mito",))


def lif(path: Path, image: np.ndarray) -> Path:
    return write_lif(path.with_suffix(".lif"), image, ("a", "b"), ("Red", "Green", "Blue"))


def nd2(path: Path, image: np.ndarray) -> Path:
    return write_nd2(path.with_suffix(".nd2"), image, ("Mito",))


@pytest.mark.parametrize("write_file", [czi, lif, nd2])
def test_one_colour_in_a_file_of_a_maker_is_its_value(
    tmp_path: Path, write_file: Callable[[Path, np.ndarray], Path]
) -> None:
    grey, image = stacks_in_colour(COLOURS["orange"])
    path = write_file(tmp_path / "a", image)
    with open_fields(path) as container:
        for field, value in zip(container.fields, grey, strict=True):
            assert np.array_equal(read_image_of(container, field, path), value[0, 0])
            assert header_of(container, field, path).shape == (1, 24, 32)
            assert "rgb" in [kind for kind, _ in header_of(container, field, path).notes]


@pytest.mark.parametrize("write_file", [czi, lif, nd2])
def test_several_colours_in_a_file_of_a_maker_are_refused(
    tmp_path: Path, write_file: Callable[[Path, np.ndarray], Path]
) -> None:
    image = np.random.default_rng(3).integers(3, 4000, (2, 1, 1, 1, 24, 32, 3)).astype(np.uint16)
    write_file(tmp_path / "a", image)
    found = read_folder(tmp_path)
    assert not found.dataset.records and {str(p.kind) for p in found.dataset.problems} >= {"rgb"}
