"""Order, ties, numbers, scales and layouts of a screen, and the widgets that paint them."""

import time
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QGuiApplication
from screen_stand_in import CHANNELS, make_ranked, make_screen, make_treatments

from core.domain import Channel, Role
from core.domain.screen import DoseCurve, ResidualChange, WellScore
from leigh_gui.widgets.screen.axis import (
    Axis,
    off_axis_axis,
    off_axis_limit,
    rescue_axis,
    round_step,
    short,
)
from leigh_gui.widgets.screen.dose_grid import DoseGrid, DosePlot, fitted
from leigh_gui.widgets.screen.heat_view import HeatView, ScaleBar
from leigh_gui.widgets.screen.quality_view import QualityView, cell, heading, in_common, joined
from leigh_gui.widgets.screen.ranking_delegates import shortened
from leigh_gui.widgets.screen.ranking_header import Wanted, column_widths
from leigh_gui.widgets.screen.ranking_model import COLUMNS, TIE, TieEdge
from leigh_gui.widgets.screen.ranking_rows import (
    Column,
    dose_words,
    figure,
    number,
    ranged,
    restored_words,
    row_words,
    share,
    shared_ranks,
    sorted_rows,
    stale_words,
    summary,
    tie_runs,
    treatment_name,
)
from leigh_gui.widgets.screen.ranking_view import RankingView
from leigh_gui.widgets.screen.rescue_plot import RescuePlot, free_labels
from leigh_gui.widgets.screen.residual_view import ResidualView, bar_words
from leigh_gui.widgets.screen.well_values import (
    choices,
    colour_table,
    layout_of,
    scale_of,
    value_of,
    well_words,
)

NAN = float("nan")
GREY: dict[str, str] = {}


def names(rows):
    return [r.condition for r in rows]


def shown(qtbot, view, width=740, height=420):
    qtbot.addWidget(view)
    view.resize(width, height)
    with qtbot.waitExposed(view):
        view.show()
    return view


def test_controls_stay_at_the_end_however_the_rows_are_sorted():
    for by in Column:
        for down in (False, True):
            assert names(sorted_rows(make_treatments(), by, down))[-2:] == ["WT", "DS"]


def test_the_ranking_keeps_the_given_order_of_ties():
    assert names(sorted_rows(make_treatments()))[:4] == ["TT", "D1", "D2", "D3"]


def test_what_was_not_measured_is_last_in_both_directions():
    for down in (False, True):
        treated = names(sorted_rows(make_treatments(), Column.NUCLEI, down))[:-2]
        assert treated[-1] == "D3"
    unknown = (make_ranked("A", NAN), make_ranked("B", 0.1), make_ranked("C", 0.9))
    assert names(sorted_rows(unknown, Column.RESCUE, True)) == ["C", "B", "A"]


def test_the_search_looks_at_name_and_dose_and_ignores_case():
    assert names(sorted_rows(make_treatments(), wanted="c · 10 µ")) == ["C 10"]
    assert names(sorted_rows(make_treatments(), wanted=" tt")) == ["TT"]


def test_ties_are_the_blocks_of_neighbours_with_one_rank():
    rows = sorted_rows(make_treatments())
    assert shared_ranks(rows) == {2} and tie_runs(rows) == [(1, 2)]
    assert tie_runs(()) == [] and tie_runs(rows[-2:]) == []  # two controls are no tie


def test_what_was_not_measured_is_a_dash_and_never_a_zero():
    assert (number(None), number(NAN), share(None), ranged(NAN, 0, 1)) == ("–", "–", "–", "–")
    assert ranged(0.5, None, 0.7) == "0.50" and share(0.98, None, None) == "98 %"
    assert (
        ranged(0.82, 0.71, 0.9) == "0.82 [0.71 to 0.90]"
        and share(0.98, 0.9, 1.05) == "98 % [90–105]"
    )
    assert share(-0.16, -0.26, -0.07) == "−16 % [−26 to −7]" and number(-0.001) == "0.00"


def test_the_tooltip_of_a_treatment_holds_all_flags_and_says_what_is_missing():
    words = row_words(make_treatments()[1], make_screen())
    assert words.flags == ("changes something else", "fewer nuclei")
    assert "⚑ changes something else\n⚑ fewer nuclei" in words.text() and "tied" in words.text()
    bare = row_words(make_treatments()[3], make_screen())
    assert "No interval could be measured." in bare.figures and bare.title == "D3"
    assert treatment_name(make_treatments()[5]) == "C · 1 µM"


