"""What is opened and adopted is what was meant, and nothing of the user's is overwritten."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from gui_stand_in import make_project

from core.io.models import load_card, load_tensors, save_model
from core.io.project import maps_folder, model_folder, open_project
from core.io.tables import load_map, save_map
from core.progress import Stage


def test_an_empty_choice_scans_nothing(window, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        window.backstage.runner,
        "start",
        lambda *_: (_ for _ in ()).throw(AssertionError("a scan was started")),
    )
    window.commands.open(Path(""))
    assert "No folder was chosen" in window.error_bar.message.text()


def test_the_project_file_opens_its_folder(window, qtbot, tmp_path):
    bare = make_project(tmp_path / "bare", with_model=False, wells=2, fields=1, size=32)
    window.commands.open(bare.folder / "project.json")
    qtbot.waitUntil(lambda: window.current_page() == "data", timeout=10_000)
    assert window.state.project.folder == bare.folder


def test_what_is_collected_while_a_project_is_read_again_is_kept(window, project, qtbot):
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.current_page() == "explore", timeout=20_000)
    window.backstage.loader.reopen("explore")  # as after any job
    assert window.backstage.loader.busy()
    window.collector.add("map")
    window.collector.add("confusion")
    qtbot.waitUntil(lambda: not window.backstage.loader.busy(), timeout=10_000)
    kinds = [p.kind for p in window.state.project.panels]
    assert kinds == ["map", "confusion"]
    window.backstage.saver.flush()
    assert [p.kind for p in open_project(project.folder).panels] == kinds


def test_what_is_opened_while_something_is_read_comes_next(window, project, qtbot, tmp_path):
    other = make_project(tmp_path / "other", with_model=False, wells=2, fields=1, size=32)
    window.commands.open(project.folder)
    window.commands.open(other.folder)
    qtbot.waitUntil(
        lambda: window.state.project is not None and not window.backstage.loader.busy(),
        timeout=20_000,
    )
    assert window.state.project.folder == other.folder


def test_a_map_that_is_being_refined_is_shown_and_leaves_all_else(window, project, qtbot):
    projection, decision = load_map(maps_folder(project))
    (maps_folder(project) / "map.npz").unlink()
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.current_page() == "explore", timeout=20_000)
    window.collector.add("confusion")
    window.go("train")
    assert window.state.opened.projection is None
    window.backstage.runner.progress.emit(
        {"done": 2, "total": 3, "stage": Stage.REFINING_MAP}
    )  # it cannot be read: nothing happens
    save_map(maps_folder(project), projection, replace(decision, rough=True))
    window.backstage.runner.progress.emit({"done": 2, "total": 3, "stage": Stage.REFINING_MAP})
    qtbot.waitUntil(lambda: window.state.opened.projection is not None, timeout=10_000)
    assert window.state.opened.decision.rough and window.current_page() == "train"
    assert window.state.undo.canUndo() and len(window.state.project.panels) == 1
    assert window.explore().choice.itemText(0) == "All conditions (UMAP)"


def test_an_adopted_model_is_checked_and_lies_beside_the_own_one(window, project, qtbot, tmp_path):
    window.commands.open(project.folder)
    qtbot.waitUntil(
        lambda: window.state.project is not None and not window.backstage.loader.busy(),
        timeout=10_000,
    )
    own = load_card(model_folder(project, "iresnet"))
    foreign = tmp_path / "foreign"
    save_model(foreign, replace(own, seed=7), {"w": np.ones(3, np.float32)})
    (foreign / "notes.txt").write_text("not of the model")
    weights = (foreign / "model.safetensors").read_bytes()

    (foreign / "model.safetensors").write_bytes(weights[:-1])
    window.backstage.loader.adopt_model(foreign)
    qtbot.waitUntil(window.error_bar.isVisible, timeout=10_000)
    assert not model_folder(project, "iresnet-2").exists()

    (foreign / "model.safetensors").write_bytes(weights)
    window.backstage.loader.adopt_model(foreign)
    qtbot.waitUntil(lambda: window.state.project.model == "iresnet-2", timeout=10_000)
    adopted = model_folder(project, "iresnet-2")
    assert sorted(p.name for p in adopted.iterdir()) == ["model.json", "model.safetensors"]
    assert (
        load_card(adopted).name == "iresnet-2"
        and load_card(adopted).seed == 7
        and set(load_tensors(adopted)) == {"w"}
    )
    assert load_card(model_folder(project, "iresnet")) == own
    assert open_project(project.folder).model == "iresnet-2"
