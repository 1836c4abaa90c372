import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.counterfactual.block_schedule import schedule_blocks
from core.counterfactual.calibration import HIGHEST, LOWEST, nearest_gain, pairs_of_interest
from core.counterfactual.engine import Engine
from core.domain import ORIGINAL, Mix, Move, Precision, Project
from core.errors import BadModel, LeighError
from core.evidence.reference import REFERENCE_FILE, load_reference, save_reference
from core.io.models import load_card
from core.io.project import model_folder, open_project
from core.models.iresnet import LEAST_BLOCKS
from core.progress import silent
from core.workflows.evaluate import evaluate
from core.workflows.project import reader


@pytest.fixture
def folder(trained_project: Project, tmp_path: Path) -> Path:
    """A copy of the model's folder."""
    return Path(
        shutil.copytree(model_folder(trained_project, trained_project.model), tmp_path / "model")
    )


def test_the_measurements_beside_a_model_are_those_of_its_images(
    folder: Path, trained_project: Project
) -> None:
    panel, real = load_reference(folder, load_card(folder))
    assert real.conditions == panel.oracles.conditions and len(real.truth) == len(
        trained_project.dataset.records
    )
    assert real.readouts.shape[1] == len(real.names) and panel.nuclei is not None
    assert real.held_out.any() and not real.held_out.all()


def test_damaged_or_foreign_measurements_are_refused(folder: Path) -> None:
    card = load_card(folder)
    text = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    (folder / "model.json").write_text(json.dumps(text | {"digest": "0" * 32}), encoding="utf-8")
    with pytest.raises(BadModel, match="measured for another model"):
        load_reference(folder, load_card(folder))
    path = folder / REFERENCE_FILE
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(LeighError, match="damaged"):
        load_reference(folder, card)
    path.unlink()
    with pytest.raises(LeighError, match="missing"):
        load_reference(folder, card)


def test_evaluating_a_model_of_before_adds_the_jitter_of_its_features(
    trained_project: Project, tmp_path: Path
) -> None:
    shutil.copytree(trained_project.folder, tmp_path / "copy")
    project = open_project(tmp_path / "copy")
    folder = model_folder(project, project.model)
    card = load_card(folder)
    panel, real = load_reference(folder, card)
    assert real.jitter is not None and (real.jitter > 0).any()
    save_reference(folder, panel, replace(real, jitter=None), card.digest)
    assert load_reference(folder, card)[1].jitter is None
    evaluate(project, device="cpu")
    assert np.array_equal(load_reference(folder, card)[1].jitter, real.jitter)


def test_every_pair_of_conditions_has_a_gain(folder: Path) -> None:
    card = load_card(folder)
    gains = card.training["gains"]
    pairs = pairs_of_interest(card)
    assert len(pairs) == 6
    assert all(LOWEST <= gains[s][t] <= HIGHEST for s, t in pairs)


def test_an_exact_move_carries_evidence_and_a_drag_does_not(trained_project: Project) -> None:
    session = Engine(trained_project.folder, "cpu")
    record = next(r for r in trained_project.dataset.records if r.condition == "DS")
    exact, quick = (
        session.move(Move(record.id, Mix({"WT": 1.0}), precision=p))
        for p in (Precision.EXACT, Precision.DISPLAY)
    )
    assert quick.evidence is None and exact.evidence is not None
    assert np.array_equal(quick.image, exact.image)
    assert exact.locked == session.automatic_locks("DS", "WT")
    assert session.move(Move(record.id, ORIGINAL)).evidence is None


def test_steps_are_placed_whatever_the_number_of_choices_to_hold(trained_project: Project) -> None:
    session, dataset = Engine(trained_project.folder, "cpu"), trained_project.dataset
    holds = np.array([[True, False, False], [True, True, False]] * 10)
    schedule_blocks(session.model, session.card, dataset.records, reader(dataset), silent, holds)
    for times in (session.model.architecture.times, session.model.architecture.times_held):
        assert len(times) > LEAST_BLOCKS and list(times) == sorted(times)


@pytest.mark.parametrize(
    ("came", "gain"),
    [
        (lambda g: [0.8 * g, 0.8 * g, 0.8 * g], 1.25),
        (lambda g: [0.7 * g, 0.7 * g, 0.7 * g], 1.43),
        (lambda g: [1.3 * g, 1.3 * g, 1.3 * g], 0.77),
        (lambda g: [g, 0.4 * g, 0.4 * g], 1.04),  # one that goes far counts more than two that lag
        (lambda g: [0.4 * g, 0.4 * g, 0.4 * g], HIGHEST),  # never there: as far as is tried
        (lambda g: [g, 50 * g, g], 1.05),  # one far beyond does not decide
    ],
)
def test_the_gain_brings_the_readouts_nearest_to_the_target(
    came: Callable[[float], list[float]], gain: float
) -> None:
    found = nearest_gain(lambda g: (np.array(came(g)), 1.0), np.array([3.0, 1.0, 0.7]))
    assert found == pytest.approx(gain, abs=0.02)


@pytest.mark.parametrize(
    ("share", "believed", "gain"),
    [
        (0.4, {1.0: 0.9, 1.25: 0.95, HIGHEST: 0.4}, 1.28),
        (0.9, {1.0: 0.9, 1.25: 0.7}, 1.06),
        (
            0.9,
            {1.0: 0.3, 1.25: 0.9},
            1.11,
        ),  # surer still where it is too far: that alone moves nothing
    ],
)
def test_strength_one_stays_where_the_model_sees_the_target(
    share: float, believed: dict[float, float], gain: float
) -> None:
    found = nearest_gain(lambda g: (share * g * np.ones(2), believed[g]), np.ones(2))
    assert found == pytest.approx(gain, abs=0.02)
