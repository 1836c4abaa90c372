"""The whole window as a person uses it, with a stand-in model."""

from dataclasses import replace

import pytest
from gui_stand_in import make_project
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel

from core.domain import ORIGINAL, MapPosition, Mix, Role
from core.io.project import maps_folder
from core.io.tables import load_map, save_map
from leigh_gui.pages.explore.panel_specs import panel_spec
from leigh_gui.widgets.map.map_choice import PlaneDialog


@pytest.fixture
def opened(window, project, qtbot):
    """The window with the project open on the Explore page and one image answered."""
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=20_000)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=5000)
    return window


def answered(window, qtbot, strength):
    def there():
        cf = window.state.counterfactual
        return cf is not None and abs(cf.strength - strength) < 1e-6

    qtbot.waitUntil(there, timeout=8000)


def test_pages_that_are_not_ready_say_why(window):
    assert not window.top.buttons["explore"].isEnabled()
    assert window.top.buttons["explore"].toolTip() == "Open a folder of images or the demo first."


def test_opening_a_project_shows_one_diseased_test_image(opened):
    assert opened.current_page() == "explore"
    record = opened.state.record(opened.state.view.current)
    assert record.condition == "DS"
    assert opened.explore().picture.original.image() is not None
    assert "CPU only" in opened.strip.words.text()


def test_move_to_wt_flips_the_model_and_draws_the_differences(opened, qtbot):
    page = opened.explore()
    page.picture.bars.buttons["WT"].click()
    answered(opened, qtbot, 1.0)
    assert page.picture.evidence.headline.text() == "Reaches WT; every check passes."
    assert page.picture.evidence.text("judges") == "3 of 3 independent classifiers see WT"
    assert page.picture.counterfactual.mark == "generated"
    view = page.picture.differences
    assert view.chosen == 2 and view.difference.qimage() is not None  # where most changes
    view.choose(0)
    assert view.difference.qimage() is None and view.difference.hint == "locked"
    qtbot.waitUntil(lambda: page.picture.path.slider.crossing == 0.5, timeout=8000)


def test_a_failing_check_turns_both_lights_red_and_is_named(opened, qtbot):
    opened.control.gestures.move_to("TT")
    answered(opened, qtbot, 1.0)
    picture = opened.explore().picture
    assert picture.evidence.headline.text() == "1 of 3 independent classifiers see TT"
    assert (picture.light.state, picture.evidence.light.state) == ("bad", "bad")


def test_the_evidence_comes_when_the_slider_is_let_go(opened, qtbot):
    evidence = opened.explore().picture.evidence
    opened.control.gestures.slide(1.2, False)
    answered(opened, qtbot, 1.2)
    assert evidence.text("judges") == "on release"
    assert opened.explore().picture.cf_title.text() == "Exaggerated to WT · 120 %"
    opened.control.gestures.slide(1.2, True)
    qtbot.waitUntil(
        lambda: evidence.text("judges") == "3 of 3 independent classifiers see WT", timeout=8000
    )
    assert evidence.light.state == "warn" and evidence.headline.text().startswith("Exaggerated")


def test_what_is_held_can_be_chosen_undone_and_lands_in_the_panel(opened, qtbot):
    opened.control.gestures.move_to("WT")
    answered(opened, qtbot, 1.0)
    hold = opened.explore().picture.readings.lock
    assert (
        opened.state.counterfactual.locked == ("Nuclei",) and panel_spec(opened.state).hold is None
    )
    hold.channels["Cytoskeleton"].trigger()
    qtbot.waitUntil(
        lambda: opened.state.counterfactual.locked == ("Nuclei", "Cytoskeleton"), timeout=8000
    )
    assert hold.text() == "Lock: 2 channels ▾" and not hold.channels["Mitochondria"].isEnabled()
    assert opened.explore().picture.evidence.text("locked") == "Nuclei, Cytoskeleton (your choice)"
    assert panel_spec(opened.state).hold == ("Nuclei", "Cytoskeleton")
    qtbot.waitUntil(lambda: opened.control.path is not None, timeout=8000)
    opened.state.undo.undo()
    qtbot.waitUntil(lambda: opened.state.counterfactual.locked == ("Nuclei",), timeout=8000)
    assert hold.text() == "Lock: automatic ▾" and hold.channels["Mitochondria"].isEnabled()


def test_a_model_without_classifiers_is_told_on_the_explore_page(
    window, project, qtbot, monkeypatch
):
    monkeypatch.setenv("LEIGH_STAND_IN_NO_EVIDENCE", "There are no classifiers in the folder.")
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=20_000)
    window.control.gestures.move_to("WT")
    answered(window, qtbot, 1.0)
    evidence = window.explore().picture.evidence
    assert evidence.missing.isVisible() and not evidence.lights["judges"].isVisible()
    assert evidence.headline.text() == "Reaches WT, by this model's own reading."
    assert evidence.light.state == "none"


