"""The summary of `leigh bench real`: medians, losses to simple answers, and the card."""

import pytest

from benchmarks.real_summary import is_beaten, summary


def figures(e: float, a: float, off: float) -> dict[str, float]:
    return {
        "size": 0.1,
        "empty": 0.0,
        "effectiveness": e,
        "amplification": a,
        "off_channel": off,
        "smoothed_corr": 0.9,
    }


def row(kind: str, e: float, green: int) -> dict[str, object]:
    answers = {
        "network": figures(e, 0.1, 0.0),
        "ratio of class means": figures(1.0, 0.1, 0.0),
        "nothing": figures(0.0, 0.0, 0.0),
        "transport": figures(0.9, 0.3, 0.1),
    }
    single = {"truth": [green, 4 - green, 0], "half": [0, 2, 2]}
    card = {"single": single, "card_auc": 0.9, "truth_green": green / 4, "wrong_green": 0.0}
    return {"kind": kind, "answers": answers, "card": card}


def test_medians_over_seeds_and_the_cards_lights_are_summed() -> None:
    found = summary([row("dimmer", 0.9, 4), row("dimmer", 1.0, 2), row("dimmer", 0.7, 3)])
    assert found["kinds"]["dimmer"]["e"] == pytest.approx(0.9)
    assert found["kinds"]["dimmer"]["baseline_e"] == 1.0
    assert found["truth_green"] == pytest.approx(0.75)
    assert found["card"]["truth"] == [9, 3, 0]
    assert found["pareto_losses"] == ["dimmer"]


def test_nobody_is_beaten_by_an_answer_that_is_worse_in_something() -> None:
    ours = figures(0.97, 0.1, 0.0)
    assert not is_beaten(ours, figures(0.0, 0.0, 0.0))  # nothing at all: no noise, no effect
    assert not is_beaten(ours, figures(0.972, 0.1, 0.0))  # even
    assert is_beaten(ours, figures(1.0, 0.05, 0.0))
