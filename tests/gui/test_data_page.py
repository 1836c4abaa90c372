"""The Data page: what is asked, how names were read, plates, roles, and what is red."""

from dataclasses import replace
from pathlib import Path

import lab_folders
import pytest
from lab_folders import TIMEOUT_MS, drop, is_open
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox

from core.domain import (
    Condition,
    Dataset,
    ImageRecord,
    NameRun,
    Problem,
    ProblemKind,
    Question,
    QuestionKind,
    ReadAs,
    Role,
    ScanOptions,
)
from core.io.project import create_project, open_project, save_project
from core.io.read_field import read_record
from core.scanning.default_roles import build_channels
from core.workflows.scan import scan
from leigh_gui.pages.data.conditions import ConditionModel, few_words
from leigh_gui.pages.data.naming import NamingView
from leigh_gui.pages.data.plates import PlateTab
from leigh_gui.pages.data.problems import ProblemTable
from leigh_gui.pages.data.questions import QuestionsPanel
from leigh_gui.pages.data.sample_window import SampleWindow
from leigh_gui.readiness import far_fewer
from leigh_gui.scan_request import OpenScan, ScanRequest

LEFT = Qt.MouseButton.LeftButton


def opened(window, qtbot, folder: Path):
    """The Data page of a project."""
    window.commands.open(folder)
    qtbot.waitUntil(lambda: is_open(window), timeout=TIMEOUT_MS)
    window.go("data")
    return window.pages["data"]


def read_again(window, qtbot) -> None:
    """Press "Read again", and wait for what is on disk."""
    window.go("data")
    before = window.state.project
    qtbot.mouseClick(window.pages["data"].options.again, LEFT)
    qtbot.waitUntil(
        lambda: is_open(window) and window.state.project is not before, timeout=TIMEOUT_MS
    )


def records(wells: list[str], condition: str = "WT", plate: str = "P1") -> tuple[ImageRecord, ...]:
    return tuple(
        ImageRecord(f"{plate}_{well}_{condition}", (f"{condition}/{plate}_{well}.tif",), (0,),
            condition, f"{plate}_{well}", well, plate, "1", (1, 8, 8))
        for well in wells
    )  # fmt: skip


def dataset_of(*parts: tuple[ImageRecord, ...], shape: tuple[int, int] = (8, 12)) -> Dataset:
    every = tuple(record for part in parts for record in part)
    names = dict.fromkeys(record.condition for record in every)
    conditions = tuple(Condition(name, colour=f"#0000{n:02X}") for n, name in enumerate(names))
    return Dataset(Path("x"), build_channels(("DNA",)), conditions, every, plate_shape=shape)


def test_a_question_is_answered_by_mouse_and_becomes_a_project(real_window, qtbot, tmp_path):
    drop(real_window, lab_folders.dishes(tmp_path / "images"))
    qtbot.waitUntil(lambda: real_window.state.asked is not None, timeout=TIMEOUT_MS)
    assert real_window.current_page() == "data" and real_window.state.project is None
    assert not real_window.error_bar.isVisible()
    panel = real_window.pages["data"].questions
    card = panel.cards[0]
    assert card.question.kind == "stain" and list(card.buttons) == ["SYTOXX, WGGA", "none"]
    tiles = [card.tiles["SYTOXX, WGGA", word] for word in ("SYTOXX", "WGGA")]
    qtbot.waitUntil(lambda: all(tile.pixmap() for tile in tiles), timeout=TIMEOUT_MS)
    assert not panel.read.isEnabled()
    assert panel.read.toolTip() == "Still open: Stains, Conditions"
    request = real_window.state.asked.request
    qtbot.mouseClick(card.buttons["SYTOXX, WGGA"], LEFT)
    qtbot.mouseClick(panel.read, LEFT)
    qtbot.waitUntil(lambda: is_open(real_window), timeout=TIMEOUT_MS)
    project = real_window.state.project
    assert project.folder == request.project and real_window.state.asked is None
    assert [c.name for c in project.dataset.channels] == ["SYTOXX", "WGGA"]
    stored = open_project(project.folder).dataset
    assert stored.options.answers == {"stain": "SYTOXX, WGGA"}
    assert stored.read_as == project.dataset.read_as


