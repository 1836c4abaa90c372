from dataclasses import replace

import numpy as np
from gui_stand_in import make_dataset, make_evidence
from PySide6.QtCore import QMimeData, QPoint, QPointF, QSize, Qt, QUrl
from PySide6.QtGui import QIcon, QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel

from core.domain import Condition, Counterfactual
from leigh_gui import theme
from leigh_gui.icons import icon
from leigh_gui.widgets.common.curves import Curves
from leigh_gui.widgets.common.elided_label import ElidedLabel
from leigh_gui.widgets.common.empty_state import dropped_folder
from leigh_gui.widgets.common.error_bar import ErrorBar
from leigh_gui.widgets.common.job_bar import JobBar
from leigh_gui.widgets.common.look import duration, percent, swatch_icon, tip
from leigh_gui.widgets.counterfactual.evidence_card import EvidenceCard
from leigh_gui.widgets.counterfactual.lock_button import LockButton
from leigh_gui.widgets.counterfactual.mix_board import MixBoard, mixed
from leigh_gui.widgets.counterfactual.path_bar import PathBar
from leigh_gui.widgets.counterfactual.probability_bars import ProbabilityBars
from leigh_gui.widgets.counterfactual.verdict import RULE, verdict
from leigh_gui.widgets.image.channel_bar import ChannelBar
from leigh_gui.widgets.image.channel_display import ChannelDisplay
from leigh_gui.widgets.image.gallery import Gallery, GalleryItem
from leigh_gui.widgets.image.plate_view import PlateView, row_name, well_place
from leigh_gui.widgets.map.legend import Legend

NAMES = ("WT", "DS")


def counterfactual(**changes):
    blank = np.zeros((2, 4, 4), np.float32)
    values = {
        "record_id": "r", "source": "DS", "weights": {"WT": 1.0}, "strength": 1.0, "original":
            blank, "image": blank,
        "difference": blank, "probabilities": np.array([0.9, 0.1], np.float32), "coordinates":
            np.zeros(1, np.float32),
        "roundtrip_error": 1e-6,
    }  # fmt: skip
    return Counterfactual(**(values | changes))


def test_a_flip_of_the_model_alone_is_never_green():
    assert verdict(counterfactual(), NAMES) == ("none", "Reaches WT, by this model's own reading.")
    still = counterfactual(probabilities=np.array([0.1, 0.9]))
    assert verdict(still, NAMES) == ("none", "Still DS: the boundary is not crossed yet.")


def test_the_light_is_the_worst_of_the_checks_and_says_which_one():
    oracle_probabilities = {"green": make_evidence(), "amber": make_evidence(readouts="amber"),
              "red": make_evidence(seen=1, judges="red", rest="amber")}  # fmt: skip
    assert verdict(counterfactual(evidence=oracle_probabilities["green"]), NAMES) == (
        "good",
        "Reaches WT; every check passes.",
    )
    assert verdict(counterfactual(evidence=oracle_probabilities["amber"]), NAMES)[0] == "warn"
    assert verdict(counterfactual(evidence=oracle_probabilities["red"]), NAMES) == (
        "bad",
        "1 of 3 independent classifiers see WT",
    )


def test_what_the_program_measures_itself_stays_in_the_verdict():
    for changes in ({"picture_error": 0.01}, {"clipped": 0.2}, {"strength": 1.3}):
        assert verdict(counterfactual(**changes), NAMES)[0] == "warn"
        assert verdict(counterfactual(evidence=make_evidence(), **changes), NAMES)[0] == "warn"
        assert (
            verdict(counterfactual(evidence=make_evidence(rest="red"), **changes), NAMES)[0]
            == "bad"
        )


def test_a_third_condition_is_named_and_fails_where_it_was_judged():
    third = {"probabilities": np.array([0.1, 0.1, 0.8])}
    names = ("WT", "DS", "TT")
    assert verdict(counterfactual(**third), names) == ("warn", "It landed in TT, not in WT.")
    oracle_probabilities = counterfactual(
        evidence=make_evidence(model="red", judges="red"), **third
    )
    assert verdict(oracle_probabilities, names) == ("bad", "It landed in TT, not in WT.")
    assert verdict(replace(oracle_probabilities, strength=1.3), names) == (
        "bad",
        "It landed in TT, not in WT.",
    )


def test_moving_to_its_own_condition_is_no_success():
    own = counterfactual(
        weights={"DS": 1.0}, probabilities=np.array([0.1, 0.9]), evidence=make_evidence("DS")
    )
    assert verdict(own, NAMES) == ("none", "It is DS already; choose another condition.")


