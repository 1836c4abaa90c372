"""A project that names another computer is opened as the user answers; nothing is touched before.

On Linux and macOS `//tmp/x` is the folder `/tmp/x`: another computer for the program.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from gui_stand_in import make_project
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox

from core.io.project import open_project, relink, save_project

pytestmark = pytest.mark.skipif(os.name == "nt", reason="// is a server there")


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of someone else, whose images lie on the network."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "other"))
    made = make_project(tmp_path / "made", with_model=False, wells=2, fields=1, size=32)
    far = Path(f"/{made.dataset.root}")
    save_project(relink(open_project(made.folder), far))
    stored = json.loads((made.folder / "project.json").read_text("utf-8"))
    stored["images"] = {"relative": None, "absolute": str(far)}
    (made.folder / "project.json").write_text(json.dumps(stored), encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "mine"))
    return made.folder


def answer(qtbot, words: str) -> list[str]:
    """Click this button of the question, once it is there; returns what it says."""
    said: list[str] = []

    def click() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            QTimer.singleShot(20, click)
            return
        said.append(box.informativeText())
        button = next(b for b in box.buttons() if b.text().replace("&", "") == words)
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    QTimer.singleShot(0, click)
    return said


def is_settled(window) -> bool:
    return not window.backstage.loader.busy()


def test_without_images_the_project_is_shown_and_keeps_its_place(window, qtbot, foreign):
    said = answer(qtbot, "Open without images")
    window.commands.open(foreign)
    qtbot.waitUntil(lambda: window.state.project is not None and is_settled(window))
    assert "//" in said[0] and "login" in said[0]
    page = window.pages["data"]
    project = window.state.project
    assert not project.dataset.root.exists() and page.place.text().startswith("Not opened: //")
    assert not page.options.again.isEnabled() and "another computer" in page.options.again.toolTip()
    assert page.options.replace.isEnabled()
    assert not page.next.isEnabled() and "another computer" in page.next.toolTip()
    window.state.edit_project(replace(project, name="new"), "Rename")
    assert window.backstage.saver.flush()
    stored = json.loads((foreign / "project.json").read_text("utf-8"))
    assert stored["name"] == "new" and stored["images"]["absolute"].startswith("//")


def test_going_on_is_remembered_for_the_project(window, qtbot, foreign):
    answer(qtbot, "Go on")
    window.commands.open(foreign)
    qtbot.waitUntil(lambda: window.state.project is not None and is_settled(window))
    assert window.state.project.dataset.root.is_dir()
    assert window.pages["data"].options.again.isEnabled()
    assert str(open_project(foreign).dataset.root).startswith("//")  # asks nothing


def test_cancel_opens_nothing(window, qtbot, foreign):
    said = answer(qtbot, "Cancel")
    window.commands.open(foreign)
    qtbot.waitUntil(lambda: bool(said) and is_settled(window))
    assert window.state.project is None
