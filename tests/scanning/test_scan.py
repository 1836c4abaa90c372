"""A folder of images becomes records, conditions and groups, and every omission is told."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from core.domain import Dataset, Role
from core.errors import BadTable, LeighError
from core.io.digest import digest_record
from core.io.read_field import read_record
from core.io.tiff import write_tiff
from core.progress import Cancelled, Progress
from core.scanning.default_roles import guess_roles
from core.scanning.scan import ScanOptions, merge_conditions, scan_folder

RNG = np.random.default_rng(7)


def put(
    path: Path,
    channels: int = 3,
    names: tuple[str, ...] = (),
    dtype: type = np.uint16,
    side: int = 24,
) -> Path:
    """One random image; every call gives other pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = RNG.integers(10, 240, (channels, side, side + 4)).astype(dtype)
    if names:
        write_tiff(path, image, channel_names=names, pixel_size_um=0.5)
    else:
        tifffile.imwrite(
            path,
            image if channels > 1 else image[0],
            photometric="minisblack",
            metadata={"axes": "CYX"} if channels > 1 else None,
        )
    return path


def reasons(dataset: Dataset, item: str = "") -> str:
    return " | ".join(f"{p.item}: {p.reason}" for p in dataset.problems if item in p.item)


def test_nf1_plate_gives_five_records_of_three_stains(shared: Path) -> None:
    folder = shared / "data" / "nf1_schwann_3ch"
    found = scan_folder(
        folder / "images",
        ScanOptions(plate_map=folder / "platemap_NF1_plate2.csv", condition_from="plate-map"),
    )

    assert [c.name for c in found.channels] == ["DAPI", "GFP", "RFP"]
    assert {r.well: r.condition for r in found.records} == {
        "D06": "WT", "B07": "Null", "D07": "Null", "F07": "Null", "H12": "Null",
    }  # fmt: skip
    assert {r.group for r in found.records} == {"D06", "B07", "D07", "F07", "H12"}
    assert found.plate_shape == (8, 12)
    assert (
        found.condition("WT").role is Role.HEALTHY and found.condition("Null").role is Role.DISEASED
    )
    record = found.records[0]
    assert read_record(found.root, record).shape == record.shape == (3, 904, 1224)
    assert digest_record(found.root, record) == record.digest


def test_nf1_tiles_are_grouped_by_well(shared: Path) -> None:
    folder = shared / "data" / "nf1_schwann_3ch"
    found = scan_folder(folder / "tiles_224", ScanOptions(plate_map=folder / "labels.csv"))

    assert found.counts() == {"WT": 20, "Null": 80}
    assert len({r.group for r in found.records}) == 5
    assert found.record("B7_r0c0").condition == "Null"


def test_mitocheck_is_read_in_well_under_a_minute_and_grouped_by_movie(shared: Path) -> None:
    folder = shared / "data" / "mitocheck_phenotypes"
    reported: list[Progress] = []
    found = scan_folder(
        folder / "images",
        ScanOptions(plate_map=folder / "labels.csv", group_by="group"),
        report=reported.append,
    )

    assert (len(found.records), len(found.conditions), len({r.group for r in found.records})) == (
        3277,
        16,
        77,
    )
    assert len({c.colour for c in found.conditions}) == 16
    assert found.problems == ()
    assert reported[-1] == Progress(3277, 3277, "Reading images")


def test_excluded_conditions_are_left_out(shared: Path) -> None:
    folder = shared / "data" / "mitocheck_phenotypes"
    found = scan_folder(
        folder / "images",
        ScanOptions(plate_map=folder / "labels.csv", group_by="group", exclude=("Folded",)),
    )
    assert len(found.conditions) == 15 and "Folded" not in found.condition_names


