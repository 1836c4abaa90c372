"""A blur is moved as fine detail, exactly as wells show it, where the network draws nothing."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from core.counterfactual.encode_decode import (
    Encoded,
    SourceImage,
    counterfactual,
    decode,
    detail_shift,
    encode,
    locked_mask,
)
from core.domain import Dataset, FloatArray, Mix, ModelCard, Precision, Project
from core.domain.model import BANDS
from core.io.project import create_project, open_project
from core.io.read_field import read_record
from core.io.tiff import write_tiff
from core.models.iresnet import IResNet
from core.workflows.project import load_model
from core.workflows.train import TrainOptions, train

SHARP, SOFT, BLURRED = "WT", "DS", 1  # conditions, and the channel that is blurred in DS
TO_SOFT = Mix({SOFT: 1.0})


@pytest.fixture(scope="module")
def blurred_project(
    scanned_project: Project, tiny: str, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """Wild-type images, half of each well blurred in one channel and called DS; trained."""
    folder = tmp_path_factory.mktemp("blurred")
    source = scanned_project.dataset
    assert source is not None
    records = []
    for n, record in enumerate(source.of([SHARP, "TT"]).records):
        raw = read_record(source.root, record).astype(np.float32)
        condition = (SHARP, SOFT)[n % 2]
        if condition == SOFT:
            raw[BLURRED] = gaussian_filter(raw[BLURRED], 1.2)
        name = f"{condition}/{n}.ome.tif"
        (folder / "images" / condition).mkdir(parents=True, exist_ok=True)
        write_tiff(
            folder / "images" / name,
            raw.round().astype(np.uint16),
            channel_names=[c.name for c in source.channels],
        )
        records.append(
            replace(record, id=str(n), files=(name,), condition=condition, digest="", z="")
        )
    conditions = tuple(source.condition(name) for name in (SHARP, SOFT))
    dataset = replace(
        source, root=folder / "images", conditions=conditions, records=tuple(records), problems=()
    )
    create_project(folder / "project", dataset, "blurred")
    train(open_project(folder / "project"), TrainOptions(tiny, device="cpu"))
    return open_project(folder / "project")


Trained = tuple[ModelCard, IResNet, Dataset]


@pytest.fixture
def trained(blurred_project: Project) -> Trained:
    card, model = load_model(blurred_project, "cpu")
    assert blurred_project.dataset is not None
    return card, model, blurred_project.dataset


def encoded(trained: Trained, locked: tuple[str, ...] = ()) -> Encoded:
    card, model, dataset = trained
    record = next(r for r in dataset.records if r.condition == SHARP)
    raw = read_record(dataset.root, record)
    return encode(model, card, SourceImage(record.id, SHARP, raw, locked_mask(card, locked)))


def drawn_by_detail(card: ModelCard) -> ModelCard:
    gains = {name: dict.fromkeys(of, 0.0) for name, of in card.training["gains"].items()}
    return replace(card, training={**card.training, "gains": gains})


def test_training_finds_the_blur_in_its_channel_alone(trained: Trained) -> None:
    shift = np.array(trained[0].training["detail_shifts"][SHARP][SOFT])
    assert shift.shape == (BANDS, 3) and shift[0, BLURRED] < -0.3
    assert not np.delete(shift, BLURRED, axis=1).any()


def test_the_calibration_leaves_the_blur_to_the_detail(trained: Trained) -> None:
    card = trained[0]
    assert card.training["gains"][SHARP][SOFT] == 0 and not card.draws(SHARP, SOFT)


def test_the_picture_comes_out_blurred(trained: Trained) -> None:
    card, model, _ = trained
    item = encoded(trained)
    moved = counterfactual(model, drawn_by_detail(card), item, TO_SOFT)
    truth = item.image.raw.astype(np.float64).copy()
    truth[BLURRED] = gaussian_filter(truth[BLURRED], 1.2)
    change, wanted = moved.difference[BLURRED], (truth - item.image.raw)[BLURRED]
    assert np.corrcoef(change.ravel(), wanted.ravel())[0, 1] > 0.8
    assert 0.6 < (change * wanted).sum() / (wanted**2).sum() < 1.4


def _detail(trained: Trained, image: FloatArray, item: Encoded) -> FloatArray:
    import torch

    model = trained[1]
    assert model.levels is not None
    pattern, _ = model.split(torch.from_numpy(image)[None])
    found: FloatArray = (model.levels.detail(pattern) - model.levels.detail(item.pattern)).numpy()
    return found[0]


def test_half_the_strength_is_half_the_way_and_none_is_none(trained: Trained) -> None:
    card, model, _ = trained
    item, card = encoded(trained), drawn_by_detail(card)
    whole = detail_shift(card, SHARP, TO_SOFT)
    assert np.array_equal(decode(model, card, item, Mix({SOFT: 1.0}, 0.0)), item.back)
    for strength in (0.5, 1.0):
        image = decode(model, card, item, Mix({SOFT: 1.0}, strength))
        came = _detail(trained, image, item)[0, BLURRED] / whole[0, BLURRED]
        assert came == pytest.approx(strength, abs=0.15)


def test_a_held_stain_keeps_its_detail_and_a_preview_shows_it(trained: Trained) -> None:
    card, model, dataset = trained
    card = drawn_by_detail(card)
    held = encoded(trained, (dataset.channels[BLURRED].name,))
    assert not counterfactual(model, card, held, TO_SOFT).difference[BLURRED].any()
    item = encoded(trained)
    preview = decode(model, card, item, TO_SOFT, precision=Precision.PREVIEW)
    assert np.allclose(preview, decode(model, card, item, TO_SOFT), atol=1e-5)


def test_where_the_network_draws_detail_is_its_own(trained: Trained) -> None:
    card = trained[0]
    gains = {SHARP: {SOFT: 1.2}, SOFT: {SHARP: 1.2}}
    drawn = replace(card, training={**card.training, "gains": gains})
    assert not detail_shift(drawn, SHARP, TO_SOFT).any()
    assert detail_shift(drawn, SHARP, TO_SOFT, 0.0).any()