def test_words_of_doses_repair_and_summary():
    curve, none = make_screen().doses
    assert dose_words(curve) == "EC50 3 µM [1.5–6]" and dose_words(none) == "No plateau is seen."
    assert (
        restored_words(make_screen().unrepaired[0])
        == "restored 70 % [61–78] of the Mitochondria change"
    )
    assert (
        restored_words(ResidualChange("a", "Nuclei", NAN, None, None, 1))
        == "not measurable: the Nuclei change"
    )
    assert (
        summary(make_screen())
        == "★ 1 hit among 12 treatments · 14 wells on 1 plate · intervals at 90 %"
    )


def test_a_screen_is_stale_for_other_images_or_another_model_but_not_without_a_model():
    screen = make_screen(dataset_digest="a", model_digest="m")
    assert stale_words(screen, "a", "m") == ""
    assert "other images" in stale_words(screen, "b", "m") and "another model" in stale_words(
        screen, "a", "n"
    )
    assert stale_words(replace(screen, model_digest=""), "a", "n") == ""


def test_the_rescue_axis_holds_both_ends_and_every_point_but_no_endless_interval():
    axis = rescue_axis([make_ranked(rescue=1.9, rescue_low=-7.0, rescue_high=9.0)])
    assert all(0 <= axis.place(v) <= 1 for v in (0.0, 1.0, 1.9)) and axis.place(-7.0) < 0
    empty = rescue_axis(())
    assert 0 < empty.place(0) < empty.place(1) < 1


def test_the_off_axis_axis_turns_logarithmic_only_for_far_outliers():
    near = [make_ranked(off_axis=v) for v in (0.5, 1.0, 2.0, 6.0)]
    assert not off_axis_axis(near).log
    far = off_axis_axis([*near, make_ranked(off_axis=300.0)])
    assert far.log and 0 <= far.place(0.5) < far.place(300.0) <= 1
    assert far.place(0.0) < 0  # below the least, but a number


def test_the_off_axis_line_stands_where_the_flag_begins_and_says_what_it_means(themed, qtbot):
    screen = make_screen(settings={"off_axis_limit": 9.0})
    plot, view = shown(qtbot, RescuePlot()), shown(qtbot, RankingView())
    for widget in (plot, view):
        widget.set_screen(screen, GREY)
    plot.grab()
    y = plot.chart.pixel(0, 9.0).y()
    assert plot.chart.box().top() < y < plot.chart.box().bottom()
    assert plot.chart.toolTip() == "Line at 9: beyond this something else changed"
    tooltip = view.table.headerData(
        COLUMNS.index(Column.OFF_AXIS), Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole
    )
    assert "Line at 9: beyond this" in tooltip
    assert view.intervals[Column.OFF_AXIS].scale.lines == (9.0,)
    assert "above 9 something else changed" in row_words(screen.ranked[0], screen).text()
    assert off_axis_limit(make_screen()) == off_axis_limit(None) == 1.0


def test_ticks_are_round_inside_and_not_too_many():
    assert Axis(-0.2, 1.3).ticks(4) == (0.0, 0.5, 1.0)
    assert Axis(0.05, 200.0, log=True).ticks(9) == (0.1, 1.0, 10.0, 100.0)
    assert len(Axis(0, 987).ticks(5)) <= 6 and round_step(0.03) == pytest.approx(0.05)
    assert [short(v) for v in (0.0, -0.5, 12345.0)] == ["0", "−0.5", "1.23e+04"]


def wells_of(values, plate="P"):
    return [
        WellScore(plate, f"A{k + 1:02d}", f"g{k}", "TT", ("r",), v, 1.0, None, (5.0,))
        for k, v in enumerate(values)
    ]


def test_rescue_has_half_way_in_the_middle_and_one_scale_for_all_plates():
    scale = scale_of(wells_of([0.0, 0.4, 1.4]), "rescue")
    assert scale.diverging and scale.low == pytest.approx(-0.4) and scale.high == pytest.approx(1.4)
    assert scale.level(0.5) in (127, 128) and not scale.above and not scale.below


def test_values_beyond_the_scale_are_told_at_its_ends():
    scale = scale_of(wells_of([*np.linspace(0, 1, 300), 40.0]), "rescue")
    assert scale.above and scale.ends()[1].startswith("≥ ") and scale.level(40.0) == 255