def test_dragging_the_handle_moves_the_image_and_is_one_undo_step(opened, qtbot):
    page = opened.explore()
    where = page.map.overlay.handle
    goal = opened.state.opened.decision.anchors[0]
    at = page.map.screen_of(*where).toPoint()
    to = page.map.screen_of(float(goal[0]), float(goal[1])).toPoint()
    steps = opened.state.undo.index()
    qtbot.mousePress(page.map, Qt.MouseButton.LeftButton, pos=at)
    for k in range(1, 9):
        qtbot.mouseMove(page.map, at + (to - at) * (k / 8), delay=12)
    qtbot.mouseRelease(page.map, Qt.MouseButton.LeftButton, pos=to)
    answered(opened, qtbot, opened.state.mix.strength)
    qtbot.waitUntil(lambda: opened.state.mix.strength > 0.5, timeout=8000)
    assert dict(opened.state.mix.weights) == {"WT": 1.0}
    assert opened.state.undo.index() == steps + 1
    opened.state.undo.undo()
    answered(opened, qtbot, 0.0)


def test_a_handle_that_rests_gets_the_exact_picture_in_place_of_the_preview(opened, qtbot):
    page = opened.explore()
    pane, seen = page.picture.counterfactual, []
    opened.state.answer_changed.connect(lambda: seen.append(pane.mark))
    at = page.map.screen_of(*page.map.overlay.handle).toPoint()
    to = page.map.screen_of(*map(float, opened.state.opened.decision.anchors[0])).toPoint()
    qtbot.mousePress(page.map, Qt.MouseButton.LeftButton, pos=at)
    for k in range(1, 9):
        qtbot.mouseMove(page.map, at + (to - at) * (k / 8), delay=12)
    qtbot.waitUntil(lambda: pane.mark == "generated", timeout=8000)
    assert (
        "preview" in seen and opened.state.counterfactual.evidence is None
    )  # the button is still down
    assert page.picture.evidence.light.state == page.picture.light.state
    qtbot.mouseRelease(page.map, Qt.MouseButton.LeftButton, pos=to)
    answered(opened, qtbot, opened.state.mix.strength)


def test_the_exact_plane_of_three_conditions_is_chosen_dragged_on_and_undone(opened, qtbot):
    page = opened.explore()
    everything = len(opened.state.opened.latents.record_ids)
    assert opened.state.view.plane == ("WT", "DS", "TT") == page.choice.currentData()  # by itself
    shown = {opened.state.record(i).condition for i in page.map.still.points.ids}
    assert shown == {"WT", "DS", "TT"} and len(page.map.still.points.ids) < everything
    assert page.map_panel.decision.fidelity == 1.0 and page.map_panel.decision.conditions == (
        "WT",
        "DS",
        "TT",
    )
    assert page.map.overlay.handle == page.map.overlay.source
    at = page.map.screen_of(*page.map.overlay.handle).toPoint()
    to = page.map.screen_of(*map(float, page.map_panel.decision.anchors[0])).toPoint()
    qtbot.mousePress(page.map, Qt.MouseButton.LeftButton, pos=at)
    for k in range(1, 9):
        qtbot.mouseMove(page.map, at + (to - at) * (k / 8), delay=12)
    asked = []
    opened.client.answered.connect(
        lambda answer: asked.append(getattr(answer.move.goal, "plane", None))
    )
    qtbot.mouseRelease(page.map, Qt.MouseButton.LeftButton, pos=to)
    qtbot.waitUntil(
        lambda: page.map.overlay.landing is not None and not opened.client.busy(), timeout=8000
    )
    assert ("WT", "DS", "TT") in asked
    cf = opened.state.counterfactual
    assert page.map.overlay.landing == pytest.approx(
        tuple(page.map_panel.plane.places(cf.coordinates))
    )
    lines = page.map.overlay.lines
    assert lines == () or lines[0][0] == page.map.overlay.source
    opened.state.undo.undo()
    assert opened.state.mix.strength == 0
    opened.state.undo.redo()
    assert (
        opened.state.mix.strength == pytest.approx(cf.strength)
        and dict(opened.state.mix.weights) == cf.weights
    )
    opened.backstage.loader.reopen("explore")  # as after any job
    qtbot.waitUntil(
        lambda: opened.state.undo.index() == 0 and opened.state.counterfactual is not None,
        timeout=8000,
    )
    assert page.choice.currentData() == ("WT", "DS", "TT") and page.map_panel.plane is not None
    page.choice.activated.emit(0)
    assert (
        len(page.map.still.points.ids) == everything
        and page.map_panel.plane is None
        and page.choice.currentIndex() == 0
    )
    opened.control.gestures.set_plane(("WT", "DS", "TT"))
    assert not opened.state.view.by_hand  # it follows the treatment in hand again
    while opened.state.view.plane:
        opened.state.undo.undo()
    assert (
        len(page.map.still.points.ids) == everything
        and page.map_panel.plane is None
        and page.choice.currentIndex() == 0
    )


