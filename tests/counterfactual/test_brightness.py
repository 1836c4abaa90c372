"""Brightness moves exactly, apart from the pattern, which moves only where it differs."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.cli.main import main
from core.counterfactual.encode_decode import (
    Encoded,
    SourceImage,
    counterfactual,
    decode,
    encode,
    locked_mask,
)
from core.counterfactual.pattern_difference import FEWEST_IMAGES, alike_in_pattern
from core.data.readouts import readout_names
from core.domain import Dataset, FloatArray, ImageRecord, Mix, ModelCard, Precision, Project
from core.domain.limits import LARGEST_GAIN
from core.errors import BadModel
from core.evidence.source import EvidenceSource
from core.io.models import CARD_FILE, load_card
from core.io.project import model_folder, open_project
from core.models.iresnet import IResNet
from core.workflows.demo import copy_demo
from core.workflows.measure import readouts_alone
from core.workflows.project import load_model, reader
from core.workflows.train import TrainOptions, train

Trained = tuple[ModelCard, IResNet, Dataset]
FACTOR, LIFT = 0.6, 0.2  # LIFT in units of the preprocessing's scale


@pytest.fixture(scope="module")
def split_project(
    scanned_project: Project, tiny: str, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A project whose network splits brightness off."""
    folder = tmp_path_factory.mktemp("split") / "project"
    shutil.copytree(scanned_project.folder, folder)
    project = open_project(folder)
    train(project, TrainOptions(tiny, device="cpu"))
    return open_project(folder)


@pytest.fixture
def trained(split_project: Project) -> Trained:
    """A card whose second channel is dimmer in WT, over a higher background; no pattern moves."""
    card, model = load_model(split_project, "cpu")
    channels = len(card.channels)
    shift = np.zeros((2, channels))
    shift[:, 1] = LIFT, np.log(FACTOR)
    gains = {**card.training["gains"], "DS": {"WT": 0.0, "TT": 0.0}}
    shifts = {"level_shifts": {"DS": {"WT": shift.tolist()}}, "detail_shifts": {}}
    training = {**card.training, **shifts, "gains": gains}
    assert split_project.dataset is not None
    return replace(card, training=training), model, split_project.dataset


def encoded(trained: Trained, locked: tuple[str, ...] = ()) -> Encoded:
    card, model, dataset = trained
    record = next(r for r in dataset.records if r.condition == "DS")
    image = SourceImage(record.id, "DS", reader(dataset)(record), locked_mask(card, locked))
    return encode(model, card, image)


def test_brightness_comes_out_exactly_and_nothing_else_moves(trained: Trained) -> None:
    card, model, _ = trained
    item = encoded(trained)
    result = counterfactual(model, card, item, Mix({"WT": 1.0}))
    scale, offset = card.preprocessing.scale[1], card.preprocessing.offset[1]
    low = offset + scale * float(item.levels[0, 0, 1])
    expected = low + scale * LIFT + FACTOR * (item.image.raw[1] - low)
    assert np.allclose(result.image[1], expected, atol=1e-4 * card.preprocessing.span[1])
    assert not result.difference[[0, 2]].any()
    assert result.brightness == pytest.approx((1, FACTOR, 1))
    assert result.background == pytest.approx((0, scale * LIFT, 0))
    names = [c.name for c in card.channels]
    words = result.brightness_words(names)
    assert f"{names[1]} 40% dimmer" in words and words.endswith("; pattern stays")


def test_half_the_strength_is_half_the_way_and_mixes_share(trained: Trained) -> None:
    card, model, _ = trained
    item = encoded(trained)
    half = counterfactual(model, card, item, Mix({"WT": 1.0}, 0.5))
    mixed = counterfactual(model, card, item, Mix({"WT": 0.5, "TT": 0.5}))
    assert half.brightness[1] == pytest.approx(np.sqrt(FACTOR))
    assert mixed.brightness == pytest.approx(half.brightness)
    assert np.allclose(mixed.image, half.image, atol=1e-3 * card.preprocessing.span[1])


def test_a_locked_channel_keeps_its_brightness(trained: Trained) -> None:
    card, model, _ = trained
    name = card.channels[1].name
    result = counterfactual(model, card, encoded(trained, (name,)), Mix({"WT": 1.0}))
    assert not result.difference.any() and result.brightness == (1.0, 1.0, 1.0)


