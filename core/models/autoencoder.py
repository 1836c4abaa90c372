"""The autoencoder baseline: an image is reduced to a small latent and reconstructed with blur.

Plain, or variational with a weight beta on the distance to a normal distribution (Kingma and
Welling 2014, arXiv 1312.6114; Higgins et al. 2017). The autoencoder does not classify; a logistic
read-out of the pooled latent is fitted afterwards.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

SHRINKS = 8  # image pixels per latent pixel, along each side
LOG_VARIANCE = (-12.0, 6.0)  # limits that keep the exponential finite


@dataclass(frozen=True)
class AutoencoderSettings:
    """The settings that build the network; stored on the model card."""

    kind: str  # "autoencoder" | "variational-autoencoder"
    channels: int
    conditions: int
    width: int = 32  # planes of the largest maps; smaller maps have two and three times as many
    latent: int = 16  # L, planes of the latent


class Autoencoder(nn.Module):
    """Images (N, C, H, W) with sides that are multiples of 8 <-> latents (N, L, H/8, W/8).

    `feature_mean`, `feature_scale` and `head` are the read-out. `latent_means` (K, L) are the mean
    latents of the conditions. The network is fully convolutional.
    """

    feature_mean: Tensor
    feature_scale: Tensor
    latent_means: Tensor

    def __init__(self, settings: AutoencoderSettings) -> None:
        super().__init__()
        self.settings = settings
        self.variational = settings.kind == "variational-autoencoder"
        c, w, z = settings.channels, settings.width, settings.latent
        encoded = 2 * z if self.variational else z
        self.encoder = nn.Sequential(
            nn.Conv2d(c, w, 4, stride=2, padding=1), _Block(w),
            nn.Conv2d(w, 2 * w, 4, stride=2, padding=1), _Block(2 * w),
            nn.Conv2d(2 * w, 3 * w, 4, stride=2, padding=1), _Block(3 * w),
            nn.Conv2d(3 * w, encoded, 1),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Conv2d(z, 3 * w, 3, padding=1), _Block(3 * w),
            nn.Conv2d(3 * w, 4 * 2 * w, 1), nn.PixelShuffle(2), _Block(2 * w),
            nn.Conv2d(2 * w, 4 * w, 1), nn.PixelShuffle(2), _Block(w),
            nn.Conv2d(w, 4 * c, 3, padding=1), nn.PixelShuffle(2),
        )  # fmt: skip
        self.head = nn.Linear(2 * z, settings.conditions)
        self.register_buffer("feature_mean", torch.zeros(2 * z))
        self.register_buffer("feature_scale", torch.ones(2 * z))
        self.register_buffer("latent_means", torch.zeros(settings.conditions, z))

    def distribution(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Mean and log variance (None: plain) of the latent, each (N, L, H/8, W/8)."""
        encoded: Tensor = self.encoder(x)
        if not self.variational:
            return encoded, None
        mean, log_variance = encoded.chunk(2, dim=1)
        return mean, log_variance.clamp(*LOG_VARIANCE)

    def encode(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, L, H/8, W/8); the mean if the network is variational."""
        return self.distribution(x)[0]

    def decode(self, z: Tensor) -> Tensor:
        """(N, L, h, w) -> (N, C, 8h, 8w)."""
        image: Tensor = self.decoder(z)
        return image

    def features(self, x: Tensor) -> Tensor:
        """Mean and spread (N, 2L) of every plane of the latent, for images of any size."""
        down, right = (-side % SHRINKS for side in x.shape[-2:])
        z = self.encode(functional.pad(x, (0, right, 0, down), mode="replicate"))
        spread = (z.var(dim=(2, 3), correction=0) + 1e-6).sqrt()
        return torch.cat([z.mean(dim=(2, 3)), spread], dim=1)

    def classify(self, features: Tensor) -> Tensor:
        """(N, 2L) -> calibrated logits (N, K) of the read-out."""
        logits: Tensor = self.head((features - self.feature_mean) / self.feature_scale)
        return logits

    def logits(self, x: Tensor) -> Tensor:
        """Network input (N, C, H, W) -> calibrated logits (N, K) of the read-out."""
        return self.classify(self.features(x))

    forward = logits


class _Block(nn.Module):
    """A residual block: silu(x + conv(silu(norm(x))))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(_groups(width), width)
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        activated: Tensor = functional.silu(x + self.conv(functional.silu(self.norm(x))))
        return activated


def _groups(width: int) -> int:
    """Number of groups, with about eight planes per group."""
    return max(g for g in range(1, max(1, width // 8) + 1) if width % g == 0)