def test_a_scale_without_values_or_of_equal_values_still_has_a_width():
    for values in ([], [NAN], [0.3]):
        for key in ("rescue", "off-axis", "nuclei", "intensity-0"):
            scale = scale_of(wells_of(values), key)
            assert scale.high > scale.low


def test_the_colours_run_evenly_in_lightness():
    for dark in (False, True):
        table = colour_table(False, dark).astype(float) @ (0.2126, 0.7152, 0.0722)
        assert (np.diff(table) >= -0.5).all()  # viridis never turns darker
        diverging = colour_table(True, dark).astype(float) @ (0.2126, 0.7152, 0.0722)
        middle = diverging[127]
        assert (diverging[[0, -1]] > middle).all() if dark else (diverging[[0, -1]] < middle).all()


def test_only_what_was_measured_can_be_chosen():
    keys = [key for key, _ in choices(make_screen())]
    assert keys == [
        "rescue",
        "off-axis",
        "nuclei",
        "intensity-0",
        "intensity-1",
        "intensity-2",
        "condition",
    ]
    bare = make_screen(wells=tuple(wells_of([0.1])), channels=())
    assert [key for key, _ in choices(bare)] == ["rescue", "off-axis", "condition"]
    assert (
        value_of(wells_of([0.1])[0], "nuclei") is None
        and value_of(wells_of([NAN])[0], "rescue") is None
    )


@pytest.mark.parametrize("shape", [(2, 3), (8, 12), (16, 24), (32, 48)])
def test_plates_of_6_to_1536_wells_fit_their_widget(qtbot, shape):
    well = WellScore("P", "B03", "g", "TT", ("r1", "r2"), 0.5, 1.0, None, ())
    view = shown(qtbot, HeatView(), 300, 230)
    view.set_plate(layout_of([well], shape), "rescue", "Rescue", scale_of([well], "rescue"), GREY)
    last = view.cell(shape[0] - 1, shape[1] - 1)
    assert last.right() <= view.width() and last.bottom() <= view.height() and last.width() >= 4
    with qtbot.waitSignal(view.well_picked) as picked:
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.cell(1, 2).center().toPoint())
    assert picked.args[0] is well


def test_a_plate_of_unknown_shape_is_the_smallest_that_holds_its_wells():
    assert (
        layout_of(wells_of([0.1] * 5), None).rows,
        layout_of(wells_of([0.1] * 5), None).columns,
    ) == (4, 6)
    larger = layout_of(
        wells_of([0.1] * 15), (8, 12)
    )  # a file name may know more than the plate map
    assert (larger.rows, larger.columns) == (8, 15)


def test_wells_without_places_stand_in_order_and_taken_places_are_counted():
    nameless = [replace(w, well="") for w in wells_of([0.1] * 7)]
    layout = layout_of(nameless, None)
    assert not layout.named and len(layout.wells) == 7
    assert layout_of([*wells_of([0.1] * 3), wells_of([0.2])[0]], None).left_out == 1


def test_hovering_a_well_tells_its_value_or_that_there_is_none():
    well = wells_of([NAN])[0]
    assert well_words(well, "rescue", "Rescue") == "A01 · TT\nRescue: not measurable\n1 image"
    assert "Out of distribution" in well_words(replace(well, unlike=True), "rescue", "Rescue")


def test_wells_without_images_are_hollow_and_the_selected_ones_outlined(qtbot, themed):
    wells = wells_of([0.0, 1.0])
    view = shown(qtbot, HeatView(), 300, 230)
    view.set_plate(layout_of(wells, (2, 3)), "rescue", "Rescue", scale_of(wells, "rescue"), GREY)

    def colours():
        image = view.grab().toImage()
        return [
            image.pixelColor(view.cell(*at).center().toPoint()).name()
            for at in ((0, 0), (0, 1), (1, 1))
        ]

    low, high, empty = colours()
    assert len({low, high, empty}) == 3 and empty == view.palette().window().color().name()
    corner = view.cell(0, 0).topLeft().toPoint()
    before = view.grab().toImage().pixelColor(corner)
    view.set_current("TT")
    assert view.grab().toImage().pixelColor(corner) != before


def cell_at(view, row, column=Column.NAME):
    """The middle of a cell in pixels of the viewport."""
    return view.visualRect(view.table.index(row, COLUMNS.index(column))).center()