def test_a_preview_moves_brightness_as_the_picture_does(trained: Trained) -> None:
    card, model, _ = trained
    item = encoded(trained)
    mix = Mix({"WT": 1.0})
    preview = decode(model, card, item, mix, precision=Precision.PREVIEW)
    assert np.allclose(preview, decode(model, card, item, mix), atol=1e-3)


def test_a_model_of_before_moves_brightness_with_the_pattern(tmp_path: Path) -> None:
    demo_project = copy_demo(tmp_path / "demo")
    card, model = load_model(demo_project, "cpu")
    assert model.levels is None and demo_project.dataset is not None
    record = demo_project.dataset.records[0]
    image = SourceImage(record.id, record.condition, reader(demo_project.dataset)(record))
    target = next(n for n in card.condition_names if n != record.condition)
    result = counterfactual(model, card, encode(model, card, image), Mix({target: 1.0}))
    assert result.valid and result.difference.any() and result.brightness == ()


def test_conditions_that_differ_in_brightness_alone_are_alike_in_pattern(
    trained: Trained,
) -> None:
    card, model, dataset = trained
    records = [r for r in dataset.records if r.condition == "DS"]
    copies = [
        replace(r, id=f"{r.id}-{c}", condition=c, group=f"{r.group}-{i % 2}")
        for i in range(FEWEST_IMAGES)
        for r in [records[i % len(records)]]
        for c in "ABC"
    ]
    read = reader(dataset)
    by_id = {r.id: r for r in records}

    def changed(record: ImageRecord) -> FloatArray:
        raw = read(by_id[record.id.rpartition("-")[0]]).astype(np.float32)
        if record.condition == "B":
            raw = 100 + 0.5 * (raw - 100)
        if record.condition == "C":
            raw = raw + np.random.default_rng(0).normal(0, raw.std(), raw.shape)
        return raw.astype(np.float32)

    alike = alike_in_pattern(model, card, copies, changed)
    assert frozenset("AB") in alike
    assert frozenset("AC") not in alike and frozenset("BC") not in alike
    assert alike_in_pattern(model, card, copies[:30], changed) == set()  # too few to say


def test_a_network_that_need_not_draw_is_not_blamed_for_drawing_badly(trained: Trained) -> None:
    """Only the brightness differs from DS to WT; how well patterns are drawn says nothing there."""
    bad = {"generative": {"accuracy": 0.4, "chance": 0.33, "above_chance": False}}
    card = replace(trained[0], accuracy=bad)
    assert not card.draws("DS", "WT") and card.draws("WT", "TT") and card.draws("DS", "TT")
    project = trained[2]
    blank = np.zeros((len(project.records), 1))
    readouts = {r.id: np.zeros(len(readout_names()) * len(card.channels)) for r in project.records}
    real = readouts_alone(project.records, card, readouts)
    source = EvidenceSource("", card, None, replace(real, embedding=blank))
    assert source.doubt and not source.direction("DS", "WT").doubt
    assert source.direction("WT", "TT").doubt == source.doubt


@pytest.mark.parametrize("shift", [[[0.0]], [[0.0] * 3], "far", [[0.0] * 3, [1e999] * 3]])
@pytest.mark.parametrize("name", ["level_shifts", "detail_shifts"])
def test_a_damaged_shift_is_named(
    split_project: Project, tmp_path: Path, name: str, shift: object
) -> None:
    folder = model_folder(split_project, split_project.model)
    stored = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    stored["training"][name] = {"DS": {"WT": shift}}
    (tmp_path / CARD_FILE).write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(BadModel, match=name):
        load_card(tmp_path)


def test_a_baseline_cannot_split_brightness(scanned_project: Project, capsys) -> None:
    words = ["train", "--project", str(scanned_project.folder), "--model", "autoencoder"]
    assert main([*words, "--split-brightness", "--json"]) == 2
    assert "--split-brightness does not go with autoencoder" in capsys.readouterr().err


def test_a_calibration_at_its_limit_is_said_where_images_fall_short(trained: Trained) -> None:
    card, _, dataset = trained
    gains = {"DS": {"WT": LARGEST_GAIN, "TT": 1.0}}
    card = replace(card, training={**card.training, "gains": gains})
    readouts = {r.id: np.zeros(len(readout_names()) * len(card.channels)) for r in dataset.records}
    source = EvidenceSource("", card, None, readouts_alone(dataset.records, card, readouts))
    assert "may fall short of WT" in source.direction("DS", "WT").limit
    assert not source.direction("DS", "TT").limit and not source.direction("WT", "DS").limit
