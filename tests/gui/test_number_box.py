"""Numbers are typed with a decimal point or a decimal comma, whatever the language."""

import pytest
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QDoubleSpinBox

from leigh_gui.pages.train.spike_in_check import CheckDialog
from leigh_gui.widgets.common.number_box import NumberBox


@pytest.mark.parametrize("typed", ["0.5", "0,5"])
@pytest.mark.parametrize("language", ["en_US", "de_DE", "C", "de_CH", "fr_FR"])
def test_a_decimal_comma_and_a_decimal_point_are_the_same_number(qtbot, language, typed):
    box = NumberBox()
    qtbot.addWidget(box)
    box.setLocale(QLocale(language))
    box.setRange(0.0, 100.0)
    box.setSuffix(" µm")
    box.selectAll()
    qtbot.keyClicks(box, typed)
    box.interpretText()
    assert box.value() == 0.5


def test_the_dialog_reads_a_comma(qtbot):
    dialog = CheckDialog(["Nuclei"])
    qtbot.addWidget(dialog)
    dialog.factor.setLocale(QLocale("en_US"))
    dialog.factor.selectAll()
    qtbot.keyClicks(dialog.factor, "0,5")
    assert dialog.perturbation().factor == 0.5


@pytest.mark.parametrize("typed", ["1500", "1.500", "1,500"])
def test_a_whole_number_takes_no_mark(qtbot, typed):
    box = NumberBox()
    qtbot.addWidget(box)
    box.setDecimals(0)
    box.setRange(0, 65535)
    box.selectAll()
    qtbot.keyClicks(box, typed)
    box.interpretText()
    assert box.value() == 1500


def test_every_box_for_numbers_is_one_of_them(window, project, qtbot):
    window.commands.open(project.folder)
    qtbot.waitUntil(lambda: window.state.counterfactual is not None, timeout=20_000)
    for page in ("data", "train", "compare", "screen", "figure"):
        window.go(page)
    boxes = window.findChildren(QDoubleSpinBox)
    assert boxes and all(isinstance(box, NumberBox) for box in boxes)