def test_two_questions_of_one_kind_are_answered_by_their_own_cards(qtbot, tmp_path):
    panel = QuestionsPanel()
    qtbot.addWidget(panel)
    asked = tuple(
        Question(QuestionKind.STAIN, "Which?", (words, "none"), about=f"WT/{words[0]}.tif")
        for words in ("a, b", "x, y")
    )
    panel.set_asked(OpenScan(ScanRequest(tmp_path, tmp_path / "p"), asked))
    qtbot.mouseClick(panel.cards[0].buttons["a, b"], LEFT)
    qtbot.mouseClick(panel.cards[1].buttons["none"], LEFT)
    answers = {"stain:WT/a.tif": "a, b", "stain:WT/x.tif": "none"}
    assert panel.options().answers == answers and not panel.missing()
    words = ScanRequest(tmp_path, tmp_path / "p", panel.options()).arguments()
    assert {"--answer=stain:WT/a.tif=a, b", "--answer=stain:WT/x.tif=none"} <= set(words)


def test_a_folder_that_asks_can_be_left(real_window, qtbot, tmp_path):
    drop(real_window, lab_folders.dishes(tmp_path / "images"))
    qtbot.waitUntil(lambda: real_window.state.asked is not None, timeout=TIMEOUT_MS)
    assert real_window.navigation.why_not("train") == "Answer the questions on the Data page first."
    qtbot.mouseClick(real_window.pages["data"].questions.cancel, LEFT)
    assert real_window.current_page() == "start" and real_window.state.asked is None
    assert not list((tmp_path / "Documents").glob("**/project.json"))


def test_read_again_keeps_map_and_answers_until_they_are_cleared(window, qtbot, tmp_path):
    folder = lab_folders.dishes(tmp_path / "images")
    table = tmp_path / "map.csv"
    rows = [f"{n}/dish{k}_SYTOXX.tif,{n}" for n in ("WT", "DS") for k in (1, 2)]
    table.write_text("\n".join(["file,condition", *rows, ""]))
    options = ScanOptions(plate_map=table, answers={"stain": "SYTOXX, WGGA"})
    project = scan(folder, tmp_path / "project", options)
    page = opened(window, qtbot, project.folder)
    form = page.options
    assert form.plate_map.line.text() == str(table) and "SYTOXX" in form.answers.words.text()
    assert form.pixel_size.text() == "unknown" and "no scale bar" in form.pixel_size.toolTip()
    form.pixel_size.selectAll()
    qtbot.keyClicks(form.pixel_size, "0,65")
    first = window.state.opened
    qtbot.mouseClick(form.again, LEFT)
    qtbot.waitUntil(
        lambda: is_open(window) and window.state.opened is not first, timeout=TIMEOUT_MS
    )
    stored = window.state.project.dataset
    expected = replace(options, pixel_size_um=0.65, exclude=[])
    assert stored.options == expected and stored.pixel_size_um == 0.65
    form.plate_map.line.clear()
    form.pixel_size.setValue(0)
    second = window.state.opened
    qtbot.mouseClick(form.again, LEFT)
    qtbot.waitUntil(
        lambda: is_open(window) and window.state.opened is not second, timeout=TIMEOUT_MS
    )
    stored = window.state.project.dataset
    expected = replace(options, plate_map=None, exclude=[])
    assert stored.options == expected and stored.pixel_size_um is None


def test_nothing_is_trained_while_the_project_asks(window, qtbot, tmp_path):
    folder = lab_folders.dishes(tmp_path / "images")
    options = ScanOptions(answers={"stain": "SYTOXX, WGGA"})
    page = opened(window, qtbot, scan(folder, tmp_path / "project", options).folder)
    window.go("train")
    start = window.pages["train"].start
    assert start.isEnabled()
    window.go("data")
    qtbot.mouseClick(page.options.answers.forget, LEFT)
    qtbot.waitUntil(lambda: window.state.asked is not None, timeout=TIMEOUT_MS)
    assert page.questions.isVisible() and window.state.project is not None
    window.go("train")
    assert not start.isEnabled()
    assert start.toolTip() == "Answer the questions on the Data page first."
    window.go("data")
    qtbot.mouseClick(page.questions.cancel, LEFT)
    assert page.next.isVisible() and page.next.isEnabled() and start.isEnabled()


