"""Names that labs really give: nothing is mixed without a question or a problem."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from core.cli.main import main

RNG = np.random.default_rng(5)
BOTH = ("WT", "DS")


@pytest.fixture
def scan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Writes one random image for each name, scans them, and returns the JSON."""

    def call(names: Sequence[str], rows: Sequence[Sequence[str]] = ()) -> dict[str, Any]:
        for name in names:
            path = tmp_path / "images" / f"{name}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(path, RNG.integers(100, 900, (24, 24)).astype(np.uint16))
        words: list[object] = []
        if rows:
            table = tmp_path / "map.csv"
            with table.open("w", newline="", encoding="utf-8") as stream:
                csv.writer(stream).writerows(rows)
            words = ["--plate-map", table]
        project = tmp_path / "project"
        main(
            [str(w) for w in ("scan", tmp_path / "images", "--project", project, "--json", *words)]
        )
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return call


def kinds(found: Mapping[str, Any], where: str) -> set[str]:
    return {entry["kind"] for entry in found[where]}


@pytest.mark.parametrize(
    "stains",
    [
        ("f1_Conf405", "f1_Conf561", "f2_Conf405", "f2_Conf561"),
        ("f1_ATTO488", "f1_ATTO647", "f2_ATTO488", "f2_ATTO647"),
        ("f1_em450nm", "f1_em520nm", "f2_em450nm", "f2_em520nm"),
        ("f1_Kanal1", "f1_Kanal2", "f2_Kanal1", "f2_Kanal2"),
        ("DAPI01", "GFP01", "DAPI02", "GFP02"),
        ("e_w1Conf 405_s1", "e_w2Conf 488_s1", "e_w1Conf 405_s2", "e_w2Conf 488_s2"),
        ("002003-1-001001001", "002003-1-001001002", "002003-2-001001001", "002003-2-001001002"),
    ],
)
def test_glued_and_numbered_stains_are_channels(scan: Any, stains: Sequence[str]) -> None:
    found = scan([f"{c}/{name}" for c in BOTH for name in stains])
    assert (found["records"], len(found["channels"])) == (4, 2)


def test_stains_that_may_be_numbers_are_asked(scan: Any) -> None:
    names = [f"f{f}_NDUFS{k}" for f in "12" for k in "24"]
    assert kinds(scan([f"{c}/{name}" for c in BOTH for name in names]), "questions") >= {"stain"}


def test_a_longer_name_of_a_stain_is_read_next_to_a_known_one(scan: Any) -> None:
    names = [f"{k}_{f}" for f in "12" for k in ("DAPI", "beta-III-tubulin")]
    found = scan([f"{c}/{name}" for c in BOTH for name in names])
    assert found["records"] == 4 and set(found["channels"]) == {"DAPI", "beta-III-tubulin"}


@pytest.mark.parametrize("age", ["D07 D14", "P07 P21", "D01 D02"])
def test_padded_days_in_each_condition_are_no_wells(scan: Any, age: str) -> None:
    found = scan([f"{c}/{a}_mouse{m}_f1" for c in BOTH for a in age.split() for m in (1, 2)])
    assert found["records"] == 0 and "well" in kinds(found, "questions")


def test_padded_wells_of_one_row_stay_wells(scan: Any) -> None:
    found = scan(["WT/D02_f1", "WT/D03_f1", "DS/D04_f1", "DS/D05_f1"])
    assert found["wells"] == 4


@pytest.mark.parametrize("names", ["row{}_col1 row{}_col2", "wellA{} wellB{}", "A - 0{} B - 0{}"])
def test_wells_in_words_are_wells(scan: Any, names: str) -> None:
    wells = [[well.format(n) for well in names.split(" ")] for n in (1, 2)]
    if " - " in names:
        wells = [[f"A - 0{n}", f"B - 0{n}"] for n in (1, 2)]
    found = scan(
        [f"{c}/{w}_f{f}" for c, of in zip(BOTH, wells, strict=True) for w in of for f in (1, 2)]
    )
    assert (found["wells"], found["groups"]) == (4, 4)


@pytest.mark.parametrize(
    "doses", ["0 nM/|50 nM/", "compound1/|compound2/", "Glc5/|Gal10/", "0.5uM_|10uM_", "0.5_|1.5_"]
)
def test_doses_and_compounds_in_each_condition_are_asked(scan: Any, doses: str) -> None:
    found = scan([f"{c}/{dose}{n}" for c in BOTH for dose in doses.split("|") for n in (1, 2)])
    assert "condition" in kinds(found, "questions")


@pytest.mark.parametrize(
    "names", ["cells1 cells3 cells7", "sample1/a sample3/a", "1_0.65um 2_0.65um"]
)
def test_counted_pictures_are_not_asked(scan: Any, names: str) -> None:
    found = scan([f"{c}/{name}" for c in BOTH for name in names.split()])
    assert found["records"] == 2 * len(names.split()) and not found["questions"]


