import numpy as np
from gui_stand_in import make_dataset
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl

from core.domain import Condition, Counterfactual
from leigh_gui.widgets.channel_bar import ChannelBar
from leigh_gui.widgets.channel_display import ChannelDisplay
from leigh_gui.widgets.empty_state import dropped_folder
from leigh_gui.widgets.error_bar import ErrorBar
from leigh_gui.widgets.evidence_card import EvidenceCard, verdict
from leigh_gui.widgets.gallery import Gallery, GalleryItem
from leigh_gui.widgets.job_bar import JobBar
from leigh_gui.widgets.legend import Legend
from leigh_gui.widgets.look import duration, percent
from leigh_gui.widgets.path_bar import PathBar
from leigh_gui.widgets.plate_view import PlateView, row_name, well_place
from leigh_gui.widgets.probability_bars import ProbabilityBars

NAMES = ("WT", "DS")


def counterfactual(**changes):
    blank = np.zeros((2, 4, 4), np.float32)
    values = {
        "record_id": "r", "source": "DS", "weights": {"WT": 1.0}, "strength": 1.0, "original": blank, "image": blank,
        "difference": blank, "probabilities": np.array([0.9, 0.1], np.float32), "coordinates": np.zeros(1, np.float32),
        "roundtrip_error": 1e-6,
    }  # fmt: skip
    return Counterfactual(**(values | changes))


def test_evidence_says_whether_it_flips():
    assert verdict(counterfactual(), NAMES)[0] == "good"
    assert verdict(counterfactual(probabilities=np.array([0.1, 0.9])), NAMES)[0] == "none"


def test_evidence_warns_when_it_lands_in_a_third_condition():
    third = counterfactual(probabilities=np.array([0.1, 0.1, 0.8]))
    assert verdict(third, ("WT", "DS", "TT")) == ("warn", "It landed in TT, not in WT.")


def test_evidence_warns_of_a_bad_round_trip_clipping_and_exaggeration():
    for changes in ({"roundtrip_error": 0.01}, {"clipped": 0.2}, {"strength": 1.3}):
        assert verdict(counterfactual(**changes), NAMES)[0] == "warn"


def test_invalid_counterfactual_shows_its_reason(qtbot):
    card = EvidenceCard()
    qtbot.addWidget(card)
    card.set_counterfactual(counterfactual(valid=False, reason="It left the data."), NAMES, ("a", "b"), (1, 1))
    assert card.light.state == "bad"
    assert card.headline.text() == "It left the data."
    assert card.text("channels") == "not drawn"


def test_channel_bar_tells_what_changed(qtbot):
    bar = ChannelBar()
    qtbot.addWidget(bar)
    bar.set_channels((ChannelDisplay("a", "#FF0000"), ChannelDisplay("b", "#00FF00")))
    with qtbot.waitSignal(bar.changed) as changed:
        bar.ticks[1].setChecked(False)
    assert [c.visible for c in changed.args[0]] == [True, False]
    bar.set_locked(True)
    assert not bar.auto.isEnabled() and "Unlock" in bar.auto.toolTip()