def click_heading(qtbot, view, column):
    at = QPoint(view.heading.sectionPosition(COLUMNS.index(column)) + 10, 8)
    qtbot.mouseClick(view.heading.viewport(), Qt.MouseButton.LeftButton, pos=at)


def texts(view, row, role=Qt.ItemDataRole.DisplayRole):
    return [view.table.index(row, c).data(role) for c in range(len(COLUMNS))]


def test_a_click_selects_a_row_and_a_heading_sorts(qtbot):
    view = shown(qtbot, RankingView())
    view.set_screen(make_screen(), GREY)
    with qtbot.waitSignal(view.selected) as picked:
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=cell_at(view, 1))
    assert picked.args == ["D1"]
    click_heading(qtbot, view, Column.OFF_AXIS)
    assert view.table.column is Column.OFF_AXIS and names(view.rows)[-3] == "D1"
    click_heading(qtbot, view, Column.OFF_AXIS)
    assert names(view.rows)[0] == "D1"
    click_heading(qtbot, view, Column.RESCUE)  # the best comes first at once
    assert names(view.rows)[0] == "TT"


def test_sorting_and_searching_keep_the_selected_treatment_and_select_no_other(qtbot):
    view = shown(qtbot, RankingView())
    view.set_screen(make_screen(), GREY)
    view.set_current("D2")
    with qtbot.assertNotEmitted(view.selected):
        click_heading(qtbot, view, Column.OFF_AXIS)
        view.set_wanted("d")
        view.set_wanted("nothing of this name")
        view.set_wanted("")
    selected = [view.rows[i.row()].condition for i in view.selectionModel().selectedRows()]
    assert selected == ["D2"]


def test_up_and_down_walk_the_rows_and_stop_at_the_ends(qtbot):
    view = shown(qtbot, RankingView(), 740, 200)
    view.set_screen(make_screen(), GREY)
    view.selected.connect(view.set_current)
    view.set_current("TT")
    qtbot.keyClick(view, Qt.Key.Key_Up)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert view._current == "D1"
    qtbot.keyClick(view, Qt.Key.Key_End)
    bar = view.verticalScrollBar()
    assert view._current == "DS" and bar.value() == bar.maximum()
    qtbot.keyClick(view, Qt.Key.Key_Home)
    assert view._current == "TT"


def test_every_cell_has_a_text_with_its_interval_for_copies_and_screen_readers(qtbot):
    view = shown(qtbot, RankingView())
    view.set_screen(make_screen(), GREY)
    d1 = ["2=", "D1", "0.60 [0.50 to 0.70]", "5.00 [0.90 to 1.60]", "98 % [90–105]", "4"]
    assert texts(view, 1) == [*d1, "changes something else, fewer nuclei"]
    assert texts(view, 0)[-1] == "★ hit" and texts(view, 3)[2] == "0.50"
    spoken = texts(view, 1, Qt.ItemDataRole.AccessibleTextRole)
    assert spoken[:3] == ["Rank 2, tied", "D1", "Rescue 0.60 [0.50 to 0.70]"]
    assert texts(view, 12, Qt.ItemDataRole.AccessibleTextRole)[:2] == ["control", "WT, control"]


def test_the_selected_row_is_copied_with_its_headings(qtbot):
    view = shown(qtbot, RankingView())
    view.set_screen(make_screen(), GREY)
    view.set_current("D2")
    qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    head, row = QGuiApplication.clipboard().text().split("\n")
    assert head.split("\t")[1:4] == ["Treatment", "Rescue", "Off-axis"]
    assert row.split("\t")[:3] == ["2=", "D2", "0.55 [0.45 to 0.65]"]


def test_a_bracket_joins_a_rank_group_only_in_the_order_of_the_ranks(qtbot):
    view = shown(qtbot, RankingView())
    view.set_screen(make_screen(), GREY)
    assert [view.table.index(r, 0).data(TIE) for r in range(4)] == [
        TieEdge.NONE,
        TieEdge.FIRST,
        TieEdge.LAST,
        TieEdge.NONE,
    ]
    click_heading(qtbot, view, Column.NAME)
    assert {view.table.index(r, 0).data(TIE) for r in range(14)} == {TieEdge.NONE}


def dots(view, row, colour):
    """x of the pixels of this colour in the off-axis cell of a row."""
    box = view.visualRect(view.table.index(row, COLUMNS.index(Column.OFF_AXIS)))
    image = view.viewport().grab(box).toImage()
    middle = image.height() // 2
    return [x for x in range(image.width()) if image.pixelColor(x, middle).name() == colour], box


