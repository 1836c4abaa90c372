"""Cards and samples show pictures of every format that a scan reads."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import tifffile
from made_containers import pixels, write_czi, write_lif, write_nd2, write_oif, write_zarr_image

from core.domain import ImagePlace, ScanOptions
from core.scanning.scan import read_folder
from leigh_gui.pages.data.questions import QuestionsPanel
from leigh_gui.pages.data.samples import SampleGrid
from leigh_gui.scan_request import OpenScan, ScanRequest, open_scan
from leigh_gui.services.small_pictures import read_place

NAMES = ("lineA_x_1", "lineA_y_2", "lineB_x_3", "lineB_y_4")
STAINS = ("DAPI", "GFP")


def each(ending: str, write: Callable[..., Path]) -> Callable[[Path, np.ndarray], None]:
    def made(folder: Path, images: np.ndarray) -> None:
        for n, name in enumerate(NAMES):
            write(folder / f"{name}{ending}", images[n : n + 1], STAINS)

    return made


def lif(folder: Path, images: np.ndarray) -> None:
    write_lif(folder / "exp.lif", images, NAMES, STAINS)


def zarr(path: Path, image: np.ndarray, names: tuple[str, ...]) -> Path:
    return write_zarr_image(path, image[0].swapaxes(1, 2), names)


MAKERS = {
    "lif": lif,
    "czi": each(".czi", write_czi),
    "nd2": each(".nd2", write_nd2),
    "oif": each(".oif", write_oif),
    "zarr": each(".ome.zarr", zarr),
}


@pytest.mark.parametrize("maker", MAKERS)
def test_a_card_shows_the_field_that_a_choice_means(themed, qtbot, tmp_path, maker):
    images = pixels(s=4, c=2)
    MAKERS[maker](tmp_path, images)
    questions = [json.loads(json.dumps(asdict(q))) for q in read_folder(tmp_path).questions]
    asked = open_scan(ScanRequest(tmp_path, tmp_path / "p"), {"questions": questions})
    panel = QuestionsPanel()
    qtbot.addWidget(panel)
    panel.resize(1366, 768)
    panel.set_asked(asked)
    with qtbot.waitExposed(panel):
        panel.show()
    (card,) = panel.cards
    first, second = card.tiles["lineA, lineB", "lineA"], card.tiles["lineA, lineB", "lineB"]
    qtbot.waitUntil(lambda: None not in (first.pixmap(), second.pixmap()), timeout=10_000)
    for tile, image in ((first, images[0]), (second, images[2])):
        assert np.array_equal(panel.pictures.get(tile.key), image[0, 0])
    panel.pictures.stop()


@pytest.mark.parametrize("maker", MAKERS)
def test_samples_show_each_stain_of_a_condition(themed, qtbot, tmp_path, maker):
    images = pixels(s=4, c=2)
    MAKERS[maker](tmp_path, images)
    options = ScanOptions(answers={"condition": "lineA, lineB"})
    grid = SampleGrid()
    qtbot.addWidget(grid)
    grid.set_dataset(read_folder(tmp_path, options).dataset)
    qtbot.waitUntil(lambda: None not in [grid.model.pixmap(row, 1) for row in (0, 1)])
    for row, image in enumerate((images[0], images[2])):
        assert np.array_equal(grid.model.small(row), image[0, 0])
    grid.model.pictures.stop()


def test_a_place_shows_its_time_and_the_maximum_of_its_planes(tmp_path):
    images = pixels(s=2, t=2, z=3, c=2)
    write_lif(tmp_path / "exp.lif", images, ("a", "b"), STAINS)
    tifffile.imwrite(tmp_path / "a.tif", images[0], imagej=True, metadata={"axes": "TZCYX"})
    for place, field, time in (
        (ImagePlace("exp.lif", "1", "2"), 1, 1),
        (ImagePlace("exp.lif", "1"), 1, 0),
        (ImagePlace("exp.lif"), 0, 0),
        (ImagePlace("a.tif", t="2"), 0, 1),
    ):
        assert np.array_equal(read_place(tmp_path, place), images[field, time].max(axis=0))


def show_question(folder: Path, qtbot, kind: str) -> QuestionsPanel:
    """A panel with what a scan without answers asks of this kind."""
    asked = tuple(q for q in read_folder(folder).questions if q.kind == kind)
    panel = QuestionsPanel()
    qtbot.addWidget(panel)
    panel.resize(1366, 768)
    panel.set_asked(OpenScan(ScanRequest(folder, folder / "p"), asked))
    with qtbot.waitExposed(panel):
        panel.show()
    return panel


def check_tiles(panel, qtbot, expected: dict[tuple[str, str], np.ndarray]) -> None:
    """Each tile of the only card shows these C Y X grey values, and there is no other tile."""
    (card,) = panel.cards
    assert set(card.tiles) == set(expected)
    qtbot.waitUntil(lambda: all(tile.pixmap() for tile in card.tiles.values()), timeout=10_000)
    for name, image in expected.items():
        assert np.array_equal(panel.pictures.get(card.tiles[name].key), image), name
    panel.pictures.stop()


def write_stacks(folder: Path, axis: str, pages: int) -> np.ndarray:
    """Two cultures for each condition; returns the pages of the first file, N Y X."""
    images = pixels(s=4, z=pages, c=1)[:, 0, :, 0]
    for image, name in zip(images, ("DS/a_1", "DS/a_2", "WT/b_1", "WT/b_2"), strict=True):
        path = folder / f"{name}.tif"
        path.parent.mkdir(exist_ok=True)
        tifffile.imwrite(path, image, imagej=True, metadata={"axes": f"{axis}YX"})
    return images[0]


def test_a_question_about_planes_shows_every_choice_as_it_would_be_read(themed, qtbot, tmp_path):
    stack = write_stacks(tmp_path, "Z", 6)
    mean = np.rint(stack.mean(axis=0, dtype=np.float64))
    expected = {("max", "max"): stack.max(axis=0)[None], ("mean", "mean"): mean[None]}
    expected |= {(str(n + 1), f"plane {n + 1}"): stack[n : n + 1] for n in range(6)}
    check_tiles(show_question(tmp_path, qtbot, "z"), qtbot, expected)


def test_a_question_about_slices_shows_them_as_stains_and_as_planes(themed, qtbot, tmp_path):
    stack = write_stacks(tmp_path, "Z", 3)
    expected = {("stains", f"stain {n + 1}"): stack[n : n + 1] for n in range(3)}
    expected["stains", "one image"] = stack
    expected["planes", "maximum"] = stack.max(axis=0)[None]
    check_tiles(show_question(tmp_path, qtbot, "slices"), qtbot, expected)


def test_a_question_about_slices_shows_times_one_by_one(themed, qtbot, tmp_path):
    series = write_stacks(tmp_path, "T", 2)
    expected = {("stains", "one image"): series}
    for n in range(2):
        expected["stains", f"stain {n + 1}"] = series[n : n + 1]
        expected["planes", f"time {n + 1}"] = series[n : n + 1]
    check_tiles(show_question(tmp_path, qtbot, "slices"), qtbot, expected)


def test_samples_keep_their_contrast_when_the_same_images_are_read_again(themed, qtbot, tmp_path):
    MAKERS["czi"](tmp_path, pixels(s=4, c=2))
    options = ScanOptions(answers={"condition": "lineA, lineB"})
    grid = SampleGrid()
    qtbot.addWidget(grid)
    model = grid.model
    grid.set_dataset(read_folder(tmp_path, options).dataset)
    qtbot.waitUntil(lambda: None not in [model.pixmap(row, 1) for row in (0, 1)])
    before = model.display(0), model.display(1)
    grid.set_dataset(read_folder(tmp_path, options).dataset)
    assert None not in [model.pixmap(row, 1) for row in (0, 1)]  # kept, not read again
    assert (model.display(0), model.display(1)) == before
    model.pictures.stop()


def test_a_picture_of_the_folder_before_does_not_change_the_contrast(themed, qtbot, tmp_path):
    first, second = tmp_path / "one", tmp_path / "two"
    for folder, stains in ((first, 3), (second, 2)):
        folder.mkdir()
        for n, (name, image) in enumerate(zip(NAMES, pixels(s=4, c=stains), strict=True)):
            tifffile.imwrite(folder / f"{name}.tif", image[0, 0] + n, imagej=True)
    options = ScanOptions(answers={"condition": "lineA, lineB"})
    grid = SampleGrid()
    qtbot.addWidget(grid)
    model = grid.model
    grid.set_dataset(read_folder(first, options).dataset)
    with qtbot.waitSignal(model.pictures.ready):
        model.pixmap(0, 0)  # it is being read
        grid.set_dataset(read_folder(second, options).dataset)
    qtbot.waitUntil(lambda: None not in [model.pixmap(row, 1) for row in (0, 1)])
    shown = np.stack([model.small(row)[1] for row in (0, 1)])
    assert shown.min() <= model.display(1).low < model.display(1).high <= shown.max()
    model.pictures.stop()
