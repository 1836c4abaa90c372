"""Check, repair, copy and relink from the window's menu, with real jobs."""

import shutil

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from core.io.project import latents_path, open_project
from leigh_gui.check_dialog import CheckDialog


@pytest.fixture
def opened(window, project, qtbot):
    window.commands.open(project.folder)
    qtbot.waitUntil(
        lambda: window.state.project is not None and not window.backstage.loader.busy(),
        timeout=20_000,
    )
    return window


def is_settled(window) -> bool:
    return not window.backstage.why_same_model()


def dialog_of(window, qtbot):
    def found():
        return [d for d in window.findChildren(CheckDialog) if d.isVisible()]

    qtbot.waitUntil(lambda: len(found()) == 1, timeout=60_000)
    return found()[0]


def test_damage_is_shown_and_repaired_by_one_click(opened, project, qtbot):
    path = latents_path(project)
    path.write_bytes(path.read_bytes()[:100])
    opened.actions_by_name["check"].trigger()
    dialog = dialog_of(opened, qtbot)
    texts = [dialog.table.item(row, 0).text() for row in range(dialog.table.rowCount())]
    row = texts.index("latents")
    assert "damaged" in dialog.table.item(row, 1).text() and dialog.repair.isEnabled()
    qtbot.mouseClick(dialog.repair, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: path.with_name("latents.npz.damaged").exists(), timeout=60_000)
    dialog = dialog_of(opened, qtbot)
    assert not dialog.repair.isEnabled()
    dialog.reject()
    qtbot.waitUntil(lambda: not opened.backstage.loader.busy(), timeout=20_000)
    assert opened.state.opened.latents is None and opened.state.project is not None


def test_a_copy_and_a_relink_from_the_menu(opened, project, qtbot, tmp_path, monkeypatch):
    target = tmp_path / "the copy"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    opened.actions_by_name["copy"].trigger()
    qtbot.waitUntil(lambda: (target / "project.json").exists(), timeout=60_000)
    qtbot.waitUntil(lambda: not opened.backstage.runner.running(), timeout=60_000)
    assert open_project(target).dataset.records == project.dataset.records
    moved = tmp_path / "moved images"
    shutil.copytree(project.dataset.root, moved)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(moved))
    opened.actions_by_name["relink"].trigger()
    qtbot.waitUntil(lambda: open_project(project.folder).dataset.root == moved, timeout=60_000)
    qtbot.waitUntil(lambda: opened.state.project.dataset.root == moved, timeout=60_000)


def test_a_project_without_its_images_has_a_button_to_locate_them(
    window, project, qtbot, tmp_path, monkeypatch
):
    moved = tmp_path / "moved images"
    shutil.move(project.dataset.root, moved)
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.state.project is not None and is_settled(window), timeout=20_000)
    bar, page = window.error_bar, window.navigation.page("data")
    assert "images are not in" in bar.message.text() and bar.offer.isVisible()
    assert bar.offer.text() == page.notices.gone.button.text() == "Locate images…"
    assert not page.next.isEnabled() and "Locate images" in page.next.toolTip()
    assert window.current_page() == "data" and page.notices.gone.isVisible()
    grid = page.samples.model
    qtbot.waitUntil(lambda: grid.index(0, 0).data() == "cannot be read", timeout=20_000)
    window.backstage.bus.tell("A picture is missing.", "Put it back.")  # keeps the button
    assert bar.offer.isVisible()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(moved))
    qtbot.mouseClick(page.notices.gone.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: window.state.project.dataset.root == moved and is_settled(window), timeout=60_000
    )
    assert not page.notices.gone.isVisible() and page.next.isEnabled()
    assert not bar.isVisible()
    qtbot.waitUntil(lambda: grid.pixmap(0, 0) is not None, timeout=20_000)


def test_without_a_project_the_menu_says_what_to_do(window):
    for name in ("check", "copy", "relink"):
        window.error_bar.hide()
        window.actions_by_name[name].trigger()
        assert window.error_bar.isVisible()