@pytest.mark.parametrize(
    "part", ["derived", "broken", "real/faim_imagexpress", "real/cellprofiler_naming"]
)
def test_mixed_and_broken_folders_are_scanned_through(shared: Path, part: str) -> None:
    found = scan_folder(shared / "formats" / part)
    for record in found.records:
        assert read_record(found.root, record).shape == record.shape
        assert len(record.planes) == len(found.channels)


def test_every_broken_file_is_in_the_problems(shared: Path) -> None:
    folder = shared / "formats" / "broken"
    text = reasons(scan_folder(folder))
    bad = [
        p.name
        for p in folder.rglob("*.tif")
        if p.is_file() and not p.name.startswith(("._", "ome_xml_broken"))
    ]
    assert len(bad) > 14
    for name in bad:
        assert name in text
    assert text.count("Thumbs.db") == 1


def test_naming_conventions_make_sets_and_a_missing_channel_is_named(shared: Path) -> None:
    found = scan_folder(shared / "formats" / "derived" / "per_channel_naming")
    assert {r.id for r in found.records} == {
        "Exp_T0001F001L01Z01", "WT_01", "plateA_B03_s1", "r02c03f01p01sk1fk1fl1",
    }  # fmt: skip
    assert found.record("WT_01").files == ("WT_01_DAPI.tif", "WT_01_GFP.tif", "WT_01_TMRM.tif")
    assert "channel 3 missing: 2 of 3" in reasons(found, "plateA_B04_s1")
    assert "WT 02 ä" in reasons(found)


def test_z_planes_in_separate_files_are_no_records_of_their_own(shared: Path) -> None:
    found = scan_folder(shared / "formats" / "real" / "yokogawa_cv8000")
    assert all(r.z == "max" and len(r.files) == 4 * len(r.planes) for r in found.records)
    assert "z-stack of 4 planes in separate files" in reasons(found)


def test_condition_is_the_first_folder_level_that_differs(tmp_path: Path) -> None:
    for name in ("WT", "DS", "TT"):
        put(tmp_path / "images" / name / "donor1" / f"{name}1.tif")
        put(tmp_path / "images" / name / "donor2" / f"{name}2.tif")
    found = scan_folder(tmp_path)

    assert found.condition_names == ("WT", "DS", "TT")
    assert [c.role for c in found.conditions] == [Role.HEALTHY, Role.DISEASED, Role.TREATED]
    assert [c.colour for c in found.conditions][:2] == ["#009E73", "#D55E00"]
    assert found.record("WT1").group == "images/WT/donor1"
    assert "their sub-folders were taken as groups" in reasons(found)


def test_flat_folder_takes_conditions_from_first_words(tmp_path: Path) -> None:
    for name in ("WT_01", "WT_02", "DS_01"):
        put(tmp_path / f"{name}.tif")
    assert scan_folder(tmp_path).counts() == {"WT": 2, "DS": 1}


def test_unknown_wells_are_told_with_what_may_leak(tmp_path: Path) -> None:
    put(tmp_path / "WT" / "a.tif")
    put(tmp_path / "DS" / "b.tif")
    assert "may end on both sides" in reasons(scan_folder(tmp_path), "groups")


def test_odd_channel_counts_are_left_out_with_the_count(tmp_path: Path) -> None:
    for i in range(4):
        put(tmp_path / "WT" / f"B0{i + 1}_{i}.tif")
    put(tmp_path / "DS" / "B07_x.tif", channels=2)
    found = scan_folder(tmp_path)
    assert len(found.records) == 4
    assert "2 channels where the other 4 records have 3" in reasons(found, "B07_x")


def test_channels_stored_in_another_order_are_mapped_by_name(tmp_path: Path) -> None:
    for i in range(3):
        put(tmp_path / "WT" / f"a{i}.ome.tif", names=("DAPI", "GFP", "RFP"))
    odd = put(tmp_path / "DS" / "b.ome.tif", names=("RFP", "GFP", "DAPI"))
    found = scan_folder(tmp_path)

    assert found.record("b").planes == (2, 1, 0)
    assert np.array_equal(read_record(found.root, found.record("b")), tifffile.imread(odd)[::-1])
    assert found.pixel_size_um == 0.5


