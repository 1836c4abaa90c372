"""Faults that the window shows: an exception anywhere, an image unlike all others."""

import sys
import threading
from dataclasses import replace

import pytest
from PySide6.QtCore import qInstallMessageHandler
from PySide6.QtWidgets import QPushButton

from core.io.project import maps_folder
from core.io.tables import MAP_FILE, load_map, save_map
from leigh_gui import errors
from leigh_gui.services.jobs import Job


@pytest.mark.qt_no_exception_capture
def test_an_exception_in_a_slot_or_a_thread_is_shown_and_the_window_goes_on(
    window, project, qtbot, monkeypatch
):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # restored after the test
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    errors.install(window.backstage.bus)
    button = QPushButton("Fail", window)
    button.clicked.connect(lambda: [][1])
    try:
        button.click()
        assert window.error_bar.isVisible()
        assert "IndexError" in window.error_bar.details.toPlainText()
        thread = threading.Thread(target=lambda: {}["key of a thread"])
        thread.start()
        thread.join()
        qtbot.waitUntil(
            lambda: "key of a thread" in window.error_bar.details.toPlainText(), timeout=5000
        )
        window.commands.open(project.folder)
        qtbot.waitUntil(lambda: window.state.project is not None, timeout=10_000)
    finally:
        qInstallMessageHandler(None)


def test_an_image_unlike_all_others_says_so(window, project, qtbot):
    projection, decision = load_map(maps_folder(project))
    odd, usual = projection.record_ids[:2]
    odd_one = replace(projection, out_of_distribution=(odd,))
    save_map(maps_folder(project), odd_one, decision)
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=20_000)
    title = window.explore().picture.stage.original_title
    window.control.gestures.pick(odd)
    assert title.text().endswith("out of distribution")
    window.control.gestures.pick(usual)
    assert "out of distribution" not in title.text()


def test_a_warning_of_a_job_is_told_when_its_result_is_on_show(window, project, qtbot):
    damaged = maps_folder(project) / MAP_FILE
    damaged.write_bytes(damaged.read_bytes()[:100])
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: "map" in window.error_bar.message.text(), timeout=10_000)
    window.error_bar.hide()
    window.backstage.jobs.start(Job("Drawing the map", ("map", "--project", str(project.folder))))
    told = window.error_bar.message
    qtbot.waitUntil(lambda: "The map is fitted again" in told.text(), timeout=120_000)
    assert window.error_bar.isVisible() and window.state.opened.projection is not None
