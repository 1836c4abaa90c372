"""The Screen page in the real window: a stored ranking is shown, linked, explained, doubted and
survives damage.
"""

from dataclasses import replace

import pytest
from gui_stand_in import make_project
from PySide6.QtCore import QPoint, Qt
from screen_stand_in import make_ranked, make_screen, make_treatments

from core.domain import Channel
from core.io.project import save_project
from core.io.screens import save_screen
from leigh_gui.services.jobs import screen


def folder_of(project):
    return project.folder / "exports" / "screen"


def open_screen(window, qtbot, project, stored=None):
    """The page with the project open, and a screen if one is given."""
    if stored is not None:
        save_screen(folder_of(project), stored)
    window.commands.open(project.folder)
    qtbot.waitUntil(
        lambda: window.state.project is not None and not window.backstage.loader.busy(),
        timeout=20_000,
    )
    window.go("screen")
    page = window.pages["screen"]
    if stored is not None:
        qtbot.waitUntil(lambda: page.control.screen is not None, timeout=10_000)
    return page


@pytest.fixture
def page(window, project, qtbot):
    """The stored screen of twelve treatments on show."""
    return open_screen(window, qtbot, project, make_screen(project))


def click_row(page, qtbot, index):
    at = page.ranking.visualRect(page.ranking.table.index(index, 1)).center()
    qtbot.mouseClick(page.ranking.viewport(), Qt.MouseButton.LeftButton, pos=at)


def test_without_a_project_the_page_says_why_not(window):
    assert window.top.buttons["screen"].toolTip() == "Open a folder of images or the demo first."


def test_the_page_stands_between_compare_and_figure(window):
    names = list(window.top.buttons)
    assert names[names.index("screen") - 1 : names.index("screen") + 2] == [
        "compare",
        "screen",
        "figure",
    ]
    assert [s.toString() for s in window.actions_by_name["page-screen"].shortcuts()] == ["Alt+6"]


def test_no_screen_yet_offers_to_rank_also_without_a_model(window, qtbot, tmp_path, monkeypatch):
    page = open_screen(window, qtbot, make_project(tmp_path, with_model=False))
    assert page.stack.currentIndex() == 0 and page.empty.title.text() == "No screen yet"
    jobs = []
    monkeypatch.setattr(window.backstage.runner, "start", lambda job: jobs.append(job) or True)
    page.empty.button.click()
    folder = window.state.project.folder
    assert jobs == [screen(folder)]
    assert jobs[0].arguments == (
        "screen",
        "--project",
        str(folder),
        "--out",
        str(folder / "exports" / "screen"),
    )


def test_what_the_job_wrote_is_shown_when_it_ends(window, project, qtbot):
    page = open_screen(window, qtbot, project)
    save_screen(folder_of(project), make_screen(project))
    window.backstage.runner.step_finished.emit("screen", {})
    qtbot.waitUntil(lambda: page.control.screen is not None, timeout=10_000)
    assert page.stack.currentIndex() == 1 and page.ranking.rows[0].condition == "TT"


def test_while_a_job_runs_nothing_can_be_ranked_and_the_button_says_so(page):
    page.set_busy("Wait for the job in the bar below, or stop it.")
    assert not page.head.again.isEnabled() and page.head.again.toolTip().startswith(
        "Wait for the job"
    )


def test_without_a_diseased_condition_the_page_leads_to_the_data_page(window, project, qtbot):
    dataset = project.dataset
    blank = tuple(replace(c, role="other") for c in dataset.conditions)
    save_project(replace(project, dataset=replace(dataset, conditions=blank)))
    page = open_screen(window, qtbot, project)
    assert "which condition is healthy and which is diseased" in page.empty.text.text()
    page.empty.button.click()
    assert window.current_page() == "data"


def test_a_stored_screen_is_shown_at_once_with_the_best_selected(page):
    assert page.head.title.text().startswith("★ 1 hit among 12 treatments")
    assert page.control.current == "TT" and not page.notice.isVisible()
    assert page.tabs.tabText(3) == "Quality (1 ⚠)"


def test_a_click_on_a_row_selects_in_every_view(page, window, qtbot):
    click_row(page, qtbot, 1)
    assert page.control.current == "D1"
    views = (page.ranking, page.plot, page.wells.heat, page.doses, page.residual)
    assert all(view._current == "D1" for view in views)


def test_a_point_and_the_arrow_keys_move_the_same_selection(page, window, qtbot):
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=5000)
    at = page.plot.place(page.ranking.rows[2]).toPoint()
    qtbot.mouseClick(page.plot.chart, Qt.MouseButton.LeftButton, pos=at)
    assert page.control.current == "D2"
    qtbot.keyClick(window, Qt.Key.Key_Down)
    assert page.control.current == "D3"
    qtbot.keyClick(window, Qt.Key.Key_Up)
    assert page.control.current == "D2"


def test_the_search_filters_rows_and_says_when_nothing_is_left(page, qtbot):
    page.head.search.setText("D")
    assert [r.condition for r in page.ranking.rows] == ["D1", "D2", "D3", "DS"]
    page.head.search.setText("nothing of this name")
    assert page.ranking.rows == ()
    page.ranking.grab()


