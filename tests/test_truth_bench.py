"""The truth benchmark keeps its contract; on a plate and a training far too small for its figures to mean anything."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import truth, truth_summary
from benchmarks.bad_generators import bad_generators
from benchmarks.cultures import Cultures
from core.data.synthetic import DEMO_PHENOTYPES
from core.explain.session import Session
from core.resources import resource

KEYS = [
    "conditions",
    "accuracy",
    "cnn_accuracy",
    "intensity_effectiveness",
    "readout_recovery_min",
    "readout_recovery_max",
    "smoothed_corr_vs_oracle",
    "off_channel",
    "localisation",
    "path_rho",
    "flip",
    "judge_flip",
    "truth_judge_flip",
    "readout_judge_flip",
    "truth_readout_judge_flip",
    "null_change",
    "bad_generators",
    "rejected",
    "beats_baselines",
    "cells_lost",
]
SMALL = truth.Settings(preset="tiny", cultures=2, side=48, wells=4, fields=1)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def measured(tiny: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One seed, with a tiny network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(truth, "PATH_CULTURES", 1)
        # A tiny network moves images but is no contraction everywhere; refusing it all would measure nothing.
        patch.setattr("core.explain.counterfactual.LARGEST_CONTRACTION", 10.0)
        return truth.bench_truth(tmp_path_factory.mktemp("truth"), [0], SMALL)


def test_every_key_of_the_contract_is_there_and_is_plain_json(measured: dict[str, Any]) -> None:
    assert set(KEYS) <= set(measured)
    assert json.loads(json.dumps(measured, allow_nan=False))["conditions"] == list(truth.PHENOTYPES)


def test_every_ordered_pair_has_the_model_and_all_yardsticks(measured: dict[str, Any]) -> None:
    ways = measured["seeds"][0]["ways"]
    assert len(ways) == 5 * 4 + 2
    for row in ways:
        if "designs" in row:
            assert {"model", "oracle", *truth_summary.BASELINES} == set(row["designs"])
            assert row["designs"]["identity"]["effectiveness"] == 0
            assert row["designs"]["oracle"]["smoothed_corr"] > row["designs"]["identity"]["smoothed_corr"]


def test_what_is_there_is_not_measured_again(measured: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "tiny-7"
    folder.mkdir()
    (folder / "truth.json").write_text(json.dumps(measured["seeds"][0]), encoding="utf-8")
    again = truth.bench_truth(tmp_path, [7], SMALL)
    assert {k: again[k] for k in KEYS} == {k: measured[k] for k in KEYS}


def test_the_card_rejects_seven_bad_generators_and_accepts_the_truth() -> None:
    cultures = Cultures(DEMO_PHENOTYPES, [("DS", "WT")], 123, 20, 128)
    found = bad_generators(("DS", "WT"), cultures, truth.Mover(Session(resource("demo"), "cpu")))
    assert len(found) == 8
    lights = {name: row["light"] for name, row in found.items()}
    assert lights.pop("truth") != "red", found["truth"]
    assert set(lights.values()) == {"red"}, {k: found[k]["checks"] for k, light in lights.items() if light != "red"}


def test_counterfactuals_of_the_demo_come_nearer_to_the_truth_than_what_needs_no_network() -> None:
    session = Session(resource("demo"), "cpu")
    cultures = Cultures(DEMO_PHENOTYPES, [("DS", "WT"), ("WT", "DS")], 321, 6, 96)
    mover = truth.Mover(session)
    for way in cultures.ways:
        shown = [(c, mover.move(c, way)) for c in cultures.cultures]
        assert all(result.valid for _, result in shown)
        spans = session.card.recipe.span
        made = {k: [(c, f(c, way)) for c in cultures.cultures] for k, f in truth.baselines(session, cultures).items()}
        made["model"] = [(c, result.difference) for c, result in shown]
        scores = {k: truth.compare(way, v, cultures, spans)["smoothed_corr"] for k, v in made.items()}
        assert scores["model"] > max(scores[k] for k in truth_summary.BASELINES), scores
        assert np.mean([abs(r.difference[0]).max() for _, r in shown]) == 0  # nuclei do not differ: held
