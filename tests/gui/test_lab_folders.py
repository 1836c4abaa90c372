"""The folders of six makers, from the drop to "Next: train"; what is asked is answered by mouse."""

import lab_folders
import pytest
from lab_folders import brightness, drop, is_open
from PySide6.QtCore import Qt

TIMEOUT_MS = 60_000


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


def go_on(window, qtbot) -> None:
    page = window.pages["data"]
    click(qtbot, page.next)
    assert window.current_page() == "train" and window.pages["train"].start.isEnabled()


@pytest.mark.parametrize(
    ("maker", "stains", "scheme", "meanings"),
    [
        ("yokogawa", ["channel 1", "channel 2"], "yokogawa", {"plate", "well", "site", "stain"}),
        ("incell", ["DAPI - DAPI", "FITC - FITC"], "incell-old", {"well", "site", "stain"}),
        ("nis", ["DAPI", "GFP"], "nis-elements", {"well", "stain"}),
    ],
)
def test_a_folder_that_says_everything_is_read_without_a_question(
    real_window, qtbot, tmp_path, maker, stains, scheme, meanings
):
    drop(real_window, getattr(lab_folders, maker)(tmp_path / maker))
    qtbot.waitUntil(lambda: is_open(real_window), timeout=TIMEOUT_MS)
    page = real_window.pages["data"]
    dataset = real_window.state.project.dataset
    assert dataset.read_as.scheme == scheme and dataset.counts() == {"WT": 2, "DS": 2}
    assert meanings | {"condition"} <= {part.means for part in page.naming.example.parts}
    check_pictures(page, qtbot, stains)
    go_on(real_window, qtbot)


def test_imagexpress_asks_for_the_plate_map(real_window, qtbot, tmp_path):
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
    go_on(real_window, qtbot)


def test_phenix_is_projected_and_then_read_in_one_plane(real_window, qtbot, tmp_path):
    drop(real_window, lab_folders.phenix(tmp_path / "stack"))
    qtbot.waitUntil(lambda: is_open(real_window), timeout=TIMEOUT_MS)
    page = real_window.pages["data"]
    assert "max" in page.notices.decided.words.text()
    click(qtbot, page.notices.decided.button)
    card = asked(real_window, qtbot, "z").cards[0]
    tile = card.tiles["02", "02"]
    qtbot.waitUntil(lambda: tile.pixmap() is not None, timeout=TIMEOUT_MS)
    assert card.buttons["max"].isChecked()
    click(qtbot, tile)
    assert card.buttons["02"].isChecked()
    click(qtbot, page.questions.read)
    qtbot.waitUntil(
        lambda: (
            is_open(real_window)
            and real_window.state.project.dataset.options.answers == {"z": "02"}
        ),
        timeout=TIMEOUT_MS,
    )
    records = real_window.state.project.dataset.records
    assert all("p02" in file for record in records for file in record.files)
    check_pictures(page, qtbot, ["channel 1", "channel 2"])
    go_on(real_window, qtbot)


def test_las_x_is_read_with_all_times_and_then_with_one(real_window, qtbot, tmp_path):
    drop(real_window, lab_folders.lasx(tmp_path / "exp"))
    qtbot.waitUntil(lambda: is_open(real_window), timeout=TIMEOUT_MS)
    page = real_window.pages["data"]
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
    go_on(real_window, qtbot)
