import numpy as np
import pytest
from gui_stand_in import make_dataset, make_map
from PySide6.QtCore import QPoint, Qt

from core.latent_map.decision_regions import posterior_at
from core.latent_map.region_labels import label_places
from leigh_gui.widgets.map.map_geometry import MapTransform, inside, nearest
from leigh_gui.widgets.map.map_layers import Points, boundary_lines, region_image
from leigh_gui.widgets.map.map_overlay import Mark, Overlay
from leigh_gui.widgets.map.scatter_view import ScatterView


@pytest.fixture
def view(themed, qtbot, tmp_path):
    dataset = make_dataset(tmp_path, wells=2, fields=1, size=32)
    projection, decision = make_map(dataset, dataset.condition_names)
    made = ScatterView()
    qtbot.addWidget(made)
    made.resize(600, 480)
    truth = np.array([dataset.condition_names.index(r.condition) for r in dataset.records])
    points = (projection.record_ids, projection.xy, truth, truth % 2 == 0)
    made.set_points(Points(*points, dataset.conditions, (0,) * 5))
    made.set_decision_map(decision)
    made.show()
    qtbot.waitExposed(made)
    made.repaint()
    made.projection, made.decision = projection, decision
    return made


def pixel(view, xy):
    return view.screen_of(float(xy[0]), float(xy[1])).toPoint()


def test_click_picks_the_nearest_image(view, qtbot):
    row = 4
    with qtbot.waitSignal(view.picked) as picked:
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=pixel(view, view.projection.xy[row]))
    assert picked.args == [view.projection.record_ids[row]]


def test_dragging_the_handle_tells_places_and_does_not_repaint_the_points(view, qtbot):
    start = view.projection.xy[0]
    home = tuple(map(float, start))
    view.set_overlay(Overlay(source=home, handle=home))
    view.repaint()
    before, places = view.still.paints, []
    view.handle_moved.connect(lambda x, y: places.append((x, y)))
    at = pixel(view, start)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=at)
    for step in range(1, 11):
        qtbot.mouseMove(view, at + QPoint(8 * step, 3 * step), delay=12)
        view.repaint()
    with qtbot.waitSignal(view.handle_released) as released:
        qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at + QPoint(80, 30))
    assert len(places) == 10
    assert np.allclose(released.args, view.transform_now().to_map(at.x() + 80, at.y() + 30))
    assert view.still.paints == before


def test_the_handle_stays_in_sight_and_snaps_to_the_images_own_place(view, qtbot):
    start = tuple(map(float, view.projection.xy[0]))
    view.set_overlay(Overlay(source=start, handle=start))
    at = pixel(view, start)
    outside = QPoint(view.width() + 90, -40)
    for goal in (outside, at + QPoint(3, 2)):
        qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=pixel(view, view.overlay.handle))
        qtbot.mouseMove(view, QPoint(view.width() // 2, view.height() // 2), delay=12)
        qtbot.mouseMove(view, goal, delay=12)
        with qtbot.waitSignal(view.handle_released) as released:
            qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=goal)
        assert tuple(released.args) == view.overlay.handle
        assert view.rect().contains(pixel(view, view.overlay.handle))
        assert (tuple(released.args) == start) == (goal != outside)


def test_shift_drag_lassos_the_images_inside(view, qtbot):
    caught = []
    view.lassoed.connect(caught.append)
    shift = Qt.KeyboardModifier.ShiftModifier
    corners = [QPoint(1, 1), QPoint(598, 1), QPoint(598, 478), QPoint(1, 478)]
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, shift, corners[0])
    for corner in corners[1:]:
        qtbot.mouseMove(view, corner, delay=12)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, shift, corners[-1])
    assert set(caught[0]) == set(view.projection.record_ids)


def test_hidden_conditions_turn_grey_and_cannot_be_picked(view, qtbot):
    row = 0
    view.set_hidden(frozenset({"WT"}))
    picked = []
    view.picked.connect(picked.append)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=pixel(view, view.projection.xy[row]))
    assert view.projection.record_ids[row] not in picked


def test_no_colour_where_there_is_no_data(view):
    colours = ["#FF0000"] * 5
    pixels = region_image(view.decision, colours)
    assert (pixels[::-1][~view.decision.support] == 0).all()
    assert pixels[..., 3].max() > 0


def test_boundary_lies_where_two_conditions_tie(view):
    decision = view.decision
    x0, x1, y0, y1 = decision.extent
    height, width = decision.support.shape
    for line in boundary_lines(decision, decision.support):
        column = (
            ((line[:, 0] - x0) / (x1 - x0) * width - 0.5).round().astype(int).clip(0, width - 1)
        )
        row = ((line[:, 1] - y0) / (y1 - y0) * height - 0.5).round().astype(int).clip(0, height - 1)
        top = np.sort(decision.posterior[row, column], axis=1)[:, -2:]
        assert (top[:, 1] - top[:, 0]).max() < 0.35  # within one pixel of the tie


def test_map_to_screen_and_back():
    view = MapTransform(1.0, 2.0, 30.0, 400, 300)
    x, y = view.to_screen(np.array([[1.5, -0.5]]))[0]
    assert np.allclose(view.to_map(x, y), (1.5, -0.5))
    zoomed = view.zoomed(3, 100, 50)
    assert np.allclose(zoomed.to_map(100, 50), view.to_map(100, 50))


def test_nearest_respects_distance():
    points = np.array([[0.0, 0.0], [10.0, 0.0]])
    assert nearest(points, 9, 0, 5) == 1
    assert nearest(points, 5, 20, 5) is None


def test_inside_follows_a_concave_outline():
    outline = np.array([[0, 0], [10, 0], [10, 10], [5, 2], [0, 10]], float)
    assert inside(np.array([[5, 1], [5, 8], [1, 5], [20, 5]], float), outline).tolist() == [
        True,
        False,
        True,
        False,
    ]


def test_a_path_is_drawn_line_by_line_and_a_mark_in_the_colour_of_its_condition(view):
    (ax, ay), (bx, by) = (tuple(map(float, view.decision.anchors[k])) for k in (0, 1))
    middle = (0.7 * ax + 0.3 * bx, 0.7 * ay + 0.3 * by)  # half way lies the line of a boundary
    before = view.grab().toImage()
    marks = (Mark((bx, by), "#123456", "WT from 30 %"),)
    view.set_overlay(Overlay(source=(ax, ay), ticks=((ax, ay),), crossings=marks))
    after = view.grab().toImage()
    assert after.pixelColor(pixel(view, (bx, by))).name() == "#123456"
    assert after.pixelColor(pixel(view, middle)) == before.pixelColor(pixel(view, middle))
    view.set_overlay(Overlay(source=(ax, ay), lines=(((ax, ay), (bx, by)),)))
    joined = view.grab().toImage()
    assert joined.pixelColor(pixel(view, middle)) != before.pixelColor(pixel(view, middle))
    view.set_overlay(Overlay())
    assert view.grab().toImage() == before


def test_every_region_carries_its_name_inside_the_map(view):
    bare = view.grab().toImage()
    labels = label_places(view.decision, view.projection.xy)
    assert set(labels) == set(view.decision.conditions)
    for name, (x, y) in labels.items():
        under = view.decision.conditions[int(posterior_at(view.decision, x, y).argmax())]
        assert under == name
    view.set_decision_map(view.decision, labels=labels)
    assert view.grab().toImage() != bare
