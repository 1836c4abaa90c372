"""Stacks, time series and files of many fields become the right records, and say what is read."""

import shutil
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
    write_zarr_image,
    write_zarr_plate,
)

from core.domain import Dataset, ScanOptions
from core.errors import BadImage
from core.io import fields, read_field
from core.io.project import open_project
from core.io.read_verified import read_verified
from core.scanning import find_files
from core.scanning.scan import Scan, read_folder
from core.workflows.check import State, check
from core.workflows.scan import scan

NAMES = ("DAPI", "GFP")


def kinds(found: Scan) -> set[str]:
    return {str(problem.kind) for problem in found.dataset.problems}


def asked(found: Scan) -> dict[str, tuple[tuple[str, ...], str | None]]:
    return {str(q.kind): (q.choices, q.default) for q in found.questions}


def read(folder: Path, **answers: str) -> Scan:
    return read_folder(folder, ScanOptions(answers=answers))


def planes_in_files(folder: Path, image: np.ndarray, stem: str) -> None:
    """One file for each plane (Z C Y X)."""
    folder.mkdir(parents=True, exist_ok=True)
    for z, c in np.ndindex(image.shape[:2]):
        tifffile.imwrite(folder / f"{stem}_z{z:02}_ch{c:02}.tif", image[z, c])


