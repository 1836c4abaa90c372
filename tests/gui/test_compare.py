"""The Compare page in the real window, with a stand-in model: explanations come one by one and give way to a drag."""

import pytest

from core.domain import METHODS


@pytest.fixture
def page(window, project, qtbot):
    """The window with the project open on the Compare page."""
    window.open_path(project.folder)
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
    assert page.columns["saliency"].note.text() == "12 % on the empty 60 %"
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
    window.control.move_to("WT")
    qtbot.waitUntil(lambda: column.panes[2].qimage() is not None, timeout=8000)
    assert column.note.text() == "to WT, strength 1"


def test_another_image_is_explained_anew_and_the_first_is_remembered(page, window, qtbot):
    qtbot.waitUntil(lambda: all_there(page), timeout=15_000)
    first = window.state.view.current
    window.control.pick("TT_D02_s1")
    assert not all_there(page)
    qtbot.waitUntil(lambda: all_there(page), timeout=15_000)
    window.control.pick(first)
    assert all_there(page)


def test_stop_gives_up_what_has_not_come_and_says_so(page, window, qtbot, monkeypatch):
    qtbot.waitUntil(lambda: all_there(page), timeout=15_000)
    window.control.pick("TT_D02_s1")
    page.stop.click()
    qtbot.wait(300)
    assert not all_there(page)
    assert page.columns["occlusion"].panes[0].hint.startswith("Stopped")


def test_a_network_that_fails_leaves_its_reason_in_every_column(page, qtbot):
    page.compare.set_network("broken")
    qtbot.waitUntil(lambda: "cannot be explained" in page.columns["gradcam"].panes[0].hint, timeout=15_000)
    assert "cannot be explained" in page.columns["saliency"].panes[0].hint


def test_a_reason_stays_when_the_contrast_changes(page, window, qtbot):
    page.compare.set_network("broken")
    qtbot.waitUntil(lambda: "cannot be explained" in page.columns["gradcam"].panes[0].hint, timeout=15_000)
    window.state.display_changed.emit()
    assert "cannot be explained" in page.columns["gradcam"].panes[0].hint


def test_the_comparison_can_be_collected_for_the_figure(page, window, qtbot):
    page.add.click()
    spec = window.state.project.panels[-1]
    assert (spec.kind, spec.record_id, spec.weights) == ("comparison", window.state.view.current, {"WT": 1.0})
    assert (spec.strength, spec.network) == (1.0, "iresnet")


def test_without_an_image_the_page_says_what_to_do(window, project, qtbot):
    window.open_path(project.folder)
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=20_000)
    window.go("compare")
    page = window.pages["compare"]
    window.state.change_view("Nothing", selection=(), current="")
    assert page.stack.currentIndex() == 0
