"""A second job waits in line, says so, and can be taken out; the window stays as it is."""

import sys
import time

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QAbstractButton

from leigh_gui.services.jobs import Job

LEFT = Qt.MouseButton.LeftButton
# A job that runs until a file of its name exists, and writes down that it ran.
PROGRAM = """
import pathlib, sys, time
name, place = sys.argv[1], pathlib.Path(sys.argv[2])
with (place / "log.txt").open("a") as log:
    log.write(name + "\\n")
print('{"progress": {"done": 1, "total": 4, "what": "at work", "seconds_left": 75}}',
      file=sys.stderr, flush=True)
while not (place / name).exists() and not (place / "all").exists():
    time.sleep(0.02)
print("{}")
"""


@pytest.fixture
def opened(window, project, qtbot, tmp_path, monkeypatch):
    """The window with a project; its jobs end when it closes."""
    from leigh_gui import main_window

    def stop(parent):
        (tmp_path / "all").touch()
        return "stop"

    monkeypatch.setattr(main_window, "ask_about_job", stop)
    (tmp_path / "job.py").write_text(PROGRAM)
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=20_000)
    window.backstage.runner.program = (sys.executable, str(tmp_path / "job.py"))
    return window


def job(name, tmp_path):
    return Job(f"Doing {name}", (name, str(tmp_path)))


def ran(tmp_path):
    log = tmp_path / "log.txt"
    return log.read_text().split() if log.exists() else []


def start(window, qtbot, tmp_path, *names):
    for name in names:
        assert window.backstage.jobs.start(job(name, tmp_path))
    qtbot.waitUntil(lambda: ran(tmp_path) == [names[0]], timeout=10_000)


def places(window):
    """Where everything is that can be clicked, in window coordinates."""
    found = {}
    for button in window.findChildren(QAbstractButton):
        if button.isVisible() and not window.strip.isAncestorOf(button):
            where = QRect(button.mapTo(window, QPoint(0, 0)), button.size())
            found[id(button)] = (button.text(), where)
    page = window.navigation
    return found, QRect(page.mapTo(window, QPoint(0, 0)), page.size())


def test_jobs_run_one_after_the_other_in_the_order_of_asking(opened, qtbot, tmp_path):
    start(opened, qtbot, tmp_path, "one", "two", "three")
    bar = opened.job_bar
    assert bar.isVisible() and bar.waiting.text() == "2 waiting ▾"
    assert opened.strip.message.text() == "Doing three waits for its turn."
    for name in ("one", "two", "three"):
        (tmp_path / name).touch()
    qtbot.waitUntil(lambda: not opened.backstage.jobs.busy(), timeout=20_000)
    assert ran(tmp_path) == ["one", "two", "three"] and not bar.isVisible()


def test_a_waiting_job_is_cancelled_with_the_mouse(opened, qtbot, tmp_path):
    start(opened, qtbot, tmp_path, "one", "two", "three")
    menu = opened.job_bar.waiting.menu()
    assert [action.text() for action in menu.actions()] == [
        "Cancel “Doing two”",
        "Cancel “Doing three”",
    ]
    menu.popup(QPoint(60, 60))
    qtbot.waitUntil(menu.isVisible, timeout=3000)
    qtbot.mouseClick(menu, LEFT, pos=menu.actionGeometry(menu.actions()[0]).center())
    assert opened.backstage.jobs.waiting.titles() == ("Doing three",)
    (tmp_path / "all").touch()
    qtbot.waitUntil(lambda: not opened.backstage.jobs.busy(), timeout=20_000)
    assert ran(tmp_path) == ["one", "three"]


def test_stop_ends_the_running_job_and_the_next_one_begins(opened, qtbot, tmp_path):
    start(opened, qtbot, tmp_path, "one", "two")
    opened.backstage.runner._kill.setInterval(200)  # this job does not heed "stop"
    qtbot.mouseClick(opened.job_bar.stop, LEFT)
    qtbot.waitUntil(lambda: ran(tmp_path) == ["one", "two"], timeout=10_000)
    assert opened.job_bar.title.text() == "Doing two"


def test_the_same_work_is_asked_for_once(opened, qtbot, tmp_path):
    start(opened, qtbot, tmp_path, "one", "two")
    jobs = opened.backstage.jobs
    assert not jobs.start(job("one", tmp_path)) and not jobs.start(job("two", tmp_path))
    assert jobs.waiting.titles() == ("Doing two",)
    assert "runs or waits already" in opened.strip.message.text()


def test_pages_stay_usable_while_a_job_runs(opened, qtbot, tmp_path):
    for page in ("data", "train", "screen", "figure"):
        opened.go(page)
    start(opened, qtbot, tmp_path, "one")
    train = opened.pages["train"]
    assert train.start.isEnabled() and train.check.isEnabled()
    assert not train.other.isEnabled() and "Wait for the job" in train.other.toolTip()
    jobs = opened.backstage.jobs
    opened.go("train")
    train.train_asked.emit("quick", False, ())
    jobs.screen()
    assert jobs.waiting.titles() == ("Training", "Ranking the treatments")
    jobs.waiting.clear()


@pytest.mark.parametrize("moves_on, end", [(True, "figure"), (False, "explore")])
def test_the_end_of_a_job_takes_nobody_away_from_another_page(
    opened, qtbot, tmp_path, moves_on, end
):
    opened.go("train")
    start(opened, qtbot, tmp_path, "map")  # its result is shown on Explore
    if moves_on:
        opened.go("figure")
    (tmp_path / "all").touch()
    back = opened.backstage
    qtbot.waitUntil(lambda: not back.jobs.busy() and not back.loader.busy(), timeout=20_000)
    qtbot.waitUntil(lambda: opened.current_page() == end, timeout=8000)
    qtbot.wait(100)
    assert opened.current_page() == end


