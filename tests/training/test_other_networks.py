import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import core as leigh
from core import encode
from core.cli.main import main
from core.counterfactual.autoencoder import AutoencoderEngine, draw
from core.counterfactual.engine import Engine
from core.data.preprocessing import from_network, to_network
from core.domain import Mix, ModelCard, Move, Project, Split
from core.errors import BadModel, LeighError
from core.io.models import list_cards, load_card, load_tensors, save_card
from core.io.project import model_folder, open_project, save_project
from core.io.tiff import read_image
from core.progress import Cancelled, Progress
from core.training.checkpoint import CHECKPOINT
from core.training.presets import SCHEDULES, Schedule
from core.workflows.baselines import evaluate_others
from core.workflows.project import images_of, load_model

Copy = Callable[[Project], Project]
KINDS = ("resnext-small", "autoencoder", "variational-autoencoder")


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch, tiny: str) -> Iterator[None]:
    """Trainings of seconds."""
    for kind in SCHEDULES:
        monkeypatch.setitem(SCHEDULES, kind, {tiny: Schedule(30, 8), "quick": Schedule(30, 8)})
    yield


def train(folder: Path, kind: str, tiny: str, **options: object) -> ModelCard:
    return leigh.train(folder, kind, **{"preset": tiny, "device": "cpu", **options})


def weights(project: Project, kind: str) -> dict[str, np.ndarray]:
    return load_tensors(model_folder(project, kind))