def test_a_value_below_a_logarithmic_axis_lies_at_its_end_and_not_on_the_number(qtbot, themed):
    rows = [make_ranked(f"T{k}", 0.5, k + 1, off_axis=v) for k, v in enumerate((0.0, 1, 2, 300.0))]
    view = shown(qtbot, RankingView(), 900, 300)
    view.set_screen(make_screen(ranked=tuple(rows), wells=()), {"T0": "#ff0000"})
    assert view.intervals[Column.OFF_AXIS].scale.axis.log
    found, box = dots(view, 0, "#ff0000")
    number_ends = view.fontMetrics().horizontalAdvance("−00.0") + 4
    assert found and min(found) > number_ends and max(found) < box.width()


def many(count):
    name, flag = "Compound with a very long name " * 2, "a flag that is much longer than its column"
    rows = [
        make_ranked(f"{name}{k:04d}", 1 - k / count, 1 + k // 3, flags=(flag,) * (k % 3))
        for k in range(count)
    ]
    return make_screen(ranked=(*rows, *make_treatments()[-2:]), wells=(), doses=(), unrepaired=())


def test_four_hundred_long_names_are_painted_quickly_and_only_where_they_are_seen(qtbot):
    view = shown(qtbot, RankingView())
    view.set_screen(many(400), GREY)
    start = time.perf_counter()
    for k in range(20):
        view.verticalScrollBar().setValue(k * 97)
        view.grab()
    assert time.perf_counter() - start < 10
    assert view.verticalScrollBar().maximum() > 300 * view.rowHeight(0)


def test_a_long_name_never_hides_a_part_of_its_dose(qtbot):
    view = shown(qtbot, RankingView())
    row = make_ranked("X", compound="Compound with a long name", dose_um=0.0948)
    assert shortened(row, view.fontMetrics(), 110).endswith("… · 0.0948 µM")
    assert shortened(row, view.fontMetrics(), 900) == "Compound with a long name · 0.0948 µM"


def test_columns_fill_the_width_and_none_vanishes():
    for width in (524, 740, 1100):
        widths = column_widths(width, Wanted(8, 900, 900, 900, rank=3))
        assert sum(widths.values()) == width and min(widths.values()) > 30


def test_numbers_in_front_of_an_axis_have_at_most_four_figures():
    assert [figure(v) for v in (-0.416, 9.99, 10.26, 123.4, None, NAN)] == [
        "−0.42",
        "9.99",
        "10.3",
        "123",
        "–",
        "–",
    ]


def test_the_tooltips_of_the_ranking_say_everything_and_are_never_markup(qtbot):
    view = shown(qtbot, RankingView())
    odd = make_ranked("<b>X</b>", 0.1, 9)
    view.set_screen(make_screen(ranked=(*make_treatments(), odd), wells=()), GREY)
    words = texts(view, 1, Qt.ItemDataRole.ToolTipRole)[5]
    assert "changes something else" in words and "fewer nuclei" in words
    row = view.table.row_of("<b>X</b>")
    assert "&lt;b&gt;X&lt;/b&gt;" in texts(view, row, Qt.ItemDataRole.ToolTipRole)[1]
    heading = view.table.headerData(
        COLUMNS.index(Column.OFF_AXIS), Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole
    )
    assert "spreads of healthy wells" in heading


def click(qtbot, widget, place):
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=place.toPoint())


def test_a_click_on_a_point_selects_its_treatment_and_empty_space_does_not(qtbot):
    plot = shown(qtbot, RescuePlot(), 500, 300)
    plot.set_screen(make_screen(), GREY)
    plot.grab()
    picked = []
    plot.selected.connect(picked.append)
    click(qtbot, plot.chart, plot.place(make_treatments()[1]))
    click(qtbot, plot.chart, QPointF(60, 40))
    assert picked == ["D1"]
    plot.set_current("D3")  # has no intervals
    plot.grab()


def test_a_treatment_below_the_logarithmic_axis_stays_in_sight_and_can_be_clicked(qtbot):
    rows = [make_ranked(f"T{k}", 0.5, k + 1, off_axis=v) for k, v in enumerate((-1.0, 1, 2, 300.0))]
    plot = shown(qtbot, RescuePlot(), 500, 300)
    plot.set_screen(make_screen(ranked=tuple(rows), wells=()), GREY)
    plot.set_current("T0")
    plot.grab()
    box, place = plot.chart.box(), plot.place(rows[0])
    assert box.contains(place) and box.bottom() - place.y() > 4  # the marker is seen in full
    assert plot.chart.point_at(place).key == "T0"
    assert "T0\nRank 1" in plot.chart.point_at(place).words()


