import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.domain import Project
from core.errors import BadModel, LeighError
from core.explain.calibration import HIGHEST, LOWEST, pairs_of_interest, whole_way
from core.explain.panel import PANEL_FILE, load_panel
from core.explain.session import Session
from core.io.models import load_card
from core.io.project import model_folder


@pytest.fixture
def folder(trained_project: Project, tmp_path: Path) -> Path:
    """A copy of the model's folder."""
    return Path(shutil.copytree(model_folder(trained_project, trained_project.model), tmp_path / "model"))


def test_the_measurements_beside_a_model_are_those_of_its_images(folder: Path, trained_project: Project) -> None:
    panel, real = load_panel(folder, load_card(folder))
    assert real.conditions == panel.judges.conditions and len(real.truth) == len(trained_project.dataset.records)
    assert real.readouts.shape[1] == len(real.names) and panel.nuclei is not None
    assert real.held_out.any() and not real.held_out.all()


def test_damaged_or_foreign_measurements_are_refused(folder: Path) -> None:
    card = load_card(folder)
    text = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    (folder / "model.json").write_text(json.dumps(text | {"digest": "0" * 32}), encoding="utf-8")
    with pytest.raises(BadModel, match="measured for another model"):
        load_panel(folder, load_card(folder))
    path = folder / PANEL_FILE
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(LeighError, match="damaged"):
        load_panel(folder, card)
    path.unlink()
    with pytest.raises(LeighError, match="missing"):
        load_panel(folder, card)


def test_every_pair_of_conditions_has_a_gain(folder: Path) -> None:
    card = load_card(folder)
    gains = card.training["gains"]
    pairs = pairs_of_interest(card)
    assert len(pairs) == 6
    assert all(LOWEST <= gains[s][t] <= HIGHEST for s, t in pairs)


def test_an_exact_move_carries_evidence_and_a_drag_does_not(trained_project: Project) -> None:
    session = Session(trained_project.folder, "cpu")
    record = next(r for r in trained_project.dataset.records if r.condition == "DS")
    quick, exact = (session.move(record.id, {"WT": 1.0}, 1.0, exact=e) for e in (False, True))
    assert quick.evidence is None and exact.evidence is not None
    assert np.array_equal(quick.image, exact.image)
    assert exact.held == session.holding("DS", "WT")
    assert session.select(record.id).evidence is None


@pytest.mark.parametrize(
    ("progress", "gain"),
    [
        (lambda g: 0.8 * g, 1.25),  # in proportion
        (lambda g: 1.0 + 0.5 * (g - 1.2), 1.2),  # along a line
        (lambda g: 1.25 - 0.05 * (g < 0.9) - 0.5 * (g < 0.7), 0.8),  # flat, then steep: the line would lead to 0.5
        (lambda g: 1.3 - 0.2 * g, 1.0),  # the further the less
    ],
)
def test_the_gain_is_the_one_tried_that_comes_nearest_the_whole_way(
    progress: Callable[[float], float], gain: float
) -> None:
    assert whole_way(progress) == pytest.approx(gain, abs=0.02)
