from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.data.batches import FieldStore
from core.data.preprocessing import fit_preprocessing
from core.domain import IntArray, Project
from core.errors import LeighError
from core.models.iresnet import Architecture, IResNet
from core.progress import Cancelled, Progress, silent
from core.training.checkpoint import CHECKPOINT, SET_ASIDE
from core.training.objectives import FlowMatching, Labelled
from core.training.presets import Preset
from core.training.trainer import Run
from core.training.trainer import train as fit
from core.workflows.project import reader

BRIEF = Preset("brief", "", "", 40, 8, 16, (4, 4, 4), 3)
Fit = Callable[..., IResNet]


@pytest.fixture
def material(scanned_project: Project) -> tuple[FieldStore, IntArray]:
    """Fields and labels of a small plate."""
    dataset = scanned_project.dataset
    assert dataset is not None
    read = reader(dataset)
    preprocessing = fit_preprocessing(
        [read(r).astype(np.float32) for r in dataset.records], BRIEF.crop
    )
    labels = np.array([dataset.condition_names.index(r.condition) for r in dataset.records])
    return FieldStore(dataset.records, preprocessing, read), labels


@pytest.fixture
def train(material: tuple[FieldStore, IntArray], tmp_path: Path) -> Fit:
    """Trains a fresh small network and returns it; further words go to `fit`."""

    def run(
        preset: Preset = BRIEF, report: Callable[[Progress], None] = silent, **options: object
    ) -> IResNet:
        torch.manual_seed(0)
        model = IResNet(Architecture(3, 3, preset.widths, preset.blocks))
        objective = FlowMatching(Labelled(*material), preset.batch)
        settings = {"seed": 0, "folder": tmp_path, "identity": "this", **options}
        fit(model, objective, preset.schedule, Run(**settings), report=report)
        return model

    return run


def stop_at(step: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.done == step:
            raise Cancelled

    return report


def same(a: IResNet, b: IResNet) -> bool:
    return all(
        torch.equal(x, y)
        for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def test_the_loss_falls_and_progress_tells_it(train: Fit) -> None:
    reported: list[Progress] = []
    train(Preset("longer", "", "", 120, 8, 16, (8, 8, 8), 3), report=reported.append)
    losses = [p.values["loss"] for p in reported]
    assert [p.done for p in reported] == list(range(10, 121, 10))
    assert losses[-1] < 0.85 * losses[0]
    assert reported[-1].total == 120 and reported[-1].seconds_left == 0


def test_a_stopped_training_resumes_to_bit_identical_weights(train: Fit) -> None:
    undisturbed = train()
    with pytest.raises(Cancelled):
        train(report=stop_at(20))
    resumed = train(resume=True)
    assert same(undisturbed, resumed)
    assert not same(undisturbed, train(seed=1))


def test_the_curves_of_a_resumed_training_begin_at_its_first_step(
    material: tuple[FieldStore, IntArray], tmp_path: Path
) -> None:
    def curve(folder: Path, **options: Any) -> list[list[float]]:
        torch.manual_seed(0)
        model = IResNet(Architecture(3, 3, BRIEF.widths, BRIEF.blocks))
        objective = FlowMatching(Labelled(*material), BRIEF.batch)
        report = options.pop("report", silent)
        run = Run(0, folder, "this", **options)
        drawn: list[list[float]] = fit(model, objective, BRIEF.schedule, run, report=report)[
            "curve"
        ]
        return drawn

    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
    whole = curve(tmp_path / "whole")
    with pytest.raises(Cancelled):
        curve(tmp_path / "stopped", report=stop_at(20))
    resumed = curve(tmp_path / "stopped", resume=True)
    assert resumed[:20] == whole[:20]
    for rows in (whole, resumed):
        assert [row[0] for row in rows] == list(range(1, BRIEF.steps + 1))
    assert whole[0][1] > whole[-1][1] and all(len(row) == 3 for row in whole)


def test_a_training_stopped_after_its_last_step_is_not_lost(train: Fit) -> None:
    undisturbed = train()
    steps: list[Progress] = []
    assert same(train(resume=True, report=steps.append), undisturbed)
    assert steps == []  # nothing was trained again


def test_a_training_begun_anew_keeps_the_stopped_one(train: Fit, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        train(report=stop_at(20))
    stopped = (tmp_path / CHECKPOINT).read_bytes()
    train()
    assert (tmp_path / CHECKPOINT).with_suffix(SET_ASIDE).read_bytes() == stopped


def test_resuming_with_other_settings_is_refused(train: Fit) -> None:
    with pytest.raises(Cancelled):
        train(report=stop_at(10))
    with pytest.raises(LeighError, match="another preset"):
        train(resume=True, identity="that")


def test_resuming_nothing_is_refused(train: Fit) -> None:
    with pytest.raises(LeighError, match="no stopped training"):
        train(resume=True)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(
    train: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.training.trainer.CHECKPOINT_EVERY_S", 0.0)
    undisturbed = train()
    with pytest.raises(Cancelled):
        train(report=stop_at(20))
    newest = tmp_path / CHECKPOINT
    newest.write_bytes(newest.read_bytes()[:1000])
    seen: list[Progress] = []
    assert same(train(resume=True, report=seen.append), undisturbed)
    assert seen[0].done == 20  # step 19 was the last whole one; the damaged file held step 20

    newest.write_bytes(b"")
    newest.with_suffix(".previous").write_bytes(b"nothing")
    with pytest.raises(LeighError, match=r"checkpoint\.previous is damaged"):
        train(resume=True)


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_state(
    train: Fit, material: tuple[FieldStore, IntArray], tmp_path: Path
) -> None:
    with pytest.raises(Cancelled):
        train(report=stop_at(20))
    kept = (tmp_path / CHECKPOINT).read_bytes()
    store, _ = material
    for n in range(len(store)):
        store.field(n)[:] = np.nan
    with pytest.raises(LeighError, match=r"step 21.*last good state is kept"):
        train(resume=True)
    assert (tmp_path / CHECKPOINT).read_bytes() == kept


def test_without_a_checkpoint_none_is_promised(
    train: Fit, material: tuple[FieldStore, IntArray]
) -> None:
    for n in range(len(material[0])):
        material[0].field(n)[:] = np.nan
    with pytest.raises(LeighError) as reported:
        train()
    assert "kept" not in str(reported.value)


def test_a_training_that_breaks_down_goes_on_from_its_average_at_half_the_rate(
    material: tuple[FieldStore, IntArray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = Preset("longer", "", "", 160, 8, 16, (8, 8, 8), 3)

    def trained(ruined_at: int | None) -> dict[str, Any]:
        torch.manual_seed(0)
        model = IResNet(Architecture(3, 3, preset.widths, preset.blocks))

        def ruin(progress: Progress) -> None:
            if progress.done == ruined_at:
                with torch.no_grad():
                    model.velocity.leave.weight.add_(torch.randn_like(model.velocity.leave.weight))

        objective = FlowMatching(Labelled(*material), preset.batch)
        return fit(model, objective, preset.schedule, Run(0, tmp_path, "this"), report=ruin)

    sound, ruined = trained(None), trained(100)
    assert (sound["rate"], ruined["rate"]) == (1.0, 0.5)
    assert ruined["loss"] < 1.25 * sound["loss"]
    monkeypatch.setattr("core.training.checkpoint.BROKEN", np.inf)
    assert trained(100)["loss"] > 1.25 * sound["loss"]
