"""Pictures first: how much of the window the painted images cover, with real widgets."""

import numpy as np
import pytest
from gui_stand_in import make_project
from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtWidgets import QWidget

from leigh_gui.widgets.image.pane import Pane

SIZES = ((1366, 768), (1920, 1080), (3840, 2160))
LEAST = {(1366, 768): 0.24, (1920, 1080): 0.30, (3840, 2160): 0.28}  # share of the window's area


@pytest.fixture
def opened(window, tmp_path, qtbot, request):
    """The window with a moved image of one or three stains, its path there."""
    stains, size = getattr(request, "param", (3, (96, 96)))
    project = make_project(tmp_path / str(stains), wells=2, fields=1, stains=stains, size=size)
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=20_000)
    window.control.gestures.move_to("WT")
    qtbot.waitUntil(lambda: window.control.path is not None, timeout=20_000)
    return window


def painted(window) -> dict[str, QRectF]:
    """Where large pictures are painted, in window coordinates."""
    found = {}
    for pane in window.explore().picture.findChildren(Pane):
        if pane.isVisible() and pane.qimage() is not None:
            corner = pane.mapTo(window, QPoint(0, 0))
            inside = QRectF(pane.visibleRegion().boundingRect())
            found[pane.objectName()] = pane.painted_rect().intersected(inside).translated(corner)
    return found


def small(window) -> list[QRectF]:
    """Frames of the film and tiles of the other stains."""
    readings = window.explore().picture.readings
    tiles = readings.multiples.painted_rects() if readings.multiples.isVisible() else []
    return [*tiles, *readings.strip.tiles()]


def area(rects) -> float:
    return sum(rect.width() * rect.height() for rect in rects)


@pytest.mark.parametrize("opened", [(1, (96, 96)), (3, (96, 96))], indirect=True)
def test_pictures_cover_a_third_of_the_window_with_one_stain_and_with_three(opened, qtbot):
    for size in SIZES:
        opened.resize(*size)
        qtbot.waitUntil(lambda size=size: opened.size() == QSize(*size), timeout=5000)
        qtbot.wait(50)
        large = painted(opened)
        assert set(large) == {"original", "counterfactual", "difference"}
        share = area([*large.values(), *small(opened)]) / (size[0] * size[1])
        assert share >= LEAST[size], (size, share)
        if size == (1920, 1080):
            assert min(min(r.width(), r.height()) for r in large.values()) >= 430
        tops = {round(rect.top()) for rect in large.values()}
        assert len(tops) == 1  # in one row


@pytest.mark.parametrize("opened", [(3, (64, 128))], indirect=True)
def test_wide_images_fill_their_panes_too(opened, qtbot):
    opened.resize(1920, 1080)
    qtbot.wait(50)
    picture = opened.explore().picture
    assert picture.aspect == 2
    for rect in painted(opened).values():
        assert rect.width() == pytest.approx(2 * rect.height(), rel=0.02)
    pane = picture.original
    assert area([pane.painted_rect()]) > 0.97 * pane.width() * pane.height()


def test_nothing_of_the_page_is_outside_the_window(opened, qtbot):
    for size in ((1024, 640), *SIZES):
        opened.resize(*size)
        qtbot.waitUntil(lambda size=size: opened.size() == QSize(*size), timeout=5000)
        qtbot.wait(50)
        page = opened.explore()
        readings = page.picture.readings
        parts = [page.map, page.tabs, readings.strip, readings.evidence, readings.evidence.headline,
                 *readings.evidence.lights.values(), readings.lock, page.picture.add]  # fmt: skip
        for part in parts:
            assert isinstance(part, QWidget) and part.isVisible()
            corner = part.mapTo(opened, QPoint(part.width(), part.height()))
            assert corner.x() <= opened.width() and corner.y() <= opened.height(), (size, part)
            if not part.findChildren(QWidget):  # what is covered by its parts has no region
                assert part.visibleRegion().boundingRect().height() == part.height(), (size, part)


def test_a_splitter_moved_by_hand_stays_and_is_remembered(opened, qtbot):
    page = opened.explore()
    opened.resize(1920, 1080)
    qtbot.wait(50)
    page.split.moveSplitter(700, 1)
    moved = page.split.sizes()[0]
    page.split.splitterMoved.emit(700, 1)
    opened.resize(1800, 1000)
    qtbot.wait(50)
    assert abs(page.split.sizes()[0] - moved) < 20
    page.remember_layout()
    assert page.settings.bytes("split-explore-pictures") is not None
    assert page.settings.bytes("split-explore-map") is None  # never moved


def test_the_other_stains_are_small_and_a_click_shows_one_large(opened, qtbot):
    opened.resize(1920, 1080)
    qtbot.wait(50)
    picture = opened.explore().picture
    multiples, view = picture.readings.multiples, picture.differences
    assert multiples.isVisible() and view.chosen == 2  # the nuclei are locked; the largest change
    places = multiples.places()
    assert set(places) == {0, 1} and min(r.width() for r in places[0]) > 60
    qtbot.mouseClick(multiples, Qt.MouseButton.LeftButton, pos=places[1][2].center().toPoint())
    assert view.chosen == 1 and set(multiples.places()) == {0, 2}
    assert view.difference.note.startswith("largest change")
    view.choose(0)
    assert view.difference.hint == "locked" and view.difference.qimage() is None


def test_the_film_shows_the_path_rings_the_crossing_and_a_click_goes_there(opened, qtbot):
    strip = opened.explore().picture.readings.strip
    assert 5 <= len(strip.frames) <= 9
    assert [frame.crosses for frame in strip.frames].count(True) == 1
    crossing = next(frame for frame in strip.frames if frame.crosses)
    assert opened.state.conditions()[crossing.read].name == "WT"
    assert not np.array_equal(strip.frames[0].picture, strip.frames[-1].picture)
    tile = strip.tiles()[1]
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=tile.center().toPoint())
    qtbot.waitUntil(
        lambda: opened.state.mix.strength == pytest.approx(strip.frames[1].strength), timeout=8000
    )
    chart = strip.chart()
    assert chart.width() > 100
    middle = QPoint(round(chart.center().x()), round(chart.center().y()))
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.waitUntil(lambda: opened.state.mix.strength == pytest.approx(0.5, abs=0.01), timeout=8000)
