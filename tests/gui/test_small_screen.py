"""A screen of 1366 x 768 pixels shows the whole window with its title bar."""

import pytest
from gui_stand_in import make_project
from PySide6.QtCore import QPoint, QSize
from PySide6.QtWidgets import QAbstractButton

from leigh_gui.frame import NAMES
from leigh_gui.main_window import FIRST_SIZE, TITLE_BAR

SMALL = QSize(1366, 768 - TITLE_BAR)


def test_the_first_size_and_the_least_size_fit(themed, qtbot, tmp_path):
    from leigh_gui.errors import ErrorBus
    from leigh_gui.main_window import MainWindow
    from leigh_gui.settings import Settings

    window = MainWindow(Settings(tmp_path / "settings.ini"), ErrorBus())
    qtbot.addWidget(window)
    for size in (FIRST_SIZE, window.size(), window.minimumSize()):
        assert size.boundedTo(QSize(1366, 730)) == size
    window.client.close()


@pytest.mark.parametrize("stains", [1, 3])
def test_every_page_fits_and_its_buttons_are_inside(window, qtbot, tmp_path, stains):
    project = make_project(tmp_path / "small", wells=2, fields=1, stains=stains)
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=20_000)
    window.control.gestures.move_to("WT")
    for name in NAMES:
        window.go(name)
        assert window.current_page() == name
        window.resize(SMALL)
        qtbot.wait(50)
        assert window.size() == SMALL, name
        least = window.minimumSizeHint()
        assert least.width() <= 1366 and least.height() <= 730, (name, least)
        for button in window.findChildren(QAbstractButton):
            shown = button.visibleRegion().boundingRect()
            if button.isVisible() and not shown.isEmpty():
                corner = button.mapTo(window, QPoint(button.width(), button.height()))
                assert corner.x() <= window.width(), (name, button.text())
        assert window.strip.mapTo(window, QPoint(0, window.strip.height())).y() <= window.height()