def test_path_bar_follows_the_mouse_and_tells_when_let_go(qtbot):
    bar = PathBar()
    qtbot.addWidget(bar)
    bar.resize(400, 40)
    bar.show()
    moved, let_go = [], []
    bar.strength_moved.connect(moved.append)
    bar.strength_set.connect(let_go.append)
    at = QPoint(round(bar.slider.place(50)), 11)
    qtbot.mousePress(bar.slider, Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseRelease(bar.slider, Qt.MouseButton.LeftButton, pos=at)
    assert abs(moved[-1] - 0.5) <= 0.01 and let_go == [moved[-1]]


def test_path_bar_plays_to_the_target(qtbot):
    bar = PathBar()
    qtbot.addWidget(bar)
    bar._playing.setInterval(1)
    with qtbot.waitSignal(bar.strength_set, timeout=3000) as done:
        bar.toggle_play()
    assert done.args == [1.0] and not bar.playing()


def test_setting_the_strength_emits_nothing(qtbot):
    bar = PathBar()
    qtbot.addWidget(bar)
    with qtbot.assertNotEmitted(bar.strength_set):
        bar.set_strength(0.7)
    assert bar.percent.text() == "70 %"


def test_probability_rows_have_a_button_each(qtbot):
    bars = ProbabilityBars()
    qtbot.addWidget(bars)
    bars.set_conditions([Condition("WT"), Condition("DS")])
    bars.set_movable(False, "Click an image first.")
    assert bars.buttons["WT"].toolTip() == "Click an image first."
    bars.set_movable(True, "")
    with qtbot.waitSignal(bars.move_asked) as asked:
        bars.buttons["WT"].click()
    assert asked.args == ["WT"]


def test_legend_greys_out_what_is_unticked(qtbot):
    legend = Legend()
    qtbot.addWidget(legend)
    legend.set_conditions([Condition("WT"), Condition("DS")], {"WT": 3, "DS": 4}, (0, 0))
    with qtbot.waitSignal(legend.hidden_changed) as hidden:
        legend.ticks["DS"].setChecked(False)
    assert hidden.args == [frozenset({"DS"})]


def test_plate_click_selects_all_images_of_the_well(qtbot, tmp_path):
    dataset = make_dataset(tmp_path, wells=2, fields=2, size=32)
    plate = PlateView()
    qtbot.addWidget(plate)
    plate.resize(500, 400)
    plate.set_plate(dataset.records, dataset.conditions, dataset.plate_shape)
    with qtbot.waitSignal(plate.wells_picked) as picked:
        qtbot.mouseClick(plate, Qt.MouseButton.LeftButton, pos=plate.centre(2, 2).toPoint())
    assert picked.args[0] == ("DS_C03_s1", "DS_C03_s2")


def test_well_names():
    assert well_place("B04") == (1, 3) and well_place("AA1") == (26, 0) and well_place("culture 7") is None
    assert row_name(26) == "AA"


def test_gallery_asks_only_for_what_is_in_view(qtbot):
    gallery = Gallery()
    qtbot.addWidget(gallery)
    gallery.resize(480, 150)
    asked = []
    gallery.needed.connect(asked.append)
    gallery.show()
    gallery.set_items([GalleryItem(f"r{i}", "c", "#000000") for i in range(500)])
    qtbot.waitUntil(lambda: bool(asked))
    assert 0 < len(asked[0]) < 20


def test_job_bar_shows_time_left_and_stops(qtbot):
    bar = JobBar()
    qtbot.addWidget(bar)
    bar.start("Training")
    bar.set_progress(5, 10, "step 5", 130)
    assert bar.left.text() == "2 min left" and bar.bar.value() == 500
    with qtbot.waitSignal(bar.stop_asked):
        bar.stop.click()


def test_error_bar_folds_its_details(qtbot):
    bar = ErrorBar()
    qtbot.addWidget(bar)
    bar.show_error("File <b>x</b> is damaged.", "Copy it again.", "Traceback")
    assert bar.message.text() == "File <b>x</b> is damaged." and bar.message.textFormat() == Qt.TextFormat.PlainText
    assert bar.details.isHidden()
    bar.fold.setChecked(True)
    assert not bar.details.isHidden()


def test_dropped_file_stands_for_its_folder(tmp_path):
    file = tmp_path / "a.tif"
    file.write_bytes(b"")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(file))])
    assert dropped_folder(mime) == tmp_path


def test_numbers_read_as_a_person_says_them():
    assert duration(12) == "12 s" and duration(200) == "3 min" and duration(4800) == "1 h 20 min"
    assert percent(0.99999, 1) == "> 99.9 %" and percent(1.0, 1) == "100.0 %" and percent(0.0001, 1) == "< 0.1 %"
