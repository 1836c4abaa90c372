"""Index files of microscopes name channels, sizes, plates and places; damaged ones do no harm."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from core.domain import ScanOptions
from core.io.read_verified import read_verified
from core.scanning.scan import Scan, read_folder

RNG = np.random.default_rng(9)
HTD = '"HTSInfoFile", Version 1.0\n"XWells", 12\n"YWells", 8\n"NWavelengths", 2\n{waves}"EndFile"\n'
WAVES = '"WaveName1", "DAPI"\n"WaveName2", "Texas Red"\n'
HARMONY = """<?xml version="1.0" encoding="utf-8"?>
<EvaluationInputData xmlns="http://www.perkinelmer.com/PEHH/HarmonyV5">
<Plates><Plate><PlateID>P1</PlateID><PlateRows>16</PlateRows><PlateColumns>24</PlateColumns></Plate>
</Plates><Images>
<Image Version="1"><URL>r02c03f01p01-ch1sk1fk1fl1.tiff</URL><ChannelID>1</ChannelID>
<ChannelName>HOECHST 33342</ChannelName>
<ImageResolutionX Unit="m">6.5E-07</ImageResolutionX></Image>
<Image Version="1"><URL>r02c03f01p01-ch2sk1fk1fl1.tiff</URL><ChannelID>2</ChannelID>
<ChannelName>Alexa 488</ChannelName><ImageResolutionX Unit="m">6.5E-07</ImageResolutionX></Image>
</Images></EvaluationInputData>"""


def image() -> np.ndarray:
    return RNG.integers(100, 900, (24, 24)).astype(np.uint16)


def put(root: Path, *files: str) -> None:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(root / file, image())


def read(root: Path, **answers: str) -> Scan:
    return read_folder(root, ScanOptions(answers=answers))


def channels(found: Scan) -> list[str]:
    return [channel.name for channel in found.dataset.channels]


def imagexpress(root: Path) -> None:
    wells = [f"{c}/P_{w}_s{s}" for c, w in (("WT", "B02"), ("DS", "C02")) for s in (1, 2)]
    put(root, *(f"{stem}_w{n}.tif" for stem in wells for n in (1, 2)))


def test_an_htd_file_names_the_wavelengths_and_the_plate(tmp_path: Path) -> None:
    imagexpress(tmp_path)
    assert channels(read(tmp_path)) == ["channel 1", "channel 2"]
    (tmp_path / "plate.HTD").write_text(HTD.format(waves=WAVES), encoding="latin-1")
    found = read(tmp_path)
    assert channels(found) == ["DAPI", "Texas Red"] and len(found.dataset.records) == 4
    assert found.dataset.plate_shape == (8, 12)


@pytest.mark.parametrize("name", ["Index.xml", "Index.idx.xml"])
def test_harmony_names_channels_pixel_size_and_plate(tmp_path: Path, name: str) -> None:
    for folder, row in (("WT", "02"), ("DS", "03")):
        put(tmp_path, *(f"{folder}/r{row}c03f01p01-ch{n}sk1fk1fl1.tiff" for n in (1, 2)))
        (tmp_path / folder / name).write_text(HARMONY, encoding="utf-8")
    found = read(tmp_path)
    assert channels(found) == ["HOECHST 33342", "Alexa 488"]
    assert found.dataset.pixel_size_um == pytest.approx(0.65)
    assert found.dataset.plate_shape == (16, 24) and len(found.dataset.records) == 2


def test_an_nd_file_names_the_numbers_of_its_own_images_only(tmp_path: Path) -> None:
    for folder in ("WT", "DS"):
        put(tmp_path / folder, *(f"exp1_w{n}_s{s}.TIF" for n in (1, 2) for s in (1, 2)))
        text = f'"NDInfoFile", Version 1.0\n"NWavelengths", 2\n{WAVES}"EndFile"\n'
        (tmp_path / folder / "exp1.nd").write_text(text)
        (tmp_path / folder / "exp.nd").write_text(text.replace("DAPI", "wrong"))
    assert channels(read(tmp_path)) == ["DAPI", "Texas Red"]


@pytest.mark.parametrize("closed", [True, False])
def test_micro_manager_names_channels_and_pixel_size(tmp_path: Path, closed: bool) -> None:
    said = {"Summary": {"ChNames": ["DAPI", "GFP"]}, "FrameKey-0-0-0": {"PixelSizeUm": 0.25}}
    for folder in ("WT/Pos0", "WT/Pos1", "DS/Pos0", "DS/Pos1"):
        put(tmp_path / folder, *(f"img_channel{n:03}_position000_z000.tif" for n in (0, 1)))
        text = json.dumps(said)
        (tmp_path / folder / "metadata.txt").write_text(text if closed else text[:-1] + ",")
    found = read(tmp_path)
    assert channels(found) == ["DAPI", "GFP"] and len(found.dataset.records) == 4
    assert found.dataset.pixel_size_um == pytest.approx(0.25)


OME = '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">{}</OME>'


def companion(folder: Path, planes: int, missing: str = "") -> dict[tuple[int, int], np.ndarray]:
    """Two channels of some planes, each in a file of its own, and the companion; the pixels."""
    folder.mkdir(parents=True)
    blocks, pixels = "", {}
    for c in (0, 1):
        for z in range(planes):
            name = f"set_{c}_{z}.ome.tif"
            pixels[c, z] = image()
            only = OME.format('<BinaryOnly MetadataFile="set.companion.ome" UUID="urn:uuid:1"/>')
            tifffile.imwrite(folder / name, pixels[c, z], description=only, metadata=None)
            uuid = f'<UUID FileName="{name}">urn:uuid:{c}{z}</UUID>'
            blocks += f'<TiffData IFD="0" FirstC="{c}" FirstZ="{z}">{uuid}</TiffData>'
    text = (
        '<Image ID="Image:0" Name="field 1"><Pixels ID="Pixels:0" DimensionOrder="XYCZT"'
        f' Type="uint16" SizeX="24" SizeY="24" SizeC="2" SizeZ="{planes}" SizeT="1"'
        ' PhysicalSizeX="0.2" PhysicalSizeY="0.2"><Channel ID="c0" Name="DAPI"/>'
        f'<Channel ID="c1" Name="GFP"/>{blocks}</Pixels></Image>'
    )
    (folder / "set.companion.ome").write_text(OME.format(text), encoding="utf-8")
    if missing:
        (folder / missing).unlink()
    return pixels


def test_a_companion_says_which_file_is_which_stain_and_plane(tmp_path: Path) -> None:
    pixels = companion(tmp_path / "WT", planes=3)
    companion(tmp_path / "DS", planes=3)
    found = read(tmp_path)
    assert found.dataset.counts() == {"DS": 1, "WT": 1} and channels(found) == ["DAPI", "GFP"]
    assert found.dataset.pixel_size_um == pytest.approx(0.2)
    [record] = [r for r in found.dataset.records if r.condition == "WT"]
    wanted = [np.max([pixels[c, z] for z in range(3)], axis=0) for c in (0, 1)]
    assert np.array_equal(read_verified(tmp_path, record), wanted)


def test_a_part_without_its_companion_or_its_set_is_named(tmp_path: Path) -> None:
    companion(tmp_path / "WT", planes=1, missing="set_1_0.ome.tif")
    companion(tmp_path / "DS", planes=1)
    companion(tmp_path / "TT", planes=1, missing="set.companion.ome")
    found = read(tmp_path)
    assert found.dataset.counts() == {"DS": 1}
    missing = [p.item for p in found.dataset.problems if p.kind == "missing-part"]
    assert any("TT" in item for item in missing) and any("WT" in item for item in missing)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plate.HTD", "\x00\x01"),
        ("plate.HTD", HTD.format(waves='"WaveName1", "DAPI"\n"WaveName2", "DAPI"\n')),
        ("Index.xml", "<a><b>"),
        ("Index.xml", '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'),
        ("metadata.txt", "notes of the day"),
        ("a.companion.ome", "<OME"),
    ],
)
def test_an_index_that_cannot_be_used_leaves_the_images(
    tmp_path: Path, name: str, text: str
) -> None:
    imagexpress(tmp_path)
    (tmp_path / name).write_text(text)
    found = read(tmp_path)
    assert channels(found) == ["channel 1", "channel 2"] and len(found.dataset.records) == 4
    if text.startswith("<"):
        assert any(p.item == name and p.kind == "damaged" for p in found.dataset.problems)
