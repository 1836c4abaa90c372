"""Folders as they are: links in circles, locked links, many folders, folders of other programs."""

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

from core.errors import LeighError
from core.progress import Cancelled, Progress
from core.scanning import find_files
from core.scanning.find_files import MAX_DEPTH, find_images
from core.scanning.scan import ScanOptions, scan_folder


def put(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(seed).integers(10, 240, (1, 24, 24)).astype(np.uint16)
    tifffile.imwrite(path, image, photometric="minisblack")
    return path


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
@pytest.mark.parametrize("name", ["loop.tif", "loop", "loop.zarr"])
def test_a_link_that_cannot_be_followed_is_a_problem_and_ends_nothing(
    tmp_path: Path, name: str
) -> None:
    put(tmp_path / "a.tif")
    (tmp_path / name).symlink_to(tmp_path / name)
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    (tmp_path / "gone.tif").symlink_to(tmp_path / "nowhere.tif")
    found = scan_folder(tmp_path)
    assert [r.files for r in found.records] == [("a.tif",)]
    reasons = {p.item: p.reason for p in found.problems}
    assert reasons.keys() >= {name, "one", "two", "gone.tif"}
    assert "cannot be followed: Too many levels of symbolic links" in reasons[name]


def test_a_search_through_many_folders_can_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find_files, "TELL_EVERY", 10)
    for number in range(60):  # not a single file
        (tmp_path / f"{number % 6}" / f"{number}").mkdir(parents=True)

    def stop(progress: Progress) -> None:
        if progress.total >= 20:
            raise Cancelled

    with pytest.raises(Cancelled):
        find_images(tmp_path, stop)


@pytest.mark.parametrize("folders", [True, False])
def test_a_folder_with_too_many_entries_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folders: bool
) -> None:
    monkeypatch.setattr(find_files, "MAX_FILES", 50)
    for number in range(51):
        path = tmp_path / f"{number}.tif"
        path.mkdir() if folders else path.touch()
    with pytest.raises(LeighError, match="more than 50 files and folders") as caught:
        find_images(tmp_path)
    assert str(tmp_path) in caught.value.message and caught.value.hint


def test_folders_that_are_too_deep_are_named(tmp_path: Path) -> None:
    deep = Path(*["d"] * (MAX_DEPTH + 1))
    put(tmp_path / deep.parent / "a.tif")
    put(tmp_path / deep / "b.tif")
    found = find_images(tmp_path)
    assert found.images == [(deep.parent / "a.tif").as_posix()]
    assert [p.item for p in found.problems] == [deep.as_posix()]
    assert f"more than {MAX_DEPTH} folders deep" in found.problems[0].reason


def test_a_zarr_folder_without_images_is_named_and_its_files_are_no_images(tmp_path: Path) -> None:
    put(tmp_path / "a.tif")
    put(tmp_path / "plate.ome.zarr" / "0" / "b.tif")
    found = scan_folder(tmp_path)
    assert [r.files for r in found.records] == [("a.tif",)]
    [problem] = [p for p in found.problems if p.item == "plate.ome.zarr"]
    assert problem.kind == "maker-format" and "Zarr folder" in problem.reason


def test_conditions_that_differ_by_case_are_kept_apart_with_a_proposal(tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("file,condition\na.tif,WT\nb.tif,wt\nc.tif,DS\n")
    for seed, name in enumerate("abc"):
        put(tmp_path / "images" / f"{name}.tif", seed)
    options = ScanOptions(plate_map=tmp_path / "map.csv", condition_from="plate-map")
    found = scan_folder(tmp_path / "images", options)
    assert set(found.condition_names) == {"WT", "wt", "DS"}
    [problem] = [p for p in found.problems if "spellings" in p.reason]
    assert "'WT'" in problem.item and "'wt'" in problem.item