def test_other_stains_are_refused_until_mapped(tmp_path: Path) -> None:
    for i in range(3):
        put(tmp_path / "WT" / f"a{i}.ome.tif", names=("DAPI", "GFP", "RFP"))
    put(tmp_path / "DS" / "b.ome.tif", names=("DAPI", "GFP", "Cy5"))
    found = scan_folder(tmp_path)
    assert len(found.records) == 3 and "Cy5 where the others have" in reasons(found, "b.ome.tif")


def test_the_same_picture_in_two_conditions_is_left_out(tmp_path: Path) -> None:
    for name in ("WT", "DS"):
        put(tmp_path / name / f"{name}.tif")
    copy = put(tmp_path / "WT" / "copy.tif").read_bytes()
    (tmp_path / "DS" / "copy2.tif").write_bytes(copy)
    found = scan_folder(tmp_path)
    assert {r.id for r in found.records} == {"WT", "DS"}
    assert "the same picture is in" in reasons(found, "WT/copy.tif")


def test_copies_within_a_condition_share_a_group(tmp_path: Path) -> None:
    data = put(tmp_path / "WT" / "B03_1.tif").read_bytes()
    (tmp_path / "WT" / "B04_1.tif").write_bytes(data)
    found = scan_folder(tmp_path)
    assert len(found.records) == 2 and len({r.group for r in found.records}) == 1


def test_dead_channels_are_named_and_saturation_is_flagged(tmp_path: Path) -> None:
    put(tmp_path / "WT" / "ok.tif")
    image = RNG.integers(10, 200, (3, 24, 24)).astype(np.uint16)
    bright = image.copy()
    bright[1, :3] = 65535
    image[2] = 0
    tifffile.imwrite(tmp_path / "WT" / "dead.tif", image, photometric="minisblack")
    tifffile.imwrite(tmp_path / "WT" / "bright.tif", bright, photometric="minisblack")
    found = scan_folder(tmp_path)
    assert "channel 3 is empty" in reasons(found, "dead.tif")
    assert found.record("bright").flags == ("saturated 12 % in channel 2",)


def test_masks_are_left_out(tmp_path: Path) -> None:
    put(tmp_path / "WT" / "a.tif", channels=1)
    mask = np.zeros((24, 24), np.uint8)
    mask[3:9] = 255
    tifffile.imwrite(tmp_path / "WT" / "a_mask.tif", mask)
    assert "is a mask" in reasons(scan_folder(tmp_path), "a_mask.tif")


def test_bit_depths_sizes_and_pixel_sizes_that_differ_are_told(tmp_path: Path) -> None:
    put(tmp_path / "WT" / "a.ome.tif", names=("a", "b", "c"))
    put(tmp_path / "WT" / "b.tif", dtype=np.uint8, side=30)
    found = scan_folder(tmp_path)
    text = reasons(found)
    assert "mixed bit depth" in text and "2 image sizes" in text and "mixed pixel sizes" in text
    assert found.pixel_size_um is None
    assert scan_folder(tmp_path, ScanOptions(pixel_size_um=0.3)).pixel_size_um == 0.3


def test_spellings_are_kept_apart_with_a_proposal_and_merged_on_demand(tmp_path: Path) -> None:
    for name in ("DMSO", "dmso_"):
        put(tmp_path / name / f"{name}.tif")
    put(tmp_path / "DS" / "x.tif")
    found = scan_folder(tmp_path)
    assert len(found.conditions) == 3 and "spellings" in reasons(found)

    merged = merge_conditions(found, "dmso_", "DMSO")
    assert merged.counts()["DMSO"] == 2 and "spellings" not in reasons(merged)


def test_dmso_is_no_second_healthy_condition_beside_wild_type(tmp_path: Path) -> None:
    for name in ("WT", "DS", "DMSO"):
        put(tmp_path / name / f"{name}.tif")
    assert scan_folder(tmp_path).condition("DMSO").role is Role.TREATED


