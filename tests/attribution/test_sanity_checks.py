"""Checks of attributions: where they lie, what their pixels do, whether they depend on what was
learned.
"""

import numpy as np
import pytest
import torch

from core.attribution.methods import Question, attribute, network_input, score_of
from core.attribution.sanity_checks import (
    STAGES,
    cell_mask,
    deletion_insertion,
    randomised,
    share_outside,
    similarity,
)
from core.counterfactual.engine import Engine
from core.io.read_verified import read_verified
from core.io.resources import resource
from core.synthetic.cells import HEALTHY, render


@pytest.fixture(scope="module")
def session():
    return Engine(resource("demo"), "cpu")


@pytest.fixture(scope="module")
def raw(session):
    dataset = session.project.dataset
    record = next(
        r for r in dataset.records if r.condition == "DS" and session.card.part_of(r) == "test"
    )
    return read_verified(dataset.root, record)[:, :64, :64]


def test_cells_are_found_and_an_empty_field_has_none(session, raw):
    cells = cell_mask(raw, session.card.preprocessing, 0.65)
    assert 0.1 < cells.mean() < 0.9
    signal = raw.astype(float).sum(axis=0)
    assert signal[cells].mean() > 1.5 * signal[~cells].mean()
    assert not cell_mask(np.full_like(raw, 100), session.card.preprocessing, 0.65).any()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_alone_is_no_cell(session, seed):
    assert not cell_mask(render(seed, HEALTHY, 96, ()), session.card.preprocessing, 0.65).any()


def test_cells_are_found_where_one_stain_outshines_the_others(session):
    """As in real images: dim bodies of all degrees beside bright ones, little noise."""
    image = np.random.default_rng(0).normal(100, 3, (3, 96, 96))
    image[2, :, 15:] += np.linspace(0, 400, 81)
    image[1, 20:80, 72:] += 300
    cells = cell_mask(image, session.card.preprocessing, 0.65)
    assert cells[20:80, 72:].all() and not cells[:, :12].any()


def test_the_share_outside_cells_is_that_of_the_size_of_the_values():
    cells = np.array([[True, False]])
    assert share_outside(np.array([[[3.0, -1.0]]]), cells) == pytest.approx(0.25)
    assert share_outside(np.zeros((1, 1, 2)), cells) == 0.0


def test_deleting_the_pixels_that_matter_first_is_seen_sooner_than_the_others_first(session, raw):
    x, empty = network_input(session.model, session.card, raw)
    score, own = (
        score_of(session.model, session.card, "DS", "WT"),
        session.card.condition_names.index("DS"),
    )
    size = np.abs(
        attribute(
            session.model, session.card, raw, Question("integrated-gradients", "DS", "WT")
        ).values
    )
    deleted, inserted = deletion_insertion(score, own, x, empty, size)
    late, early = deletion_insertion(score, own, x, empty, size.max() - size)
    assert deleted < late and inserted > early


def test_randomisation_goes_from_the_top_down_and_leaves_the_network_alone(session, raw):
    before = {k: v.clone() for k, v in session.model.state_dict().items()}
    x, _ = network_input(session.model, session.card, raw)
    found = list(randomised(session.model, x))
    assert [share for share, _ in found] == list(STAGES)
    first, last = found[0][1], found[-1][1]
    assert not torch.equal(first.head.weight, session.model.head.weight)
    assert torch.equal(first.velocity.enter.weight, session.model.velocity.enter.weight)
    assert not torch.equal(last.velocity.enter.weight, session.model.velocity.enter.weight)
    assert all(torch.equal(v, before[k]) for k, v in session.model.state_dict().items())


def test_a_random_network_is_explained_otherwise(session, raw):
    x, _ = network_input(session.model, session.card, raw)
    *_, (_, other) = randomised(session.model, x)
    one, two = (
        attribute(n, session.card, raw, Question("saliency", "DS", "WT")).values
        for n in (session.model, other)
    )
    assert similarity(one, one) == pytest.approx(1.0)
    assert similarity(one, two) < 0.8
