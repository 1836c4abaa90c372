import numpy as np

from leigh_gui.widgets.counterfactual.difference_view import (
    DifferenceView,
    coloured,
    diverging_table,
    symmetric_limit,
)
from leigh_gui.widgets.image.channel_display import ChannelDisplay
from leigh_gui.widgets.image.image_view import Viewpoint

CHANNELS = (ChannelDisplay("a", "#0000FF", 0, 100), ChannelDisplay("b", "#FF0000", 0, 1000))


def test_zero_is_the_neutral_middle_in_both_themes():
    for dark in (False, True):
        table = diverging_table(dark)
        pixel = coloured(np.zeros((1, 1), np.float32), 100, 0.5, table)[0, 0]
        assert pixel[:3].tolist() == table[127][::-1].tolist()
    assert diverging_table(False)[127].min() > 240
    assert diverging_table(True)[127].max() < 30


def test_gain_and_loss_of_the_same_size_are_equally_far_from_the_middle():
    ramp = np.arange(255, dtype=np.uint8)[:, None].repeat(3, axis=1)
    plane = np.array([[-15, 15, -1000, 1000]], np.float32)
    index = coloured(plane, 100, 0.6, ramp)[0, :, 0].astype(int) - 127
    assert index.tolist() == [-32, 32, -127, 127]


def test_one_limit_for_all_channels_as_share_of_their_range():
    difference = np.zeros((2, 64, 64), np.float32)
    difference[0] = 10  # 10 % of its range
    difference[1] = -280  # 28 %
    assert symmetric_limit(difference, (100, 1000)) == 0.3


def test_limit_never_amplifies_noise_below_one_percent():
    assert symmetric_limit(np.full((1, 8, 8), 1e-6, np.float32), (100,)) == 0.01


def test_view_prints_its_limit_and_keeps_it_when_locked(qtbot):
    view = DifferenceView(Viewpoint())
    qtbot.addWidget(view)
    view.set_channels(CHANNELS, (100, 1000))
    view.set_difference(np.full((2, 8, 8), 50, np.float32))
    assert view.bar.limit == 0.5
    view.lock.setChecked(True)
    view.set_difference(np.full((2, 8, 8), 1, np.float32))
    assert view.bar.limit == 0.5


def test_limit_only_grows_while_dragging(qtbot):
    view = DifferenceView(Viewpoint())
    qtbot.addWidget(view)
    view.set_channels(CHANNELS, (100, 1000))
    view.set_difference(np.full((2, 8, 8), 50, np.float32))
    view.set_difference(np.full((2, 8, 8), 10, np.float32), keep_scale=True)
    assert view.limit == 0.5
    view.set_difference(np.full((2, 8, 8), 10, np.float32))
    assert view.limit == 0.1
