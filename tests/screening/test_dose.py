"""Dose curves of known EC50, and curves that must not name one."""

from dataclasses import fields

import numpy as np
import pytest

from core.domain import FloatArray, Role
from core.domain.screen import DoseCurve, Ranked
from core.screening.dose import dose_curves, logistic

DOSES = np.array([0.03, 0.1, 0.3, 1.0, 3.0, 10.0])


def _curve(rescue: FloatArray, doses: FloatArray = DOSES, noise: float = 0.02) -> DoseCurve:
    rng = np.random.default_rng(0)
    rows, draws = [], {}
    for dose, value in zip(doses, rescue):
        name = f"X {dose:g} µM"
        nothing = dict.fromkeys((f.name for f in fields(Ranked)), None)
        reported = {
            "condition": name,
            "compound": "X",
            "dose_um": float(dose),
            "role": Role.TREATED,
            "rescue": float(value),
        }
        rows.append(Ranked(**(nothing | reported)))  # type: ignore[arg-type]  # nothing else is asked
        draws[name] = value + rng.normal(0, noise, 400)
    return dose_curves(rows, draws, 0.9)[0]


def test_the_ec50_is_found_with_an_interval_that_holds_it() -> None:
    found = _curve(logistic(DOSES, 0.0, 0.8, 1.5, np.log(0.5)))
    assert found.ec50_um == pytest.approx(0.5, rel=0.02) and found.top == pytest.approx(
        0.8, abs=0.02
    )
    assert found.ec50_low is not None and found.ec50_high is not None
    assert found.ec50_low <= 0.5 <= found.ec50_high and found.ec50_high / found.ec50_low < 2


def test_without_an_upper_plateau_there_is_no_ec50() -> None:
    found = _curve(logistic(DOSES, 0.0, 1.0, 1.0, np.log(30.0)))
    assert found.ec50_um is None and "plateau" in found.reason


def test_without_a_lower_plateau_there_is_no_ec50() -> None:
    found = _curve(logistic(DOSES, 0.0, 1.0, 1.0, np.log(0.01)))
    assert found.ec50_um is None and found.reason


def test_a_flat_line_has_no_ec50() -> None:
    found = _curve(np.full(6, 0.3) + np.random.default_rng(1).normal(0, 0.02, 6), noise=0.05)
    assert found.ec50_um is None and found.reason


def test_three_doses_are_no_curve() -> None:
    found = _curve(np.array([0.0, 0.3, 0.6]), DOSES[:3])
    assert found.ec50_um is None and "3 doses" in found.reason