def test_other_images_take_the_place_of_those_of_a_project(window, qtbot, tmp_path, monkeypatch):
    from leigh_gui import commands

    before = lab_folders.nis(tmp_path / "before")
    after = lab_folders.incell(tmp_path / "after")
    page = opened(window, qtbot, scan(before, tmp_path / "project").folder)
    page.conditions.set_role(0, Role.OTHER)
    monkeypatch.setattr(commands.QFileDialog, "getExistingDirectory", lambda *_: str(after))
    monkeypatch.setattr(commands, "confirm_replacing", lambda *_: False)
    qtbot.mouseClick(page.options.replace, LEFT)
    assert not window.backstage.runner.running()
    monkeypatch.setattr(commands, "confirm_replacing", lambda *_: True)
    qtbot.mouseClick(page.options.replace, LEFT)
    qtbot.waitUntil(
        lambda: is_open(window) and window.state.project.dataset.root == after, timeout=TIMEOUT_MS
    )
    dataset = window.state.project.dataset
    assert window.state.project.folder == tmp_path / "project"
    assert dataset.read_as.scheme == "incell-old" and dataset.condition("WT").role == Role.OTHER
    words = page.conditions.model.index(0, 3).data(Qt.ItemDataRole.ToolTipRole)
    assert words == "Chosen by you. Proposed was healthy: the name says WT."


def test_a_role_that_no_name_says_is_asked_and_can_be_undone(window, qtbot, tmp_path):
    for name in ("line3", "line4"):
        for well in ("B02", "B03"):
            lab_folders.write(tmp_path / "images" / name / f"P1_{well}_s1.tif", 0, name)
    page = opened(window, qtbot, scan(tmp_path / "images", tmp_path / "project").folder)
    card = page.notices.roles
    assert card.isVisible()
    qtbot.mouseClick(card.buttons[Role.HEALTHY, "line4"], LEFT)
    assert window.state.project.dataset.condition("line4").role == Role.HEALTHY
    assert list(card.buttons) == [(Role.DISEASED, "line3")]
    qtbot.mouseClick(card.buttons[Role.DISEASED, "line3"], LEFT)
    assert not card.isVisible()
    window.state.undo.undo()
    assert card.isVisible()
    qtbot.mouseClick(card.none, LEFT)
    assert not card.isVisible()
    read_again(window, qtbot)
    assert not card.isVisible()  # the project remembers it
    for well in ("B02", "B03"):
        lab_folders.write(tmp_path / "images" / "line5" / f"P1_{well}_s1.tif", 1, "line5")
    read_again(window, qtbot)
    assert card.isVisible()  # a new condition may have this role


