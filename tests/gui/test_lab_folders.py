"""The folders of six makers, from the drop to the map; what is asked is answered by mouse.

One of them trains in every run; the others stop at "Next: train", and train with `-m long`.
"""

import lab_folders
import pytest
from lab_folders import TIMEOUT_MS, brightness, drop, is_open, open_by_drop
from PySide6.QtCore import Qt

TRAINING_MS = 600_000  # on a busy machine; a free one needs a minute
LONG = pytest.param(True, marks=pytest.mark.long)


def asked(window, qtbot, *kinds: str):
    """The panel of questions, once the folder asks these."""
    qtbot.waitUntil(lambda: window.state.asked is not None, timeout=TIMEOUT_MS)
    panel = window.pages["data"].questions
    assert window.current_page() == "data" and panel.isVisible()
    assert [card.question.kind for card in panel.cards] == list(kinds)
    return panel


def click(qtbot, widget) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def read(window, qtbot, panel) -> None:
    """Press the one button, and wait for the project."""
    assert panel.read.isEnabled(), panel.read.toolTip()
    click(qtbot, panel.read)
    qtbot.waitUntil(lambda: is_open(window), timeout=TIMEOUT_MS)


def check_pictures(page, qtbot, stains: list[str]) -> None:
    """Each cell shows the stain of its column in the condition of its row, in one contrast."""
    grid = page.samples.model
    rows, columns = ["WT", "DS"], range(len(stains))
    headers = [grid.headerData(n, Qt.Orientation.Horizontal) for n in columns]
    assert headers == stains
    assert [grid.headerData(n, Qt.Orientation.Vertical) for n in range(2)] == rows
    qtbot.waitUntil(
        lambda: all(grid.pixmap(row, n) is not None for row in range(2) for n in columns),
        timeout=TIMEOUT_MS,
    )
    qtbot.wait(100)  # the contrast includes the last picture
    for n in columns:
        for row, condition in enumerate(rows):
            assert abs(grid.small(row)[n].mean() - brightness(n, condition)) < 2
        middle = [grid.pixmap(row, n).toImage().pixelColor(16, 16).lightness() for row in (0, 1)]
        assert middle[1] > middle[0]  # DS is brighter: its contrast is that of WT


@pytest.fixture
def go_on(real_window, qtbot, leigh_program, trains):
    """Press "Next: train"; where the story `trains`, also "Train", until Explore shows the map."""

    def to_the_end() -> None:
        click(qtbot, real_window.pages["data"].next)
        page, dataset = real_window.pages["train"], real_window.state.project.dataset
        assert real_window.current_page() == "train" and page.start.isEnabled()
        if not trains:
            return
        real_window.backstage.runner.program = leigh_program
        click(qtbot, page.start)
        qtbot.waitUntil(
            lambda: real_window.current_page() == "explore" and is_open(real_window),
            timeout=TRAINING_MS,
        )
        opened = real_window.state.opened
        assert [c.name for c in opened.card.channels] == [c.name for c in dataset.channels]
        assert set(opened.latents.record_ids) == {record.id for record in dataset.records}
        assert opened.ready_to_explore and not real_window.error_bar.isVisible()

    return to_the_end


ends = pytest.mark.parametrize("trains", [False, LONG])
SAY_EVERYTHING = {
    "yokogawa": (["channel 1", "channel 2"], "yokogawa", {"plate", "well", "site", "stain"}),
    "incell": (["DAPI - DAPI", "FITC - FITC"], "incell-old", {"well", "site", "stain"}),
    "nis": (["DAPI", "GFP"], "nis-elements", {"well", "stain"}),
}


@pytest.mark.parametrize(
    ("maker", "trains"),
    [
        pytest.param("incell", True, marks=pytest.mark.slow),
        ("yokogawa", False),
        ("nis", False),
        pytest.param("yokogawa", True, marks=pytest.mark.long),
        pytest.param("nis", True, marks=pytest.mark.long),
    ],
)
def test_a_folder_that_says_everything_is_read_without_a_question(
    real_window, qtbot, tmp_path, maker, go_on
):
    stains, scheme, meanings = SAY_EVERYTHING[maker]
    page = open_by_drop(real_window, qtbot, getattr(lab_folders, maker)(tmp_path / maker))
    dataset = real_window.state.project.dataset
    assert dataset.read_as.scheme == scheme and dataset.counts() == {"WT": 2, "DS": 2}
    assert meanings | {"condition"} <= {part.means for part in page.naming.example.parts}
    check_pictures(page, qtbot, stains)
    go_on()


@ends
def test_imagexpress_asks_for_the_plate_map(real_window, qtbot, tmp_path, go_on):
    table = lab_folders.plate_map(tmp_path)
    drop(real_window, lab_folders.imagexpress(tmp_path / "plate"))
    panel = asked(real_window, qtbot, "condition")
    assert not panel.read.isEnabled() and "Conditions" in panel.read.toolTip()
    panel.plate_map.line.setFocus()
    qtbot.keyClicks(panel.plate_map.line, str(table))
    read(real_window, qtbot, panel)
    page, dataset = real_window.pages["data"], real_window.state.project.dataset
    assert dataset.counts() == {"WT": 2, "DS": 2} and dataset.options.plate_map == table
    assert page.conditions.model.data(
        page.conditions.model.index(0, 3), Qt.ItemDataRole.ToolTipRole
    ) == "Proposed: the name says WT."  # fmt: skip
    check_pictures(page, qtbot, ["channel 1", "channel 2"])
    go_on()


@ends
def test_phenix_is_read_as_its_maximum_and_then_as_one_plane(real_window, qtbot, tmp_path, go_on):
    page = open_by_drop(real_window, qtbot, lab_folders.phenix(tmp_path / "stack"))
    assert page.notices.decided.isVisible() and "max" in page.notices.decided.words.text()
    click(qtbot, page.notices.decided.button)
    panel = asked(real_window, qtbot, "z")
    card = panel.cards[0]
    assert card.buttons["max"].isChecked()
    tile = card.tiles["02", "02"]
    qtbot.waitUntil(lambda: tile.pixmap() is not None, timeout=TIMEOUT_MS)
    click(qtbot, tile)
    assert card.buttons["02"].isChecked()
    click(qtbot, panel.read)
    qtbot.waitUntil(
        lambda: (
            is_open(real_window)
            and real_window.state.project.dataset.options.answers == {"z": "02"}
        ),
        timeout=TIMEOUT_MS,
    )
    dataset = real_window.state.project.dataset
    assert all("p02" in file for record in dataset.records for file in record.files)
    check_pictures(page, qtbot, ["channel 1", "channel 2"])
    go_on()


@ends
def test_las_x_is_read_with_all_times_and_then_with_one(real_window, qtbot, tmp_path, go_on):
    page = open_by_drop(real_window, qtbot, lab_folders.lasx(tmp_path / "exp"))
    assert page.notices.decided.isVisible() and "all" in page.notices.decided.words.text()
    assert len(real_window.state.project.dataset.records) == 8
    click(qtbot, page.notices.decided.button)
    panel = asked(real_window, qtbot, "time")
    assert panel.cards[0].buttons["all"].isChecked()
    click(qtbot, panel.cards[0].buttons["t01"])
    click(qtbot, panel.read)
    qtbot.waitUntil(
        lambda: is_open(real_window) and len(real_window.state.project.dataset.records) == 4,
        timeout=TIMEOUT_MS,
    )
    assert not page.notices.decided.isVisible()
    check_pictures(page, qtbot, ["channel 1", "channel 2", "channel 3"])
    go_on()
