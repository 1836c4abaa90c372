from dataclasses import replace

import numpy as np
import pytest
import torch

from core.counterfactual.block_schedule import measure_inverse
from core.counterfactual.encode_decode import (
    FALLBACK_GAIN,
    Encoded,
    SourceImage,
    counterfactual,
    decode,
    encode,
    gain_of,
    locked_mask,
    read_logits,
    weight_vector,
)
from core.data.logit_coordinates import coordinates_of
from core.domain import Dataset, FloatArray, Mix, ModelCard, Project
from core.domain.limits import EXACT_TO
from core.errors import LeighError
from core.models.iresnet import IResNet
from core.workflows.project import load_model, reader

Trained = tuple[ModelCard, IResNet, Dataset]


@pytest.fixture
def trained(trained_project: Project) -> Trained:
    """Card, a network of its own and images."""
    dataset = trained_project.dataset
    assert dataset is not None
    return *load_model(replace(trained_project, dataset=dataset), "cpu"), dataset


def encoded(trained: Trained, condition: str = "DS") -> Encoded:
    card, model, dataset = trained
    record = next(r for r in dataset.records if r.condition == condition)
    return encode(model, card, SourceImage(record.id, condition, reader(dataset)(record)))


def spoil(model: IResNet) -> None:
    """Scale the last layer until no block is a contraction."""
    with torch.no_grad():
        model.velocity.leave.weight.mul_(60.0)


def test_strength_zero_is_the_original_to_the_grey_level(trained: Trained) -> None:
    card, model, _ = trained
    item = encoded(trained)
    result = counterfactual(model, card, item, Mix({"WT": 1.0}, 0.0))
    assert np.array_equal(result.image, item.image.raw) and np.array_equal(
        result.original, item.image.raw
    )
    assert not result.difference.any() and result.clipped == 0 and result.valid
    assert np.allclose(result.coordinates, coordinates_of(read_logits(model, item.x)))


def test_a_tiny_strength_changes_next_to_nothing_and_a_large_one_more(trained: Trained) -> None:
    card, model, _ = trained
    item = encoded(trained)
    sizes = [
        float(np.abs(counterfactual(model, card, item, Mix({"WT": 1.0}, s)).difference).max())
        for s in (0.001, 0.5, 1.0)
    ]
    assert 0 < sizes[0] < 0.02 * sizes[2] and sizes[1] < sizes[2]


def test_the_difference_is_the_counterfactual_minus_the_original(trained: Trained) -> None:
    card, model, _ = trained
    result = counterfactual(model, card, encoded(trained), Mix({"WT": 1.0}, 1.0))
    assert result.valid and np.abs(result.difference).max() > 1
    assert np.allclose(result.image - result.original, result.difference, atol=1e-3)
    assert result.image.shape == (3, 48, 48)
    assert result.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert (result.source, result.target) == ("DS", "WT")


def test_the_round_trip_is_far_below_a_quarter_grey_level(trained: Trained) -> None:
    item = encoded(trained)
    assert item.failure == ""
    assert 0 < item.roundtrip_error < EXACT_TO / 10
    assert EXACT_TO < 1 / 1020 + 1e-9
    assert np.abs(item.back - item.x).max() < 1e-4


def test_a_network_that_cannot_be_inverted_shows_its_reason_and_no_change(trained: Trained) -> None:
    card, model, dataset = trained
    spoil(model)
    item = encoded(trained)
    assert "block at t" in item.failure
    result = counterfactual(model, card, item, Mix({"WT": 1.0}, 1.0))
    assert not result.valid and result.reason == item.failure
    assert not result.difference.any() and np.array_equal(result.image, item.image.raw)
    with pytest.raises(LeighError, match="could not be inverted"):
        measure_inverse(model, card, dataset.records[:2], reader(dataset))


