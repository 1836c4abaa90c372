"""A turn of the event loop: what was waiting is served between two results."""

import time

import pytest
from PySide6.QtCore import QObject, Qt, QTimer
from pytestqt.qtbot import QtBot

from leigh_gui.services.background import Background
from leigh_gui.turns import next_turn

STEPS = 6
STEP_S = 0.02


def test_a_beat_comes_between_two_turns(qtbot: QtBot) -> None:
    log: list[str] = []
    beat = QTimer(interval=5, timerType=Qt.TimerType.PreciseTimer)
    beat.timeout.connect(lambda: log.append("beat"))
    beat.start()
    owner = QObject()

    def step(left: int) -> None:
        time.sleep(STEP_S)
        log.append("step")
        if left:
            next_turn(owner, lambda: step(left - 1))

    next_turn(owner, lambda: step(STEPS))
    qtbot.waitUntil(lambda: log.count("step") == STEPS + 1)
    assert "step step" not in " ".join(log)


def test_results_come_in_turns_of_their_own(qtbot: QtBot) -> None:
    log: list[str] = []
    background = Background(threads=1)
    beat = QTimer(interval=5, timerType=Qt.TimerType.PreciseTimer)
    beat.timeout.connect(lambda: log.append("beat"))
    beat.start()

    def slow(_: object) -> None:
        time.sleep(STEP_S)
        log.append("result")

    for _ in range(STEPS):
        background.run(lambda: None, slow, pytest.fail)
    qtbot.waitUntil(lambda: log.count("result") == STEPS)
    assert log.count("beat") >= STEPS - 1


def test_the_owner_is_gone(qtbot: QtBot) -> None:
    done: list[int] = []
    owner = QObject()
    next_turn(owner, lambda: done.append(1))
    owner.deleteLater()
    del owner
    qtbot.wait(20)
    assert not done
