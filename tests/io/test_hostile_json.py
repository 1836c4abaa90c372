"""Files of a project that are made to fill the memory, or that no network could use."""

import json
import os
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from core.errors import BadModel, LeighError
from core.evidence.reference import load_reference
from core.io.digest import digest_file
from core.io.models import load_card, load_tensors
from core.io.project import open_project, save_project
from core.io.screens import load_screen
from core.io.tables import load_latents, load_map

FIXTURE = Path(__file__).parents[1] / "fixtures" / "version-0.1" / "project"
MOST_BYTES = 50_000_000
HUGE_BYTES = 2_100_000_000  # sparse: takes no space on the disk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(FIXTURE, tmp_path / "project")
    return tmp_path / "project"


def refused(read: Callable[[], object]) -> LeighError:
    """The error of a reader that took hardly any memory."""
    tracemalloc.start()
    try:
        with pytest.raises(LeighError) as caught:
            read()
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
        return caught.value
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["project.json", "models/iresnet/model.json", "screen.json"])
def test_a_file_of_gigabytes_is_refused_unread(folder: Path, name: str) -> None:
    path = folder / name
    path.touch()
    os.truncate(path, HUGE_BYTES)
    readers: dict[str, Callable[[], object]] = {
        "project.json": lambda: open_project(folder),
        "model.json": lambda: load_card(path.parent),
        "screen.json": lambda: load_screen(folder),
    }
    error = refused(readers[path.name])
    assert str(path) in error.message and "larger than" in error.message and error.hint


@pytest.mark.parametrize("name", ["latents.npz", "maps/map.npz", "models/iresnet/panel.npz"])
def test_arrays_that_unpack_to_more_than_the_file_are_not_opened(folder: Path, name: str) -> None:
    path = folder / name
    arrays = dict(np.load(path))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for key, value in arrays.items():
            with packed.open(f"{key}.npy", "w") as part:
                np.lib.format.write_array(part, value)
        with packed.open("more.npy", "w") as part:
            np.lib.format.write_array(part, np.zeros(200_000_000, np.uint8))
    assert path.stat().st_size < 2_000_000
    readers: dict[str, Callable[[], object]] = {
        "latents.npz": lambda: load_latents(path),
        "map.npz": lambda: load_map(path.parent),
        "panel.npz": lambda: load_reference(path.parent, load_card(path.parent)),
    }
    error = refused(readers[path.name])
    assert str(path) in error.message and "would unpack to 200." in error.message and error.hint


def test_weights_that_are_not_numbers_are_refused_when_read(folder: Path) -> None:
    model = folder / "models" / "iresnet"
    path = model / "model.safetensors"
    tensors = load_file(path)
    name = next(key for key, value in tensors.items() if value.dtype == np.float32)
    tensors[name].flat[0] = np.nan
    save_file(tensors, path)
    card = json.loads((model / "model.json").read_text(encoding="utf-8"))
    (model / "model.json").write_text(json.dumps({**card, "digest": digest_file(path)}))
    with pytest.raises(BadModel, match=rf"1 weights of '{name}' .* are not numbers"):
        load_tensors(model)


def test_a_project_that_was_replaced_by_gigabytes_is_not_read_when_saving(folder: Path) -> None:
    project = open_project(folder)
    os.truncate(folder / "project.json", HUGE_BYTES)
    assert "larger than" in refused(lambda: save_project(project)).message
    assert (folder / "project.json").stat().st_size == HUGE_BYTES


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"pixel_size_um": -0.3}, "a pixel size of -0.3"),
        ({"pixel_size_um": float("nan")}, "a pixel size of nan"),
        ({"pixel_size_um": 1e300}, "a pixel size of 1e"),
        ({"plate_shape": [0, 12]}, "a plate of"),
    ],
)
def test_numbers_that_no_image_has_are_refused(
    folder: Path, change: dict[str, object], match: str
) -> None:
    path = folder / "project.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["dataset"] |= change
    path.write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(LeighError, match=match):
        open_project(folder)


def test_records_beyond_reason_are_refused(folder: Path) -> None:
    path = folder / "project.json"
    whole = json.loads(path.read_text(encoding="utf-8"))
    for change, match in (
        ({"shape": [1, -5, 10]}, "an image of"),
        ({"shape": [1, 10, 2**40]}, "an image of"),
        ({"files": ["a\0b.tif"]}, "points outside"),
        ({"depth": 0}, "files for"),
    ):
        stored = json.loads(json.dumps(whole))
        stored["dataset"]["records"][0] |= change
        path.write_text(json.dumps(stored), encoding="utf-8")
        with pytest.raises(LeighError, match=match):
            open_project(folder)
    stored = json.loads(json.dumps(whole))
    stored["dataset"]["conditions"][0]["dose_um"] = -1
    path.write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(LeighError, match="a dose of -1"):
        open_project(folder)
