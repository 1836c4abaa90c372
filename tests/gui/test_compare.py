"""The Compare page in the real window, with a stand-in model: explanations come one by one and give
way to a drag.
"""

from dataclasses import replace

import numpy as np
import pytest

from core.domain import METHODS
from leigh_gui.view import NOTHING
from leigh_gui.widgets.counterfactual.difference_pane import coloured, diverging_table, size_table


@pytest.fixture
def page(window, project, qtbot):
    """The window with the project open on the Compare page."""
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=20_000)
    window.go("compare")
    return window.pages["compare"]


def all_there(page):
    return all(page.compare.known(method) is not None for method in METHODS)


def test_every_explanation_of_the_selected_image_comes_by_itself(page, window, qtbot):
    qtbot.waitUntil(lambda: all_there(page), timeout=15_000)
    assert page.title.text().endswith("DS → WT")
    for method in ("saliency", "integrated-gradients", "occlusion"):
        assert all(pane.qimage() is not None for pane in page.columns[method].panes)
    assert page.columns["saliency"].note.text() == "12 % on background (60 %)"
    assert all(pane.qimage() is not None for pane in page.columns["original"].panes)
    assert not page.progress.isVisible()


def test_grad_cam_has_one_map_for_all_stains_and_says_so(page, qtbot):
    qtbot.waitUntil(lambda: all_there(page), timeout=15_000)
    first, *others = page.columns["gradcam"].panes
    assert first.qimage() is not None
    assert all(pane.qimage() is None and pane.hint == "One map for all stains" for pane in others)


def test_the_autoencoder_has_a_column_only_where_one_is_trained(page):
    assert page.compare.methods == METHODS
    assert not page.columns["autoencoder"].isVisible()


def test_the_counterfactual_stands_beside_them_once_the_image_is_moved(page, window, qtbot):
    column = page.columns["counterfactual"]
    assert "Move the image" in column.panes[0].hint and column.panes[2].qimage() is None
    window.control.gestures.move_to("WT")
    qtbot.waitUntil(lambda: column.panes[2].qimage() is not None, timeout=8000)
    assert column.note.text() == "to WT, strength 1"
    assert column.panes[2].note.startswith("largest change")
    assert column.bar.isVisible() and column.bar.ends[0].endswith("%")


def test_rows_carry_the_names_of_stains_and_columns_their_scale(page, window, qtbot):
    qtbot.waitUntil(lambda: all_there(page), timeout=15_000)
    names = [channel.name for channel in window.state.display]
    assert [pane.mark for pane in page.columns["original"].panes] == names
    assert page.columns["saliency"].bar.ends == ("nothing", "most")
    assert page.columns["occlusion"].bar.ends == ("against", "for")
    tops = {column.panes[0].mapToGlobal(column.panes[0].rect().topLeft()).y()
            for column in page.columns.values() if column.isVisible()}  # fmt: skip
    assert len(tops) == 1  # the panes of a stain stand in one row


def test_another_image_is_explained_anew_and_the_first_is_remembered(page, window, qtbot):
    qtbot.waitUntil(lambda: all_there(page), timeout=15_000)
    first = window.state.view.current
    window.control.gestures.pick("TT_D02_s1")
    assert not all_there(page)
    qtbot.waitUntil(lambda: all_there(page), timeout=15_000)
    window.control.gestures.pick(first)
    assert all_there(page)


def test_stop_gives_up_what_has_not_come_and_says_so(page, window, qtbot, monkeypatch):
    qtbot.waitUntil(lambda: all_there(page), timeout=15_000)
    window.control.gestures.pick("TT_D02_s1")
    page.stop.click()
    qtbot.wait(300)
    assert not all_there(page)
    assert page.columns["occlusion"].panes[0].hint.startswith("Stopped")


def test_a_network_that_fails_leaves_its_reason_in_every_column(page, qtbot):
    page.compare.set_network("broken")
    qtbot.waitUntil(
        lambda: "cannot be explained" in page.columns["gradcam"].panes[0].hint, timeout=15_000
    )
    assert "cannot be explained" in page.columns["saliency"].panes[0].hint