def test_a_click_on_a_well_lists_its_images_with_their_pictures(page, window, project, qtbot):
    page.wells.plate.setCurrentIndex(0)
    well = next(w for w in page.control.screen.wells if w.condition == "TT" and w.plate == "P1")
    heat = page.wells.heat
    place = next(at for at, w in heat._layout_now.wells.items() if w == well)
    qtbot.mouseClick(heat, Qt.MouseButton.LeftButton, pos=heat.cell(*place).center().toPoint())
    assert page.wells.listed == well.record_ids and len(well.record_ids) == 2
    assert (
        page.control.current == "TT" and page.wells.title.text() == f"{well.well} · TT · 2 images"
    )
    qtbot.waitUntil(
        lambda: set(page.wells.gallery._thumbnails) == set(well.record_ids), timeout=10_000
    )
    click_row(page, qtbot, 0)  # its treatment is selected already: the well stays
    assert page.wells.listed == well.record_ids


def test_pictures_come_also_where_there_is_no_model(window, qtbot, tmp_path):
    project = make_project(tmp_path, with_model=False)
    page = open_screen(window, qtbot, project, make_screen(project))
    qtbot.waitUntil(lambda: len(page.wells.gallery._thumbnails) > 0, timeout=10_000)
    assert not page.wells.explain.isEnabled()
    assert (
        page.wells.explain.toolTip() == "An explanation needs a model. Train one on the Train page."
    )


def test_an_image_is_explained_on_the_explore_page_moved_to_healthy(page, window, qtbot):
    page.control.select("DS")
    image = page.wells.listed[1]
    page.wells.pick_image(image)
    assert page.wells.explain.isEnabled()
    page.wells.explain.click()
    assert window.current_page() == "explore" and window.state.view.current == image
    assert dict(window.state.mix.weights) == {"WT": 1.0} and window.state.mix.strength == 1.0