def test_an_image_that_is_none_of_the_three_is_shown_where_the_model_sees_it(opened, qtbot):
    page = opened.explore()
    other = next(r for r in opened.state.project.dataset.records if r.condition == "Drug A")
    opened.control.gestures.set_plane(("DS", "WT", "TT"))  # by hand, it stays
    opened.control.gestures.pick(other.id)
    answered(opened, qtbot, 0)
    latents = opened.state.opened.latents
    place = page.map_panel.plane.places(latents.coordinates[latents.row(other.id)])
    assert page.map.overlay.source == pytest.approx(tuple(place)) == page.map.overlay.handle
    assert "The image is Drug A" in page.map.overlay.note
    assert set(page.map_panel.legend.ticks) == {"WT", "DS", "TT"}
    to = tuple(map(float, page.map_panel.decision.anchors[1]))
    opened.control.gestures.drag(*to, False)
    opened.control.gestures.drag(*to, True)
    qtbot.waitUntil(
        lambda: not opened.client.busy() and opened.state.mix.strength > 0, timeout=8000
    )
    assert page.map.overlay.note  # of the image still, or of where the picture lands
    opened.control.gestures.move_to("Drug B")
    qtbot.waitUntil(lambda: "The picture is read as Drug B" in page.map.overlay.note, timeout=8000)
    opened.control.gestures.set_plane(())
    assert page.map.overlay.note == "" and "Drug A" in page.map_panel.legend.ticks


def test_conditions_are_mixed_by_their_sliders_and_a_release_is_one_undo_step(opened, qtbot):
    page, board = opened.explore(), opened.explore().tabs.mix
    steps = opened.state.undo.index()
    assert board.sliders["DS"].isHidden() and not board.sliders["WT"].isHidden()  # it is DS already
    board.sliders["WT"].setSliderDown(True)
    for value in (20, 40, 60):
        board.sliders["WT"].setValue(value)
    board.sliders["WT"].setSliderDown(False)
    board.sliders["TT"].setValue(30)
    answered(opened, qtbot, 0.9)
    assert dict(opened.state.mix.weights) == pytest.approx({"WT": 2 / 3, "TT": 1 / 3})
    assert opened.state.undo.index() == steps + 2 and page.picture.path.strength() == pytest.approx(
        0.9
    )
    opened.state.undo.undo()
    answered(opened, qtbot, 0.6)
    assert (board.sliders["WT"].value(), board.sliders["TT"].value()) == (60, 0)
    opened.control.gestures.move_to("TT")
    answered(opened, qtbot, 1.0)
    assert (board.sliders["WT"].value(), board.sliders["TT"].value()) == (0, 100)
    page.tabs.setCurrentWidget(board)
    board.sliders["TT"].setFocus()
    shown = opened.state.view.current
    qtbot.keyClick(board.sliders["TT"], Qt.Key.Key_Left)  # not to the previous image
    answered(opened, qtbot, 0.99)
    assert opened.state.view.current == shown
    board.sliders["TT"].setValue(0)
    answered(opened, qtbot, 0.0)
    assert dict(opened.state.mix.weights) == {"TT": 1.0}  # the target stays, for the path


def test_a_handle_without_data_under_it_or_without_a_way_is_said(opened, qtbot):
    page = opened.explore()
    opened.control.gestures.drag(0.0, 0.0, True)  # amid the conditions
    qtbot.waitUntil(
        lambda: page.map.overlay.note.startswith("The handle is outside the data"), timeout=8000
    )
    read = opened.state.conditions()[int(opened.state.counterfactual.probabilities.argmax())].name
    assert opened.state.mix.strength > 0 and page.map.overlay.note.endswith(
        f"the picture is read as {read}."
    )
    x, y = (
        1.6 * float(v)
        for v in page.map_panel.decision.anchors[
            list(page.map_panel.decision.conditions).index("DS")
        ]
    )
    opened.control.gestures.drag(x, y, True)  # beyond its own condition, away from all others
    qtbot.waitUntil(
        lambda: page.map.overlay.note.startswith("No condition lies in this direction"),
        timeout=8000,
    )
    assert opened.state.mix.strength == 0


def test_a_path_belongs_to_its_own_mix(opened, qtbot):
    control, asked = opened.control, []
    follow = opened.client.follow
    opened.client.follow = lambda request: (
        asked.append((dict(request.mix.weights), request.exact)),
        follow(request),
    )
    for shares in ({"WT": 0.6, "TT": 0.4}, {"WT": 1.0}, {"WT": 0.7}):
        control.gestures.mix(shares, True)
        answered(opened, qtbot, sum(shares.values()))
        qtbot.waitUntil(lambda: control.path is not None and control.path.exact, timeout=8000)
    assert asked == [
        (weights, exact)
        for weights in ({"WT": 0.6, "TT": 0.4}, {"WT": 1.0})
        for exact in (False, True)
    ]  # frames, then crossings; and a strength is on the way that is there