def test_a_round_trip_that_is_not_a_number_is_a_failure(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, model, _ = trained
    item = encoded(trained)
    broken = torch.full((1, 3, 48, 48), float("nan"))
    monkeypatch.setattr(model, "decode", lambda z, mixture, held=None, times=(): broken)
    assert item.failure == "" and "round-trip error" in encoded(trained).failure


def test_a_strength_beyond_numbers_is_refused_not_drawn(trained: Trained) -> None:
    card, model, _ = trained
    result = counterfactual(model, card, encoded(trained), Mix({"WT": 1.0}, 1e38))
    assert not result.valid and "not a number" in result.reason
    assert not result.difference.any()


def test_unknown_targets_are_refused_with_the_names_the_model_knows(trained: Trained) -> None:
    card, model, _ = trained
    with pytest.raises(LeighError, match=r"Drug Z.*WT, DS, TT"):
        counterfactual(model, card, encoded(trained), Mix({"Drug Z": 1.0}, 1.0))


def test_weights_are_normalised_and_must_be_positive(trained: Trained) -> None:
    card = trained[0]
    assert weight_vector(card, Mix({"WT": 3.0, "TT": 1.0})).tolist() == [0.75, 0.0, 0.25]
    for wrong in ({}, {"WT": 0.0}, {"WT": 2.0, "TT": -1.0}, {"WT": float("nan")}):
        with pytest.raises(LeighError, match="positive"):
            weight_vector(card, Mix(wrong))


def test_a_mixed_target_lies_between_the_pure_ones(trained: Trained) -> None:
    card, model, _ = trained
    item = encoded(trained)

    def moved(weights: dict[str, float]) -> FloatArray:
        return decode(model, card, item, Mix(weights, 0.2)) - item.back

    pure, mixed = moved({"WT": 1.0}) + moved({"TT": 1.0}), 2 * moved({"WT": 0.5, "TT": 0.5})
    assert np.abs(pure - mixed).max() < 0.1 * np.abs(pure).max()


def test_clipped_pixels_are_counted(trained: Trained) -> None:
    card, model, _ = trained
    item = encoded(trained)
    white = np.full_like(item.image.raw, 65535)
    bright = replace(item, image=replace(item.image, raw=white))
    result = counterfactual(model, card, bright, Mix({"WT": 1.0}, 1.0))
    assert result.clipped == pytest.approx(float((result.difference > 0.5).mean()), abs=0.02)
    assert result.clipped > 0.1
    numbers = item.image.raw.astype(np.float32)
    floats = replace(item, image=replace(item.image, raw=numbers))
    assert (
        counterfactual(model, card, floats, Mix({"WT": 1.0}, 1.0)).clipped == 0
    )  # floats have no limits


def test_held_stains_stay_exactly_what_they_are(trained: Trained) -> None:
    card, model, dataset = trained
    record = next(r for r in dataset.records if r.condition == "DS")
    raw = reader(dataset)(record)
    image = SourceImage(record.id, "DS", raw, locked_mask(card, ["Nuclei"]))
    item = encode(model, card, image)
    result = counterfactual(model, card, item, Mix({"WT": 1.0}, 1.0))
    assert result.valid and result.locked == ("Nuclei",)
    assert np.array_equal(result.image[0], raw[0]) and not result.difference[0].any()
    assert np.abs(result.difference[1:]).max() > 1
    assert item.roundtrip_error < EXACT_TO


def test_a_hold_that_makes_no_sense_is_refused(trained: Trained) -> None:
    card = trained[0]
    with pytest.raises(LeighError, match="no channel Lysosomes"):
        locked_mask(card, ["Lysosomes"])
    with pytest.raises(LeighError, match="All channels are held"):
        locked_mask(card, [c.name for c in card.channels])


def test_a_block_that_hardly_contracts_is_refused(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.counterfactual.encode_decode.LARGEST_CONTRACTION", 0.01)
    card, model, _ = trained
    item = encoded(trained)
    assert "contracts by" in item.failure
    assert not counterfactual(model, card, item, Mix({"WT": 1.0}, 1.0)).valid


def test_the_calibrated_gain_of_a_blend_is_between_those_of_its_targets(trained: Trained) -> None:
    card = replace(trained[0], training={"gains": {"DS": {"WT": 1.0, "TT": 2.0}}})
    assert gain_of(card, "DS", Mix({"WT": 1.0})) == 1.0
    assert gain_of(card, "DS", Mix({"WT": 0.5, "TT": 0.5})) == 1.5
    assert gain_of(card, "WT", Mix({"DS": 1.0})) == FALLBACK_GAIN