def test_a_double_click_on_a_picture_explains_it_too(page, window, qtbot):
    page.control.select("TT")
    at = page.wells.gallery._tile(0).center().toPoint()
    qtbot.mouseClick(page.wells.gallery.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseDClick(page.wells.gallery.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert window.current_page() == "explore" and window.state.view.current == page.wells.listed[0]


def test_a_healthy_image_is_shown_without_being_moved(page, window, qtbot):
    page.control.select("WT")
    page.wells.explain.click()
    assert window.current_page() == "explore" and window.state.mix.strength == 0.0


def test_a_condition_unknown_to_the_model_is_not_explained_and_told(page, window, qtbot):
    opened = window.state.opened
    known = tuple(c for c in opened.card.conditions if c.name != "TT")
    window.state.opened = replace(opened, card=replace(opened.card, conditions=known))
    page.control.select("D1")
    page.control.select("TT")
    assert (
        not page.wells.explain.isEnabled() and "not trained on TT" in page.wells.explain.toolTip()
    )


def test_plates_are_turned_and_the_scale_stays(page):
    scale = page.wells.bar.scale
    assert not page.wells.before.isEnabled()
    page.wells.after.click()
    assert page.wells.plate.currentData() == "P2" and not page.wells.after.isEnabled()
    assert page.wells.bar.scale == scale
    page.wells.what.setCurrentIndex(page.wells.what.findData("condition"))
    assert not page.wells.bar.isVisible()


def test_a_screen_of_other_images_says_so_and_offers_to_rank_again(
    window, project, qtbot, monkeypatch
):
    page = open_screen(window, qtbot, project, make_screen(project, dataset_digest="other"))
    assert page.notice.isVisible() and "other images" in page.notice.words.text()
    jobs = []
    monkeypatch.setattr(window.backstage.runner, "start", lambda job: jobs.append(job) or True)
    page.notice.again.click()
    assert len(jobs) == 1


def test_a_screen_of_another_model_says_so(window, project, qtbot):
    page = open_screen(window, qtbot, project, make_screen(project, model_digest="other"))
    assert "another model" in page.notice.words.text()
    assert window.state.opened.card.digest == "digest"  # the stand-in's own would fit
    page.control.screen = replace(page.control.screen, model_digest="digest")
    page.control.screen_changed.emit()
    assert not page.notice.isVisible()


def test_relabelled_images_make_the_screen_stale(page, window):
    project = window.state.project
    first, *others = project.dataset.records
    records = (replace(first, condition="TT" if first.condition != "TT" else "DS"), *others)
    window.state.edit_project(
        replace(project, dataset=replace(project.dataset, records=records)), "Relabel"
    )
    assert page.notice.isVisible()
    window.state.undo.undo()
    assert not page.notice.isVisible()


def test_a_damaged_screen_is_told_in_words_and_can_be_replaced(window, project, qtbot):
    folder_of(project).mkdir(parents=True)
    (folder_of(project) / "screen.json").write_text('{"format_version": 1, "ranked": [{"cond')
    page = open_screen(window, qtbot, project)
    qtbot.waitUntil(lambda: page.control.error != "", timeout=10_000)
    assert page.stack.currentIndex() == 0 and page.empty.title.text() == "The screen cannot be read"
    assert "is damaged" in page.empty.text.text() and page.empty.button.isEnabled()
    save_screen(folder_of(project), make_screen(project))
    window.go("data")
    window.go("screen")  # written meanwhile, e.g. from the command line
    qtbot.waitUntil(lambda: page.stack.currentIndex() == 1, timeout=10_000)


def test_another_project_does_not_inherit_the_screen(page, window, qtbot, tmp_path):
    other = make_project(tmp_path / "other")
    window.commands.open(other.folder)
    qtbot.waitUntil(lambda: window.state.project.folder == other.folder, timeout=20_000)
    assert page.control.screen is None and page.stack.currentIndex() == 0


def test_the_ranking_is_collected_for_the_figure(page, window, qtbot):
    page.head.add.click()
    assert window.state.project.panels[-1].kind == "ranking"
    assert window.pages["figure"].list.item(0).text() == "Ranking of the treatments"


def test_on_the_tab_not_repaired_its_images_are_collected(page, window, qtbot):
    page.tabs.setCurrentWidget(page.residual)
    page.control.select("TT")
    page.head.add.click()
    spec = window.state.project.panels[-1]
    assert (spec.kind, spec.weights) == ("residual", {"WT": 1.0})
    assert window.state.record(spec.record_id).condition == "TT"
    page.control.select("D2")  # of which nothing is told
    page.head.add.click()
    assert window.state.project.panels[-1].kind == "ranking"


def test_the_report_can_be_opened_once_it_is_there(page, window, qtbot, monkeypatch):
    from leigh_gui.pages.screen import head as module

    assert not page.head.report.isEnabled() and "not have a report" in page.head.report.toolTip()
    (folder_of(window.state.project) / "report.pdf").write_bytes(b"%PDF-1.4")
    page.control.load()
    qtbot.waitUntil(page.head.report.isEnabled, timeout=10_000)
    opened = []
    monkeypatch.setattr(
        module.QDesktopServices, "openUrl", lambda url: opened.append(url.fileName())
    )
    page.head.report.click()
    page.head.files.click()
    assert opened == ["report.pdf", "screen"]


def test_long_names_and_eight_channels_do_not_break_the_layout(window, qtbot, tmp_path):
    project = make_project(tmp_path)
    long = tuple(
        make_ranked(f"{'N' * 60}{k}", 0.5, k + 1, flags=("a long flag " * 4,)) for k in range(30)
    )
    stains = tuple(f"Channel with a long name {k}" for k in range(8))
    stored = make_screen(project, ranked=(*long, *make_treatments()[-2:]), channels=stains)
    page = open_screen(window, qtbot, project, stored)
    for tab in range(page.tabs.count()):
        page.tabs.setCurrentIndex(tab)
        window.grab()
    assert window.size().width() == 1366 and window.minimumSizeHint().width() <= 1366
    assert window.minimumSizeHint().height() <= 768
    page.tabs.setCurrentIndex(0)
    for widget in (
        page.head.add,
        page.wells.explain,
        page.wells.bar,
        page.ranking,
        page.wells.heat,
    ):
        corner = widget.mapTo(window, QPoint(widget.width(), widget.height()))
        assert corner.x() <= window.width() and corner.y() <= window.height()
    assert page.wells.what.count() == 3 + 8 + 1


def test_random_clicks_on_the_screen_page_never_raise(page, window, qtbot):
    import random

    chance, raised = random.Random(0), []
    window.backstage.bus.raised.connect(lambda *words: raised.append(words))
    targets = [
        page.ranking.viewport(),
        page.plot.chart,
        page.wells.heat,
        page.wells.gallery.viewport(),
    ]
    for k in range(120):
        page.tabs.setCurrentIndex(k % 4 if k % 3 == 0 else 0)
        widget = chance.choice(targets)
        at = QPoint(
            chance.randrange(max(widget.width(), 1)), chance.randrange(max(widget.height(), 1))
        )
        qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at)
        qtbot.keyClick(
            page.ranking, chance.choice([Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Home])
        )
    assert raised == []


def test_a_channel_of_the_dataset_gives_its_colour_to_the_bars(page, window):
    colours = page.residual.cards[0].drawing.colours
    assert colours == {c.name: c.colour for c in window.state.project.dataset.channels}
    assert Channel("x").colour not in colours.values()


def test_the_selected_treatment_is_told_in_full_under_the_ranking(page, qtbot):
    click_row(page, qtbot, 1)
    assert page.detail.title.text() == "D1"
    assert page.detail.flags.text() == "⚑ changes something else   ⚑ fewer nuclei"
    assert "Mitochondria intensity 90 % of DS" in page.detail.figures.text()
    click_row(page, qtbot, 3)
    assert (
        "No interval could be measured." in page.detail.figures.text()
        and "Nuclei –" in page.detail.figures.text()
    )