def test_planes_with_decimal_heights_are_one_stack(scan: Any) -> None:
    found = scan([f"{c}/f{f}_z{z}" for c in BOTH for f in (1, 2) for z in ("0.0", "0.5", "1.0")])
    assert found["records"] == 4 and "z-stack" in kinds(found, "problems")


@pytest.mark.parametrize("time", ["Tag3 Tag7", "Stunde0 Stunde24", "cyc1 cyc2"])
def test_times_in_other_words_are_times(scan: Any, time: str) -> None:
    found = scan([f"{c}/f{f}_{t}" for c in BOTH for f in (1, 2) for t in time.split()])
    assert (found["groups"], "time-points" in kinds(found, "problems")) == (4, True)


@pytest.mark.parametrize(
    ("other", "kind"),
    [
        ("mask_img{}", "mask"), ("masks/img{}", "mask"), ("img{}_binary", "mask"),
        ("Merge_img{}", "overlay"), ("Merged/img{}", "overlay"),
        ("img{} - Kopie", "processed-copy"),
        ("img{}_crop", "processed-copy"), ("img{}_MaxIP", "projection"),
        ("img{}_preview", "thumbnail"), ("thumbs/img{}", "thumbnail"),
        ("flatfield/ch{}", "correction-image"),
    ],
)  # fmt: skip
def test_other_pictures_are_named_in_front_and_in_folders(scan: Any, other: str, kind: str) -> None:
    found = scan(
        [f"{c}/{name.format(n)}" for c in BOTH for n in (1, 2) for name in ("img{}", other)]
    )
    assert found["records"] == 4 and kind in kinds(found, "problems")


def test_projections_alone_are_images(scan: Any) -> None:
    found = scan([f"{c}/MAX_{n}_DAPI" for c in BOTH for n in (1, 11)])
    assert found["records"] == 4


def test_folders_of_systems_hold_no_images(scan: Any) -> None:
    found = scan(["WT/1", "WT/2", "DS/3", "DS/4", "__MACOSX/5", "@eaDir/WT/6"])
    assert found["conditions"] == {"WT": 2, "DS": 2}


def test_folders_of_stains_around_a_scheme_are_stains(scan: Any) -> None:
    names = [f"{w}_1_2024y05m0{d}d_12h00m" for w in ("A1", "B1") for d in (1, 2)]
    found = scan([f"{stain}/V_{name}" for stain in ("Green", "Phase") for name in names])
    assert found["records"] == 0 and "condition" in kinds(found, "questions")


def test_a_magnification_that_goes_with_the_condition_is_told(scan: Any) -> None:
    found = scan(["WT/WT_20x_1", "WT/WT_20x_2", "DS/DS_40x_1", "DS/DS_40x_2"])
    assert "magnification-is-condition" in kinds(found, "problems")


def test_plates_that_go_with_the_condition_are_told(scan: Any) -> None:
    found = scan([f"{c}/{p}_{w}_s1" for c, p in zip(BOTH, ("BC1", "BC2"), strict=True)
                  for w in ("B02", "B03", "C02")])  # fmt: skip
    assert "plate-is-condition" in kinds(found, "problems")


def test_label_images_without_a_name_are_masks(scan: Any, tmp_path: Path) -> None:
    labels = np.zeros((24, 24), np.uint16)
    labels[2:8, 2:8], labels[12:20, 10:20] = 1, 2
    (tmp_path / "images" / "WT").mkdir(parents=True)
    tifffile.imwrite(tmp_path / "images" / "WT" / "1_cells.tif", labels)
    found = scan(["WT/1", "WT/2", "DS/3", "DS/4"])
    assert found["records"] == 4 and "mask" in kinds(found, "problems")


WELLS = ("A01", "A02", "B01", "B02")
HEADING = ["well", "condition"]


@pytest.mark.parametrize("cell", ["#BEZUG!", "#NV", "#NOM?", "NA"])
def test_errors_of_spreadsheets_are_no_conditions(scan: Any, cell: str) -> None:
    rows = [HEADING, *([w, "WT" if w[0] == "A" else "DS"] for w in WELLS[:3]), ["B02", cell]]
    found = scan([f"{w}_s1" for w in WELLS], rows)
    assert found["conditions"] == {"WT": 2, "DS": 1}


def test_a_second_column_of_conditions_is_told_where_it_is_mixed(scan: Any) -> None:
    rows = [["well", "treatment", "genotype"], *([w, w[0], w[1:]] for w in WELLS)]
    found = scan([f"{w}_s1" for w in WELLS], rows)
    assert found["records"] == 4 and "map-column-unused" in kinds(found, "problems")