def test_a_late_answer_to_a_drag_leaves_a_held_slider_alone(opened, qtbot, monkeypatch):
    page, control = opened.explore(), opened.control
    there = tuple(
        map(
            float,
            page.map_panel.decision.anchors[list(page.map_panel.decision.conditions).index("WT")],
        )
    )
    control.gestures.drag(*there, True)  # its answer comes when a slider is held already
    page.tabs.mix.sliders["TT"].setSliderDown(True)
    page.tabs.mix.sliders["TT"].setValue(30)
    qtbot.waitUntil(lambda: not opened.client.busy(), timeout=8000)
    assert dict(opened.state.mix.weights) == {
        "TT": 1.0
    } and opened.state.mix.strength == pytest.approx(0.3)
    page.tabs.mix.sliders["TT"].setSliderDown(False)
    answered(opened, qtbot, 0.3)
    opened.state.undo.undo()
    assert opened.state.view.position == there
    qtbot.waitUntil(lambda: dict(opened.state.mix.weights) == {"WT": 1.0}, timeout=8000)
    assert opened.state.mix.strength > 0


def test_a_drag_before_the_model_is_there_is_answered_when_it_is(
    window, project, qtbot, monkeypatch
):
    monkeypatch.setenv("LEIGH_STAND_IN_SECONDS", "0.3")
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.current_page() == "explore", timeout=20_000)
    page = window.explore()
    qtbot.waitUntil(lambda: page.map.overlay.source is not None, timeout=8000)
    assert window.state.counterfactual is None
    there = tuple(
        map(
            float,
            page.map_panel.decision.anchors[list(page.map_panel.decision.conditions).index("WT")],
        )
    )
    window.control.gestures.drag(*there, True)
    qtbot.waitUntil(lambda: window.state.mix.strength > 0.5, timeout=20_000)
    assert dict(window.state.mix.weights) == {"WT": 1.0} and window.state.view.position == there


def test_a_picture_that_is_not_of_the_view_is_marked(opened, qtbot):
    pane = opened.explore().picture.counterfactual
    opened.control.gestures.move_to("WT")
    assert pane.mark == "computing…"
    answered(opened, qtbot, 1.0)
    assert pane.mark == "generated"
    refused = replace(opened.state.view.move, goal=Mix({"refuse": 1.0}))
    opened.state.change_view("Refuse", move=refused)  # the stand-in refuses it with an error
    qtbot.waitUntil(lambda: pane.mark == "out of date", timeout=8000)
    assert "cannot be moved" in opened.error_bar.message.text()


def test_a_drag_that_a_slider_overtook_is_answered_when_one_comes_back_to_it(opened, qtbot):
    page, control = opened.explore(), opened.control
    there = tuple(
        map(
            float,
            page.map_panel.decision.anchors[list(page.map_panel.decision.conditions).index("WT")],
        )
    )
    opened.client._transmit = lambda request: None  # lost on its way
    control.gestures.drag(*there, True)
    del opened.client._transmit
    opened.client._requests.lose_all()
    control.gestures.mix({"TT": 0.3}, True)
    answered(opened, qtbot, 0.3)
    opened.state.undo.undo()
    qtbot.waitUntil(
        lambda: opened.state.mix.strength > 0.5 and not opened.client.busy(), timeout=8000
    )
    assert dict(opened.state.mix.weights) == {"WT": 1.0} and opened.state.view.position == there


def test_to_its_own_condition_an_image_goes_home(opened, qtbot):
    opened.control.gestures.move_to("WT")
    answered(opened, qtbot, 1.0)
    opened.control.gestures.move_to("DS")
    answered(opened, qtbot, 0.0)
    assert dict(opened.state.mix.weights) == {"WT": 1.0}
    assert panel_spec(opened.state, "map").record_id == ""


def test_nothing_is_collected_that_no_figure_can_show(opened, qtbot):
    opened.control.gestures.move_to("WT")
    answered(opened, qtbot, 1.0)
    assert (
        panel_spec(opened.state, "map").record_id and panel_spec(opened.state, "path") is not None
    )
    healthy = next(r for r in opened.state.project.dataset.records if r.condition == "WT")
    opened.control.gestures.pick(healthy.id)  # the target stays
    answered(opened, qtbot, 1.0)
    assert panel_spec(opened.state) is None and panel_spec(opened.state, "map").record_id == ""
    assert (
        "100 % of it toward WT, which the image is already"
        in opened.explore().tabs.mix.total.text()
    )


def test_what_is_greyed_out_stays_so_on_every_map(opened):
    page = opened.explore()
    opened.control.gestures.set_plane(())
    for name in ("DS", "Drug A"):
        page.map_panel.legend.ticks[name].setChecked(False)
    opened.control.gestures.set_plane(("WT", "DS", "TT"))
    assert page.map_panel.legend.hidden() == {"DS"}
    opened.control.gestures.set_plane(())
    assert page.map_panel.legend.hidden() == {"DS", "Drug A"} == page.map.still.points.hidden