def shown_on_a_card(qtbot, cf, automatic=True):
    card = EvidenceCard()
    qtbot.addWidget(card)
    card.set_counterfactual(cf, NAMES, ("a", "b"), (1, 1), automatic)
    return card


def test_the_card_has_a_line_and_a_light_for_every_check(qtbot):
    evidence = make_evidence(seen=1, judges="red", rest="amber")
    card = shown_on_a_card(
        qtbot, counterfactual(evidence=evidence, locked=("a",), contraction=0.83)
    )
    assert card.light.state == "bad" and RULE in card.light.toolTip()
    assert {k: w.state for k, w in card.lights.items()} == {
        "model": "good",
        "judges": "bad",
        "distance": "good",
        "readouts": "good",
        "rest": "warn",
    }
    assert card.lights["judges"].accessibleName() == "fails"
    assert card.text("distance") == "0.43 of that of the original"
    assert card.text("rest").startswith("nuclei: 12")
    assert (card.text("locked"), card.text("contraction")) == (
        "a (no feature differs)",
        "0.83 at most",
    )


def test_while_dragging_the_lines_stay_and_wait(qtbot):
    card = shown_on_a_card(qtbot, counterfactual())
    assert all(
        card.text(key) == "on release" and light.state == "none"
        for key, light in card.lights.items()
    )
    assert card.light.state == "none"


def test_a_model_without_classifiers_says_so_once(qtbot):
    card = shown_on_a_card(qtbot, counterfactual())
    assert card.missing.isHidden()
    card.set_no_oracles("There are no classifiers in the folder.")
    assert not card.missing.isHidden() and all(light.isHidden() for light in card.lights.values())
    assert "folder" in card.missing.toolTip()
    card.set_no_oracles("")
    assert card.missing.isHidden() and not card.lights["model"].isHidden()


def test_the_card_says_who_chose_what_is_held(qtbot):
    assert (
        shown_on_a_card(qtbot, counterfactual(locked=("b",)), automatic=False).text("locked")
        == "b (your choice)"
    )
    assert shown_on_a_card(qtbot, counterfactual()).text("locked") == "nothing"


def test_invalid_counterfactual_shows_its_reason(qtbot):
    card = shown_on_a_card(qtbot, counterfactual(valid=False, reason="It left the data."))
    assert card.light.state == "bad"
    assert card.headline.text() == "It left the data."
    assert card.text("channels") == "not drawn" and card.text("judges") == "–"


def locked_by(button):
    return [name for name, action in button.channels.items() if action.isChecked()]


def test_hold_shows_what_is_held_automatically_and_a_tick_makes_it_a_choice(qtbot):
    button = LockButton()
    qtbot.addWidget(button)
    button.set_channels(("Nuclei", "Cytoskeleton", "Mitochondria"))
    button.set_locked(None, ("Nuclei",))
    assert button.text() == "Lock: automatic ▾" and locked_by(button) == ["Nuclei"]
    with qtbot.waitSignal(button.changed) as changed:
        button.channels["Cytoskeleton"].trigger()
    assert changed.args == [("Nuclei", "Cytoskeleton")]
    with qtbot.waitSignal(button.changed) as changed:
        button.automatic.trigger()
    assert changed.args == [None] and button.automatic.isChecked()


def test_the_last_free_stain_cannot_be_held_and_says_why(qtbot):
    button = LockButton()
    qtbot.addWidget(button)
    button.set_channels(("Nuclei", "Mitochondria"))
    button.set_locked(("Nuclei",), ())
    assert button.text() == "Lock: Nuclei ▾" and not button.automatic.isChecked()
    assert not button.channels["Mitochondria"].isEnabled() and button.channels["Nuclei"].isEnabled()
    last = "At least one channel must stay free to change."
    assert button.channels["Mitochondria"].toolTip() == last
    button.set_locked((), ("Nuclei",))
    assert button.text() == "Lock: nothing ▾" and locked_by(button) == []


def test_channel_bar_tells_what_changed(qtbot):
    bar = ChannelBar()
    qtbot.addWidget(bar)
    bar.set_channels((ChannelDisplay("a", "#FF0000"), ChannelDisplay("b", "#00FF00")))
    with qtbot.waitSignal(bar.changed) as changed:
        bar.ticks[1].setChecked(False)
    assert [c.visible for c in changed.args[0]] == [True, False]
    bar.set_locked(True)
    assert not bar.auto.isEnabled() and "off first" in bar.auto.toolTip()


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
    assert (
        well_place("B04") == (1, 3)
        and well_place("AA1") == (26, 0)
        and well_place("culture 7") is None
    )
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
    assert (
        bar.message.text() == "File <b>x</b> is damaged."
        and bar.message.textFormat() == Qt.TextFormat.PlainText
    )
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
    assert (
        percent(0.99999, 1) == "> 99.9 %"
        and percent(1.0, 1) == "100.0 %"
        and percent(0.0001, 1) == "< 0.1 %"
    )