def test_a_name_that_only_begins_like_that_of_the_map_contradicts_it(scan: Any) -> None:
    rows = [HEADING, *([w, "WT" if w[0] == "A" else "D"] for w in WELLS)]
    found = scan([f"{'WT' if w[0] == 'A' else 'DS'}/{w}_s1" for w in WELLS], rows)
    assert "map-contradicts-folder" in kinds(found, "problems")


def test_dashes_of_word_processors_are_spellings(scan: Any) -> None:
    rows = [HEADING, ["A01", "si-1"], ["A02", "si\u20131"], ["B01", "DS"], ["B02", "DS"]]
    assert "spelling" in kinds(scan([f"{w}_s1" for w in WELLS], rows), "problems")


@pytest.mark.parametrize("word", ["shading", "background", "flat", "illumination"])
def test_a_correction_of_each_stain_is_no_image(scan: Any, word: str) -> None:
    stains = ("DAPI", "GFP")
    names = [f"{c}/m{n}_{stain}" for c in BOTH for n in (1, 2) for stain in stains]
    found = scan([*names, *(f"{word}_{stain}" for stain in stains)])
    assert (found["records"], found["channels"]) == (4, list(stains))
    assert "correction-image" in kinds(found, "problems")


def test_thumbnails_too_small_to_be_read_are_thumbnails(scan: Any, tmp_path: Path) -> None:
    tiny = RNG.integers(100, 900, (8, 8)).astype(np.uint16)
    for condition, well in (("WT", "A01"), ("DS", "B01")):
        (tmp_path / "images" / condition).mkdir(parents=True)
        tifffile.imwrite(tmp_path / "images" / condition / f"thumb_{well}_s1.tif", tiny)
    found = scan(["WT/A01_s1", "WT/A02_s1", "DS/B01_s1", "DS/B02_s1"])
    assert found["records"] == 4 and "unreadable" not in kinds(found, "problems")
    assert "thumbnail" in kinds(found, "problems")


@pytest.mark.parametrize("heading", ["micromolar", "c (µM)", "final [uM]", "dose (micromolar)"])
def test_headings_of_doses_may_be_long_or_short(scan: Any, heading: str) -> None:
    rows = [[*HEADING, heading], ["A01", "WT", ""], ["B01", "X", "2.5"]]
    assert scan(["A01_s1", "B01_s1"], rows)["doses"] == {"WT": None, "X": 2.5}


def test_a_copy_of_an_image_of_another_condition_is_told(scan: Any, tmp_path: Path) -> None:
    picture = RNG.integers(100, 900, (24, 24)).astype(np.uint16)
    for name in ("WT/a_1", "DS/a_1 - Copy"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(tmp_path / "images" / f"{name}.tif", picture)
    found = scan(["WT/a_2", "DS/a_1", "DS/a_2"])
    assert found["records"] == 4 and {"duplicate", "processed-copy"} <= kinds(found, "problems")


def test_slices_may_be_cultures_and_are_asked(scan: Any, tmp_path: Path) -> None:
    names = [f"{c}/slice{n}_{s}" for c in BOTH for n in (1, 2, 3) for s in ("DAPI", "GFP")]
    asked = scan(names)
    assert asked["records"] == 0 and "z" in kinds(asked, "questions")
    project = tmp_path / "answered"
    words = ("scan", tmp_path / "images", "--project", project, "--answer", "z=cultures")
    assert main([str(word) for word in words]) == 0
    records = json.loads((project / "project.json").read_text(encoding="utf-8"))["dataset"]
    assert len({record["group"] for record in records["records"]}) == 6


def test_many_slices_are_a_stack(scan: Any) -> None:
    found = scan([f"{c}/dish{n}_slice{z:02}" for c in BOTH for n in (1, 2) for z in range(8)])
    assert found["records"] == 4 and "z-stack" in kinds(found, "problems")


def test_dispensed_volumes_are_no_doses_and_are_named(scan: Any) -> None:
    rows = [[*HEADING, "transfer_volume_nl"], ["A01", "WT", ""], ["B01", "X", "25"]]
    assert "map-column-unused" in kinds(scan(["A01_s1", "B01_s1"], rows), "problems")


@pytest.mark.parametrize("columns", [("Zeile", "Spalte"), ("Reihe", "Spalte"), ("Fila", "Columna")])
def test_rows_and_columns_may_have_headings_in_other_languages(
    scan: Any, columns: tuple[str, str]
) -> None:
    rows = [[*columns, "condition"], ["A", "1", "WT"], ["B", "1", "DS"]]
    assert scan(["A01_s1", "B01_s1"], rows)["conditions"] == {"WT": 1, "DS": 1}
