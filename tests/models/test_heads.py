import numpy as np
import torch
from scipy.special import softmax

from core.data.logit_coordinates import coordinates_of, probabilities_of
from core.models.heads import fit_head
from core.models.iresnet import Architecture, IResNet


def test_semantic_coordinates_keep_the_posterior_exactly() -> None:
    logits = np.random.default_rng(0).normal(size=(20, 5)) * 3
    u = coordinates_of(logits)
    assert u.shape == (20, 4)
    assert np.allclose(probabilities_of(u), softmax(logits, axis=1), atol=1e-5)


def test_head_separates_what_is_separable_and_is_calibrated_on_noise() -> None:
    rng = np.random.default_rng(1)
    for classes in (2, 3):
        model = IResNet(Architecture(1, classes, (8, 8, 8), 2))
        width = model.velocity.feature_count
        truth = np.repeat(np.arange(classes), 60)
        centres = rng.normal(size=(classes, width)) * 2
        features = (centres[truth] + rng.normal(size=(len(truth), width))).astype(np.float32)
        fit_head(model, features[::2], truth[::2], features[1::2], truth[1::2])
        scaled = (features - model.feature_mean.numpy()) / model.feature_scale.numpy()
        with torch.no_grad():
            logits = model.head(torch.from_numpy(scaled.astype(np.float32))).numpy()
        assert (logits.argmax(axis=1) == truth).mean() > 0.95
        noise = rng.normal(size=features.shape).astype(np.float32)
        fit_head(model, noise[::2], truth[::2], noise[1::2], truth[1::2])
        with torch.no_grad():
            scaled = (noise[1::2] - model.feature_mean.numpy()) / model.feature_scale.numpy()
            belief = softmax(
                model.head(torch.from_numpy(scaled.astype(np.float32))).numpy(), axis=1
            )
        assert belief.max(axis=1).mean() < 0.75  # nothing to know, so no certainty


def test_brightness_is_read_from_the_levels_not_from_the_pattern() -> None:
    rng = np.random.default_rng(2)
    model = IResNet(Architecture(1, 2, (8, 8, 8), 2, levels=True))
    width, truth = model.velocity.feature_count, np.repeat([0, 1], 60)
    gain = truth - 0.5 + 0.2 * rng.normal(size=120)
    echoes = gain[:, None] + 0.4 * rng.normal(size=(120, width))  # e.g. the noise of dim images
    features = np.column_stack([echoes, np.zeros(120), gain]).astype(np.float32)
    fit_head(model, features[::2], truth[::2], features[1::2], truth[1::2])
    moved = features[truth == 0].copy()
    moved[:, -1] += 1  # as bright as the other condition, with the echoes of its own
    scaled = (moved - model.feature_mean.numpy()) / model.feature_scale.numpy()
    with torch.no_grad():
        named = model.head(torch.from_numpy(scaled.astype(np.float32))).numpy().argmax(axis=1)
    assert named.mean() > 0.9