def test_what_goes_with_the_condition_is_red_and_must_be_known(window, qtbot, tmp_path):
    for name, plate in (("WT", "P1"), ("DS", "P2")):
        for well in ("B02", "B03", "C02"):
            lab_folders.write(tmp_path / "images" / name / f"{plate}_{well}_s1.tif", 0, name)
    page = opened(window, qtbot, scan(tmp_path / "images", tmp_path / "project").folder)
    assert page.notices.red.isVisible() and "plate" in page.notices.red.words.text()
    qtbot.mouseClick(page.notices.red.button, LEFT)
    assert page.problems.isVisible()
    assert [p.kind for p in page.problems.model.problems] == [ProblemKind.PLATE_IS_CONDITION]
    qtbot.mouseClick(page.next, LEFT)
    train = window.pages["train"]
    assert train.warning.isVisible() and "plate" in train.warning.words.text()
    assert not train.start.isEnabled() and "I know" in train.start.toolTip()
    on_tick = QPoint(8, train.warning.know.height() // 2)
    qtbot.mouseClick(train.warning.know, LEFT, pos=on_tick)
    assert train.start.isEnabled()
    read_again(window, qtbot)
    assert train.warning.know.isChecked() and train.start.isEnabled()
    for well in ("B02", "B03", "C02"):
        lab_folders.write(tmp_path / "images" / "TT" / f"P3_{well}_s1.tif", 1, "TT")
    read_again(window, qtbot)
    assert not train.warning.know.isChecked() and not train.start.isEnabled()
    window.go("train")
    qtbot.mouseClick(train.warning.know, LEFT, pos=on_tick)
    assert train.start.isEnabled()
    window.state.undo.undo()
    assert not train.warning.know.isChecked() and not train.start.isEnabled()


def test_what_is_known_is_forgotten_with_other_images(tmp_path):
    lab_folders.nis(tmp_path / "a")
    lab_folders.nis(tmp_path / "b")
    project = scan(tmp_path / "a", tmp_path / "p")
    save_project(replace(project, dataset=replace(project.dataset, known=("a finding",))))
    assert open_project(project.folder).dataset.known == ("a finding",)
    assert scan(tmp_path / "a", tmp_path / "p").dataset.known == ("a finding",)
    assert scan(tmp_path / "b", tmp_path / "p", replace_images=True).dataset.known == ()


def test_red_problems_stand_first_and_can_be_listed_alone(qtbot):
    table = ProblemTable()
    qtbot.addWidget(table)
    doubtful = Problem("a.tif", "dim", severity="warning")
    out = Problem("b.tif", "cut", kind=ProblemKind.CUT_SHORT)
    red = Problem("all", "depth", severity="warning", kind=ProblemKind.DEPTH_IS_CONDITION)
    table.set_problems((doubtful, out, red))
    assert table.model.problems == (red, out, doubtful)
    colours = [
        table.model.index(row, 0).data(Qt.ItemDataRole.ForegroundRole) is not None
        for row in range(3)
    ]
    assert colours == [True, True, False]
    table.filter.setCurrentIndex(1)
    assert table.model.problems == (red, out)
    table.filter.setCurrentIndex(4)
    assert table.model.problems == (red, doubtful)


def test_every_plate_can_be_chosen(qtbot):
    tab = PlateTab()
    qtbot.addWidget(tab)
    tab.show()
    plates = [records(["B02", "B03"][: n % 2 + 1], plate=f"P{n}") for n in range(60)]
    tab.set_dataset(dataset_of(*plates))
    assert tab.plates() == tuple(f"P{n}" for n in range(60))
    assert tab.words.text() == "plate 1 of 60, 1 well, 1 image" and not tab.before.isEnabled()
    qtbot.mouseClick(tab.after, LEFT)
    assert tab.choice.currentData() == "P1" and tab.words.text().startswith(
        "plate 2 of 60, 2 wells"
    )
    tab.choice.setCurrentIndex(59)
    assert not tab.after.isEnabled()
    tab.set_dataset(dataset_of(*plates))
    assert tab.choice.currentData() == "P59"  # what is on show stays


@pytest.mark.parametrize(
    ("shape", "last"),
    [((4, 6), "D06"), ((8, 12), "H12"), ((16, 24), "P24"), ((32, 48), "AF48")],
)
def test_wells_of_every_format_are_drawn_inside(qtbot, shape, last):
    tab = PlateTab()
    qtbot.addWidget(tab)
    tab.resize(560, 420)
    tab.show()
    tab.set_dataset(dataset_of(records(["A01", last]), shape=shape))
    picked = []
    tab.view.wells_picked.connect(picked.append)
    for row, column in ((0, 0), (shape[0] - 1, shape[1] - 1)):
        centre = tab.view.centre(row, column)
        assert tab.view.rect().contains(centre.toPoint())
        qtbot.mouseClick(tab.view, LEFT, pos=centre.toPoint())
    assert picked == [("P1_A01_WT",), (f"P1_{last}_WT",)]


def test_a_well_in_two_conditions_is_drawn_as_such(qtbot):
    tab = PlateTab()
    qtbot.addWidget(tab)
    tab.resize(560, 420)
    tab.show()
    data = dataset_of(records(["B02", "B03"]), records(["B02"], "DS"))
    data = replace(
        data, conditions=(Condition("WT", colour="#00FF00"), Condition("DS", colour="#0000FF"))
    )
    tab.set_dataset(data)
    assert tab.words.text() == "2 wells, 3 images, 1 well in two conditions"
    picture, centre = tab.view.grab().toImage(), tab.view.centre(1, 1).toPoint()
    above, below = QPoint(0, -6), QPoint(0, 6)
    assert picture.pixelColor(centre + above).name() == "#00ff00"
    assert picture.pixelColor(centre + below).name() == "#0000ff"


def test_the_parts_of_a_name_are_coloured_by_what_they_mean(qtbot):
    view = NamingView()
    qtbot.addWidget(view)
    runs = (
        NameRun("WT", "condition", 0, 2), NameRun("P1", "plate", 3, 3),
        NameRun("B02", "well", 6, 24), NameRun("w1", "stain", 10, 2),
    )  # fmt: skip
    view.set_read_as(ReadAs("imagexpress", "WT/P1_B02_w1.tif", runs))
    parts = [(part.text, part.means) for part in view.example.parts]
    assert parts == [
        ("WT", "condition"), ("/", ""), ("P1", "plate"), ("_", ""), ("B02", "well"), ("_", ""),
        ("w1", "stain"), (".tif", ""),
    ]  # fmt: skip
    assert [part.text for part in view.legend.parts] == [
        "2 conditions", "3 plates", "24 wells", "2 stains",
    ]  # fmt: skip
    assert "ImageXpress" in view.words.text()
    view.resize(500, 120)
    view.show()
    picture = view.example.grab().toImage()
    colours = {picture.pixelColor(x, y).name() for x in range(20) for y in range(20)}
    assert "#009e73" in colours  # the line below the condition


def test_a_project_of_an_earlier_version_shows_no_names_and_opens(window, qtbot, tmp_path):
    dataset = scan(lab_folders.nis(tmp_path / "images"), tmp_path / "first").dataset
    former = replace(dataset, read_as=None, options=None)
    page = opened(window, qtbot, create_project(tmp_path / "former", former).folder)
    assert not page.naming.isVisible() and page.next.isEnabled()
    assert page.options.options() == ScanOptions()


def test_a_condition_with_far_fewer_wells_is_marked():
    assert far_fewer({"WT": 12, "DS": 12, "TT": 4}) == {"TT": 12}
    assert far_fewer({"WT": 12, "DS": 8}) == {} and far_fewer({"WT": 3}) == {}
    model = ConditionModel()
    wells = [f"B{n:02d}" for n in range(1, 10)]
    model.set_dataset(dataset_of(records(wells), records(["C01", "C02"], "DS")))
    assert [model.index(row, 5).data() for row in (0, 1)] == ["9", "⚠ 2"]
    assert model.index(1, 5).data(Qt.ItemDataRole.ToolTipRole) == few_words(2, 9.0)


def test_a_click_on_a_picture_shows_it_large(window, qtbot, tmp_path):
    page = opened(window, qtbot, scan(lab_folders.nis(tmp_path / "images"), tmp_path / "p").folder)
    grid, table = page.samples.model, page.samples.table
    qtbot.waitUntil(lambda: grid.pixmap(1, 1) is not None, timeout=TIMEOUT_MS)
    cell = table.visualRect(grid.index(1, 1))
    qtbot.mouseClick(table.viewport(), LEFT, pos=cell.center())
    large = page.findChild(SampleWindow)
    assert large.isVisible() and large.windowTitle() == "DS, GFP"
    qtbot.waitUntil(lambda: large.pane.image() is not None, timeout=TIMEOUT_MS)
    record = grid.record(1)
    on_disk = read_record(window.state.project.dataset.root, record)
    assert (large.pane.image() == on_disk[1:2]).all() and large.file.text() == record.files[1]
    first = record.id
    qtbot.mouseClick(page.samples.others, LEFT)
    assert grid.record(1).id != first and grid.record(1).condition == "DS"


def test_of_hundreds_of_conditions_only_those_in_view_are_read_and_drawn(window, qtbot, tmp_path):
    parts = [records([f"B{n % 12 + 1:02d}"], f"drug {n}", f"P{n}") for n in range(400)]
    project = create_project(tmp_path / "project", replace(dataset_of(*parts), root=tmp_path))
    page = opened(window, qtbot, project.folder)
    qtbot.wait(100)
    shown = page.samples.table.viewport().height() // page.samples.table.rowHeight(0) + 2
    pictures = page.samples.model.pictures
    asked = [r for r in project.dataset.records if pictures.fault(page.samples.model.key(r))]
    assert 0 < len(asked) <= shown  # no file is there: each picture in view says why
    assert page.conditions.height() < 400
    assert len(page.conditions.findChildren(QComboBox)) == 0
    assert page.notices.roles.findChild(QComboBox, "ask-healthy").count() == 401


def test_the_tab_key_goes_down_the_questions(window, qtbot):
    stain = Question(QuestionKind.STAIN, "Stains?", ("a, b", "none"))
    plate = Question(QuestionKind.PLATE, "Plates?", ("P1=x",))
    panel = QuestionsPanel()
    qtbot.addWidget(panel)
    for questions in ((stain,), (stain, plate)):
        panel.set_asked(OpenScan(ScanRequest(Path("a"), Path("p")), questions))
    with qtbot.waitActive(panel):
        panel.show()
        panel.activateWindow()
    first, second = panel.cards
    first.buttons["a, b"].setChecked(True)
    second.buttons["P1=x"].setChecked(True)
    panel.read.setFocus()
    wanted = [first.buttons["a, b"], second.buttons["P1=x"], second.text, panel.plate_map.line]
    for field in wanted:
        qtbot.keyClick(panel.focusWidget(), Qt.Key.Key_Tab)
        assert panel.focusWidget() is field
    panel.pictures.stop()
