"""The objective of each network: draws a random batch and returns the losses of the batch.

"loss" is minimised, everything else is reported. The same random generator gives the same batch.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.data.batches import FieldStore, balanced_indices
from core.domain import BoolArray, FloatArray, IntArray
from core.models.autoencoder import Autoencoder
from core.models.iresnet import IResNet
from core.models.resnext import ResNeXt
from core.models.velocity import free_planes
from core.training import losses
from core.training.half_precision import half_precision

Losses = dict[str, Tensor]

# 0.5 made blocks at the noise end expand twelvefold, with no better accuracy.
CLASSIFIER_WEIGHT = 0.1
# Mean and spread of logit(t): shapes are decided in strong noise, so strong noise is drawn often.
TIMES, CLIPPED = (0.5, 1.5), (0.015, 0.985)
# A single channel cannot be locked, so its latents are nearly all noise (NOISE_OF_ONE_STAIN). In 90
# drags on ternary planes of six shapes of real nuclei, 70 % landed in the region under the handle;
# with TIMES, 53 % did.
TIMES_OF_ONE_STAIN, CLIPPED_OF_ONE_STAIN = (1.5, 1.5), (0.015, 0.99)
LIKELY_SHARE = 0.36  # of a batch: locks the channels that the program locks automatically
ANY_SHARE = 0.25  # of a batch: locks any choice of channels
SMOOTHING = 0.05  # of labels: a network quickly overfits a few wells
# Weight of the divergence relative to the squared error, both in units of the network's input
# (spread 0.5). A decoder with Gaussian noise of variance s needs the weight 2 s (Kingma and Welling
# 2014, eq. 10); s is about the final squared error, 0.005.
BETA = 0.01


@dataclass(frozen=True)
class Labelled:
    """Fields with class indices; draws balanced batches of crops."""

    store: FieldStore
    labels: IntArray

    def draw(self, count: int, rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
        """Crops (N, C, crop, crop) and their class indices (N,)."""
        index = balanced_indices(self.labels, count, rng)
        return self.store.crops(index, rng), self.labels[index]


@dataclass(frozen=True)
class FlowMatching:
    """The i-ResNet learns the velocity from image to noise, and to classify conditions.

    `locks` (choices, C) are the choices of locked channels that are trained most.
    """

    fields: Labelled
    batch: int
    locks: BoolArray | None = None

    def __call__(self, model: IResNet, rng: np.random.Generator) -> Losses:
        """Flow-matching loss plus a little cross-entropy of the pooled encoder features."""
        crops, labels = self.fields.draw(self.batch, rng)
        stains, device = crops.shape[1], next(model.parameters()).device
        times = _draw_times(rng, self.batch, stains, model.architecture.t_image)
        shape = (self.batch, 4 * stains, crops.shape[2] // 2, crops.shape[3] // 2)
        n = _draw_noise(rng, shape, device)
        locked = torch.from_numpy(draw_locks(rng, self.batch, stains, self.locks)).to(device)
        c, t = torch.from_numpy(labels).to(device), torch.from_numpy(times).to(device)
        x = model.squeeze(torch.from_numpy(crops).to(device))  # N 4C H/2 W/2
        x = x.contiguous(memory_format=torch.channels_last)
        free = free_planes(locked)
        with half_precision(device):
            v, features = model.velocity(losses.interpolate(x, n, t, free), t, c, locked)
        flow = losses.flow_matching(v.float(), x, n, free)
        logits = model.classify_pattern(features.float())
        entropy = losses.cross_entropy_of_noisy(logits, c, t)
        clear = t < 0.3
        return {
            "loss": flow + CLASSIFIER_WEIGHT * entropy,
            "flow": flow,
            "cross_entropy": entropy,
            "accuracy": losses.accuracy(logits[clear], c[clear]),
        }


@dataclass(frozen=True)
class Classification:
    """A ResNeXt learns to name conditions."""

    fields: Labelled
    batch: int

    def __call__(self, model: ResNeXt, rng: np.random.Generator) -> Losses:
        """Cross-entropy with smoothed labels, and the share of crops named correctly."""
        x, c = _on_device(self.fields.draw(self.batch, rng), model)
        with half_precision(x.device):
            logits = model.logits(x).float()
        entropy = losses.cross_entropy(logits, c, SMOOTHING)
        return {"loss": entropy, "accuracy": losses.accuracy(logits, c)}


@dataclass(frozen=True)
class Reconstruction:
    """An autoencoder learns to reconstruct images; if variational, also a normal latent."""

    fields: Labelled
    batch: int
    beta: float = BETA

    def __call__(self, model: Autoencoder, rng: np.random.Generator) -> Losses:
        """Squared error per pixel; if variational, plus beta times the divergence per pixel."""
        x, _ = _on_device(self.fields.draw(self.batch, rng), model)
        generator = torch.Generator(x.device).manual_seed(int(rng.integers(2**63)))
        with half_precision(x.device):
            mean, log_variance = model.distribution(x)
            if log_variance is None:
                error = losses.squared_error(x, model.decode(mean).float())
                return {"loss": error, "reconstruction": error}
            mean, log_variance = mean.float(), log_variance.float()
            n = torch.randn(mean.shape, generator=generator, device=mean.device)
            drawn = model.decode(mean + (0.5 * log_variance).exp() * n).float()
        error = losses.squared_error(x, drawn)
        divergence = losses.divergence_from_normal(mean, log_variance) / x.numel()
        loss = error + self.beta * divergence
        return {"loss": loss, "reconstruction": error, "distance": divergence}


def draw_locks(
    rng: np.random.Generator, batch: int, stains: int, locks: BoolArray | None
) -> FloatArray:
    """(batch, stains) of 0 and 1: some rows lock one of `locks`, some a random choice, others none.

    A random choice locks between 1 and stains - 1 channels.
    """
    locked = np.zeros((batch, stains), np.float32)
    if stains == 1:
        return locked
    likely = int(LIKELY_SHARE * batch) if locks is not None and len(locks) else 0
    if locks is not None and likely:
        locked[:likely] = locks[rng.integers(len(locks), size=likely)]
    for row in locked[likely : likely + int(ANY_SHARE * batch)]:
        row[rng.permutation(stains)[: rng.integers(1, stains)]] = 1
    return rng.permutation(locked)


def _draw_times(rng: np.random.Generator, count: int, stains: int, t_image: float) -> FloatArray:
    """Times (N,), logit-normal (Esser et al. 2024, arXiv 2403.03206, section 3.1), clipped.

    An eighth of the times is `t_image`, at which the classifier reads images.
    """
    is_single = stains == 1
    mean, spread = TIMES_OF_ONE_STAIN if is_single else TIMES
    t = 1 / (1 + np.exp(-rng.normal(mean, spread, size=count)))
    t[: max(1, count // 8)] = t_image
    return np.clip(t, *(CLIPPED_OF_ONE_STAIN if is_single else CLIPPED)).astype(np.float32)


def _draw_noise(rng: np.random.Generator, shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Normal noise; a GPU draws the noise from a seed of `rng`, which is faster than copying."""
    if device.type == "cpu":
        return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))
    own = torch.Generator(device).manual_seed(int(rng.integers(2**63)))
    return torch.randn(shape, generator=own, device=device)


def _on_device(
    batch: tuple[FloatArray, IntArray], model: Autoencoder | ResNeXt
) -> tuple[Tensor, Tensor]:
    device = next(model.parameters()).device
    x = torch.from_numpy(batch[0]).to(device).contiguous(memory_format=torch.channels_last)
    return x, torch.from_numpy(batch[1]).to(device)
