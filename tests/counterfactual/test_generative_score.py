from dataclasses import replace

import numpy as np
import pytest

from core.counterfactual.generative_score import (
    SURE,
    _by_chance,
    generative_report,
    generative_scores,
)
from core.domain import Project
from core.models.iresnet import IResNet
from core.workflows.project import load_model, reader


@pytest.fixture
def model(trained_project: Project) -> IResNet:
    network: IResNet = load_model(trained_project, "cpu")[1]
    return network


def test_every_condition_gets_a_score_and_the_same_seed_the_same_scores(model: IResNet) -> None:
    x = (
        np.random.default_rng(0).normal(size=(3, 45, 50)).astype(np.float32)
    )  # sides that no multiple fits
    scores = generative_scores(model, x, seed=1)
    assert scores.shape == (3,) and (scores > 0).all()
    assert np.array_equal(scores, generative_scores(model, x, seed=1))


def test_an_image_of_pure_noise_is_predicted_worse_than_a_real_one(model: IResNet) -> None:
    smooth = np.zeros((3, 48, 48), np.float32)
    noise = np.random.default_rng(0).normal(size=(3, 48, 48)).astype(np.float32)
    assert generative_scores(model, noise).min() > generative_scores(model, smooth).min()


@pytest.mark.parametrize(
    ("named", "above"),
    [("aaaaabbbbb", True), ("ababababab", False), ("aaaaaaaaaa", False), ("bbbbbaaaaa", False)],
)
def test_names_above_chance_are_told_from_guesses(named: str, above: bool) -> None:
    chance, p = _by_chance(list("aaaaabbbbb"), list(named), 0)
    assert (p <= SURE) is above and chance == pytest.approx(0.5, abs=0.02)
    assert _by_chance(["a", "b"], ["a", "b"], 0)[1] > SURE  # two images prove nothing


def test_the_second_opinion_counts_held_out_images_only(trained_project: Project) -> None:
    dataset = trained_project.dataset
    card, network = load_model(replace(trained_project, dataset=dataset), "cpu")
    reported = generative_report(network, card, dataset.records, reader(dataset))
    held = [r.id for r in dataset.records if card.split[r.group] == "test"]
    assert reported["records"] == len(held) and set(reported["unlike"]) <= set(held)
    assert 0 <= reported["accuracy"] <= 1 and reported["above_chance"] in (True, False)
    none = generative_report(
        network, card, [r for r in dataset.records if r.id not in held], reader(dataset)
    )
    assert none["accuracy"] is None