def test_points_and_chart_follow_the_theme(qtbot, themed):
    from leigh_gui import theme

    plot = shown(qtbot, RescuePlot(), 500, 300)
    plot.set_screen(make_screen(), GREY)
    light = plot.grab().toImage().pixelColor(plot.chart.box().center().toPoint())
    theme.apply(themed, dark=True)
    qtbot.wait(20)
    dark = plot.grab().toImage().pixelColor(plot.chart.box().center().toPoint())
    assert light.lightness() > 200 and dark.lightness() < 60


def test_labels_cover_neither_one_another_nor_a_point():
    places = [QPointF(100, 100), QPointF(104, 102), QPointF(395, 100)]
    boxes = free_labels(places, [(60.0, 14.0)] * 3, places, QRectF(0, 0, 400, 200))
    there = [b for b in boxes if b is not None]
    assert boxes[0] is not None and boxes[2] is not None and boxes[2].right() <= 400
    assert not any(b.contains(p) for b in there for p in places)
    assert not any(a.intersects(b) for k, a in enumerate(there) for b in there[k + 1 :])
    assert free_labels([QPointF(5, 5)], [(60.0, 14.0)], [], QRectF(0, 0, 20, 10)) == [None]


def test_the_fitted_curve_is_half_way_at_its_ec50():
    curve = make_screen().doses[0]
    assert fitted(curve, 3.0) == pytest.approx(0.25) and fitted(curve, 1e6) == pytest.approx(
        0.5, abs=1e-3
    )
    assert fitted(make_screen().doses[1], 1.0) is None and fitted(curve, 0.0) is None
    assert fitted(replace(curve, slope=400.0), 1e-5) == pytest.approx(0.0)


def test_dose_plots_select_and_say_why_there_is_no_ec50(qtbot):
    grid = shown(qtbot, DoseGrid(), 560, 300)
    grid.set_screen(make_screen(), GREY)
    row = next(r for r in make_treatments() if r.condition == "C 10")
    qtbot.waitUntil(lambda: grid.cards[0].chart is not None)
    chart = grid.cards[0].chart
    chart.grab()
    with qtbot.waitSignal(grid.selected) as picked:
        click(qtbot, chart, chart.pixel(1.0, row.rescue))
    assert picked.args == ["C 10"]
    grid.set_current("C 10")
    assert [card.property("kind") for card in grid.cards] == ["chosen", "card"]
    assert "No plateau is seen." in grid.cards[1].toolTip()
    grid.set_screen(
        make_screen(doses=(DoseCurve("Z", (0.0,), (NAN,), *(None,) * 6, "One dose."),)), GREY
    )
    grid.grab()
    grid.set_screen(make_screen(doses=()), GREY)
    assert not grid.empty.isHidden() and "dose_um" in grid.empty.text()


def test_doses_are_named_on_their_axis_with_the_unit_at_the_last_one():
    curve = DoseCurve("Z", tuple(0.1 * 3**k for k in range(8)), (0.5,) * 8, *(None,) * 6)
    plot = DosePlot(curve, (), make_screen(), GREY, rescue_axis(()))
    assert [text for _, text in plot.ticks()] == ["0.1", "0.9", "8.1", "72.9 µM"]
    low, high = plot.ends()
    assert all(low < place < high for place, _ in plot.ticks())
    zero = replace(plot, curve=replace(curve, doses_um=(0.0,)))
    assert zero.ticks() == [] and zero.ends()[0] < zero.ends()[1]


def test_charts_are_made_only_for_the_cards_in_view(qtbot):
    curves = tuple(replace(make_screen().doses[0], compound=f"K{k}") for k in range(30))
    grid = shown(qtbot, DoseGrid(), 560, 300)
    grid.set_screen(make_screen(doses=curves), GREY)
    qtbot.waitUntil(lambda: grid.cards[0].chart is not None)
    qtbot.wait(50)
    made = [card.chart is not None for card in grid.cards]
    assert all(made[:4]) and not any(made[6:]) and len(made) < 30
    grid.verticalScrollBar().setValue(grid.verticalScrollBar().maximum())
    qtbot.waitUntil(lambda: len(grid.cards) == 30 and grid.cards[20].chart is not None)