def two_conditions(folder: Path, write: Callable[[Path, np.ndarray, str], None]) -> np.ndarray:
    """Two fields each of WT and DS with stacks of 3 planes; returns (4, Z, C, Y, X)."""
    images = pixels(s=4, z=3, c=2)[:, 0]
    for n, image in enumerate(images):
        write(folder / ("WT", "DS")[n // 2], image, f"img{n % 2}")
    return images


def stack_in_file(folder: Path, image: np.ndarray, stem: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    options = {"imagej": True, "metadata": {"axes": "ZCYX"}}
    tifffile.imwrite(folder / f"{stem}.tif", image, **options)


@pytest.mark.parametrize("write", [planes_in_files, stack_in_file])
def test_a_stack_is_its_maximum_by_default_and_this_is_asked(
    tmp_path: Path, write: Callable[[Path, np.ndarray, str], None]
) -> None:
    images = two_conditions(tmp_path, write)
    found = read(tmp_path)
    choices, default = asked(found)["z"]
    assert choices[:2] == ("max", "mean") and default == "max" and "z-stack" in kinds(found)
    assert found.dataset.counts() == {"DS": 2, "WT": 2}
    records = sorted(found.dataset.records, key=lambda r: (r.condition != "WT", r.id))
    assert [r.id for r in records] == ["WT/img0", "WT/img1", "DS/img0", "DS/img1"]
    for record, image in zip(records, images, strict=True):
        assert np.array_equal(read_verified(tmp_path, record), image.max(axis=0))

    found = read(tmp_path, z="mean")
    assert "z" not in asked(found)
    record = next(r for r in found.dataset.records if r.condition == "WT" and "img0" in r.id)
    wanted = np.rint(images[0].mean(axis=0)).astype(np.uint16)
    assert np.array_equal(read_verified(tmp_path, record), wanted)


def test_one_plane_can_be_chosen(tmp_path: Path) -> None:
    for write, answer in ((planes_in_files, "z01"), (stack_in_file, "2")):
        folder = tmp_path / answer
        images = two_conditions(folder, write)
        records = read(folder, z=answer).dataset.records
        record = next(r for r in records if r.files[0].startswith("WT/img0"))
        assert np.array_equal(read_verified(folder, record), images[0, 1])


def test_planes_that_a_pattern_names_become_one(tmp_path: Path) -> None:
    images = two_conditions(tmp_path, planes_in_files)
    pattern = r"img(?P<site>\d)_z(?P<z>\d+)_ch(?P<channel>\d+)"
    found = read_folder(tmp_path, ScanOptions(pattern=pattern))
    assert found.dataset.counts() == {"DS": 2, "WT": 2} and "z" in asked(found)
    record = next(r for r in found.dataset.records if r.files[0].startswith("WT/img0"))
    assert np.array_equal(read_verified(tmp_path, record), images[0].max(axis=0))


def test_a_stack_with_a_missing_plane_is_named(tmp_path: Path) -> None:
    two_conditions(tmp_path, planes_in_files)
    (tmp_path / "WT" / "img0_z01_ch01.tif").unlink()
    found = read(tmp_path)
    assert "missing-part" in kinds(found) and found.dataset.counts() == {"DS": 2, "WT": 1}


def test_a_projection_next_to_its_stack_can_be_chosen(tmp_path: Path) -> None:
    images = two_conditions(tmp_path, stack_in_file)
    for n, image in enumerate(images):
        path = tmp_path / ("WT", "DS")[n // 2] / f"MAX_img{n % 2}.tif"
        options = {"imagej": True, "metadata": {"axes": "CYX"}}
        tifffile.imwrite(path, image.max(axis=0) // 2, **options)
    found = read(tmp_path)
    assert "projection" in asked(found)["z"][0] and "projection" in kinds(found)
    assert {r.files[0].split("/")[1] for r in found.dataset.records} == {"img0.tif", "img1.tif"}
    found = read(tmp_path, z="projection")
    assert {r.files[0].split("/")[1] for r in found.dataset.records} == {
        "MAX_img0.tif",
        "MAX_img1.tif",
    }


def test_planes_that_may_be_stains_are_asked_and_can_be_stains(tmp_path: Path) -> None:
    images = pixels(s=4, t=3)[:, :, 0, 0]
    for n, image in enumerate(images):
        folder = tmp_path / ("WT", "DS")[n // 2]
        folder.mkdir(exist_ok=True)
        options = {"imagej": True, "metadata": {"axes": "TYX"}}
        tifffile.imwrite(folder / f"img{n % 2}.tif", image, **options)
    found = read(tmp_path)
    assert asked(found)["slices"] == (("stains", "planes"), None)
    found = read(tmp_path, slices="stains")
    assert len(found.dataset.channels) == 3 and len(found.dataset.records) == 4 and not found.open
    record = next(r for r in found.dataset.records if r.id == "WT/img0")
    assert np.array_equal(read_verified(tmp_path, record), images[0])
    found = read(tmp_path, slices="planes")
    assert len(found.dataset.records) == 12 and len({r.group for r in found.dataset.records}) == 4
    assert "time-points" in kinds(found) and not found.open
    record = next(r for r in found.dataset.records if r.id == "WT/img0 t2")
    assert np.array_equal(read_verified(tmp_path, record), images[0, 1:2])
    assert len(read(tmp_path, slices="planes", time="2").dataset.records) == 4


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_plate_of_ome_zarr_gives_its_wells_to_the_map(tmp_path: Path, version: str) -> None:
    images = pixels(s=4, t=1, c=2)
    wells = {
        "B/2": images[:2].swapaxes(2, 3),
        "C/11": images[2:].swapaxes(2, 3),
    }
    write_zarr_plate(tmp_path / "images" / "plate.ome.zarr", wells, NAMES, version)
    table = tmp_path / "map.csv"
    table.write_text("well,condition\nB2,WT\nC11,DS\n")
    options = ScanOptions(plate_map=table, condition_from="plate-map")
    found = read_folder(tmp_path / "images", options)
    assert found.dataset.counts() == {"DS": 2, "WT": 2}, found.dataset.problems
    assert [c.name for c in found.dataset.channels] == list(NAMES)
    assert found.dataset.pixel_size_um == pytest.approx(0.5)
    by_place = {(r.well, r.site): r for r in found.dataset.records}
    assert set(by_place) == {("B02", "0"), ("B02", "1"), ("C11", "0"), ("C11", "1")}
    assert {r.plate for r in found.dataset.records} == {"P7"}
    again = read_verified(tmp_path / "images", by_place["C11", "1"])
    assert np.array_equal(again, images[3, 0, 0])


def test_a_well_that_a_plate_declares_and_does_not_hold_is_named(tmp_path: Path) -> None:
    wells = {"B/2": pixels(s=2).swapaxes(2, 3), "B/3": pixels(s=2).swapaxes(2, 3)}
    write_zarr_plate(tmp_path / "p.zarr", wells, ("DAPI",))
    shutil.rmtree(tmp_path / "p.zarr" / "B" / "3")
    found = read(tmp_path)
    assert "B/3" in " ".join(p.reason for p in found.dataset.problems if p.kind == "missing-part")


def test_images_in_one_file_are_records_of_their_own(tmp_path: Path) -> None:
    images = pixels(s=4, c=2)
    names = ("WT_1", "WT_2", "DS_1", "DS_2")
    (tmp_path / "images").mkdir()
    write_lif(tmp_path / "images" / "exp.lif", images, names, NAMES)
    project = scan(tmp_path / "images", tmp_path / "project")
    dataset = open_project(project.folder).dataset
    assert dataset is not None and dataset.counts() == {"DS": 2, "WT": 2}
    for record in dataset.records:
        assert record.files == ("exp.lif",) and record.digest
        wanted = images[int(record.scene), 0, 0]
        assert np.array_equal(read_verified(dataset.root, record), wanted)
    state = {f.part: f.state for f in check(project.folder)}
    assert state["images"] == State.GOOD


def test_a_field_that_changed_in_its_file_is_noticed(tmp_path: Path) -> None:
    images = pixels(s=2, c=2)
    path = write_lif(tmp_path / "exp.lif", images, ("WT_1", "DS_1"), NAMES)
    records = read(tmp_path).dataset.records
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    first, second = sorted(records, key=lambda r: r.scene)
    assert np.array_equal(read_verified(tmp_path, first), images[0, 0, 0])
    with pytest.raises(BadImage, match="was changed on disk"):
        read_verified(tmp_path, second)


def test_files_of_one_field_keep_their_names_and_folders(tmp_path: Path) -> None:
    images = pixels(s=4, c=2)
    for n, image in enumerate(images):
        folder = tmp_path / ("WT", "DS")[n // 2]
        folder.mkdir(exist_ok=True)
        write_nd2(folder / f"img{n % 2}.nd2", image[None], NAMES)
    found = read(tmp_path)
    assert found.dataset.counts() == {"DS": 2, "WT": 2}
    assert {r.id for r in found.dataset.records} == {"WT/img0", "WT/img1", "DS/img0", "DS/img1"}


def test_one_file_for_each_condition_gives_conditions(tmp_path: Path) -> None:
    for name, image in zip(("WT", "DS"), pixels(s=6, c=2).reshape(2, 3, 1, 1, 2, 24, 32)):
        write_czi(tmp_path / f"{name}.czi", image, NAMES)
    found = read(tmp_path)
    assert found.dataset.counts() == {"DS": 3, "WT": 3}
    assert {(r.files[0], r.scene) for r in found.dataset.records if r.condition == "WT"} == {
        ("WT.czi", scene) for scene in "012"
    }


def test_a_damaged_file_of_a_maker_does_not_stop_the_others(tmp_path: Path) -> None:
    for n, image in enumerate(pixels(s=4, c=2)):
        folder = tmp_path / ("WT", "DS")[n // 2]
        folder.mkdir(exist_ok=True)
        write_czi(folder / f"img{n % 2}.czi", image[None], NAMES)
    path = tmp_path / "WT" / "img0.czi"
    path.write_bytes(path.read_bytes()[:900])
    found = read(tmp_path)
    assert found.dataset.counts() == {"DS": 2, "WT": 1}
    assert any(p.item == "WT/img0.czi" for p in found.dataset.problems)


def test_without_the_extra_a_makers_file_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_czi(tmp_path / "a.czi", pixels(c=2), NAMES)
    write_zarr_image(tmp_path / "b.zarr", pixels(c=2)[0].swapaxes(1, 2), NAMES)
    tifffile.imwrite(tmp_path / "c.tif", pixels()[0, 0, 0, 0])
    for module in (read_field, fields, find_files):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    read_field.readable_suffixes.cache_clear()
    try:
        dataset: Dataset = read(tmp_path).dataset
    finally:
        read_field.readable_suffixes.cache_clear()
    assert [r.files for r in dataset.records] == [("c.tif",)]
    named = {p.item: p for p in dataset.problems if p.kind == "maker-format"}
    assert set(named) == {"1 .czi files", "b.zarr"}
    assert all("leigh-explorer[formats]" in p.remedy for p in named.values())


def test_times_of_a_plate_keep_their_wells_apart(tmp_path: Path) -> None:
    images = pixels(s=2, t=6)  # more than five times are not taken for stains
    wells = {"B/2": images[:1].swapaxes(2, 3), "C/2": images[1:].swapaxes(2, 3)}
    write_zarr_plate(tmp_path / "p.zarr", wells, ("DAPI",))
    table = tmp_path / "map.csv"
    table.write_text("well,condition\nB2,WT\nC2,DS\n")
    options = ScanOptions(plate_map=table, condition_from="plate-map")
    found = read_folder(tmp_path, options)
    assert found.dataset.counts() == {"DS": 6, "WT": 6} and not found.open
    assert len({r.group for r in found.dataset.records}) == 2
    record = next(r for r in found.dataset.records if r.well == "C02" and r.t == "4")
    assert np.array_equal(read_verified(tmp_path, record), images[1, 3, 0])


def test_fields_with_one_name_stay_apart(tmp_path: Path) -> None:
    images = pixels(s=6, c=2).reshape(3, 2, 1, 1, 2, 24, 32)
    for folder, image in zip(("WT", "DS"), images, strict=False):
        (tmp_path / folder).mkdir()
        write_lif(tmp_path / folder / "exp.lif", image, ("Pos", "Pos"), NAMES)
    write_czi(tmp_path / "WT" / "exp.czi", images[2], NAMES, wells=("Pos", "Pos"))
    records = read(tmp_path).dataset.records
    assert len({r.id for r in records}) == len({(r.files, r.scene) for r in records}) == 6
    assert {r.condition for r in records} == {"WT", "DS"}


def test_series_of_ome_zarr_take_their_condition_from_the_name(tmp_path: Path) -> None:
    for name, images in zip(("WT", "DS"), pixels(s=4, c=2).reshape(2, 2, 1, 1, 2, 24, 32)):
        for n, image in enumerate(images):
            write_zarr_image(tmp_path / f"{name}.ome.zarr" / str(n), image.swapaxes(1, 2), NAMES)
        write_group(tmp_path / f"{name}.ome.zarr", {"bioformats2raw.layout": 3})
    found = read(tmp_path)
    assert found.dataset.counts() == {"DS": 2, "WT": 2}
    assert len({r.group for r in found.dataset.records}) == 4
    assert {r.files[0] for r in found.dataset.records if r.condition == "WT"} == {
        "WT.ome.zarr/0", "WT.ome.zarr/1",
    }  # fmt: skip


def test_folders_inside_a_lif_file_are_conditions_and_its_images_groups(tmp_path: Path) -> None:
    names = ("WT/P1", "WT/P2", "DS/P1", "DS/P2")
    write_lif(tmp_path / "exp.lif", pixels(s=4, c=2), names, NAMES)
    found = read(tmp_path)
    assert found.dataset.counts() == {"DS": 2, "WT": 2}
    assert len({r.group for r in found.dataset.records}) == 4
