"""Fit temperature, read-out and class means on whole fields, after a baseline was trained."""

from collections.abc import Sequence

import numpy as np
import torch

from core.domain import FloatArray, IntArray, Split
from core.models.autoencoder import Autoencoder
from core.models.heads import fit_head, fit_temperature
from core.models.resnext import ResNeXt


@torch.no_grad()
def set_temperature(model: ResNeXt, features: FloatArray, labels: IntArray) -> float:
    """Fit the temperature of the logits on pooled features (N, F) of whole validation fields.

    The temperature is at least 1.
    """
    pooled = torch.from_numpy(features).to(model.temperature.device)
    model.temperature.fill_(1.0)
    temperature = fit_temperature(model.classify(pooled).cpu().numpy(), labels)
    model.temperature.fill_(temperature)
    return temperature


def fit_read_out(
    model: Autoencoder, features: FloatArray, labels: IntArray, parts: Sequence[str]
) -> dict[str, float]:
    """Fit the logistic read-out on pooled latents (N, 2L), and the mean latent of each condition.

    `parts` are the Split values (N,). Means and read-out are fitted on training wells, shrinkage
    and temperature on validation wells. Every condition has training images, see core.data.split.
    """
    train, check = (np.array(parts) == part for part in (Split.TRAIN, Split.VALIDATION))
    means = features[:, : model.latent_means.shape[1]]
    for k in range(len(model.latent_means)):
        mean = means[train & (labels == k)].mean(axis=0)
        model.latent_means[k] = torch.from_numpy(mean).to(model.latent_means)
    return fit_head(model, features[train], labels[train], features[check], labels[check])
