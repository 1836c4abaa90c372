import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent

from leigh_gui.widgets.common.look import nice_length
from leigh_gui.widgets.image.channel_display import ChannelDisplay, automatic, composite
from leigh_gui.widgets.image.image_view import ImagePane, Viewpoint

BLUE = ChannelDisplay("Nuclei", "#0000FF", 0, 100)
RED = ChannelDisplay("Mitochondria", "#FF0000", 100, 300)
IMAGE = np.array([[[0, 50], [100, 900]], [[100, 200], [300, 50]]], dtype=np.float32)  # C Y X


def shown(pane):
    image = pane.qimage()
    return [[image.pixelColor(x, y).getRgb()[:3] for x in range(2)] for y in range(2)]


def test_composite_is_exact_to_the_pixel(qtbot):
    pane = ImagePane()
    qtbot.addWidget(pane)
    pane.set_channels((BLUE, RED))
    pane.set_image(IMAGE)
    assert shown(pane) == [[(0, 0, 0), (128, 0, 128)], [(255, 0, 255), (0, 0, 255)]]


def test_hidden_channel_is_not_drawn():
    pixels = composite(
        IMAGE, (BLUE, ChannelDisplay("Mitochondria", "#FF0000", 100, 300, visible=False))
    )
    assert pixels[..., 2].max() == 0  # B G R A


def test_overlapping_channels_saturate_instead_of_wrapping():
    white = ChannelDisplay("a", "#FFFFFF", 0, 1)
    pixels = composite(np.ones((2, 1, 1), np.float32), (white, white))
    assert pixels[0, 0].tolist() == [255, 255, 255, 255]


def test_auto_contrast_follows_the_image():
    made = automatic((BLUE,), np.linspace(10, 20, 10_000, dtype=np.float32).reshape(1, 100, 100))
    assert 10 <= made[0].low < 10.2
    assert 19.8 < made[0].high <= 20


def test_panes_share_zoom_and_the_point_under_the_mouse_stays(qtbot):
    view = Viewpoint()
    left, right = ImagePane(view), ImagePane(view)
    for pane in (left, right):
        qtbot.addWidget(pane)
        pane.resize(200, 200)
        pane.set_channels((BLUE,))
        pane.set_image(np.zeros((1, 100, 100), np.float32))
        pane.show()
    at = QPointF(60, 80)
    before = left._share_at(at)
    nothing = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    left.wheelEvent(QWheelEvent(at, at, QPoint(0, 0), QPoint(0, 480), *nothing, False))
    assert view.zoom > 1.5
    after = right._share_at(at)
    assert abs(after.x() - before.x()) < 1e-9
    qtbot.mouseDClick(right, Qt.MouseButton.LeftButton)
    assert view.zoom == 1


def test_scale_bar_only_where_the_pixel_size_is_known(qtbot):
    pane = ImagePane()
    qtbot.addWidget(pane)
    pane.resize(300, 300)
    pane.set_channels((BLUE,))
    pane.set_image(np.zeros((1, 64, 64), np.float32))
    plain = pane.grab().toImage()
    pane.set_pixel_size(0.65)
    assert pane.grab().toImage() != plain
    white = pane.grab().toImage().pixelColor(280, 288)
    assert white.getRgb()[:3] == (255, 255, 255)
    pane.set_pixel_size(None)
    assert pane.grab().toImage() == plain


def test_scale_bar_lengths_are_round():
    assert [nice_length(v) for v in (0.7, 1, 3, 9.9, 123)] == [0.5, 1, 2, 5, 100]


def test_two_thousand_repaints_do_no_harm(qtbot):
    pane = ImagePane()
    qtbot.addWidget(pane)
    pane.resize(64, 64)
    pane.set_channels((BLUE,))
    pane.set_image(np.zeros((1, 16, 16), np.float32))
    pane.set_pixel_size(1.0)
    pane.set_mark("generated")
    pane.show()
    for _ in range(2000):
        pane.repaint()


def test_of_a_large_image_only_the_pixels_that_are_seen_are_made(qtbot):
    """The whole image at its own size would take too long for every move of a slider."""
    view, made = Viewpoint(), []
    pane = ImagePane(view)
    qtbot.addWidget(pane)
    pane.resize(200, 200)
    pane.set_channels((BLUE,))
    image = np.zeros((1, 1600, 1600), np.float32)
    image[0, 800:, 800:] = 100
    pane.set_image(image)
    compose = pane.compose
    pane.compose = lambda rows, columns: made.append(compose(rows, columns)) or made[-1]
    shown = pane.grab().toImage()
    assert made[-1].shape[:2] == (200, 200)
    assert shown.pixelColor(90, 150).blue() == 0 and shown.pixelColor(150, 150).blue() == 255
    view.set(QPointF(0.5, 0.5), 16.0)  # 100 x 100 pixels of the image, two dots each
    shown = pane.grab().toImage()
    assert max(made[-1].shape[:2]) <= 106
    assert shown.pixelColor(97, 150).blue() == 0 and shown.pixelColor(102, 150).blue() == 255


def test_zoomed_in_pixels_are_squares(qtbot):
    pane = ImagePane()
    qtbot.addWidget(pane)
    pane.resize(100, 100)
    pane.set_channels((BLUE,))
    image = np.zeros((1, 20, 20), np.float32)
    image[0, :, 10:] = 100
    pane.set_image(image)
    pane.viewpoint.set(QPointF(0.5, 0.5), 2.0)  # ten dots per pixel
    row = [pane.grab().toImage().pixelColor(x, 50).blue() for x in range(100)]
    assert set(row) == {0, 255} and row[49:51] == [0, 255]
