"""Saliency, integrated gradients, occlusion and Grad-CAM of the demo's own network, on pieces of
its images.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from core.attribution.methods import Question, Window, attribute, network_input, score_of
from core.attribution.occlusion import patched_occlusion, whole_occlusion
from core.counterfactual.engine import Engine
from core.domain import METHODS, AttributionRequest
from core.errors import LeighError
from core.io.read_verified import read_verified
from core.io.resources import resource
from core.progress import Cancelled, silent

SIDE = 48


@pytest.fixture(scope="module")
def session():
    return Engine(resource("demo"), "cpu")


@pytest.fixture(scope="module")
def raw(session):
    dataset = session.project.dataset
    record = next(r for r in dataset.records if r.condition == "DS")
    return read_verified(dataset.root, record)[
        :, :SIDE, : SIDE + 4
    ]  # no multiple of eight: it is padded


def explained(session, raw, method, report=silent, **words):
    question = Question(method, "DS", "WT", **words)
    return attribute(session.model, session.card, raw, question, report)


@pytest.mark.parametrize("method", METHODS)
def test_a_map_is_as_large_as_the_image_and_finite(session, raw, method):
    found = explained(session, raw, method, window=Window(px=12))
    channels = 1 if method == "gradcam" else 3
    assert found.values.shape == (channels, *raw.shape[1:]) and found.values.dtype == np.float32
    assert np.isfinite(found.values).all() and found.values.any()


def test_integrated_gradients_sum_to_the_score_they_explain(session, raw):
    values = explained(session, raw, "integrated-gradients").values
    x, empty = network_input(session.model, session.card, raw)
    score = score_of(session.model, session.card, "DS", "WT")
    with torch.no_grad():
        wanted = float(score(x) - score(empty.expand_as(x)))
    assert (
        abs(values.sum() - wanted) < 0.05 * np.abs(values).sum()
        and abs(values.sum() - wanted) < 0.05
    )


@pytest.mark.parametrize("side", (7, 12))
def test_occlusion_of_what_a_window_reaches_is_that_of_whole_images(session, raw, side):
    x, empty = network_input(session.model, session.card, raw)
    score = score_of(session.model, session.card, "DS", "WT")
    fast, slow = (f(score, x, empty, side) for f in (patched_occlusion, whole_occlusion))
    assert float((fast - slow).abs().max()) < 1e-4 * float(slow.abs().max())


def test_occlusion_in_batches_is_that_of_one_window_at_a_time(session, raw):
    x, empty = network_input(session.model, session.card, raw[:, :32, :32])
    score = score_of(session.model, session.card, "DS", "WT")
    one, many = (whole_occlusion(score, x, empty, 16, batch=n) for n in (1, 16))
    assert torch.allclose(one, many, atol=1e-5)


class SecondStain(nn.Module):
    """Sees nothing but the mean of the second stain."""

    def __init__(self):
        super().__init__()
        self.last_stage = nn.Conv2d(3, 3, 1)

    def logits(self, x):
        mean = (self.last_stage(x)[:, 1:2] * 0 + x[:, 1:2]).mean(dim=(2, 3))
        return torch.cat([mean, -mean, mean * 0, mean * 0, mean * 0, mean * 0], dim=1)


@pytest.mark.parametrize("method", ("saliency", "integrated-gradients", "occlusion"))
def test_a_network_that_reads_one_stain_is_explained_by_that_stain(session, raw, method):
    question = Question(method, "DS", "WT", window=Window(px=12))
    values = attribute(SecondStain(), session.card, raw, question).values
    assert values[1].any() and not values[0].any() and not values[2].any()


def test_a_stop_ends_occlusion(session, raw):
    def report(progress):
        if progress.done > 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        explained(session, raw, "occlusion", report=report)


def test_a_window_is_given_in_micrometres_where_the_pixel_size_is_known(session, raw):
    assert Window(um=8.0).network_px(0.5, 1) == 16
    assert Window(um=8.0).network_px(0.5, 2) == 8
    assert Window(px=10).network_px(0.5, 2) == 5
    with pytest.raises(LeighError, match="no size"):
        Window(px=0).network_px(0.5, 1)


def test_an_image_is_not_explained_against_its_own_condition(session, raw):
    with pytest.raises(LeighError, match="DS already"):
        attribute(session.model, session.card, raw, Question("saliency", "DS", "DS"))


def test_a_downscaled_image_gets_a_map_of_its_own_size(session):
    raw = np.random.default_rng(0).uniform(100, 900, (3, 66, 71)).astype(np.uint16)
    card = replace(session.card, preprocessing=replace(session.card.preprocessing, downscale=2))
    found = attribute(session.model, card, raw, Question("saliency", "DS", "WT"))
    assert found.values.shape == raw.shape


def test_the_session_says_where_a_map_lies_and_how_long_it_took(session):
    record = next(r for r in session.project.dataset.records if r.condition == "DS")
    found = session.explain(AttributionRequest(record.id, "saliency", "WT"))
    assert (
        0 < found.settings["share_outside_cells"] < 1
        and 0 < found.settings["area_outside_cells"] < 1
    )
    assert found.settings["seconds"] > 0


@pytest.mark.parametrize("method", ["occlusion", "integrated-gradients"])
def test_a_long_explanation_says_how_much_time_is_left(session, raw, method):
    said = []
    explained(session, raw, method, window=Window(px=12), report=said.append)
    inside = [p for p in said if p.total > 1]
    assert len(inside) > 2 and inside[0].seconds_left is None
    assert all(p.seconds_left > 0 for p in inside[1:] if p.done < p.total)


def test_the_session_takes_the_side_of_the_window(session):
    record = next(r for r in session.project.dataset.records if r.condition == "DS")
    found = session.explain(AttributionRequest(record.id, "occlusion", "WT", window_um=26.0))
    assert found.settings["window_px"] == round(26.0 / session.project.dataset.pixel_size_um)
