"""The Train page after a training: curves, held-out wells, images right and wrong, Z'."""

from dataclasses import replace

import numpy as np
import pytest
from gui_stand_in import make_project
from PySide6.QtCore import QPoint, Qt

from core.io.models import load_card, save_card
from core.io.project import latents_path, model_folder
from core.io.tables import load_latents, save_latents
from core.training.evaluate import evaluation_report
from leigh_gui.pages.train.held_out_images import held_out_images
from leigh_gui.pages.train.model_card import z_prime_words

WRONG = "TT"  # condition of which the held-out images of one well are read as WT
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def trained(tmp_path):
    """A project whose model mistakes one held-out well, with curves and the real report."""
    project = make_project(tmp_path)
    latents = load_latents(latents_path(project))
    rows = [
        i for i, r in enumerate(latents.record_ids) if r.startswith(f"{WRONG}_D03")
    ]  # two images of one held-out well
    logits = latents.logits.copy()
    logits[rows] = np.eye(len(latents.conditions))[latents.conditions.index("WT")] * 5
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    latents = replace(latents, logits=logits, probabilities=shares.astype(np.float32))
    save_latents(latents_path(project), latents)
    groups = {r.id: r.group for r in project.dataset.records}
    folder = model_folder(project, "iresnet")
    card = load_card(folder)
    report = evaluation_report(latents, [groups[i] for i in latents.record_ids], card.conditions)
    curve = [[float(s), 2.0 - s / 100, s / 100] for s in range(1, 101)]
    card = replace(card, accuracy=report, training=card.training | {"curve": curve})
    save_card(folder, card)
    return project


@pytest.fixture
def page(window, trained, qtbot):
    window.commands.open(trained.folder)
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=20_000)
    qtbot.mouseClick(window.top.buttons["train"], LEFT)
    return window.pages["train"]


def test_the_table_counts_held_out_images_and_wells_of_every_condition(page):
    words = page.held_out.table.words()
    names = list(page.state.opened.card.condition_names)
    wt, tt = names.index("WT"), names.index(WRONG)
    assert words[wt][wt] == "4" and words[wt][-3:] == ["100 %", "4", "2"]
    assert words[tt][wt] == "2" and words[tt][tt] == "2" and words[tt][-3] == "50 %"
    heads = [page.held_out.table.horizontalHeaderItem(k).text() for k in range(len(names))]
    assert heads == [f"→ {name}" for name in names]


def test_pictures_of_wrong_images_come_first_and_a_click_opens_them_in_explore(page, window, qtbot):
    view = page.held_out
    assert view.wrong_title.text() == "Read as another condition: 2 of 20 images"
    assert view.right_title.text() == "Read right: 18 of 20 images"
    wrong = [item.record_id for item in view.wrong._items]
    assert sorted(wrong) == ["TT_D03_s1", "TT_D03_s2"]
    assert view.wrong._items[0].caption == "TT read as WT"
    right = {item.record_id.split("_")[0] for item in view.right._items}
    assert len(right) == 5 and len(view.right._items) == 6  # every condition has its picture
    qtbot.waitUntil(lambda: set(wrong) <= set(view.wrong._thumbnails), timeout=8000)
    first = view.wrong._tile(0).center().toPoint()
    qtbot.mouseClick(view.wrong.viewport(), LEFT, pos=first)
    assert window.current_page() == "explore" and window.state.view.current == wrong[0]


def test_the_curves_stay_at_the_next_start(page, qtbot):
    bar = page.tabs.tabBar()
    qtbot.mouseClick(bar, LEFT, pos=bar.tabRect(1).center())
    loss, accuracy = page.curves.curves
    assert (len(loss.values), loss.values[-1], accuracy.values[-1]) == (100, 1.0, 1.0)
    assert loss.isVisible() and accuracy.isVisible() and not page.curves._hint.isVisible()


def test_a_model_of_an_earlier_version_says_how_to_get_what_is_missing(window, project, qtbot):
    window.commands.open(project.folder)  # its card has neither a table nor curves
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=20_000)
    window.go("train")
    page = window.pages["train"]
    assert "Train again" in page.held_out.missing.text()
    assert not page.held_out.table.isVisible() and not page.held_out.right.isVisible()
    assert "train again" in page.curves._hint.text()


def test_without_a_model_the_page_says_what_comes(window, tmp_path, qtbot):
    project = make_project(tmp_path / "new", with_model=False)
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.state.project is not None, timeout=20_000)
    window.go("train")
    page = window.pages["train"]
    assert page.held_out.missing.text().startswith("Train a model")
    assert "while the model learns" in page.curves._hint.text()


def test_images_that_left_the_project_have_no_picture(window, trained, qtbot):
    window.commands.open(trained.folder)
    qtbot.waitUntil(lambda: window.state.opened is not None, timeout=20_000)
    opened = window.state.opened
    dataset = opened.project.dataset
    left = tuple(r for r in dataset.records if not r.id.startswith("TT_D03"))
    project = replace(opened.project, dataset=replace(dataset, records=left))
    found = held_out_images(replace(opened, project=project))
    assert found.wrong == () and len(found.rows) == 5


@pytest.mark.parametrize(
    "value, words",
    [(0.83, "excellent"), (0.5, "excellent"), (0.2, "marginal"), (0.0, "overlap"), (-3, "overlap")],
)
def test_z_prime_says_what_it_means_and_on_how_many_wells(value, words):
    found = z_prime_words({"logits": {"z_prime": value, "wells": [4, 3]}})
    assert (
        found.startswith(f"{value:.2f} on the medians of 4 and 3 held-out wells") and words in found
    )


def test_z_prime_of_a_model_without_counts_still_reads(qtbot):
    assert z_prime_words({"logits": {"z_prime": 0.7}}).startswith("0.70 on well medians: excellent")
    assert z_prime_words({"logits": {"z_prime": None}}) == "" == z_prime_words(None)
    few = z_prime_words({"logits": {"z_prime": 0.7, "wells": [2, 2]}})
    assert few.startswith("0.70 on the medians of 2 and 2 held-out wells, which are few: excellent")
    assert z_prime_words({"reason": "Fewer than two."}) == "Fewer than two."


def test_the_tabs_fit_a_small_screen(page, window, qtbot):
    window.resize(1366, 730)
    qtbot.wait(50)
    for part in (page.tabs, page.held_out.table, page.start):
        corner = part.mapTo(window, QPoint(part.width(), part.height()))
        assert corner.x() <= window.width()
    assert page.tabs.mapTo(window, QPoint(0, page.tabs.height())).y() <= window.height()
    assert page.held_out.table.visibleRegion().boundingRect().height() > 100