def test_the_card_of_the_selected_treatment_is_made_and_brought_into_view(qtbot):
    left = tuple(ResidualChange(f"T{k}", "Nuclei", 0.5, 0.4, 0.6, 3) for k in range(60))
    view = ResidualView()
    view.set_screen(make_screen(unrepaired=left), GREY)
    view.set_current("T50")
    shown(qtbot, view, 560, 300)
    qtbot.waitUntil(lambda: len(view.cards) > 50 and view.cards[50].chart is not None)
    assert not view.cards[50].visibleRegion().isEmpty()


def test_what_is_not_repaired_follows_the_ranking_and_selects(qtbot):
    view = shown(qtbot, ResidualView(), 560, 300)
    view.set_screen(make_screen(), {c: "#FF0000" for c in CHANNELS})
    assert [card.drawing.conditions for card in view.cards] == [("TT",), ("D1",)]
    assert "restored 70 % [61–78] of the Mitochondria change, 4 wells" in view.cards[1].toolTip()
    qtbot.waitUntil(lambda: view.cards[1].chart is not None)
    with qtbot.waitSignal(view.selected) as picked:
        click(qtbot, view.cards[1].chart, QPointF(40, 8))
    assert picked.args == ["D1"]
    assert bar_words(ResidualChange("a", "A stain with a very long name", -3.0, None, None, 1)) == (
        "A stain with a very lon…  −300 %"
    )


def test_quality_prints_any_keys_and_dashes_for_what_is_missing(qtbot):
    view = shown(qtbot, QualityView(), 500, 400)
    view.set_screen(make_screen())
    heads = [view.quality.horizontalHeaderItem(c).text() for c in range(view.quality.columnCount())]
    cells = [view.quality.item(0, c).text() for c in range(view.quality.columnCount())]
    assert heads == ["score", "wells", "Z′", "SSMD"] and cells == ["rescue", "8", "0.62", "–"]
    assert view.warnings == ["Edge: Wells at the edge look different."]
    assert (
        "features" in view.space.text()
        and "each plate against its diseased wells" in view.space.text()
    )
    assert [cell(v) for v in (True, (0.1, 0.2), {"a_b": 1}, 12000)] == [
        "yes",
        "0.1 to 0.2",
        "a b 1",
        "12 000",
    ]
    assert heading("some_new_figure") == "some new figure"
    ends = {
        "ssmd": 8.0,
        "ssmd_low": 7.0,
        "ssmd_high": 9.5,
        "z_prime": 0.6,
        "z_low": 0.5,
        "z_high": 0.7,
        "below_low": 1,
    }
    assert joined(ends) == {
        "ssmd": "8.00 [7.00 to 9.50]",
        "z_prime": "0.60 [0.50 to 0.70]",
        "below_low": "1",
    }
    rows = [
        {"unit": "wells", "plate": "P1", "z": "0.1"},
        {"unit": "wells", "plate": "P2", "z": "0.1"},
    ]
    assert in_common(rows) == ["unit"] and in_common(rows[:1]) == []
    assert joined({"ssmd": None, "ssmd_low": None, "ssmd_high": None}) == {"ssmd": "–"}
    view.set_screen(make_screen(quality=(), audit=(), notes=()))
    assert view.quality.item(0, 0).text() == "Not measured in this screen." and view.warnings == []


def test_the_scale_bar_prints_both_ends(qtbot):
    bar = shown(qtbot, ScaleBar(), 200, 20)
    bar.set_scale(scale_of(wells_of([0.2]), "rescue"), "Rescue")
    assert bar.toolTip() == "Rescue from 0 to 1, one scale for all plates."


def test_every_widget_of_the_screen_lives_with_none(qtbot):
    for view in (RankingView(), RescuePlot(), DoseGrid(), ResidualView()):
        shown(qtbot, view, 500, 300).set_screen(None, GREY)
        view.set_current("TT")
        view.grab()


def test_a_control_is_told_by_its_role_or_its_rank():
    rows = sorted_rows(
        (make_ranked("X", 0.1, 0, role=Role.OTHER), make_ranked("Y", 0.2, 1)), Column.RESCUE
    )
    assert names(rows) == ["Y", "X"]
    assert Channel("Nuclei").name == CHANNELS[0]
