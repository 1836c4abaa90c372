import numpy as np

from leigh_gui.widgets.counterfactual.change import Change
from leigh_gui.widgets.counterfactual.difference_pane import (
    coloured,
    diverging_table,
    symmetric_limit,
)
from leigh_gui.widgets.counterfactual.difference_view import DifferenceView
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


def change_of(difference, **more):
    blank = np.zeros_like(difference)
    return Change(blank, blank + difference, difference, **more)


def view_of(qtbot, channels=CHANNELS, spans=(100, 1000)):
    view = DifferenceView(Viewpoint())
    qtbot.addWidget(view)
    view.set_channels(channels, spans)
    return view


def test_view_prints_its_limit_and_keeps_it_when_locked(qtbot):
    view = view_of(qtbot)
    view.set_change(change_of(np.full((2, 8, 8), 50, np.float32)))
    assert view.bar.limit == 0.5
    view.lock.setChecked(True)
    view.set_change(change_of(np.full((2, 8, 8), 1, np.float32)))
    assert view.bar.limit == 0.5


def test_limit_only_grows_while_dragging(qtbot):
    view = view_of(qtbot)
    view.set_change(change_of(np.full((2, 8, 8), 50, np.float32)))
    view.set_change(change_of(np.full((2, 8, 8), 10, np.float32)), keep_scale=True)
    assert view.limit == 0.5
    view.set_change(change_of(np.full((2, 8, 8), 10, np.float32)))
    assert view.limit == 0.1


def test_the_pane_says_how_large_the_change_is_and_dims_what_the_round_trip_may_explain(qtbot):
    view = view_of(qtbot)
    difference = np.zeros((2, 8, 8), np.float32)
    difference[1, 2, 3] = -70  # 7 % of 1000
    view.set_change(change_of(difference, locked=("a",), noise=0.01))
    pane = view.difference
    assert view.chosen == 1 and pane.note == "largest change 7.0 %" and not pane.dimmed
    view.choose(0)
    assert pane.hint == "locked" and pane.qimage() is None
    view.set_change(change_of(difference, noise=0.1))
    assert pane.hint == "no change"
    view.choose(1)
    assert pane.dimmed and pane.note.endswith("within the round-trip error")


def test_dimmed_changes_are_drawn_fainter(qtbot):
    view = view_of(qtbot)
    view.resize(300, 300)
    difference = np.full((2, 8, 8), 50, np.float32)
    view.set_change(change_of(difference, noise=0.01))
    strong = view.difference.grab().toImage().pixelColor(100, 150)
    view.set_change(change_of(difference, noise=0.9))
    faint = view.difference.grab().toImage().pixelColor(100, 150)
    neutral = view.difference.background()
    far = abs(strong.blue() - neutral.blue())
    assert far > 50 and abs(faint.blue() - neutral.blue()) < far / 2


def test_a_change_can_be_drawn_relative_to_the_original_and_above_a_threshold(qtbot):
    view = view_of(qtbot)
    original = np.full((2, 8, 8), 20, np.float32)
    difference = np.zeros((2, 8, 8), np.float32)
    difference[0, 0, 0], difference[0, 1, 1] = 10, 1
    view.set_change(Change(original, original + difference, difference))
    view.relative[True].trigger()
    values, spans = view.values()
    assert values[0, 0, 0] == 0.5 and spans == (1.0, 1.0)
    view.relative[False].trigger()
    view.thresholds[0.05].trigger()
    values, _ = view.values()
    assert values[0, 0, 0] == 10 and values[0, 1, 1] == 0
    assert view.difference.note == "largest change 10 %"  # of the change, not of what is drawn
    view.thresholds[0.2].trigger()
    assert view.difference.qimage() is None and view.difference.hint == "nothing above this"


def test_the_change_can_be_laid_over_the_image(qtbot):
    view = view_of(qtbot)
    difference = np.zeros((2, 8, 8), np.float32)
    difference[0, 4, 4] = 50
    view.set_change(change_of(difference))
    assert not view.lies_over()
    view.lay.trigger()
    assert view.lies_over()
    pixels = view.over(slice(None), slice(None))
    assert pixels[4, 4, 3] > 200 and pixels[0, 0, 3] == 0