def test_stems_shared_by_two_files_get_their_folder(tmp_path: Path) -> None:
    put(tmp_path / "WT" / "img.tif")
    put(tmp_path / "DS" / "img.tif")
    put(tmp_path / "DS" / "own.tif")
    assert {r.id for r in scan_folder(tmp_path).records} == {"WT/img", "DS/img", "own"}


def test_own_pattern_gives_condition_well_and_channel(tmp_path: Path) -> None:
    for condition, well in (("WT", "b3"), ("DS", "c4")):
        for channel in "12":
            put(tmp_path / f"{condition}-{well}-x{channel}.tif", channels=1)
    found = scan_folder(
        tmp_path, ScanOptions(pattern=r"(?P<condition>\w+)-(?P<well>\w+)-x(?P<channel>\d)")
    )
    assert {(r.condition, r.well, len(r.files)) for r in found.records} == {
        ("WT", "B03", 2),
        ("DS", "C04", 2),
    }


@pytest.mark.parametrize("pattern", ["(", "(?P<colour>x)", "abc"])
def test_a_wrong_pattern_says_what_is_allowed(tmp_path: Path, pattern: str) -> None:
    put(tmp_path / "a.tif")
    with pytest.raises(LeighError, match="named groups"):
        scan_folder(tmp_path, ScanOptions(pattern=pattern))


def test_plate_map_decides_where_folders_are_plates(tmp_path: Path) -> None:
    for plate in ("P1", "P2"):
        put(tmp_path / plate / "A01_s1.tif")
        put(tmp_path / plate / "A02_s1.tif")
    (tmp_path / "map.csv").write_text(
        "plate,well,condition\nP1,A1,WT\nP1,A2,DS\nP2,A1,DS\nP2,A2,\n"
    )
    found = scan_folder(tmp_path, ScanOptions(plate_map=tmp_path / "map.csv", group_by="plate"))

    assert {(r.plate, r.well, r.condition) for r in found.records} == {
        ("P1", "A01", "WT"), ("P1", "A02", "DS"), ("P2", "A01", "DS"),
    }  # fmt: skip
    assert {r.group for r in found.records} == {"P1", "P2"}
    assert "leaves its condition empty" in reasons(found, "A02")


def test_doses_of_one_compound_are_conditions_of_their_own(tmp_path: Path) -> None:
    for well in ("A01", "A02", "A03"):
        put(tmp_path / f"{well}_s1.tif")
    (tmp_path / "map.csv").write_text("well;treatment;dose_um\nA1;X;0,5\nA2;X;5\nA3;WT;\n")
    found = scan_folder(tmp_path, ScanOptions(plate_map=tmp_path / "map.csv"))
    assert {c.name: c.dose_um for c in found.conditions} == {
        "WT": None,
        "X 0.5 µM": 0.5,
        "X 5 µM": 5.0,
    }


def test_unknown_group_column_names_those_that_exist(tmp_path: Path) -> None:
    put(tmp_path / "A01.tif")
    (tmp_path / "map.csv").write_text("well,condition\nA1,WT\n")
    with pytest.raises(BadTable, match="well, condition"):
        scan_folder(tmp_path, ScanOptions(plate_map=tmp_path / "map.csv", group_by="donor"))


def test_plate_map_without_conditions_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "A01.tif")
    (tmp_path / "map.csv").write_text("well,colour\nA1,red\n")
    with pytest.raises(BadTable, match="no condition column"):
        scan_folder(
            tmp_path, ScanOptions(plate_map=tmp_path / "map.csv", condition_from="plate-map")
        )


