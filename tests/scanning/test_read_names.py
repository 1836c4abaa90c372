"""Names of microscopes and labs: what varies is found, what cannot be known is asked, and nothing
is written before it is answered.
"""

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from core.cli.main import main
from core.io.project import open_project
from core.scanning.file_names import BUILT_IN, scheme_match
from core.scanning.naming_schemes import SCHEMES

RNG = np.random.default_rng(11)
TWO = ("WT/", "DS/")


def images(root: Path, *parts: tuple[str, ...], channels: int = 1) -> Path:
    """One random image for each combination of the parts."""
    for name in product(*parts):
        path = root / ("".join(name) + ".tif")
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = RNG.integers(100, 900, (channels, 24, 24)).astype(np.uint16)
        if channels == 1:
            tifffile.imwrite(path, pixels[0])
        else:
            tifffile.imwrite(path, pixels, photometric="minisblack", metadata={"axes": "CYX"})
    return root


@pytest.fixture
def scan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Scans a folder into a project and returns the exit code and the JSON."""

    def call(folder: Path, *words: object) -> tuple[int, dict[str, Any]]:
        arguments = ["scan", folder, "--project", tmp_path / "project", "--json", *words]
        code = main([*map(str, arguments), "--progress", "none"])
        return code, json.loads(capsys.readouterr().out)

    return call


def kinds(found: dict[str, Any], where: str) -> set[str]:
    return {entry["kind"] for entry in found[where]}


@pytest.mark.parametrize(
    ("parts", "channels"),
    [
        ((TWO, ("E_Position001_", "E_Position002_"), ("ch00", "ch01", "ch02")), 3),
        ((TWO, ("a_s1_", "a_s2_"), ("c1_ORG", "c2_ORG")), 2),
        ((TWO, ("a1_", "a2_"), ("405", "488", "561")), 3),
        ((TWO, ("f1_", "f2_"), ("DAPI", "RFP50")), 2),
        ((TWO, ("f1_", "f2_"), ("DAPI", "Texas Red", "Alexa Fluor 488")), 3),
        ((TWO, ("DAPI/", "GFP/"), ("img1", "img2")), 2),
        ((("DAPI/", "GFP/"), TWO, ("img1", "img2")), 2),
        ((TWO, ("nd001xy1", "nd001xy2"), ("c1", "c2")), 2),
    ],
)
def test_stains_are_found_wherever_they_stand(
    scan: Any, tmp_path: Path, parts: tuple[tuple[str, ...], ...], channels: int
) -> None:
    code, found = scan(images(tmp_path / "images", *parts))
    assert code == 0, found
    assert (found["records"], len(found["channels"])) == (4, channels)
    assert found["conditions"] == {"WT": 2, "DS": 2}


@pytest.mark.parametrize("words", [("SYTOXX", "WGGA"), ("treated", "untreated"), ("C1", "C2")])
def test_unknown_words_are_asked_and_answered(
    scan: Any, tmp_path: Path, words: tuple[str, ...]
) -> None:
    folder = images(tmp_path / "images", TWO, ("dish1_", "dish2_"), words)
    code, found = scan(folder)
    assert code == 2 and found["records"] == 0 and "stain" in kinds(found, "questions")
    assert not (tmp_path / "project").exists()
    code, found = scan(folder, "--answer", f"stain={', '.join(words)}")
    assert code == 0 and found["records"] == 4 and len(found["channels"]) == 2


def test_names_of_two_lengths_that_begin_alike_are_asked(scan: Any, tmp_path: Path) -> None:
    folder = images(tmp_path / "images", TWO, ("f1_", "f2_"), ("SYTOXX", "WGGA-488"))
    code, found = scan(folder)
    assert code == 2 and kinds(found, "questions") >= {"stain"}


@pytest.mark.parametrize("mark", ["D30", "P12", "H9", "E18", "B27", "M10", "40x"])
def test_what_all_names_share_is_not_a_well(scan: Any, tmp_path: Path, mark: str) -> None:
    names = tuple(f"{mark}_culture{n}_{i}" for n in (1, 2, 3) for i in (1, 2))
    code, found = scan(images(tmp_path / "images", TWO, names, channels=2))
    assert code == 0 and found["wells"] == 0 and found["groups"] == 6


def test_the_last_run_that_behaves_like_wells_is_the_well(scan: Any, tmp_path: Path) -> None:
    folder = images(tmp_path / "images" / "WT", ("P1_", "P2_"), ("A1_s1", "A2_s1"))
    images(tmp_path / "images" / "DS", ("P1_", "P2_"), ("B1_s1", "B2_s1"))
    code, found = scan(folder.parent)
    assert code == 0 and found["plates"] == ["P1", "P2"] and found["wells"] == 8


def test_one_well_for_each_condition_is_asked(scan: Any, tmp_path: Path) -> None:
    images(tmp_path / "images" / "WT", ("A01_",), ("1", "2"))
    images(tmp_path / "images" / "DS", ("B01_",), ("1", "2"))
    assert "well" in kinds(scan(tmp_path / "images")[1], "questions")
    code, found = scan(tmp_path / "images", "--answer", "well=A01, B01")
    assert code == 0 and found["wells"] == found["groups"] == 2


def test_a_row_and_a_column_apart_are_a_well(scan: Any, tmp_path: Path) -> None:
    code, found = scan(images(tmp_path / "i", TWO, ("A_01_", "A_02_", "B_01_"), ("f1", "f2")))
    assert code == 0 and (found["records"], found["groups"], found["wells"]) == (12, 3, 3)
    assert ("A_01", "well") in {(run["text"], run["means"]) for run in found["read_as"]["runs"]}


@pytest.mark.parametrize(("brighter", "asked"), [(1, False), (3, True)])
def test_numbers_that_go_with_brightness_are_asked(
    scan: Any, tmp_path: Path, brighter: int, asked: bool
) -> None:
    """Rot1 and Rot2, or 1 and 2: names do not say stains, the images do."""
    folder = images(tmp_path / "i", TWO, ("fov1_", "fov2_", "fov3_"), ("Rot1", "Rot2"))
    for file in folder.rglob("*Rot2.tif"):
        tifffile.imwrite(file, tifffile.imread(file) * brighter)
    code, found = scan(folder)
    assert code == 2 and kinds(found, "questions") == {"stain" if asked else "group"}
    code, found = scan(folder, "--answer", "stain=Rot1, Rot2")
    if asked:
        assert code == 0 and found["channels"] == ["Rot1", "Rot2"] and found["records"] == 6


def test_time_points_are_never_conditions(scan: Any, tmp_path: Path) -> None:
    folder = images(tmp_path / "images", ("D0/", "D30/"), TWO, ("dish1", "dish2"), channels=2)
    code, found = scan(folder)
    assert code == 0 and found["conditions"] == {"WT": 4, "DS": 4} and found["groups"] == 4
    assert "time" in kinds(found, "questions") and "time-points" in kinds(found, "problems")
    code, found = scan(folder, "--answer", "time=D30")
    assert code == 0 and found["records"] == 4


def test_planes_of_a_stack_are_never_images(scan: Any, tmp_path: Path) -> None:
    folder = images(tmp_path / "images", TWO, ("f1_", "f2_"), ("z0_", "z1_"), ("ch00", "ch01"))
    code, found = scan(folder)
    assert code == 0 and found["records"] == 4 and len(found["channels"]) == 2
    assert "z" in kinds(found, "questions") and "z-stack" in kinds(found, "problems")
    code, found = scan(folder, "--answer", "z=z1")
    assert code == 0 and found["records"] == 4 and len(found["channels"]) == 2


@pytest.mark.parametrize(
    "parts",
    [
        (("img1", "img2", "img3"),),
        (("lineA_", "lineB_"), ("1", "2")),
        (("1/", "2/"), ("img1", "img2")),
        (TWO, ("drug/", "none/"), ("img1", "img2")),
        (TWO, ("m1_", "m2_"), ("drug", "none")),
        (("WT_1", "WT_2", "DS_1", "DS_2", "DS_drug_1", "DS_drug_2"),),
    ],
)
def test_conditions_that_names_do_not_settle_are_asked(
    scan: Any, tmp_path: Path, parts: tuple[tuple[str, ...], ...]
) -> None:
    folder = images(tmp_path / "images", *parts, channels=2)
    code, found = scan(folder)
    assert code == 2 and found["records"] == 0
    question = next(q for q in found["questions"] if q["kind"] == "condition")
    for choice in question["choices"]:
        assert scan(folder, "--replace", "--answer", f"condition={choice}")[0] == 0


def test_answers_and_the_plate_map_are_stored_and_used_again(scan: Any, tmp_path: Path) -> None:
    folder = images(tmp_path / "images", ("A01_", "A02_", "B01_", "B02_"), ("drug", "none"))
    (tmp_path / "map.csv").write_text("well,condition\nA1,WT\nA2,WT\nB1,DS\nB2,DS\n")
    words = ("--plate-map", tmp_path / "map.csv", "--condition-from", "plate-map")
    assert scan(folder, *words, "--answer", "stain=drug, none")[0] == 0
    code, found = scan(folder)
    assert code == 0 and found["records"] == 4 and found["conditions"] == {"WT": 2, "DS": 2}
    dataset = open_project(tmp_path / "project").dataset
    assert dataset is not None and dataset.options is not None
    assert dataset.options.plate_map == tmp_path / "map.csv"
    code, found = scan(folder, "--replace")  # forgets the choices
    assert code == 2


def test_another_folder_never_replaces_the_images_of_a_project_unasked(
    scan: Any, tmp_path: Path
) -> None:
    first = images(tmp_path / "first", TWO, ("img1", "img2"), channels=2)
    other = images(tmp_path / "other", TWO, ("img1", "img2", "img3"), channels=2)
    assert scan(first)[0] == 0
    code, found = scan(other)
    assert code == 2 and "--replace" in found["error"]["hint"]
    dataset = open_project(tmp_path / "project").dataset
    assert dataset is not None and len(dataset.records) == 4
    assert scan(other, "--replace")[1]["records"] == 6


def test_images_that_were_moved_are_the_same_images(scan: Any, tmp_path: Path) -> None:
    folder = images(tmp_path / "first", TWO, ("img1", "img2"), channels=2)
    assert scan(folder)[0] == 0
    folder.rename(tmp_path / "moved")
    assert scan(tmp_path / "moved")[0] == 0


def test_a_plate_map_says_nothing_about_another_plate(scan: Any, tmp_path: Path) -> None:
    folder = images(tmp_path / "images", ("P1_", "P2_"), ("A01_s1", "B01_s1"), channels=2)
    table = tmp_path / "map.csv"
    words = ("--plate-map", table, "--condition-from", "plate-map")
    table.write_text("plate,well,condition\nP1,A1,WT\nP1,B1,DS\n")
    code, found = scan(folder, *words)
    assert code == 0 and found["plates"] == ["P1"] and "not-in-map" in kinds(found, "problems")
    table.write_text("plate,well,condition\n7,A1,WT\n7,B1,DS\n8,A1,WT\n8,B1,DS\n")
    code, found = scan(folder, *words)
    assert code == 2
    choice = next(q for q in found["questions"] if q["kind"] == "plate")["choices"][0]
    code, found = scan(folder, *words, "--answer", f"plate={choice}")
    assert code == 0 and found["plates"] == ["P1", "P2"] and found["records"] == 4


def test_folder_and_map_that_disagree_are_asked(scan: Any, tmp_path: Path) -> None:
    folder = images(tmp_path / "images", TWO, ("A01_s1", "A02_s1", "B01_s1"), channels=2)
    for path in (*folder.glob("WT/B*"), *folder.glob("DS/A01*")):
        path.unlink()
    (tmp_path / "map.csv").write_text("well,condition\nA1,WT\nA2,DS\nB1,DS\n")
    code, found = scan(folder, "--plate-map", tmp_path / "map.csv")
    assert code == 2 and "map-contradicts-folder" in kinds(found, "problems")
    words = ("--plate-map", tmp_path / "map.csv", "--answer", "map=plate map")
    assert scan(folder, *words)[1]["conditions"] == {"WT": 1, "DS": 3}


@pytest.mark.parametrize(
    ("first", "name", "role"),
    [("negcon", "negative controls are healthy", "healthy"), ("neg", "negative", None)],
)
def test_a_wild_type_that_is_a_negative_control_is_asked(
    scan: Any, tmp_path: Path, first: str, name: str, role: str | None
) -> None:
    folder = images(tmp_path / "images", ("A01_", "B01_"), ("s1", "s2"), channels=2)
    (tmp_path / "map.csv").write_text(f"well,condition,role\nA1,WT,{first}\nB1,DS,poscon\n")
    words = ("--plate-map", tmp_path / "map.csv", "--condition-from", "plate-map")
    assert "role" in kinds(scan(folder, *words)[1], "questions")
    code, _ = scan(folder, *words, "--answer", f"role={name}")
    assert code == (0 if role else 2)
    if role:
        dataset = open_project(tmp_path / "project").dataset
        assert dataset is not None and dataset.condition("WT").role == role


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("img1_cp_masks", "mask"), ("img1_overlay", "overlay"), ("img1_bgsub", "processed-copy"),
        ("MAX_img1", "projection"), ("DC_sCMOS #1_CAM1", "correction-image"),
        ("img1_thumb", "thumbnail"),
    ],
)  # fmt: skip
def test_pictures_that_are_not_raw_images_are_left_out_by_name(
    scan: Any, tmp_path: Path, name: str, kind: str
) -> None:
    code, found = scan(images(tmp_path / "images", TWO, ("img1", "img2", name), channels=2))
    assert code == 0 and found["records"] == 4 and kind in kinds(found, "problems")


def test_what_goes_together_with_the_condition_is_named(scan: Any, tmp_path: Path) -> None:
    for condition, factor, dtype in (("WT", 1, np.uint8), ("DS", 100, np.uint16)):
        for n in (1, 2):
            path = tmp_path / "images" / condition / f"P{factor}_{'AB'[n - 1]}0{n}_s1.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(path, (RNG.integers(9, 200, (24, 24)) * factor).astype(dtype))
    found = scan(tmp_path / "images")[1]
    assert {"depth-is-condition", "scale-is-condition", "plate-is-condition"} <= kinds(
        found, "problems"
    )


@pytest.mark.parametrize(
    ("scheme", "name", "wanted"),
    [
        ("scanr", "D6--W00042--P00001--Z00000--T00000--RFP50", ("D06", "RFP50", "00001")),
        ("nis-elements", "WellB03_PointB03_0002_ChannelGFP_Seq0001", ("B03", "GFP", "0002")),
        ("incell", "A_02_f1_c2_xBlue_mFITC_z0_t0", ("A02", "2", "1")),
        ("incell-old", "B - 03(fld 2 wv DAPI - DAPI)", ("B03", "DAPI - DAPI", "2")),
        ("cytation-stitched", "A2_-1_1_1_Stitched[DAPI 377,447]_001", ("A02", "DAPI", "1")),
        ("incucyte-raw", "2607/19/B2_1_Ph", ("B02", "Ph", "1")),
        ("imagexpress", "9987_B02_w2", ("B02", "2", "")),
    ],
)
def test_schemes_of_makers_are_read_whole(
    scheme: str, name: str, wanted: tuple[str, str, str]
) -> None:
    from core.scanning.file_names import tidy

    match = scheme_match(scheme, name + ".tif")
    assert match is not None and scheme in SCHEMES and scheme in BUILT_IN
    tells = tidy(match, match.string)
    assert (tells["well"], tells["channel"], tells.get("site", "")) == wanted
    assert not any(scheme_match(other, name + ".tif") for other in SCHEMES if other != scheme)


def test_an_incomplete_copy_that_ends_in_zeros_is_named(scan: Any, tmp_path: Path) -> None:
    folder = images(tmp_path / "images", TWO, ("img1", "img2"), channels=2)
    pixels = RNG.integers(100, 900, (2, 24, 24)).astype(np.uint16)
    pixels[1].reshape(-1)[400:] = 0  # within a row
    tifffile.imwrite(folder / "WT" / "img3.tif", pixels, photometric="minisblack")
    code, found = scan(folder)
    assert code == 0 and "zero-tail" in kinds(found, "problems")


@pytest.mark.parametrize(
    ("parts", "example", "meanings"),
    [
        (
            (TWO, ("P1_B02_", "P1_C02_"), ("s1_", "s2_"), ("w1", "w2")),
            "DS/P1_B02_s1_w1.tif",
            {"DS": "condition", "P1": "plate", "B02": "well", "s1": "site", "w1": "stain"},
        ),
        (
            (TWO, ("r02c02", "r02c03"), ("f01p01-",), ("ch1sk1fk1fl1", "ch2sk1fk1fl1")),
            "DS/r02c02f01p01-ch1sk1fk1fl1.tif",
            {"DS": "condition", "r02c02": "well", "f01": "site", "p01": "z", "ch1": "stain"}
            | {"sk1": "time"},
        ),
        (
            (("DAPI/", "GFP/"), ("WT_", "DS_"), ("1", "2")),
            "DAPI/DS_1.tif",
            {"DAPI": "stain", "DS": "condition"},
        ),
    ],
)
def test_each_part_of_the_example_stands_where_it_is_said_to(
    scan: Any, tmp_path: Path, parts: Any, example: str, meanings: dict[str, str]
) -> None:
    code, found = scan(images(tmp_path / "images", *parts))
    read_as = found["read_as"]
    assert code == 0 and read_as["example"] == example
    assert {run["text"]: run["means"] for run in read_as["runs"]} == meanings
    for run in read_as["runs"]:
        assert example[run["start"] :].startswith(run["text"])
    numbers = {run["means"]: run["values"] for run in read_as["runs"]}
    assert numbers["stain"] == numbers["condition"] == 2


def test_how_names_were_read_is_stored_with_the_reasons_of_roles(scan: Any, tmp_path: Path) -> None:
    scan(images(tmp_path / "images", TWO, ("A01_s1", "A02_s1", "B01_s1"), channels=2))
    dataset = open_project(tmp_path / "project").dataset
    assert dataset is not None and dataset.read_as is not None
    assert dataset.read_as.scheme == "found" and dataset.read_as.example == "DS/A01_s1.tif"
    assert dataset.read_as.roles["WT"].why == "the name says WT"
    assert dataset.read_as.roles["DS"].role == "diseased"


@pytest.mark.parametrize(
    ("parts", "kind", "choice", "words"),
    [
        ((TWO, ("a1_", "a2_"), ("FOO", "BAR")), "stain", "BAR, FOO", ["BAR", "FOO"]),
        ((TWO, ("m1_", "m2_"), ("z0_", "z1_"), ("ch0", "ch1")), "z", "z1", ["z1"]),
        ((("1/", "2/"), ("a1_ch0", "a1_ch1")), "condition", "1, 2", ["1", "2"]),
    ],
)
def test_a_question_names_a_picture_for_each_word(
    scan: Any, tmp_path: Path, parts: Any, kind: str, choice: str, words: list[str]
) -> None:
    folder = images(tmp_path / "images", *parts)
    code, found = scan(folder)
    assert code == (0 if kind == "z" else 2) and found["read_as"]["scheme"] == "found"
    question = next(q for q in found["questions"] if q["kind"] == kind)
    assert list(question["examples"][choice]) == words
    for word, file in question["examples"][choice].items():
        assert word in file and (folder / file).is_file()
