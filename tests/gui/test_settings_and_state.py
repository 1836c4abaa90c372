from dataclasses import replace

from gui_stand_in import make_project

from core.domain import Mix, Move
from leigh_gui.settings import Settings
from leigh_gui.state import AppState, Opened


def test_damaged_settings_become_defaults(tmp_path):
    file = tmp_path / "s.ini"
    file.write_bytes(b"\x00\xff[General\nrecent=@Variant(zzz)\ndark=maybe")
    settings = Settings(file)
    assert (
        settings.recent() == []
        and settings.flag("dark") is False
        and settings.bytes("geometry") is None
    )


def test_recent_projects_are_newest_first_and_unique(tmp_path):
    settings = Settings(tmp_path / "s.ini")
    for name in ("a", "b", "a"):
        settings.remember(tmp_path / name)
    assert [p.name for p in Settings(tmp_path / "s.ini").recent()] == ["a", "b"]


def test_consecutive_steps_of_strength_merge_into_one_undo(qtbot):
    state = AppState()
    for strength in (0.1, 0.2, 0.3):
        move = Move("a", Mix({"WT": 1.0}, strength))
        state.change_view("Strength", True, move=move)
    assert state.undo.count() == 1
    state.undo.undo()
    assert state.mix.strength == 0


def test_relabelling_a_thousand_images_is_one_undo(qtbot, tmp_path):
    project = make_project(tmp_path, with_model=False, wells=1, fields=1, size=16)
    few = project.dataset.records
    many = tuple(replace(few[n % len(few)], id=f"r{n}") for n in range(1000))
    project = replace(project, dataset=replace(project.dataset, records=many))
    state = AppState()
    state.open(Opened(project))
    before = state.project
    assert len({r.condition for r in many}) > 1
    records = tuple(replace(r, condition="WT") for r in many)
    state.edit_project(
        replace(project, dataset=replace(project.dataset, records=records)), "Relabel"
    )
    assert {r.condition for r in state.project.dataset.records} == {"WT"}
    state.undo.undo()
    assert state.project == before and state.record("r999") == many[999]
    state.undo.redo()
    assert state.record("r999").condition == "WT"
