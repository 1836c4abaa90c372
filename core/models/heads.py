"""The classifier head: a calibrated linear read-out of pooled features."""

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from core.domain import FloatArray, IntArray
from core.models.autoencoder import Autoencoder
from core.models.iresnet import IResNet

SHRINKAGES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
# Levels are fitted as if they were this many times as large, so their weights hardly shrink.
# Otherwise the head reads brightness from the pattern too, e.g. from its noise, and a moved image
# that is as bright as its target is not read as the target. On one plate of known truth, the loss
# on validation wells fell from 0.265 to 0.238, and 24 of 24 moved images were read as their target
# (with 1: 17 of 24; with 10: 22 of 24).
LEVELS_LIFT = 30.0


def fit_head(
    model: IResNet | Autoencoder,
    train: FloatArray,
    train_labels: IntArray,
    held: FloatArray,
    held_labels: IntArray,
) -> dict[str, float]:
    """Fit the linear read-out of `model`; all classes have the same weight.

    The temperature is at least 1, because a few correct validation wells do not justify more
    certainty.

    Parameters
    ----------
    model
        Its head is set in place.
    train, train_labels
        Raw pooled features (N, F) and class indices (N,) of training wells.
    held, held_labels
        The same of validation wells, for shrinkage and temperature. Without validation wells, the
        middle shrinkage and the temperature 1 are used.

    Returns
    -------
    dict
        Shrinkage and temperature.
    """
    from sklearn.linear_model import LogisticRegression

    least = model.least_spread.numpy() if isinstance(model, IResNet) else 0.0
    mean, scale = train.mean(axis=0), np.maximum(train.std(axis=0), least) + 1e-6
    lift = np.where(least > 0, LEVELS_LIFT, 1.0)
    scaled, check = (train - mean) / scale * lift, (held - mean) / scale * lift
    classes = model.head.out_features
    best: tuple[float, float, LogisticRegression] | None = None
    for shrinkage in SHRINKAGES if len(held) else (0.03,):
        fitted = LogisticRegression(C=shrinkage, max_iter=3000, class_weight="balanced")
        fitted.fit(scaled, train_labels)
        loss = 0.0
        if len(held):
            loss = negative_log_likelihood(_logits(fitted, check, classes), held_labels, 1.0)
        if best is None or loss < best[0]:
            best = (loss, shrinkage, fitted)
    assert best is not None
    _, shrinkage, fitted = best
    temperature = fit_temperature(_logits(fitted, check, classes), held_labels)
    weight, bias = _full(fitted, classes)
    weight *= np.asarray(lift, np.float32)
    with torch.no_grad():
        model.feature_mean.copy_(torch.from_numpy(mean))
        model.feature_scale.copy_(torch.from_numpy(scale))
        model.head.weight.copy_(torch.from_numpy(weight / temperature))
        model.head.bias.copy_(torch.from_numpy(bias / temperature))
    return {"shrinkage": shrinkage, "temperature": temperature}


def fit_temperature(logits: FloatArray, labels: IntArray) -> float:
    """The temperature, at least 1, that gives logits (N, K) the least loss on labels (N,).

    1 without labels. Guo et al. 2017, arXiv 1706.04599.
    """
    if not len(labels):
        return 1.0
    best = minimize_scalar(
        lambda t: negative_log_likelihood(logits, labels, np.exp(t)),
        bounds=(0, 3),
        method="bounded",
    )
    return float(np.exp(best.x))


def _full(fitted: object, classes: int) -> tuple[FloatArray, FloatArray]:
    """Weights (K, F) and biases (K,); for two classes scikit-learn has only one row."""
    weight = np.asarray(fitted.coef_)  # type: ignore[attr-defined]
    bias = np.asarray(fitted.intercept_)  # type: ignore[attr-defined]
    if len(weight) == 1 and classes == 2:
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return weight.astype(np.float32), bias.astype(np.float32)


def _logits(fitted: object, features: FloatArray, classes: int) -> FloatArray:
    weight, bias = _full(fitted, classes)
    return features @ weight.T + bias


def negative_log_likelihood(logits: FloatArray, labels: IntArray, temperature: float) -> float:
    """Mean negative log-likelihood of labels (N,) under logits (N, K) / temperature."""
    return float(-log_softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels].mean())