def test_the_first_three_may_be_chosen_in_the_dialog_too(opened, qtbot, monkeypatch):
    page = opened.explore()
    monkeypatch.setattr(
        PlaneDialog, "exec", lambda dialog: QDialog.DialogCode.Accepted
    )  # OK at once
    page.choice.setCurrentIndex(page.choice.count() - 1)
    page.choice.activated.emit(page.choice.count() - 1)
    assert page.map_panel.decision.conditions == opened.state.view.plane == ("WT", "DS", "TT")


def test_a_drag_that_was_undone_before_its_answer_changes_nothing(opened, qtbot):
    page, control = opened.explore(), opened.control
    anchors = page.map_panel.decision.anchors
    names = list(page.map_panel.decision.conditions)
    there, late = (tuple(map(float, anchors[names.index(n)])) for n in ("WT", "TT"))
    control.gestures.drag(*there, False)
    control.gestures.drag(*there, True)
    qtbot.waitUntil(
        lambda: not opened.client.busy() and dict(opened.state.mix.weights) == {"WT": 1.0},
        timeout=8000,
    )
    control.gestures.drag(*late, False)
    control.gestures.drag(*late, True)
    opened.state.undo.undo()
    qtbot.waitUntil(lambda: not opened.client.busy(), timeout=8000)
    assert opened.state.view.position == there and dict(opened.state.mix.weights) == {"WT": 1.0}
    assert opened.state.counterfactual.weights == {"WT": 1.0}
    opened.state.undo.undo()
    opened.state.undo.redo()
    assert opened.state.view.position == there and dict(opened.state.mix.weights) == {"WT": 1.0}


def test_a_drag_home_keeps_the_target(opened, qtbot):
    page, control = opened.explore(), opened.control
    control.gestures.move_to("TT")
    answered(opened, qtbot, 1)
    control.gestures.drag(*page.map.overlay.source, False)
    control.gestures.drag(*page.map.overlay.source, True)
    qtbot.waitUntil(
        lambda: not opened.client.busy() and opened.state.mix.strength == 0, timeout=8000
    )
    assert dict(opened.state.mix.weights) == {"TT": 1.0}


def test_any_three_conditions_make_a_plane(opened, qtbot, monkeypatch):
    page = opened.explore()
    row = page.choice.count() - 1
    asked = []

    def choose(dialog):
        asked.append(dialog.names())
        ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
        dialog.boxes[2].setCurrentText(dialog.boxes[0].currentText())
        assert not ok.isEnabled() and not dialog.hint.isHidden()
        for box, name in zip(dialog.boxes, ("Drug A", "TT", "WT"), strict=True):
            box.setCurrentText(name)
        assert ok.isEnabled() and dialog.hint.isHidden()
        return QDialog.DialogCode.Accepted

    monkeypatch.setattr(PlaneDialog, "exec", choose)
    page.choice.setCurrentIndex(row)
    page.choice.activated.emit(row)
    assert (
        page.map_panel.decision.conditions == ("Drug A", "TT", "WT") == opened.state.view.plane
        and len(asked) == 1
    )
    assert page.choice.currentText() == "Ternary plane of Drug A, TT, WT"
    monkeypatch.setattr(PlaneDialog, "exec", lambda dialog: QDialog.DialogCode.Rejected)
    page.choice.setCurrentIndex(page.choice.count() - 1)
    page.choice.activated.emit(page.choice.count() - 1)
    assert opened.state.view.plane == ("Drug A", "TT", "WT")
    assert page.choice.currentText() == "Ternary plane of Drug A, TT, WT"
    assert panel_spec(opened.state, "map").plane == ("Drug A", "TT", "WT")
    opened.state.undo.undo()
    assert opened.state.view.plane == ("WT", "DS", "TT") and not opened.state.view.by_hand


def test_the_map_is_the_plane_of_the_treatment_in_hand_until_another_is_chosen(
    opened, qtbot, project
):
    page, gestures = opened.explore(), opened.control.gestures
    gestures.move_to("Drug A")
    assert opened.state.view.plane == ("WT", "DS", "Drug A") == page.choice.currentData()
    assert set(page.map.still.labels) == {"WT", "DS", "Drug A"}
    gestures.move_to("WT")  # no treatment: the one in hand stays
    assert opened.state.view.plane == ("WT", "DS", "Drug A")
    treated = next(r for r in project.dataset.records if r.condition == "Drug B")
    gestures.pick(treated.id)
    assert opened.state.view.plane == ("WT", "DS", "Drug B")
    page.choice.activated.emit(0)
    gestures.move_to("TT")
    assert opened.state.view.plane == () and page.map_panel.plane is None


