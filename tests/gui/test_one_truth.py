"""Everything on the Explore page shows one move, dims while another is computed, and comes back."""

import os
import signal

import pytest
from PySide6.QtCore import Qt

from core.domain import Precision
from leigh_gui.collector import NOT_YET


@pytest.fixture
def opened(window, project, qtbot):
    """The window with the project open on the Explore page and one image answered."""
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=20_000)
    qtbot.waitUntil(lambda: not window.client.busy(), timeout=8000)
    return window


def on_show(page):
    """The one move that every part shows."""
    moves = set(page.truth.moves().values())
    assert len(moves) == 1, page.truth.moves()
    return moves.pop()


def settled(opened, qtbot, timeout=20_000):
    qtbot.waitUntil(lambda: not opened.control.is_pending(), timeout=timeout)


def drag(opened, qtbot, steps=8, release=True):
    """Drag the handle to WT with the mouse; where it was let go."""
    page = opened.explore()
    anchors, names = page.map_panel.decision.anchors, page.map_panel.decision.conditions
    at = page.map.screen_of(*page.map.overlay.handle).toPoint()
    to = page.map.screen_of(*map(float, anchors[names.index("WT")])).toPoint()
    qtbot.mousePress(page.map, Qt.MouseButton.LeftButton, pos=at)
    for k in range(1, steps + 1):
        qtbot.mouseMove(page.map, at + (to - at) * (k / steps), delay=12)
    if release:
        qtbot.mouseRelease(page.map, Qt.MouseButton.LeftButton, pos=to)
    return to


def test_header_slider_card_bars_picture_and_map_show_the_same_move_at_any_time(opened, qtbot):
    page, seen = opened.explore(), []
    opened.state.answer_changed.connect(lambda: seen.append(on_show(page)))
    drag(opened, qtbot)
    settled(opened, qtbot)
    opened.control.gestures.slide(0.4, True)
    settled(opened, qtbot)
    opened.state.undo.undo()
    settled(opened, qtbot)
    opened.control.gestures.step(1)
    settled(opened, qtbot)
    assert on_show(page) == opened.state.answer.move and len(seen) >= 4


def test_while_another_move_is_computed_all_dims_and_says_what_the_picture_is(
    opened, qtbot, monkeypatch
):
    page = opened.explore()
    opened.control.gestures.move_to("WT")
    settled(opened, qtbot)
    assert page.picture.cf_title.text().endswith("WT · 100 %") and not page.truth.dimmed()
    before = on_show(page)
    sent, transmit = [], opened.client._transmit
    monkeypatch.setattr(opened.client, "_transmit", sent.append)  # the process is slow to begin
    opened.control.gestures.slide(0.3, True)
    qtbot.waitUntil(page.truth.dimmed, timeout=2000)
    assert on_show(page) == before and page.picture.counterfactual.mark == "computing…"
    assert page.picture.cf_title.text().endswith("WT · 100 %")  # what the picture is
    assert page.picture.path.slider.answered == 1.0 and page.picture.path.strength() == 0.3
    panels = len(opened.state.project.panels)
    for kind in ("counterfactual", "path", "map"):
        opened.collector.add(kind)
        assert NOT_YET in opened.error_bar.message.text()
    assert len(opened.state.project.panels) == panels
    monkeypatch.setattr(opened.client, "_transmit", transmit)
    for request in sent:
        transmit(request)
    settled(opened, qtbot)
    assert not page.truth.dimmed() and page.picture.cf_title.text().endswith("WT · 30 %")
    opened.collector.add("counterfactual")
    assert len(opened.state.project.panels) == panels + 1


def test_the_process_is_killed_in_a_drag_and_the_last_move_comes_back(opened, qtbot):
    page = opened.explore()
    drag(opened, qtbot, steps=6, release=False)
    qtbot.waitUntil(lambda: opened.state.mix.strength > 0, timeout=8000)
    shown = opened.state.answer
    os.kill(opened.client.pid(), signal.SIGKILL)
    qtbot.waitUntil(lambda: not opened.client.ready, timeout=8000)
    assert opened.state.answer.move.record_id == shown.move.record_id  # the picture stays
    to = page.map.screen_of(*page.map.overlay.handle).toPoint()
    for step in range(1, 6):
        qtbot.mouseMove(page.map, to - to * (0.02 * step), delay=12)
    last = to - to * 0.1
    qtbot.mouseRelease(page.map, Qt.MouseButton.LeftButton, pos=last)
    settled(opened, qtbot, 30_000)
    view = opened.state.view
    assert view.move.precision == Precision.EXACT and on_show(page) == view.move
    assert view.position == pytest.approx(page.map.overlay.handle)
    assert opened.client.restarts == 1 and not page.truth.dimmed()
    qtbot.waitUntil(lambda: opened.control.path is not None, timeout=8000)
