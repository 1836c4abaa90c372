"""What is opened and adopted is what was meant, and nothing of the user's is overwritten."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from gui_stand_in import make_project

from core.io.models import load_card, load_tensors, save_model
from core.io.project import maps_folder, model_folder, open_project
from core.io.tables import load_map, save_map
from core.progress import REFINING
from leigh_gui.opening import STAY


def test_an_empty_choice_scans_nothing(window, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(window.jobs, "start", lambda *_: (_ for _ in ()).throw(AssertionError("a scan was started")))
    window.open_path(Path(""))
    assert "No folder was chosen" in window.error_bar.message.text()


def test_the_project_file_opens_its_folder(window, qtbot, tmp_path):
    bare = make_project(tmp_path / "bare", with_model=False, wells=2, fields=1, size=32)
    window.open_path(bare.folder / "project.json")
    qtbot.waitUntil(lambda: window.current_page() == "data", timeout=10_000)
    assert window.state.project.folder == bare.folder


def test_what_is_written_while_it_is_read_is_read_once_more(window, project, qtbot):
    window.open_path(project.folder)
    qtbot.waitUntil(lambda: window.current_page() == "explore", timeout=20_000)
    window.go("train")
    projection, decision = load_map(maps_folder(project))
    window.opener.reopen(STAY)  # as while a job refines the map
    save_map(maps_folder(project), projection, replace(decision, fidelity=0.125))
    window.opener.reopen("explore")  # the job has ended before that was read
    assert window.opener.busy()
    qtbot.waitUntil(lambda: window.current_page() == "explore", timeout=10_000)
    assert window.state.opened.decision.fidelity == 0.125


def test_a_map_that_is_being_refined_appears_without_a_change_of_page(window, project, qtbot):
    window.open_path(project.folder)
    qtbot.waitUntil(lambda: window.current_page() == "explore", timeout=20_000)
    window.go("train")
    projection, decision = load_map(maps_folder(project))
    save_map(maps_folder(project), projection, replace(decision, fidelity=0.125))
    window.jobs.progress.emit({"done": 2, "total": 3, "what": REFINING})
    qtbot.waitUntil(lambda: window.state.opened.decision.fidelity == 0.125, timeout=10_000)
    assert window.current_page() == "train"


def test_an_adopted_model_is_checked_and_lies_beside_the_own_one(window, project, qtbot, tmp_path):
    window.open_path(project.folder)
    qtbot.waitUntil(lambda: window.state.project is not None, timeout=10_000)
    own = load_card(model_folder(project, "iresnet"))
    foreign = tmp_path / "foreign"
    save_model(foreign, replace(own, seed=7), {"w": np.ones(3, np.float32)})
    (foreign / "notes.txt").write_text("not of the model")
    weights = (foreign / "model.safetensors").read_bytes()

    (foreign / "model.safetensors").write_bytes(weights[:-1])
    window.opener.adopt_model(foreign)
    qtbot.waitUntil(window.error_bar.isVisible, timeout=10_000)
    assert not model_folder(project, "iresnet-2").exists()

    (foreign / "model.safetensors").write_bytes(weights)
    window.opener.adopt_model(foreign)
    qtbot.waitUntil(lambda: window.state.project.model == "iresnet-2", timeout=10_000)
    adopted = model_folder(project, "iresnet-2")
    assert sorted(p.name for p in adopted.iterdir()) == ["model.json", "model.safetensors"]
    assert (
        load_card(adopted).name == "iresnet-2" and load_card(adopted).seed == 7 and set(load_tensors(adopted)) == {"w"}
    )
    assert load_card(model_folder(project, "iresnet")) == own
    assert open_project(project.folder).model == "iresnet-2"
