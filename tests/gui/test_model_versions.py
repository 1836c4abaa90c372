"""Training again asks, keeps the model before, and either can be used."""

from dataclasses import replace

import numpy as np
import pytest
from gui_stand_in import make_project
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox

from core.io.models import load_card, save_model
from core.io.project import (
    latents_path,
    maps_folder,
    model_folder,
    open_project,
    save_project,
)
from core.io.tables import load_latents, load_map, save_latents, save_map

LEFT = Qt.MouseButton.LeftButton


def answer(qtbot, words):
    """Click this button of the question, once it is there; returns what it says."""
    said = []

    def click():
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            QTimer.singleShot(20, click)
            return
        said.append(box.informativeText())
        qtbot.mouseClick(next(b for b in box.buttons() if b.text() == words), LEFT)

    QTimer.singleShot(0, click)
    return said


@pytest.fixture
def twice(tmp_path):
    """A project that was trained twice: each model has its own latents and map."""
    project = make_project(tmp_path)
    first = load_card(model_folder(project, "iresnet"))
    latents, shown = load_latents(latents_path(project)), load_map(maps_folder(project))
    for number, name in enumerate(("iresnet", "iresnet-2"), start=1):
        now = replace(project, model=name)
        accuracy = first.accuracy | {"accuracy": 0.8 + number / 20}
        ended = {"ended": f"2026-11-0{number}T10:00:00+00:00"}
        card = replace(first, name=name, accuracy=accuracy, training=first.training | ended)
        weights = {"w": np.full(3, number, np.float32)}
        card = save_model(model_folder(project, name), card, weights)
        save_latents(latents_path(now), replace(latents, model_digest=card.digest))
        projection = replace(shown[0], model_digest=card.digest)
        maps_folder(now).mkdir(parents=True, exist_ok=True)
        save_map(maps_folder(now), projection, replace(shown[1], model_digest=card.digest))
    return save_project(replace(open_project(project.folder), model="iresnet-2"))


@pytest.fixture
def page(window, twice, qtbot):
    window.commands.open(twice.folder)
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=20_000)
    window.activateWindow()
    qtbot.mouseClick(window.top.buttons["train"], LEFT)
    return window.pages["train"]


def test_every_training_is_in_the_list_with_its_accuracy_and_day(page):
    rows = [page.versions.itemText(row) for row in range(page.versions.count())]
    assert rows == [
        "iresnet-2 · quick · accuracy 90.0 % · 2026-11-02 · in use",
        "iresnet · quick · accuracy 85.0 % · 2026-11-01",
    ]
    assert page.versions.isVisible() and page.versions.currentIndex() == 0


def test_an_earlier_model_is_chosen_with_the_mouse_and_comes_with_its_map(
    page, window, twice, qtbot
):
    window.control.gestures.move_to("TT")
    page.versions.showPopup()
    rows = page.versions.view()
    place = rows.visualRect(page.versions.model().index(1, 0)).center()
    qtbot.mouseClick(rows.viewport(), LEFT, pos=place)
    qtbot.waitUntil(lambda: window.state.opened.card.name == "iresnet", timeout=10_000)
    assert open_project(twice.folder).model == "iresnet"
    assert window.state.opened.projection.model_digest == window.state.opened.card.digest
    assert window.current_page() == "train" and page.versions.currentData() == "iresnet"
    assert dict(window.state.mix.weights) == {"TT": 1.0}  # the same question to another model
    assert (model_folder(twice, "iresnet-2") / "model.safetensors").exists()


def test_a_position_on_the_map_of_one_model_is_not_asked_of_the_other(page, window, qtbot):
    there = tuple(map(float, window.explore().map_panel.decision.anchors[0]))
    window.control.gestures.drag(*there, True)
    qtbot.waitUntil(
        lambda: window.state.mix.strength > 0 and not window.client.busy(), timeout=8000
    )
    mix = window.state.mix
    page.versions.chosen.emit("iresnet")
    qtbot.waitUntil(lambda: window.state.opened.card.name == "iresnet", timeout=10_000)
    assert window.state.view.position is None and window.state.mix == mix


def test_training_again_asks_and_says_that_the_model_stays(page, qtbot):
    asked = []
    page.train_asked.disconnect()
    page.train_asked.connect(lambda *words: asked.append(words))
    said = answer(qtbot, "Cancel")
    qtbot.mouseClick(page.start, LEFT)
    assert asked == [] and "The model that you have now, iresnet-2, is kept" in said[0]
    answer(qtbot, "Train again")
    qtbot.mouseClick(page.start, LEFT)
    assert asked == [("quick", False, ())]


def test_a_first_training_asks_nothing_and_there_is_no_list(window, tmp_path, qtbot):
    project = make_project(tmp_path / "new", with_model=False)
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.state.project is not None, timeout=20_000)
    window.go("train")
    page, asked = window.pages["train"], []
    page.train_asked.disconnect()
    page.train_asked.connect(lambda *words: asked.append(words))
    assert not page.versions.isVisible()
    page.start.setEnabled(True)
    qtbot.mouseClick(page.start, LEFT)
    assert asked == [("quick", False, ())]


def test_a_damaged_earlier_model_is_left_out_of_the_list(window, twice, qtbot):
    (model_folder(twice, "iresnet") / "model.json").write_text("{")
    window.commands.open(twice.folder)
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=20_000)
    window.go("train")
    assert not window.pages["train"].versions.isVisible()