def stop_at(step: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.what == "Training" and progress.done == step:
            raise Cancelled

    return report


@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_training_resumes_to_the_weights_of_an_undisturbed_one(
    kind: str, copy_of: Copy, scanned_project: Project, tiny: str
) -> None:
    project = copy_of(scanned_project)
    train(project.folder, kind, tiny)
    undisturbed = weights(project, kind)
    with pytest.raises(Cancelled):
        train(project.folder, kind, tiny, progress=stop_at(20))
    assert (model_folder(project, kind) / CHECKPOINT).exists()
    train(project.folder, kind, tiny, resume=True)
    resumed = weights(project, kind)
    assert all(np.array_equal(v, resumed[k]) for k, v in undisturbed.items())
    assert not list(model_folder(project, kind).glob("checkpoint*"))
    train(project.folder, kind, tiny, seed=1)
    assert any(not np.array_equal(v, undisturbed[k]) for k, v in weights(project, kind).items())


def test_a_stopped_training_of_other_settings_is_refused(
    copy_of: Copy, scanned_project: Project, tiny: str
) -> None:
    folder = copy_of(scanned_project).folder
    with pytest.raises(Cancelled):
        train(folder, "autoencoder", tiny, progress=stop_at(20))
    with pytest.raises(LeighError, match="another split or another preset"):
        train(folder, "autoencoder", tiny, seed=3, resume=True)


def test_the_loss_falls(copy_of: Copy, scanned_project: Project, tiny: str) -> None:
    reported: list[Progress] = []
    folder = copy_of(scanned_project).folder
    train(
        folder,
        "autoencoder",
        tiny,
        progress=lambda p: reported.append(p) if p.what == "Training" else None,
    )
    losses = [p.values["validation_loss"] for p in reported]
    assert [p.done for p in reported] == [10, 20, 30] and losses[-1] < 0.8 * losses[0]


def test_a_loss_that_is_no_number_stops_the_training(
    copy_of: Copy, scanned_project: Project, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Schedule, "factor", lambda *_: 1e33)
    with pytest.raises(LeighError, match="not a number"):
        train(copy_of(scanned_project).folder, "autoencoder", tiny)


def test_wells_are_never_on_both_sides_and_are_those_of_the_iresnet(
    copy_of: Copy, scanned_project: Project, trained_project: Project, tiny: str
) -> None:
    project = copy_of(trained_project)
    theirs = load_card(model_folder(project, "iresnet"))
    for seed in (0, 5):
        card = train(project.folder, "resnext-small", tiny, seed=seed)
        assert (
            card.split == theirs.split
            and card.preprocessing == theirs.preprocessing
            and card.seen == theirs.seen
        )
    dataset = images_of(open_project(project.folder))
    for group in {r.group for r in dataset.records}:
        assert len({card.part_of(r) for r in dataset.records if r.group == group}) == 1
    assert card.accuracy["test_groups"] == list(card.split.values()).count(Split.TEST) > 0
    with pytest.raises(LeighError, match="same wells"):
        train(
            project.folder,
            "resnext-small",
            tiny,
            test_groups=[next(g for g in card.split if g not in theirs.seen)],
        )


def test_without_an_iresnet_the_first_network_settles_the_wells(
    copy_of: Copy, scanned_project: Project, tiny: str
) -> None:
    folder = copy_of(scanned_project).folder
    dataset = images_of(open_project(folder))
    chosen = [
        next(r.group for r in dataset.records if r.condition == c) for c in dataset.condition_names
    ]
    first = train(folder, "resnext-small", tiny, test_groups=chosen, seed=2)
    assert {g for g, part in first.split.items() if part == Split.TEST} == set(chosen)
    assert train(folder, "autoencoder", tiny, seed=0).split == first.split


def test_the_projects_model_stays_and_another_kind_in_its_place_is_a_clear_error(
    copy_of: Copy, trained_project: Project, tiny: str
) -> None:
    project = copy_of(trained_project)
    train(project.folder, "resnext-small", tiny)
    assert open_project(project.folder).model == "iresnet"
    Engine(project.folder, "cpu")
    save_project(replace(open_project(project.folder), model="resnext-small"))
    for use in (lambda: Engine(project.folder, "cpu"), lambda: encode(project.folder, device="cpu"),
                lambda: load_model(open_project(project.folder), "cpu")):  # fmt: skip
        with pytest.raises(BadModel, match="is a resnext-small"):
            use()


def test_evaluate_lists_all_networks_and_keeps_its_keys(
    copy_of: Copy, trained_project: Project, tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    project = copy_of(trained_project)
    for kind in ("resnext-small", "autoencoder"):
        train(project.folder, kind, tiny)
    words = ["evaluate", "--project", str(project.folder), "--device", "cpu", "--progress", "none"]
    assert main([*words, "--json"]) == 0
    reported = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {"accuracy", "confusion", "roundtrip_error", "judges", "baseline"} <= reported.keys()
    assert [row["name"] for row in reported["models"]] == [
        "iresnet",
        "autoencoder",
        "resnext-small",
    ]
    keys = {
        "kind",
        "accuracy",
        "accuracy_low",
        "accuracy_high",
        "calibration_error",
        "z_prime",
        "robust_z_prime",
        "test_records",
        "test_groups",
    }
    assert all(keys <= row.keys() for row in reported["models"])
    assert (
        reported["models"][0]["accuracy"] == reported["accuracy"]
        and len({r["test_groups"] for r in reported["models"]}) == 1
    )
    stored = load_card(model_folder(project, "resnext-small"))
    assert reported["models"][2]["accuracy"] == stored.accuracy["accuracy"]
    (model_folder(project, "autoencoder") / "model.safetensors").write_bytes(b"damaged")
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "resnext-small" in text and "autoencoder: left out." in text


def test_networks_are_evaluated_where_there_is_no_iresnet(
    copy_of: Copy, scanned_project: Project, tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy_of(scanned_project).folder
    trained = train(folder, "resnext-small", tiny)
    assert (
        main(
            [
                "evaluate",
                "--project",
                str(folder),
                "--device",
                "cpu",
                "--progress",
                "none",
                "--json",
            ]
        )
        == 0
    )
    reported = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [row["accuracy"] for row in reported["models"]] == [trained.accuracy["accuracy"]]
    assert [c.name for c in list_cards(open_project(folder))] == ["resnext-small"]
    assert evaluate_others(open_project(folder), device="cpu")[0] == reported["models"]


@pytest.mark.parametrize("kind", ["autoencoder", "variational-autoencoder"])
def test_at_strength_zero_a_moved_image_is_its_reconstruction_and_between_it_changes_steadily(
    kind: str, copy_of: Copy, scanned_project: Project, tiny: str
) -> None:
    project = copy_of(scanned_project)
    card = train(project.folder, kind, tiny)
    dataset = images_of(open_project(project.folder))
    record = next(r for r in dataset.records if r.condition == "DS")
    shifter = AutoencoderEngine(project.folder, kind, "cpu")
    still, half, whole = (
        shifter.move(Move(record.id, Mix({"WT": 1.0}, s), ())) for s in (0.0, 0.5, 1.0)
    )
    x = to_network(card.preprocessing, still.original.astype(np.float64))
    drawn = from_network(card.preprocessing, draw(shifter.model, x))
    span = np.array(card.preprocessing.span)[:, None, None]
    assert np.abs((still.image - drawn) / span).max() < 1e-4
    assert np.allclose(still.difference, still.image - still.original, atol=1e-2 * span.min())
    error = np.abs((still.image - still.original) / span).max()
    assert (
        still.roundtrip_error == pytest.approx(error, rel=1e-3) and error > 0.01
    )  # it blurs, and says so
    away = [float(np.square((m.image - still.image) / span).mean()) for m in (half, whole)]
    assert 0 < away[0] < away[1]
    assert shifter.move(Move(record.id, Mix({"DS": 1.0}), ())).image == pytest.approx(still.image)
    with pytest.raises(LeighError, match="none can be held"):
        shifter.move(Move(record.id, Mix({"WT": 1.0}), ("Nuclei",)))


def test_judges_that_see_images_otherwise_give_no_evidence(
    copy_of: Copy, trained_project: Project, tiny: str
) -> None:
    project = copy_of(trained_project)
    card = train(project.folder, "autoencoder", tiny)
    assert AutoencoderEngine(project.folder, "autoencoder", "cpu").evidence.panel is not None
    other = replace(card.preprocessing, offset=tuple(v + 1 for v in card.preprocessing.offset))
    save_card(model_folder(project, "autoencoder"), replace(card, preprocessing=other))
    assert AutoencoderEngine(project.folder, "autoencoder", "cpu").evidence.panel is None


def test_the_means_are_of_training_wells_alone(
    copy_of: Copy, scanned_project: Project, tiny: str
) -> None:
    project = copy_of(scanned_project)
    card = train(project.folder, "autoencoder", tiny)
    shifter = AutoencoderEngine(project.folder, "autoencoder", "cpu")
    dataset = images_of(open_project(project.folder))
    known = [r for r in dataset.records if r.condition == "DS" and card.part_of(r) == Split.TRAIN]
    fields = [
        to_network(card.preprocessing, shifter.move(Move(r.id, Mix({"WT": 1.0}, 0.0), ())).original)
        for r in known
    ]
    with torch.no_grad():
        means = [
            shifter.model.encode(torch.from_numpy(x)[None]).mean(dim=(0, 2, 3)) for x in fields
        ]
    row = card.condition_names.index("DS")
    assert torch.allclose(
        shifter.model.latent_means[row], torch.stack(means).mean(dim=0), atol=1e-4
    )


def test_the_command_line_writes_the_same_files_for_an_autoencoder(
    copy_of: Copy, trained_project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = copy_of(trained_project)
    where = ["--project", str(project.folder), "--device", "cpu", "--progress", "none"]
    assert main(["train", "--model", "autoencoder", *where]) == 0
    out = tmp_path / "out"
    words = [
        "counterfactual",
        "--model",
        "autoencoder",
        *where,
        "--to",
        "WT",
        "--from",
        "DS",
        "--out",
        str(out),
    ]
    assert main([*words, "--split", "test"]) == 0
    capsys.readouterr()
    lines = (out / "evidence.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) > 1 and "roundtrip_error" in lines[0] and "judges_light" in lines[0]
    files = sorted(p.name for p in out.glob("*.ome.tif"))
    assert len(files) == 2 * (len(lines) - 1)
    dataset = images_of(open_project(project.folder))
    assert read_image(out / files[0]).shape == dataset.records[0].shape
    assert main([*words, "--limit", "0"]) == 2 and "leaves no image" in capsys.readouterr().err
    some = [*words[:-1], str(tmp_path / "some")]
    assert main([*some, "--limit", "3"]) == 0
    moved = (tmp_path / "some" / "evidence.csv").read_text(encoding="utf-8-sig").splitlines()[1:]
    assert len(moved) == len({line.split(",")[0] for line in moved}) == 3
    assert main([*words, "--hold", dataset.channels[0].name]) == 2
    assert "none can be held" in capsys.readouterr().err
    assert main(["train", "--model", "autoencoder", "--weights", "x.pth", *where]) == 2
    assert main(["train", "--weights", "x.pth", *where]) == 2
    assert main(["train", "--model", "resnext50", "--weights", "x.pth", *where]) == 2
    assert "x.pth" in capsys.readouterr().err