def test_a_reason_stays_when_the_contrast_changes(page, window, qtbot):
    page.compare.set_network("broken")
    qtbot.waitUntil(
        lambda: "cannot be explained" in page.columns["gradcam"].panes[0].hint, timeout=15_000
    )
    window.state.display_changed.emit()
    assert "cannot be explained" in page.columns["gradcam"].panes[0].hint


def test_another_window_asks_for_occlusion_alone_and_is_remembered(page, window, qtbot):
    qtbot.waitUntil(lambda: all_there(page), timeout=15_000)
    assert page.window_side.text() == "Window 8.0 µm"
    page.window_side.setValue(4.5)
    assert [method for method in METHODS if page.compare.known(method) is None] == ["occlusion"]
    assert page.columns["occlusion"].panes[0].hint == "Waiting…"
    qtbot.waitUntil(lambda: all_there(page), timeout=15_000)
    assert page.compare.known("occlusion").settings["window_um"] == 4.5
    assert window.backstage.settings.number("window-um", 8.0) == 4.5
    page.add.click()
    assert window.state.project.panels[-1].window_um == 4.5


def test_a_window_changed_while_occlusion_runs_begins_it_anew(page, window, qtbot, monkeypatch):
    qtbot.waitUntil(lambda: all_there(page), timeout=15_000)
    window.client.close()
    monkeypatch.setenv("LEIGH_STAND_IN_SECONDS", "0.05")
    window.client.open(window.state.project.folder)
    page.window_side.setValue(20.0)
    qtbot.waitUntil(
        lambda: page.progress.value() > 3000 // len(METHODS), timeout=20_000
    )  # some of its windows
    assert page.doing.text().startswith("Occlusion, ") and page.doing.text().endswith(" s left")
    page.window_side.setValue(30.0)
    qtbot.waitUntil(lambda: all_there(page), timeout=20_000)
    assert page.compare.known("occlusion").settings["window_um"] == 30.0
    page.window_side.setValue(20.0)
    assert not all_there(page)  # what was given up is not remembered as an answer
    page.stop.click()


def test_the_window_is_in_pixels_where_their_size_is_not_known(page, window):
    dataset = window.state.project.dataset
    window.state.edit_project(
        replace(window.state.project, dataset=replace(dataset, pixel_size_um=None)), "No size"
    )
    page._on_subject()
    assert page.window_side.text() == "Window 16 px" and page.compare.window.side_px == 16


def test_saliency_has_no_sign_and_a_scale_from_zero(page, qtbot):
    qtbot.waitUntil(lambda: all_there(page), timeout=15_000)
    assert [page.columns[kind].panes[0].signed for kind in ("saliency", "occlusion")] == [
        False,
        True,
    ]
    plane = np.array([[0.0, 1.0, 2.0]], np.float32)
    nothing, most, beyond = coloured(plane, 1.0, 1.0, size_table(False), signed=False)[
        0, :, :3
    ].tolist()
    assert (
        nothing == diverging_table(False)[127].tolist()
        and most == beyond == size_table(False)[254, ::-1].tolist()
    )


def test_the_explanations_of_a_single_stain_stand_in_two_rows(page, window):
    def rows():
        shown = [c for c in page.columns.values() if c.isVisible()]
        return [page.grid.getItemPosition(page.grid.indexOf(c))[0] for c in shown]

    assert rows() == [0] * 6
    window.state.display = window.state.display[:1]
    page._on_subject()
    assert rows() == [0, 0, 0, 1, 1, 1]


def test_the_comparison_can_be_collected_for_the_figure(page, window, qtbot):
    page.add.click()
    spec = window.state.project.panels[-1]
    assert (spec.kind, spec.record_id, spec.weights) == (
        "comparison",
        window.state.view.current,
        {"WT": 1.0},
    )
    assert (spec.strength, spec.network) == (1.0, "iresnet")


def test_without_an_image_the_page_says_what_to_do(window, project, qtbot):
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=20_000)
    window.go("compare")
    page = window.pages["compare"]
    window.state.change_view("Nothing", selection=(), move=NOTHING)
    assert page.stack.currentIndex() == 0
