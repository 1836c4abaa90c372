"""Pictures first: how much of the window the painted images cover, with real widgets."""

import numpy as np
import pytest
from gui_stand_in import make_project
from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt
from PySide6.QtWidgets import QApplication, QWidget

from leigh_gui.pages.explore.kept import Kept
from leigh_gui.pages.explore.picture import PicturePanel
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
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=5000)
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
        assert opened.explore().picture.readings.strip.chart().width() > 100
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
    assert page.memory.settings.bytes("split-explore-pictures") is not None
    assert page.memory.settings.bytes("split-explore-map") is None  # never moved


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
    qtbot.waitUntil(lambda: opened.control.path.exact, timeout=8000)
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


def test_the_key_b_blinks_while_it_is_held(opened, qtbot):
    picture = opened.explore().picture
    pane, own = picture.counterfactual, picture.counterfactual.grab().toImage()
    qtbot.keyPress(opened, Qt.Key.Key_B)
    qtbot.waitUntil(picture.blinking.on, timeout=3000)
    assert pane.source() is picture.original
    assert pane.grab().toImage() != own
    qtbot.waitUntil(lambda: pane.source() is pane, timeout=3000)
    qtbot.keyRelease(opened, Qt.Key.Key_B)
    assert not picture.blinking.on() and pane.grab().toImage() == own


def test_pointing_at_blink_blinks(opened, qtbot):
    picture = opened.explore().picture
    button = picture.stage.blink
    qtbot.mousePress(button, Qt.MouseButton.LeftButton)
    assert picture.blinking.on()
    QApplication.sendEvent(button, QEvent(QEvent.Type.Leave))
    assert not picture.blinking.on()


def test_the_contrast_is_made_for_both_pictures(opened, qtbot):
    """Treated mitochondria are brighter: neither picture is cut off, both have one window."""
    cf, display = opened.state.counterfactual, opened.state.display
    shown = opened.explore().picture
    assert shown.readings.channels.auto.isChecked()
    brightest = np.percentile(cf.image[2], 99.8)
    assert brightest > np.percentile(cf.original[2], 99.8)
    assert display[2].high >= brightest - 1e-3
    assert shown.original._channels == shown.counterfactual._channels == display


def test_a_contrast_set_by_hand_stays_for_other_images_and_the_next_start(opened, qtbot):
    page = opened.explore()
    bar = page.picture.readings.channels
    bar.sliders[2].setValue((120, 333))
    assert not bar.auto.isChecked()
    opened.control.gestures.step(1)
    qtbot.waitUntil(lambda: not opened.client.busy(), timeout=8000)
    assert (opened.state.display[2].low, opened.state.display[2].high) == pytest.approx((120, 333))
    page.kept.write()
    opened.state.display = ()
    page.picture.looks.open(opened.state.opened)
    assert (opened.state.display[2].low, opened.state.display[2].high) == pytest.approx((120, 333))
    assert not bar.auto.isChecked()
    bar.auto.click()
    assert opened.state.display[2].high != pytest.approx(333)


def test_a_stain_has_its_histogram_numbers_and_colour_where_it_is_named(opened, qtbot):
    bar = opened.explore().picture.readings.channels
    menu = bar.menus[1]
    menu.aboutToShow.emit()
    assert len(menu.histogram._bars) == 2  # before and after
    menu.high.setValue(777)
    assert opened.state.display[1].high == 777 and not bar.auto.isChecked()
    menu.colours["#FFE600"].click()
    assert opened.state.display[1].colour == "#FFE600"
    bar.safe.click()
    assert [c.colour for c in opened.state.display] == ["#00E5FF", "#FF4DFF", "#FFE600"]
    bar.safe.click()
    own = [c.colour for c in opened.state.opened.card.channels]
    assert [c.colour for c in opened.state.display] == own


def test_the_crosshair_is_in_every_picture_and_its_values_are_said(opened, qtbot):
    picture = opened.explore().picture
    cf = opened.state.counterfactual
    before = picture.differences.difference.grab().toImage()
    rect = picture.original.target_rect()
    at = QPoint(round(rect.x() + rect.width() * 0.5), round(rect.y() + rect.height() * 0.25))
    qtbot.mouseMove(picture.original, at)
    qtbot.waitUntil(lambda: picture.viewpoint.pointer is not None, timeout=3000)
    words = picture.stage.values.text()
    x, y = (int(words.split("x ")[1].split(",")[0]), int(words.split("y ")[1].split(" ")[0]))
    assert f"Mitochondria {cf.original[2, y, x]:.0f} → {cf.image[2, y, x]:.0f}" in words
    assert abs(x - 48) <= 1 and abs(y - 24) <= 1
    assert picture.differences.difference.grab().toImage() != before
    QApplication.sendEvent(picture.original, QEvent(QEvent.Type.Leave))
    assert picture.viewpoint.pointer is None


def test_one_stain_in_grey_the_next_stain_and_the_overlay_have_keys(opened, qtbot):
    picture = opened.explore().picture
    qtbot.keyClick(opened, Qt.Key.Key_G)
    image = picture.original.qimage()
    colour = image.pixelColor(image.width() // 2, image.height() // 2)
    assert colour.red() == colour.green() == colour.blue()
    qtbot.keyClick(opened, Qt.Key.Key_G)
    chosen = picture.differences.chosen
    qtbot.keyClick(opened, Qt.Key.Key_C)
    assert picture.differences.chosen == (chosen + 1) % 3
    picture.differences.choose(2)
    plain = picture.counterfactual.grab().toImage()
    qtbot.keyClick(opened, Qt.Key.Key_O)
    assert picture.counterfactual.grab().toImage() != plain


def test_numbers_fold_out_and_the_lights_stay_in_view(opened, qtbot):
    opened.resize(1366, 768)
    qtbot.wait(50)
    card = opened.explore().picture.evidence
    assert not card.details.isVisible()
    qtbot.mouseClick(card.numbers, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: card.details.isVisible() and card.details.height() > 60, timeout=3000)
    for light in (card.headline, *card.lights.values()):
        assert light.visibleRegion().boundingRect().height() == light.height()
    bottom = card.details.mapTo(opened, QPoint(0, card.details.height())).y()
    assert bottom <= opened.height()


def test_how_changes_are_drawn_and_played_is_kept(opened, qtbot):
    page = opened.explore()
    picture = page.picture
    picture.path.loop.click()
    picture.path.speed.click()
    picture.differences.thresholds[0.05].trigger()
    page.kept.write()
    again = PicturePanel(opened.state, opened.control, Kept(page.memory))
    qtbot.addWidget(again)
    assert again.path.loop.isChecked() and again.path.speed.text() == "2×"
    assert again.differences.how.threshold == 0.05
    assert again.differences.thresholds[0.05].isChecked()


def test_a_loop_plays_there_and_back(opened, qtbot):
    path = opened.explore().picture.path
    path._playing.setInterval(1)
    path.set_speed(4.0)
    path.loop.setChecked(True)
    seen = []
    path.slider.valueChanged.connect(seen.append)
    path.toggle_play()
    qtbot.waitUntil(lambda: 100 in seen and 0 in seen[seen.index(100) :], timeout=8000)
    assert path.playing()
    path.toggle_play()
    assert not path.playing()
