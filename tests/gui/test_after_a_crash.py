"""After a crash, with damaged settings or without its screen, the window starts and says so."""

import os
import subprocess
import sys
import time

from PySide6.QtCore import QLockFile, QPoint
from PySide6.QtWidgets import QApplication

from leigh_gui import last_run
from leigh_gui.app import CRASHED
from leigh_gui.errors import ErrorBus
from leigh_gui.log_dialog import LINES, LogDialog
from leigh_gui.main_window import MainWindow
from leigh_gui.settings import Settings


def test_a_run_that_was_killed_is_known_and_one_that_is_open_is_not(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from leigh_gui import last_run;"
        "print(last_run.begin(Path(sys.argv[1])), flush=True); time.sleep(60)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline().strip() == "False"
    assert not last_run.begin(tmp_path), "the other window is open"
    last_run.end(tmp_path)
    other.kill()
    other.wait()
    assert last_run.begin(tmp_path)
    last_run.end(tmp_path)
    assert not last_run.begin(tmp_path), "it is said once"


def test_a_number_that_another_program_has_now_does_not_hide_a_crash(tmp_path):
    (tmp_path / f"{last_run.MARK}{os.getppid()}").write_text("1.0")
    assert last_run.begin(tmp_path)


def test_the_next_start_says_so_and_shows_the_log(window, project, qtbot):
    window.commands.notices.append(CRASHED)
    window.launch(project.folder)
    qtbot.waitUntil(lambda: window.state.project is not None, timeout=10_000)
    qtbot.waitUntil(window.error_bar.isVisible, timeout=10_000)
    assert "did not end as it should" in window.error_bar.message.text()
    assert window.error_bar.offer.text() == "Show the log"


def test_the_log_shows_its_last_lines_and_copies_them(themed, qtbot, tmp_path):
    lines = [f"line {n}" for n in range(2 * LINES)]
    (tmp_path / "leigh-gui.log").write_text("\n".join(lines))
    (tmp_path / "crash.log").write_bytes(b"Segmentation fault \xff")
    dialog = LogDialog(tmp_path)
    qtbot.addWidget(dialog)
    assert dialog.text().splitlines() == lines[-LINES:]
    dialog.copy.click()
    assert QApplication.clipboard().text() == dialog.text()
    dialog.tabs.setCurrentIndex(1)
    assert "nothing was written yet" in dialog.text()
    dialog.tabs.setCurrentIndex(2)
    assert dialog.text().startswith("Segmentation fault")


def test_settings_of_nonsense_are_put_aside_and_the_window_says_so(themed, qtbot, tmp_path):
    for damage in (
        b"\x00\xff[General\nrecent=@Variant(zzz)",
        b"[General\nx",
        b"<html>",
        b"\0" * 99,
    ):
        file = tmp_path / "s.ini"
        file.write_bytes(damage)
        window = MainWindow(Settings(file), ErrorBus())
        qtbot.addWidget(window)
        window.commands.tell_notices()
        assert "settings" in window.error_bar.message.text(), damage
        assert (tmp_path / "s.ini.damaged").read_bytes() == damage
        window.backstage.settings.set_flag("dark", True)
        assert Settings(file).flag("dark") and not Settings(file).notice


def test_a_lock_on_the_settings_does_not_block_the_window(tmp_path):
    file = tmp_path / "s.ini"
    lock = QLockFile(f"{file}.lock")
    assert lock.tryLock(0)
    began = time.monotonic()
    settings = Settings(file)
    settings.remember(tmp_path / "a")
    assert time.monotonic() - began < 3
    assert Settings(file).recent() == [tmp_path / "a"]
    lock.unlock()


def test_settings_that_cannot_be_written_are_kept_and_written_later(tmp_path):
    (tmp_path / "config").write_text("a file in place of the folder")
    settings = Settings(tmp_path / "config" / "s.ini")
    settings.remember(tmp_path / "a")
    assert settings.recent() == [tmp_path / "a"]
    (tmp_path / "config").unlink()
    settings.set_flag("dark", True)
    again = Settings(tmp_path / "config" / "s.ini")
    assert again.recent() == [tmp_path / "a"] and again.flag("dark")


def test_two_windows_do_not_undo_each_others_settings(tmp_path):
    one, two = Settings(tmp_path / "s.ini"), Settings(tmp_path / "s.ini")
    one.set_flag("dark", True)
    two.set_number("window-um", 12.5)
    again = Settings(tmp_path / "s.ini")
    assert again.flag("dark") and again.number("window-um", 1.0) == 12.5


def test_a_window_whose_screen_is_gone_opens_where_it_can_be_seen(themed, qtbot, tmp_path):
    settings = Settings(tmp_path / "s.ini")
    before = MainWindow(settings, ErrorBus())
    qtbot.addWidget(before)
    before.move(QPoint(9000, 9000))
    before.show()
    settings.set_bytes("geometry", before.saveGeometry())
    again = MainWindow(Settings(tmp_path / "s.ini"), ErrorBus())
    qtbot.addWidget(again)
    again.show()
    screen = again.screen().availableGeometry()
    title = again.frameGeometry()
    title.setHeight(30)
    assert screen.intersected(title).width() > 200 and screen.intersected(title).height() > 10