def test_what_the_class_changes_to_is_said_in_as_many_words_as_fit(qtbot):
    bar = PathBar()
    qtbot.addWidget(bar)
    bar.set_crossing(0.74, "MetaphaseAlignment")
    metrics = bar.fontMetrics()
    said = [bar.slider.crossing_words(metrics, room) for room in (1000, 230, 20)]
    assert said[0] == "class first changes to MetaphaseAlignment at 74 %" and said[2] == "at 74 %"
    assert "74 %" in said[1] and metrics.horizontalAdvance(said[1]) <= 230


def test_a_mix_never_exceeds_its_end_and_the_slider_in_hand_wins():
    assert mixed({"WT": 20, "TT": 30, "A": 0}, "A", 50) == {"WT": 20, "TT": 30, "A": 50}
    assert mixed({"WT": 60, "TT": 30, "A": 0}, "A", 105) == {"WT": 30, "TT": 15, "A": 105}
    assert mixed({"WT": 60, "TT": 90}, "WT", 150) == {"WT": 150, "TT": 0}
    assert mixed({"WT": 0, "TT": 0}, "WT", 10) == {"WT": 10, "TT": 0}


def test_the_mix_shows_how_an_image_is_moved_and_has_no_slider_for_what_it_is(qtbot):
    board, let_go = MixBoard(), []
    qtbot.addWidget(board)
    board.let_go.connect(let_go.append)
    board.set_conditions([Condition(n, "#336699") for n in ("WT", "DS", "TT")], (0, 0, 0))
    board.set_mix("DS", {"WT": 0.75, "TT": 0.25}, 1.2)
    assert {n: s.value() for n, s in board.sliders.items()} == {
        "WT": 90,
        "DS": 0,
        "TT": 30,
    } and not let_go
    assert board.sliders["DS"].isHidden() and board.total.text() == "Together 120 %: exaggerated"
    board.sliders["WT"].setValue(150)
    assert let_go == [{"WT": 1.5}] and board.sliders["TT"].value() == 0
    board.set_mix("", {}, 0)
    assert not board.sliders["WT"].isEnabled() and board.total.text().startswith("The original")


def a_mix(qtbot):
    """A board of three conditions on show, and what it emits when a slider is let go."""
    board, let_go = MixBoard(), []
    qtbot.addWidget(board)
    board.resize(420, 160)
    board.set_conditions([Condition(n, "#336699") for n in ("WT", "DS", "TT")], (0, 0, 0))
    board.let_go.connect(let_go.append)
    board.show()
    return board, let_go


def test_what_made_room_for_a_slider_comes_back_with_it(qtbot):
    board, let_go = a_mix(qtbot)
    board.set_mix("DS", {"WT": 0.5, "TT": 0.5}, 1.0)
    slider = board.sliders["WT"]
    slider.setSliderDown(True)
    for value, other in ((100, 50), (150, 0), (60, 50)):
        slider.setValue(value)
        assert board.sliders["TT"].value() == other
    slider.setSliderDown(False)
    assert let_go == [{"WT": 0.6, "TT": 0.5}]
    slider.setSliderDown(True)
    slider.setSliderDown(False)  # taken and let go: nothing was asked
    assert len(let_go) == 1


