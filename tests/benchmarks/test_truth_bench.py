"""The demo's counterfactuals and the evidence card, held against planted truth on
fresh cultures.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import truth, truth_summary
from benchmarks.bad_generators import bad_generators
from benchmarks.cultures import Cultures
from core.counterfactual.engine import Engine
from core.errors import LeighError
from core.io.resources import resource
from core.synthetic.cells import DEMO_PHENOTYPES

pytestmark = pytest.mark.slow
CONTRACT = {
    *(
        "conditions",
        "accuracy",
        "intensity_effectiveness",
        "readout_recovery_min",
        "readout_recovery_max",
    ),
    *(
        "smoothed_corr_vs_oracle",
        "off_channel",
        "judge_flip",
        "null_change",
        "bad_generators",
        "beats_baselines",
    ),
}


def test_the_card_rejects_seven_bad_generators_and_accepts_the_truth() -> None:
    cultures = Cultures(DEMO_PHENOTYPES, [("DS", "WT")], 123, 20, 128)
    found = bad_generators(("DS", "WT"), cultures, truth.Mover(Engine(resource("demo"), "cpu")))
    assert len(found) == 8
    lights = {name: row["light"] for name, row in found.items()}
    assert lights.pop("truth") != "red", found["truth"]
    assert set(lights.values()) == {"red"}, {
        k: found[k]["checks"] for k, light in lights.items() if light != "red"
    }


def test_counterfactuals_of_the_demo_come_nearer_to_the_truth_than_what_needs_no_network() -> None:
    session = Engine(resource("demo"), "cpu")
    cultures = Cultures(DEMO_PHENOTYPES, [("DS", "WT"), ("WT", "DS")], 321, 6, 96)
    mover = truth.Mover(session)
    for way in cultures.ways:
        shown = [(c, mover.move(c, way)) for c in cultures.cultures]
        assert all(result.valid for _, result in shown)
        spans = session.card.preprocessing.span
        made = {
            k: [(c, f(c, way)) for c in cultures.cultures]
            for k, f in truth.baselines(session, cultures).items()
        }
        made["model"] = [(c, result.difference) for c, result in shown]
        scores = {
            k: truth.compare(way, v, cultures, spans)["smoothed_corr"] for k, v in made.items()
        }
        assert scores["model"] > max(scores[k] for k in truth_summary.BASELINES), scores
        assert (
            np.mean([abs(r.difference[0]).max() for _, r in shown]) == 0
        )  # nuclei do not differ: held


@pytest.mark.long
def test_the_benchmark_reports_what_its_contract_names_and_does_no_seed_twice(
    tiny: str, tmp_path: Path
) -> None:
    settings = truth.Settings(preset=tiny, cultures=2, side=48, wells=4, fields=2)
    found = truth.bench_truth(tmp_path, [0], settings)
    assert found.keys() >= CONTRACT
    assert found["images"] == 2 * len(truth_summary.WAYS)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (tmp_path / "tiny-0" / "contact_sheet.png").stat().st_size > 1000
    written = (tmp_path / "tiny-0" / "truth.json").stat().st_mtime_ns
    assert truth.bench_truth(tmp_path, [0], settings) == found
    assert (tmp_path / "tiny-0" / "truth.json").stat().st_mtime_ns == written
    with pytest.raises(LeighError, match="another plate"):
        truth.bench_truth(tmp_path, [0], replace(settings, fields=1))