def test_empty_and_missing_folders_are_said(tmp_path: Path) -> None:
    (tmp_path / "a.vsi").write_bytes(b"x")
    with pytest.raises(LeighError, match=r"holds no images.*\.vsi"):
        scan_folder(tmp_path)
    with pytest.raises(LeighError, match="does not exist"):
        scan_folder(tmp_path / "none")


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_out_of_the_folder_and_loops_are_not_followed(tmp_path: Path) -> None:
    put(tmp_path / "outside" / "secret.tif")
    put(tmp_path / "in" / "a.tif")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "out").symlink_to(tmp_path / "outside")
    (tmp_path / "in" / "out.tif").symlink_to(tmp_path / "outside" / "secret.tif")
    found = scan_folder(tmp_path / "in")
    assert [r.files for r in found.records] == [("a.tif",)]
    assert reasons(found).count("leads out of the folder") == 2


def test_a_project_inside_the_folder_is_not_scanned(tmp_path: Path) -> None:
    put(tmp_path / "WT" / "a.tif")
    put(tmp_path / "project" / "exports" / "b.tif")
    (tmp_path / "project" / "project.json").write_text("{}")
    assert len(scan_folder(tmp_path).records) == 1


def test_the_own_folders_of_a_project_among_the_images_are_not_scanned(tmp_path: Path) -> None:
    put(tmp_path / "WT" / "a.tif")
    for part in ("models", "maps", "exports", "log"):
        put(tmp_path / part / "b.tif")
    assert len(scan_folder(tmp_path).records) == 5
    (tmp_path / "project.json").write_text("{}")
    assert [r.files for r in scan_folder(tmp_path).records] == [("WT/a.tif",)]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every name is text")
def test_a_name_that_is_no_text_is_a_problem_and_ends_nothing(tmp_path: Path) -> None:
    put(tmp_path / "good_B02_s1.tif")
    os.rename(put(tmp_path / "bad.tif"), os.fsencode(tmp_path) + b"/\xff_B03_s1.tif")
    os.mkdir(os.fsencode(tmp_path) + b"/\xfe")
    found = scan_folder(tmp_path)
    assert [r.files for r in found.records] == [("good_B02_s1.tif",)]
    assert reasons(found).count("its name cannot be written; rename it") == 2
    reasons(found).encode("utf-8")


@pytest.mark.parametrize("name", ["b.ome.tif", "b.tif"])
def test_images_drawn_by_this_program_are_left_out(tmp_path: Path, name: str) -> None:
    put(tmp_path / "a.tif")
    image = RNG.integers(10, 240, (3, 24, 28)).astype(np.uint16)
    note = "Generated by Leigh Explorer: a from DS to WT, strength 1"
    write_tiff(tmp_path / name, image, channel_names=("x", "y", "z"), description=note)
    found = scan_folder(tmp_path)
    assert [r.files for r in found.records] == [("a.tif",)]
    assert "made by this program, not a microscope image" in reasons(found, name)


def test_stopping_a_scan_stops_it(tmp_path: Path) -> None:
    for i in range(40):
        put(tmp_path / f"{i}.tif", side=16)
    seen = []

    def stop(progress: Progress) -> None:
        seen.append(progress.done)
        if progress.done:
            raise Cancelled

    with pytest.raises(Cancelled):
        scan_folder(tmp_path, report=stop)
    assert seen[-1] < 40


@pytest.mark.parametrize(
    ("name", "role"),
    [("WT_01", Role.HEALTHY), ("wild type", Role.HEALTHY), ("Patient 2", Role.DISEASED),
    ("DS + DMSO", Role.DISEASED),
    ("DS drugX", Role.OTHER), ("genotype", Role.OTHER), ("Untreated", Role.OTHER), ("control",
    Role.HEALTHY)],
)  # fmt: skip
def test_roles_are_guessed_from_whole_names_only(name: str, role: Role) -> None:
    assert guess_roles([name]) == {name: role}


def test_scanning_needs_neither_torch_nor_qt_nor_pandas() -> None:
    code = "import sys, core.scanning.scan, core.io.project, core.io.models; "
    code += "assert not {'torch', 'PySide6', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