def test_two_figures_that_wait_have_their_own_panels(opened, qtbot, tmp_path):
    start(opened, qtbot, tmp_path, "one")
    opened.collector.add("counterfactual")
    opened.go("figure")
    page, files = opened.pages["figure"], []
    page.export_asked.connect(lambda specs, out: files.append((specs, specs.read_text())))
    page.export_to(tmp_path / "a.pdf")
    opened.collector.add("map")
    page.export_to(tmp_path / "b.pdf")
    assert opened.backstage.jobs.waiting.titles() == ("Exporting the figure",) * 2
    assert [file.read_text() for file, _ in files] == [words for _, words in files]
    assert files[0][1] != files[1][1]
    opened.backstage.jobs.waiting.clear()


def test_another_project_is_not_opened_while_jobs_wait(opened, qtbot, tmp_path):
    start(opened, qtbot, tmp_path, "one")
    opened.commands.open(tmp_path)
    assert opened.error_bar.message.text() == "A job is still running."


def test_closing_stops_the_job_and_nothing_in_line_begins(opened, qtbot, tmp_path):
    start(opened, qtbot, tmp_path, "one", "two")
    opened.close()
    assert not opened.isVisible() and not opened.backstage.jobs.busy()
    qtbot.wait(100)
    assert ran(tmp_path) == ["one"]


def test_nothing_moves_when_a_job_or_a_message_comes_or_goes(opened, qtbot, tmp_path):
    before = places(opened)
    start(opened, qtbot, tmp_path, "one", "two")
    qtbot.waitUntil(lambda: opened.job_bar.left.text() == "1 min left", timeout=8000)
    opened.strip.tell("A passing message")
    opened.strip.show_file(tmp_path / "figure.pdf")
    opened.strip.show_unsaved("The disk is full.")
    qtbot.wait(30)
    stop = QRect(opened.job_bar.stop.mapTo(opened, QPoint(0, 0)), opened.job_bar.stop.size())
    opened.backstage.bus.tell("Something is wrong.", "Do this. " * 30, "line\n" * 30)
    opened.error_bar.fold.click()
    qtbot.wait(30)
    card = {id(b) for b in opened.error_bar.findChildren(QAbstractButton)}
    now = places(opened)
    assert {k: v for k, v in now[0].items() if k not in card} == before[0]
    assert now[1] == before[1]
    opened.strip.tell("Another message, which is longer than the one before and must be shortened")
    opened.strip.show_unsaved("")
    opened.backstage.jobs.cancel(0)
    qtbot.wait(30)
    assert stop == QRect(
        opened.job_bar.stop.mapTo(opened, QPoint(0, 0)), opened.job_bar.stop.size()
    )
    (tmp_path / "all").touch()
    qtbot.waitUntil(lambda: not opened.backstage.jobs.busy(), timeout=10_000)
    opened.error_bar.dismiss.click()
    assert places(opened) == before


def test_a_message_lies_over_the_page_whole_and_above_the_status_line(opened, qtbot):
    for size in ((1366, 730), (1024, 640), (1920, 1080)):
        opened.resize(*size)
        opened.backstage.bus.tell("Something is wrong.", "Do this. " * 40)
        qtbot.wait(50)
        bar = opened.error_bar
        assert opened.centralWidget().rect().contains(bar.geometry())
        assert bar.geometry().bottom() < opened.strip.geometry().top()
        assert bar.hint.height() >= bar.hint.heightForWidth(bar.hint.width())
        for button in (bar.dismiss,):
            assert button.visibleRegion().boundingRect().size() == button.size()
    qtbot.mouseClick(opened.error_bar.dismiss, LEFT)
    assert not opened.error_bar.isVisible()


def test_opening_says_what_it_opens_and_how_long_it_takes(opened, project, qtbot):
    memory, bar = opened.backstage.memory, opened.job_bar
    assert not bar.isVisible() and memory.part("seconds") > 0
    shown = []
    opened.backstage.loader.reading.connect(
        lambda *_: shown.append((bar.isVisible(), bar.title.text(), bar.stop.isEnabled()))
    )
    opened.commands.open(project.folder)
    qtbot.waitUntil(lambda: not opened.backstage.loader.busy(), timeout=20_000)
    assert shown == [(True, "Opening project", False)] and not bar.isVisible()
    bar.open("Opening a large project", 12.0)
    assert bar.left.text() == "12 s left"
    began = time.monotonic()
    qtbot.waitUntil(lambda: bar.left.text() == "11 s left", timeout=4000)
    assert time.monotonic() - began < 3
    bar.finish()


def test_scanning_says_what_it_does(real_window, qtbot, tmp_path):
    from gui_stand_in import make_dataset

    folder = make_dataset(tmp_path / "plate", wells=2, fields=1).root
    said, bar = [], real_window.job_bar
    real_window.backstage.jobs.progress.connect(
        lambda *_: said.append((bar.title.text(), bar.what.text()))
    )
    real_window.commands.open(folder)
    qtbot.waitUntil(lambda: real_window.state.project is not None, timeout=120_000)
    assert ("Looking through the folder", "Reading images") in said
    qtbot.waitUntil(lambda: not bar.isVisible(), timeout=20_000)
