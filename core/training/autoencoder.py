"""An autoencoder learns to draw images again; afterwards, where each condition lies in its latent,
and to name it.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.domain import FloatArray, IntArray, Split
from core.models.autoencoder import Autoencoder
from core.models.heads import fit_head
from core.training.trainer import Loss, Values

# Weight of the variational distance beside the squared error, both in units of the network's input
# (spread 0.5). A decoder of Gaussian noise of variance s asks for 2 s (eq. 10); s is about the
# squared error that is reached, 0.005.
BETA = 0.01


def drawing_loss(model: Autoencoder, beta: float = BETA) -> Loss:
    """Mean squared error; where variational, plus beta times the Kullback-Leibler distance to a
    normal distribution.

    Both are per pixel and channel of the image (Kingma and Welling 2014, arXiv 1312.6114, eq. 10,
    divided by C H W).
    """

    def loss(x: Tensor, _: Tensor, noise: torch.Generator) -> Values:
        mean, log_variance = model.distribution(x)
        if log_variance is None:
            error = (model.decode(mean).float() - x).square().mean()
            return {"loss": error, "reconstruction": error}
        mean, log_variance = mean.float(), log_variance.float()
        drawn = torch.randn(mean.shape, generator=noise, device=mean.device)
        error = (
            (model.decode(mean + (0.5 * log_variance).exp() * drawn).float() - x).square().mean()
        )
        distance = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum() / x.numel()
        return {"loss": error + beta * distance, "reconstruction": error, "distance": distance}

    return loss


def read_out(
    model: Autoencoder, features: FloatArray, labels: IntArray, parts: Sequence[str]
) -> dict[str, float]:
    """Fit the logistic read-out on pooled latents (N, 2L), and keep the mean latent of every
    condition.

    `parts` are the Split values (N,): means and read-out are of training wells alone, shrinkage and
    temperature of validation wells. Every condition has training images, see core.data.split.
    """
    train, held = (np.array(parts) == part for part in (Split.TRAIN, Split.VALIDATION))
    means = features[:, : model.latent_means.shape[1]]
    for k in range(len(model.latent_means)):
        model.latent_means[k] = torch.from_numpy(means[train & (labels == k)].mean(axis=0)).to(
            model.latent_means
        )
    return fit_head(model, features[train], labels[train], features[held], labels[held])