def test_the_groove_is_pressed_where_the_handle_shall_be_and_the_wheel_scrolls(qtbot):
    board, let_go = a_mix(qtbot)
    board.set_mix("DS", {}, 0)
    slider = board.sliders["TT"]
    qtbot.mouseClick(
        slider, Qt.MouseButton.LeftButton, pos=QPoint(slider.width() * 2 // 3, slider.height() // 2)
    )
    assert 95 <= slider.value() <= 105 and let_go == [{"TT": slider.value() / 100}]
    slider.clearFocus()
    place = QPointF(5, 5)
    for _ in range(3):
        turn = QWheelEvent(
            place,
            place,
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(slider, turn)
    assert len(let_go) == 1


def test_the_contrast_keeps_its_ends_apart_and_tells_only_what_a_person_changes(qtbot):
    bar, changed = ChannelBar(), []
    qtbot.addWidget(bar)
    bar.changed.connect(changed.append)
    bar.set_channels((ChannelDisplay("a", "#FF0000", low=100, high=900, floor=0, ceiling=1000),))
    assert not changed and bar.sliders[0].toolTip().startswith("Black at 100, brightest at 900")
    qtbot.keyClick(bar.sliders[0], Qt.Key.Key_Plus)
    assert (changed[0][0].low, changed[0][0].high) == (100, 880)
    bar.sliders[0].setSliderPosition(2000.0, 0)
    assert changed[-1][0].low == changed[-1][0].high - 5


def test_names_in_a_shortened_label_and_its_tooltip_are_never_read_as_markup(qtbot):
    label = ElidedLabel("<b>Drug</b> & a name that is much too long for its place")
    qtbot.addWidget(label)
    label.resize(80, 20)
    label.show()
    assert label.text().startswith("<b>Drug") and "…" in QLabel.text(label)
    assert label.textFormat() == Qt.TextFormat.PlainText and "&lt;b&gt;Drug" in label.toolTip()
    assert tip("Rank 1\nRescue < 0.5") == "Rank 1\nRescue < 0.5"


def test_curves_begin_at_the_first_step_and_survive_values_that_are_not_finite(qtbot):
    curves = Curves()
    qtbot.addWidget(curves)
    curves.resize(400, 300)
    curves.show()
    assert curves.curves == [] and curves._hint.isVisible()
    for step, loss in enumerate((2.0, float("nan"), float("inf"), 0.5)):
        curves.add(step, loss, step / 4 if step % 2 else None)
    curves.grab()
    loss, accuracy = curves.curves
    assert not curves._hint.isVisible() and loss.title.text() == "Loss: 0.5 at step 3"
    assert accuracy.title.text() == "Accuracy on the images it trains on: 75.0 % at step 3"
    box, low, high = loss.chart.box(), loss.chart.pixel(3, 0.5), loss.chart.pixel(0, 2.0)
    assert box.contains(low) and box.contains(high) and low.y() > high.y()
    curves.clear()
    assert curves._hint.isVisible() and not loss.isVisible()


def test_a_disabled_icon_is_faint_in_both_themes(qapp):
    for dark in (True, False):
        theme.apply(qapp, dark)
        strongest = []
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Disabled):
            picture = icon("undo").pixmap(QSize(48, 48), mode).toImage()
            spots = [(x, y) for x in range(picture.width()) for y in range(picture.height())]
            strongest.append(max(picture.pixelColor(x, y).alpha() for x, y in spots))
        assert strongest[1] < strongest[0] / 2


def test_a_selected_row_keeps_the_colour_of_its_condition(qapp):
    made = swatch_icon("#E69F00")
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
        picture = made.pixmap(QSize(16, 16), mode).toImage()
        middle = picture.pixelColor(picture.width() // 2, picture.height() // 2)
        assert middle.name() == "#e69f00"


def test_the_evidence_card_says_what_goes_together_with_the_condition(themed, qtbot):
    from core.domain import Problem, ProblemKind
    from leigh_gui.widgets.counterfactual.evidence_card import EvidenceCard

    card = EvidenceCard()
    qtbot.addWidget(card)
    card.show()
    assert not card.caution.isVisible()
    reason = "bit depth and condition go together: DS: uint8; WT: <b>uint16</b>"
    card.set_confounders(
        [Problem("conditions", reason, "", "warning", ProblemKind.DEPTH_IS_CONDITION)]
    )
    assert card.caution.isVisible() and card.caution.text().startswith("⚠ Bit depth and")
    card.set_confounders(())
    assert not card.caution.isVisible()


def test_the_card_says_brightness_and_pattern_apart(qtbot):
    card = EvidenceCard()
    qtbot.addWidget(card)
    channels = ["A", "B"]
    moved = counterfactual(brightness=(1.42, 1.0), background=(0.0, -30.0), moves_pattern=False)
    card.set_counterfactual(moved, ["WT", "DS"], channels, [1.0, 1.0])
    words = "A 42% brighter, background of B -30 grey values; pattern stays"
    assert card.text("brightness") == words
    softer = counterfactual(brightness=(1.0, 1.0), background=(0.0, 0.0), detail=(0.4, 1.0))
    assert softer.brightness_words(channels) == "A 60% less fine detail; pattern changes, too"
    card.set_counterfactual(counterfactual(), ["WT", "DS"], channels, [1.0, 1.0])
    assert card._values["brightness"].isHidden()