def test_while_there_is_no_map_an_exact_plane_is_on_show(window, qtbot, tmp_path):
    project = make_project(tmp_path)
    kept = {path: path.read_bytes() for path in maps_folder(project).iterdir()}
    for path in kept:
        path.unlink()
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=10000)
    page = window.explore()
    assert window.current_page() == "explore" and page.map_panel.plane is not None
    plane = window.state.view.plane
    assert page.map_panel.decision.conditions == plane and plane[:2] == ("WT", "DS")
    assert all("UMAP" not in page.choice.itemText(row) for row in range(page.choice.count()))
    assert not window.navigation.page("train").map.isHidden()  # it can still be made
    window.control.gestures.move_to("WT")
    answered(window, qtbot, 1)
    for path, content in kept.items():
        path.write_bytes(content)
    window.backstage.loader.reopen("explore")  # as when the map is there
    qtbot.waitUntil(lambda: window.state.opened.projection is not None, timeout=8000)
    assert page.choice.itemText(0) == "All conditions (UMAP)" and window.state.view.plane == plane
    page.choice.activated.emit(0)
    assert page.map_panel.plane is None and window.navigation.page("train").map.isHidden()


def test_a_map_of_another_model_is_not_shown(window, qtbot, tmp_path):
    project = make_project(tmp_path)
    projection, decision = load_map(maps_folder(project))
    save_map(maps_folder(project), replace(projection, model_digest="former"), decision)
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=10000)
    assert window.state.opened.projection is None and window.explore().map_panel.plane is not None


def test_a_project_without_a_model_opens_while_a_plane_is_chosen(opened, qtbot, tmp_path):
    opened.control.gestures.set_plane(("WT", "DS", "TT"))
    bare = make_project(tmp_path / "bare", with_model=False)
    opened.commands.open(bare.folder)
    qtbot.waitUntil(lambda: opened.state.project.folder == bare.folder, timeout=8000)
    assert opened.state.view.plane == () and not opened.error_bar.isVisible()


def test_a_handle_that_rests_does_not_disturb_the_image_selected_meanwhile(opened, qtbot):
    sent = []
    want = opened.client.want
    opened.client.want = lambda move: (sent.append(move), want(move))
    goal = opened.state.opened.decision.anchors[0]
    opened.control.gestures.drag(*map(float, goal), False)
    opened.control.gestures.step(1)
    qtbot.wait(300)
    wanted = [move.goal for move in sent if move is not None]
    assert isinstance(wanted[0], MapPosition) and wanted[1] == ORIGINAL
    assert not any(isinstance(goal, MapPosition) for goal in wanted[1:])
    qtbot.waitUntil(lambda: opened.state.counterfactual is not None, timeout=8000)
    assert opened.state.counterfactual.record_id == opened.state.view.current


def test_the_map_says_so_where_the_picture_lands_in_another_region(opened, qtbot):
    page = opened.explore()
    opened.control.gestures.set_plane(())
    wt, ds = (opened.state.opened.decision.anchors[k] for k in (0, 1))
    opened.control.gestures.drag(*map(float, wt), True)
    qtbot.waitUntil(
        lambda: page.map.overlay.landing is not None and not opened.client.busy(), timeout=8000
    )
    assert page.map.overlay.note == ""
    move = replace(opened.state.view.move, goal=MapPosition(tuple(map(float, ds))))
    opened.state.view = replace(opened.state.view, move=move)
    opened.state.set_answer(replace(opened.state.answer, move=move))  # the picture is WT
    assert page.map.overlay.note == "The handle is in DS, the picture lands in WT."


def test_an_invalid_counterfactual_is_not_drawn_and_not_followed(opened, qtbot, monkeypatch):
    followed = []
    monkeypatch.setattr(opened.client, "follow", followed.append)
    too_far = replace(opened.state.view.move, goal=Mix({"WT": 1.0}, 1.45))
    opened.state.change_view("test", move=too_far)
    answered(opened, qtbot, 1.45)
    pane = opened.explore().picture.counterfactual
    assert pane.image() is None and "left the range" in pane.hint and not followed


