"""The demo that travels with the program is complete, small, and says the truth about itself."""

from pathlib import Path

import numpy as np
import pytest

from core import figure
from core.counterfactual.engine import Engine
from core.domain import Mix, Move, PanelSpec, PathRequest, Role
from core.errors import LeighError
from core.io.models import load_card
from core.io.project import latents_path, maps_folder, model_folder, open_project
from core.io.read_field import read_record
from core.io.resources import resource
from core.io.screens import SCREEN_FOLDER, load_screen
from core.io.tables import load_latents, load_map
from core.synthetic.cells import CHANNELS, DEMO_PHENOTYPES, render
from core.workflows.demo import copy_demo, demo_name

DEMO = resource("demo")


def test_demo_has_images_roles_channels_and_a_plate_layout() -> None:
    dataset = open_project(DEMO).dataset
    assert dataset is not None
    assert dataset.root == DEMO / "images"
    assert dataset.condition_names == tuple(DEMO_PHENOTYPES)
    assert [dataset.condition(n).role for n in ("WT", "DS", "TT")] == [
        Role.HEALTHY,
        Role.DISEASED,
        Role.TREATED,
    ]
    assert [c.name for c in dataset.channels] == [c.name for c in CHANNELS]
    assert len({c.colour for c in dataset.channels}) == 3
    assert dataset.plate_shape == (8, 12)
    assert len({r.well for r in dataset.records}) == 48
    assert min(min(r.shape[1:]) for r in dataset.records) >= 96
    assert not dataset.problems


def test_demo_images_are_what_the_generator_renders_today() -> None:
    dataset = open_project(DEMO).dataset
    assert dataset is not None
    rows = (DEMO / "images" / "truth.csv").read_text(encoding="utf-8").splitlines()
    file, seed = rows[1].split(",")[:2]
    record = next(r for r in dataset.records if r.files == (file,))
    assert np.array_equal(
        read_record(dataset.root, record), render(int(seed), DEMO_PHENOTYPES[record.condition], 128)
    )


def test_demo_model_is_small_tested_on_whole_wells_and_invertible() -> None:
    project = open_project(DEMO)
    folder = model_folder(project, project.model)
    assert (folder / "model.safetensors").stat().st_size <= 5_000_000
    card = load_card(folder)
    assert card.inverse is not None and not card.inverse.failed
    assert card.inverse.roundtrip_max < 1 / 1020
    assert max(card.inverse.contraction) < 0.9
    assert card.accuracy["test_groups"] >= 12
    assert card.accuracy["accuracy"] >= 0.85


@pytest.mark.parametrize(("source", "target"), [("DS", "WT"), ("WT", "DS")])
def test_held_out_demo_images_come_about_the_whole_way_at_strength_one(
    source: str, target: str
) -> None:
    session = Engine(DEMO, "cpu")
    assert session.map.latents is not None
    held = [
        r for r, s in zip(session.map.latents.record_ids, session.map.latents.split) if s == "test"
    ]
    records = [r for r in held if session.project.dataset.record(r).condition == source][:6]
    moved = [
        session.evidence.measure(session.move(Move(r, Mix({target: 1.0}, 1.0)))) for r in records
    ]
    before, after = (
        np.mean([getattr(m, k).readouts for m in moved], axis=0) for k in ("before", "after")
    )
    assert np.median(
        session.evidence.direction(source, target).came(before, after)
    ) == pytest.approx(1.0, abs=0.35)


def test_demo_map_belongs_to_the_model_and_shows_held_out_points() -> None:
    project = open_project(DEMO)
    card = load_card(model_folder(project, project.model))
    latents = load_latents(latents_path(project))
    projection, decision = load_map(maps_folder(project))
    assert latents.model_digest == projection.model_digest == decision.model_digest == card.digest
    assert decision.held_out and decision.fidelity >= 0.9
    assert set(latents.split) == {"train", "validation", "test"}


def test_demo_says_nothing_of_the_machine_it_was_made_on() -> None:
    text = (DEMO / "project.json").read_text(encoding="utf-8")
    assert '"absolute": null' in text
    assert not list(DEMO.rglob("*checkpoint*"))
    assert not list(DEMO.rglob("*.bak"))


def test_a_diseased_image_of_the_demo_moves_to_wild_type(tmp_path: Path) -> None:
    copy_demo(tmp_path / demo_name())
    session = Engine(tmp_path / demo_name(), "cpu")
    assert session.map.latents is not None
    row = next(
        i
        for i, (t, s) in enumerate(zip(session.map.latents.truth, session.map.latents.split))
        if t == 1 and s == "test"
    )
    record = session.map.latents.record_ids[row]
    still = session.move(Move(record, Mix({"WT": 1.0}, 0.0)))
    assert np.array_equal(still.image, still.original)
    moved = session.move(Move(record, Mix({"WT": 1.0}, 1.0)))
    assert moved.valid
    assert session.card.condition_names[int(moved.probabilities.argmax())] == "WT"
    red = moved.difference[2]
    assert (
        red.mean() > 0
    )  # the planted truth: diseased mitochondria are dimmer, so health is brighter
    path = session.path(PathRequest(record, Mix({"WT": 1.0}), frames=6))
    assert path.crossing == pytest.approx(0.5, abs=0.5)


def test_the_demo_comes_with_its_ranking_which_names_what_was_planted() -> None:
    project = open_project(DEMO)
    found = load_screen(DEMO / SCREEN_FOLDER)
    assert project.dataset is not None and found.dataset_digest == project.dataset.digest
    assert found.model_digest == load_card(model_folder(project, project.model)).digest
    rows = {r.condition: r for r in found.ranked}
    assert rows["TT"].hit and "side effect" in rows["Drug B"].flags
    assert {"loses cells", "side effect"} <= set(rows["Drug C"].flags) and not rows["Drug C"].hit
    left = {(u.condition, u.channel): u.restored for u in found.unrepaired}
    assert 0.3 < left["TT", "Mitochondria"] < 0.7  # 0.55 was planted


def test_what_is_not_repaired_is_drawn_beside_the_disease_on_one_scale(tmp_path: Path) -> None:
    out = tmp_path / "left.svg"
    figure(DEMO, [PanelSpec("residual", "P1_B04_s1", {"WT": 1.0})], out, device="cpu")
    text = out.read_text(encoding="utf-8")
    assert (
        "What TT has not repaired" in text and "Original (DS)" in text and "Original (TT)" in text
    )
    assert "Restored by TT" in text and "of Mitochondria" in text
    with pytest.raises(LeighError, match="diseased image"):
        figure(DEMO, [PanelSpec("residual", _first("DS"), {"WT": 1.0})], out)


def _first(condition: str) -> str:
    dataset = open_project(DEMO).dataset
    assert dataset is not None
    return next(r.id for r in dataset.records if r.condition == condition)