def test_shortcuts_move_step_and_undo(opened, qtbot):
    first = opened.state.view.current
    qtbot.keyClick(opened, Qt.Key.Key_1)
    answered(opened, qtbot, 1.0)
    qtbot.keyClick(opened, "[")
    answered(opened, qtbot, 0.9)
    qtbot.keyClick(opened, Qt.Key.Key_Right)
    assert opened.state.view.current != first
    qtbot.keyClick(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert opened.state.view.current == first
    qtbot.keyClick(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert opened.state.mix.strength == 1.0


def test_f_collects_a_panel_and_the_figure_can_be_arranged_and_undone(opened, qtbot):
    qtbot.keyClick(opened, Qt.Key.Key_1)
    answered(opened, qtbot, 1.0)
    qtbot.keyClick(opened, Qt.Key.Key_F)
    opened.collector.add("map")
    opened.go("figure")
    page = opened.pages["figure"]
    assert [p.kind for p in opened.state.project.panels] == ["counterfactual", "map"]
    page.list.setCurrentRow(1)
    page.up.click()
    assert [p.kind for p in opened.state.project.panels] == ["map", "counterfactual"]
    page.list.item(0).setText("Where the conditions lie")
    assert opened.state.project.panels[0].title == "Where the conditions lie"
    page.remove.click()
    assert len(opened.state.project.panels) == 1
    opened.state.undo.undo()
    assert len(opened.state.project.panels) == 2


def test_export_asks_for_all_panels_in_order(opened, qtbot, tmp_path, monkeypatch):
    opened.collector.add("map")
    started = []
    monkeypatch.setattr(opened.backstage.runner, "start", lambda job: started.append(job) or True)
    opened.go("figure")
    opened.pages["figure"].export_to(tmp_path / "sheet.svg")
    assert started[0].arguments[0] == "figure" and started[0].arguments[-1].endswith("sheet.svg")


def test_relabelling_a_role_can_be_undone_and_is_saved(opened, qtbot):
    from core.io.project import open_project

    opened.go("data")
    opened.pages["data"].conditions.set_role(2, Role.OTHER)
    assert opened.state.project.dataset.conditions[2].role == "other"
    opened.backstage.saver.flush()
    assert open_project(opened.state.project.folder).dataset.conditions[2].role == "other"
    opened.state.undo.undo()
    assert opened.state.project.dataset.conditions[2].role == "treated"


def test_data_page_sums_up_and_lists_problems(opened):
    opened.go("data")
    page = opened.pages["data"]
    assert page.summary.text() == "5 conditions, 40 images, 20 wells"
    assert page.tabs.tabText(2) == "Problems (2)"
    page.conditions.set_used(3, False)
    assert page.options.options().exclude == ("Drug A",)


def test_train_page_says_what_the_numbers_rest_on(opened):
    opened.go("train")
    rows = opened.pages["train"].card.rows
    assert rows["Accuracy"].startswith("95.0 %")
    assert rows["Measured on"] == "20 images of 10 wells or groups, held out"
    assert rows["Round-trip error"].startswith("0.0020 % of the range")


def test_the_explanation_is_checked_with_a_simulated_perturbation(opened, monkeypatch):
    from leigh_gui.pages.train import spike_in_check as train_check

    started = []
    monkeypatch.setattr(opened.backstage.runner, "start", lambda job: started.append(job) or True)
    monkeypatch.setattr(
        train_check.CheckDialog,
        "exec",
        lambda self: self.channel.setCurrentText("Mitochondria") or 1,
    )
    opened.go("train")
    page = opened.pages["train"]
    page.check.click()
    words = started[0].arguments
    assert (
        words[0] == "counterfactual"
        and words[words.index("--plant") + 1] == "channel=Mitochondria,factor=0.7"
    )
    project = opened.state.project
    name = (  # other images or labels: another folder
        f"Mitochondria-0.7-quick-{project.dataset.digest[:6]}"
    )
    out = project.folder / "exports" / "positive-control" / name
    assert words[words.index("--preset") + 1] == "quick" and words[words.index("--out") + 1] == str(
        out
    )
    way = {
        "plant": "Mitochondria x0.7",
        "way": "there",
        "images": 8,
        "valid": 8,
        "effectiveness": 0.83,
        "effectiveness_low": 0.76,
        "effectiveness_high": 0.91,
        "off_channel": 0.03,
    }
    planted = [way, {**way, "way": "back", "valid": 0}]
    found = {
        "planted": planted,
        "accuracy": 0.9,
        "accuracy_low": 0.7,
        "accuracy_high": 1.0,
        "out": "there",
    }
    opened.backstage.runner.step_finished.emit("counterfactual", found)
    assert page.card.rows["Simulated perturbation"].splitlines() == [
        (
            "Mitochondria x0.7: 83 % of the change found (76 – 91 %) in 8 of 8 images, 3 % in other"
            " stains."
        ),
        "Mitochondria x0.7, taken back: none of 8 images could be moved.",
        "The second model names 90 % of the held-out images right.",
        "Median over images, quartiles in brackets. All of it is in there",
    ]
    opened.backstage.runner.step_finished.emit("counterfactual", {**found, "accuracy_low": 0.4})
    assert "cannot show the perturbation" in page.card.rows["Simulated perturbation"]


def test_a_factor_of_one_changes_nothing(qtbot):
    from leigh_gui.pages.train.spike_in_check import CheckDialog

    dialog = CheckDialog(["Nuclei"])
    qtbot.addWidget(dialog)
    assert dialog.check.isEnabled() and dialog.perturbation().factor == 0.7
    dialog.factor.setValue(1.0)
    assert (
        not dialog.check.isEnabled() and dialog.check.toolTip() == "A factor of 1 changes nothing."
    )


def test_the_map_follows_the_training(opened, monkeypatch):
    started = []
    monkeypatch.setattr(opened.backstage.runner, "start", lambda job: started.append(job) or True)
    opened.go("train")
    opened.pages["train"].train_asked.emit("quick", False, ())
    assert [j.arguments[0] for j in (started[0], *started[0].then)] == ["train", "map"]


def test_project_without_a_model_opens_on_data_and_explains(window, qtbot, tmp_path):
    bare = make_project(tmp_path / "bare", with_model=False, wells=2, fields=1, size=32)
    window.commands.open(bare.folder)
    qtbot.waitUntil(lambda: window.current_page() == "data", timeout=10_000)
    assert window.top.buttons["explore"].toolTip() == "Train a model first."
    window.go("train")
    assert not window.pages["train"].explore.isEnabled()
    assert window.pages["train"].check.toolTip() == "Train or open a model first."


def test_a_damaged_project_is_told_and_the_window_goes_on(window, qtbot, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "project.json").write_text("{")
    window.commands.open(tmp_path / "broken")
    qtbot.waitUntil(window.error_bar.isVisible, timeout=10_000)
    assert window.error_bar.hint.text()
    assert window.current_page() == "start"


def test_an_exception_in_a_slot_goes_to_the_error_bar(window):
    window.backstage.bus.report(RuntimeError("boom"))
    assert window.error_bar.isVisible() and "boom" in window.error_bar.details.toPlainText()


def test_closing_during_a_job_asks(window, monkeypatch, qtbot):
    from leigh_gui import main_window

    monkeypatch.setattr(window.backstage.runner, "running", lambda: True)
    monkeypatch.setattr(main_window, "ask_about_job", lambda parent: "stay")
    window.close()
    assert window.isVisible()
    monkeypatch.undo()


def test_nothing_is_clipped_at_1366x768(opened, qtbot):
    opened.control.gestures.move_to("TT")
    answered(opened, qtbot, 1.0)
    page = opened.explore()
    card, hold = page.picture.evidence, page.picture.readings.lock
    view = card.parentWidget()  # the card scrolls where it is too tall
    assert card.width() <= view.width()
    labels = [label for label in card.findChildren(QLabel) if label.isVisible()]
    qtbot.waitUntil(
        lambda: all(w.height() >= w.heightForWidth(w.width()) for w in labels), timeout=5000
    )
    for widget in (*page.picture.bars.buttons.values(), view, hold, page.picture.path, page.tabs):
        corner = widget.mapTo(opened, QPoint(widget.width(), widget.height()))
        assert corner.x() <= opened.width() and corner.y() <= opened.height()
    assert opened.minimumSizeHint().width() <= 1366 and opened.minimumSizeHint().height() <= 730


def test_random_clicks_and_keys_never_raise(opened, qtbot):
    import random

    chance = random.Random(0)
    raised = []
    opened.backstage.bus.raised.connect(lambda *words: raised.append(words))
    page = opened.explore()
    targets = [
        page.map,
        page.tabs.gallery.viewport(),
        page.tabs.plate,
        page.picture.original,
        page.picture.path.slider,
    ]
    keys = [
        Qt.Key.Key_Right,
        Qt.Key.Key_Left,
        Qt.Key.Key_1,
        Qt.Key.Key_2,
        Qt.Key.Key_Z,
        Qt.Key.Key_BracketLeft,
    ]
    for _ in range(150):
        widget = chance.choice(targets)
        at = QPoint(
            chance.randrange(max(widget.width(), 1)), chance.randrange(max(widget.height(), 1))
        )
        qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at)
        modifier = chance.choice(
            [Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier]
        )
        qtbot.keyClick(opened, chance.choice(keys), modifier)
    assert raised == []


def test_every_answer_is_painted_once(opened, qtbot, monkeypatch):
    page = opened.explore()
    painted, drawn = [], []
    show, overlay = page.picture.counterfactual.set_image, page.map.set_overlay
    monkeypatch.setattr(
        page.picture.counterfactual, "set_image", lambda image: (painted.append(image), show(image))
    )
    monkeypatch.setattr(
        page.picture.differences, "set_change", lambda *words, **more: drawn.append(words)
    )
    answers = []
    opened.client.answered.connect(answers.append)
    there = tuple(map(float, page.map_panel.decision.anchors[0]))
    for share in (0.5, 0.8, 1.0):
        opened.control.gestures.drag(share * there[0], share * there[1], share == 1.0)
        qtbot.waitUntil(lambda: not opened.client.busy(), timeout=8000)
    qtbot.waitUntil(lambda: opened.control.path is not None, timeout=8000)
    assert len(answers) >= 3 and len(painted) == len(drawn) == len(answers)
    monkeypatch.setattr(page.map, "set_overlay", lambda shown: (painted.append(1), overlay(shown)))
    painted.clear()
    opened.state.view_changed.emit()
    opened.state.answer_changed.emit()
    assert painted == []  # nothing is different
